"""Writes the first inputs of each fuzz target: `seeds.py FOLDER` fills FOLDER/TARGET, and
FOLDER/TARGET.dict with words that its inputs are made of.

For ONNX these are the cases of onnx.backend.test with at most 4 KiB, and the hand-made
files of test/hostile.
"""
import inspect
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("hostile", "e2e")]

LARGEST = 4096


def arrays():
    yield np.arange(6, dtype=np.int64).reshape(2, 3)
    yield np.ones((), np.float32)
    yield np.zeros((0, 4), np.float16)
    yield np.array([True, False])
    yield np.asfortranarray(np.ones((2, 2), np.uint8))


def npy():
    for array in arrays():
        file = io.BytesIO()
        np.save(file, array)
        yield file.getvalue()


def npz():
    for save in np.savez, np.savez_compressed:
        file = io.BytesIO()
        save(file, **{f"a{i}": array for i, array in enumerate(arrays())})
        yield file.getvalue()


def json():
    yield b'{"x": [[1, 2.5, -3e-4], [NaN, Infinity, -Infinity]], "ids": [0]}'
    yield b'{"a\\u00e9\\n": [], "b": [[], []], "c": [true, false]}'
    yield b"{}"


def constant():
    for text in b"0,1,-2", b"1e400,nan,-inf", b"true,false", b" 3 , 4 ", b"", b"0x1p-3":
        for kind in range(27):
            yield text + bytes([0, kind])


def ir():
    for path in sorted((Path(__file__).parents[1] / "dialects").glob("HT*/roundtrip.mlir")):
        for part in path.read_bytes().split(b"// -----"):
            yield part


def tokenizer():
    model = b'"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<0x41>":3},"merges":["a b"],"byte_fallback":true}'
    added = b'"added_tokens":[{"id":4,"content":"<s>","special":true},{"id":5,"content":"A b","lstrip":true}]'
    for regex in rb"(?i:a|b)+c{2,3}?[^\\s\\p{L}]*+(?<!x)(?=y)", rb"[a-z&&[^b]]|\\bx|\\s+(?!\\S)":
        yield b"{" + model + b"," + added + b',"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"Split",' \
            b'"pattern":{"Regex":"' + regex + b'"},"behavior":"Isolated"},"decoder":{"type":"Sequence","decoders":[' \
            b'{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}}'
    yield b'{"model":{"type":"Unigram","vocab":[["<unk>",0],["a",-1.5],["ab",-2]],"unk_id":0},"normalizer":{"type":' \
        b'"NFKC"},"pre_tokenizer":{"type":"Metaspace","replacement":"\xe2\x96\x81"}}'
    yield b"\n\x09\n\x05<unk>\x18\2\n\x08\n\1a\x15\0\0\x80\xbf\n\x09\n\2ab\x15\0\0\0\xc0\x12\2\x18\2"
    yield b"GGUF\3\0\0\0" + bytes(8) + b"\1" + bytes(7) + b"\x14" + bytes(7) + b"tokenizer.ggml.model\x08\0\0\0\4" + \
        bytes(7) + b"gpt2"


def tokenizer_form():
    """Compiled, where a compiler is there to do it; else only the beginning of one."""
    yield b"HTTOKEN\n\1\0\0\0"
    compiler = Path(__file__).parents[2] / "build/bin/halftone"
    for file in tokenizer() if compiler.exists() else ():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "in").write_bytes(file)
            done = subprocess.run([compiler, "tokenize", f"{folder}/in", "-o", f"{folder}/out"], capture_output=True)
            if done.returncode == 0:
                yield Path(folder, "out").read_bytes()


def chat():
    import chat_templates
    import jinja_corpus
    for template, *_ in chat_templates.FAMILIES.values():
        yield template.encode()
    for template in jinja_corpus.STATEMENTS:
        yield template.encode()
    for i in range(0, len(jinja_corpus.EXPRESSIONS), 10):
        yield "".join("{{ " + text + " }}" for text in jinja_corpus.EXPRESSIONS[i:i + 10]).encode()


def chat_form():
    """Compiled, where a compiler is there to do it; else only the beginning of one."""
    yield b"HTCHATF\n\1\0\0\0"
    compiler = Path(__file__).parents[2] / "build/bin/halftone"
    for file in chat() if compiler.exists() else ():
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "in.jinja").write_bytes(file)
            done = subprocess.run([compiler, "chat-template", f"{folder}/in.jinja", "-o", f"{folder}/out"],
                                  capture_output=True)
            if done.returncode == 0:
                yield Path(folder, "out").read_bytes()


def words_of_chat():
    """Names of filters, tests and methods: what the evaluator's files have in quotes."""
    folder = Path(__file__).parents[2] / "compiler/Import/Chat"
    return {word for path in folder.glob("Jinja*.cpp") for word in re.findall(r'"(\w{2,})"', path.read_text())}


def onnx():
    from onnx.backend.test.loader import load_model_tests
    for kind in "node", "simple":
        for case in load_model_tests(kind=kind):
            model = case.model.SerializeToString() if case.model else Path(case.model_dir, "model.onnx").read_bytes()
            if len(model) <= LARGEST:
                yield model
    import hostile_files
    for make, _, _ in hostile_files.CASES.values():
        if not inspect.signature(make).parameters and len(content := make()) <= LARGEST:
            yield content


def huggingface():
    from json import dumps
    import checkpoints
    for changes in {}, dict(model_type="mistral", sliding_window=3), dict(rope_scaling=dict(
            rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8)):
        config = checkpoints.TINY | dict(hidden_size=4, num_attention_heads=2, num_key_value_heads=1, vocab_size=3,
                                         intermediate_size=2, num_hidden_layers=1) | changes
        tensors = checkpoints.random_tensors(checkpoints.tiny_shapes(config))
        yield dumps(config).encode() + b"\0" + checkpoints.safetensors(*checkpoints.entries(tensors))


def gguf():
    """Small models of each architecture, and hostile ones."""
    import hostile_ggufs
    import llama2c
    from hostile_ggufs import F32, TEXT, U32, key, pack, tensor
    blocks = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 14: (256, 210)}
    names = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    for kind, (elements, size) in blocks.items():
        hidden = max(elements, 4)
        keys = [key("general.architecture", TEXT, "llama")] + [key(f"llama.{name}", U32, value) for name, value in {
            "context_length": 8, "embedding_length": hidden, "block_count": 1, "feed_forward_length": hidden,
            "attention.head_count": 2}.items()] + [key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)]
        shapes = {"output_norm": [hidden], "blk.0.attn_norm": [hidden], "blk.0.ffn_norm": [hidden]}
        shapes |= {f"blk.0.{name}": [hidden, hidden] for name in names} | {"token_embd": [hidden, 3]}
        infos, at = [], 0
        for name, shape in shapes.items():
            infos.append(tensor(f"{name}.weight", shape, 0 if len(shape) == 1 else kind, at))
            length = 4 * hidden if len(shape) == 1 else shape[0] // elements * size * shape[1]
            at += (length + 31) // 32 * 32
        if at <= 2 * LARGEST:
            yield pack(keys, infos, bytes(at))
    for make, _ in hostile_ggufs.CASES.values():
        if len(content := make()) <= LARGEST:
            yield content
    sizes = (4, 4, 1, 2, 1, 3, 4)
    for version, group in (0, None), (1, None), (2, 4):
        yield llama2c.pack(version, sizes, llama2c.random_tensors(sizes, True), True, group)


def words_of_gguf():
    """Architectures, keys and tensors: what the importer has in quotes."""
    folder = Path(__file__).parents[2] / "compiler/Import/GGUF"
    return {word for path in folder.glob("*.cpp") for word in re.findall(r'"([\w.]{3,})"', path.read_text())}


def words_of_ir():
    return {word for part in ir() for word in re.findall(r"[!#]?[a-z_][\w.]{2,}", re.sub("//.*", "", part.decode()))}


def words_of_huggingface():
    """Keys and values of configurations: what the families' files have in quotes."""
    families = Path(__file__).parents[2] / "compiler/Import/HuggingFace/Families"
    return {word for path in families.glob("*.cpp") for word in re.findall(r'"(\w{3,})"', path.read_text())}


def words_of_onnx():
    from onnx.defs import get_all_schemas
    return {word for schema in get_all_schemas() for word in (schema.name, *schema.attributes)}


TARGETS = {"npy": npy, "npz": npz, "json": json, "constant": constant, "ir": ir, "huggingface": huggingface, "gguf": gguf,
           "onnx": onnx, "tensors": lambda: [], "tokenizer": tokenizer, "tokenizer_form": tokenizer_form, "chat": chat,
           "chat_form": chat_form}

if __name__ == "__main__":
    for target, seeds in TARGETS.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for i, seed in enumerate(seeds()):
            (folder / f"seed{i}").write_bytes(seed)
    for target, words in {"ir": words_of_ir, "huggingface": words_of_huggingface, "gguf": words_of_gguf,
                          "onnx": words_of_onnx, "chat": words_of_chat}.items():
        Path(sys.argv[1], f"{target}.dict").write_text("".join(f'"{word}"\n' for word in sorted(words())))
