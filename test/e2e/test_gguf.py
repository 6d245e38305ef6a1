"""GGUF files as models: random weights of every architecture against transformers, quantized ones against the gguf
package bit by bit, a real model in all types against what numpy said of it; what is wrong with a file."""
import hashlib
import json
import re

import numpy as np
import pytest

import ggufs
from compare import relative_error
from decoders import CONTEXT, Sequence, check_logits, make_random, run_llama, run_torch
from halftone import FAILED, HALFTONE, USAGE, Library, compile_model, run
from places import SHARED
from test_huggingface import GEMMA, GPT2, GQA, HEAD, SMALL

DERIVED = SHARED / "data/gguf/derived"
#: Types of files, and what the weights are in programs.
FORMATS = {"F32": "model", "F16": "model", "BF16": "model", "Q4_1": "model"} | {
    f"Q{bits}_0": f"affine<i{bits}, blocks [1, 32], scale f16>" for bits in (4, 5, 8)}


def compile_file(path, *options):
    compile_model(path, path.with_suffix(".so"), "--max", f"batch=3,sequence={CONTEXT},context={CONTEXT}", *options)
    return Library(path.with_suffix(".so"))


# ---- architectures against transformers --------------------------------------------------------

#: A name, transformers' model_type and configuration.
MODELS = {
    "llama": ("llama", SMALL | GQA),
    "llama-tied-biased": ("llama", SMALL | HEAD | dict(tie_word_embeddings=True, attention_bias=True, mlp_bias=True)),
    "llama3": ("llama", SMALL | GQA | dict(rope_parameters=dict(
        rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32))),
    "llama-linear": ("llama", SMALL | dict(rope_parameters=dict(rope_type="linear", rope_theta=100.0, factor=4.0))),
    "mistral": ("mistral", SMALL | GQA | dict(sliding_window=5)),
    "mixtral": ("mixtral", SMALL | GQA | dict(num_local_experts=5, num_experts_per_tok=2, sliding_window=None)),
    "qwen2": ("qwen2", SMALL | GQA),
    "qwen2-yarn": ("qwen2", SMALL | GQA | dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16))),
    "qwen3": ("qwen3", SMALL | HEAD),
    "gemma": ("gemma", SMALL | HEAD),
    "gemma2": ("gemma2", GEMMA | dict(query_pre_attn_scalar=12, sliding_window=5, attn_logit_softcapping=2.0,
                                      final_logit_softcapping=3.0)),
    "gemma3": ("gemma3_text", GEMMA | dict(query_pre_attn_scalar=12, sliding_window=5, num_hidden_layers=6)),
    "phi3": ("phi3", SMALL | GQA),
    "phi3-window": ("phi3", SMALL | GQA | dict(sliding_window=7)),
    "phi3-long": ("phi3", SMALL | GQA | dict(
        max_position_embeddings=4 * CONTEXT, original_max_position_embeddings=CONTEXT, rope_parameters=dict(
            rope_type="longrope", rope_theta=1000.0, short_factor=[1.0, 1.5, 2.0, 2.5], long_factor=[4.0] * 4))),
    "gpt2": ("gpt2", GPT2),
    "gpt_neox": ("gpt_neox", SMALL),
    "gpt_neox-serial": ("gpt_neox", SMALL | dict(use_parallel_residual=False)),
    "stablelm": ("stablelm", SMALL | GQA | dict(use_qkv_bias=True, hidden_size=64)),
    "stablelm-parallel": ("stablelm", SMALL | GQA | dict(use_parallel_residual=True, hidden_size=64)),
}


def make_file(name, folder, **more):
    """A model of the table with random weights, and its file."""
    from safetensors.numpy import load_file
    kind, settings = MODELS[name]
    model = make_random(kind, settings, "AutoModelForCausalLM")
    model.save_pretrained(folder / "hf")
    path = folder / f"{name}.gguf"
    ggufs.write(path, kind, model.config, load_file(folder / "hf/model.safetensors"), **more)
    return model, path


@pytest.mark.peers
@pytest.mark.parametrize("name", MODELS)
def test_logits(name, tmp_path):
    model, path = make_file(name, tmp_path)
    tokens = np.random.default_rng().integers(3, 99, CONTEXT - 7).tolist()
    check_logits(compile_file(path), tokens, run_torch(model, tokens))


# ---- what the bytes are ----------------------------------------------------------------------------

def run_recipes(path, folder):
    """All weights of a file as f32, by the interpreter: what the recipes of an import give."""
    recipes, _, _ = compile_model(path, "-", "--compile-to=import").stdout.partition("  func.func")
    body, values, types, results = "", [], [], []
    for i, (name, shape, element) in enumerate(re.findall(r"ht\.weight @(\S+) : tensor<([\dx]+)x(\w+)>", recipes)):
        body += f"    %w{i} = ht.get_weight @{name} : tensor<{shape}x{element}>\n"
        if element != "f32":
            body += f"    %c{i} = ht.cast %w{i} : tensor<{shape}x{element}> to tensor<{shape}xf32>\n"
        values.append(f"%w{i}" if element == "f32" else f"%c{i}")
        types.append(f"tensor<{shape}xf32>")
        results.append(f'{types[-1]} {{ht.name = "{name}"}}')
    (folder / "weights.mlir").write_text(
        f'{recipes}  func.func @main(%x: tensor<1xi64> {{ht.name = "x"}}) -> ({", ".join(results)}) {{\n{body}'
        f'    return {", ".join(values)} : {", ".join(types)}\n  }}\n}}\n')
    np.savez(folder / "x.npz", x=np.zeros(1, np.int64))
    run([HALFTONE, "run", "--reference", folder / "weights.mlir", "--inputs", folder / "x.npz", "--outputs",
         folder / "weights.npz"])
    with np.load(folder / "weights.npz") as arrays:
        return dict(arrays)


def shared(name):
    path = DERIVED / f"stories260K-{name}.gguf"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path, json.loads((DERIVED / "goldens.json").read_text())[path.name]


@pytest.mark.parametrize("name", FORMATS)
def test_recipes(name, tmp_path):
    """Every tensor of a real file, bit by bit."""
    path, golden = shared(name)
    weights = run_recipes(path, tmp_path)
    assert weights.keys() == golden["dequant_sha256_f32"].keys()
    for tensor, want in golden["dequant_sha256_f32"].items():
        assert list(weights[tensor].shape) == want["shape"]
        assert hashlib.sha256(np.ascontiguousarray(weights[tensor]).tobytes()).hexdigest() == want["sha256"], tensor


def make_mixed(path, types):
    """A Llama of one layer with random blocks, each matrix of another type."""
    import gguf
    random = np.random.default_rng()
    hidden, inner, vocabulary = 256, 512, 40
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(hidden)
    writer.add_block_count(1)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(8)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    for name in "output_norm", "blk.0.attn_norm", "blk.0.ffn_norm":
        writer.add_tensor(f"{name}.weight", random.normal(1, 0.2, hidden).astype(np.float32))
    shapes = {"token_embd": (vocabulary, hidden), "blk.0.attn_q": (hidden, hidden), "blk.0.attn_k": (64, hidden),
              "blk.0.attn_v": (64, hidden), "blk.0.attn_output": (hidden, hidden), "blk.0.ffn_gate": (inner, hidden),
              "blk.0.ffn_up": (inner, hidden), "blk.0.ffn_down": (hidden, inner)}
    for i, (name, shape) in enumerate(shapes.items()):
        kind = gguf.GGMLQuantizationType[types[i % len(types)]]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        # f16s at the places where blocks have scales, and any codes.
        blocks = random.integers(0, 256, (shape[0], shape[1] // elements, size), np.uint8)
        for place in {"Q4_1": [0, 2], "Q5_1": [0, 2], "Q6_K": [208]}.get(kind.name, [0]):
            scales = random.normal(0, 0.02 if kind.name[:2] in ("Q4", "Q5") else 0.0005, blocks.shape[:2] + (1,))
            blocks[..., place:place + 2] = scales.astype(np.float16).view(np.uint8)
        writer.add_tensor(f"{name}.weight", blocks.reshape(shape[0], -1), raw_dtype=kind)
    ggufs.finish(writer)
    return path


@pytest.mark.parametrize("types", [["Q8_0", "Q4_0", "Q4_1"], ["Q5_0", "Q5_1", "Q6_K"]], ids="-".join)
def test_random_blocks(types, tmp_path):
    """Recipes of blocks of any bytes equal the gguf package's, and programs that keep them compute with these numbers."""
    path = make_mixed(tmp_path / "mixed.gguf", types)
    want, got = ggufs.dequantize(path), run_recipes(path, tmp_path)
    assert got.keys() == want.keys()
    for name in want:
        np.testing.assert_array_equal(got[name], want[name], err_msg=name)
    tokens = np.random.default_rng().integers(0, 40, 30).tolist()
    # Blocks of any bytes make large scores, and sums that cancel.
    check_logits(compile_file(path), tokens, run_llama(want, tokens, heads=8, kv_heads=2), tolerance=1e-4)


# ---- a real model ----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", FORMATS)
def test_stories260k(name, tmp_path):
    """The likeliest tokens after a prompt, and 40 that it writes. Quantized weights stay as they are."""
    path, golden = shared(name)
    compile_model(path, tmp_path / "stories.so", "--max", "batch=1", "--save-plan", tmp_path / "plan.json")
    formats = {rule["match"]: rule.get("weights") for rule in json.loads((tmp_path / "plan.json").read_text())}
    assert formats["blk.0.attn_q.weight"] == FORMATS[name]
    with Library(tmp_path / "stories.so").session() as session:
        sequence, ids, fed = Sequence(session), list(golden["prompt_ids"]), 0
        while len(ids) < len(golden["numpy_dequant_greedy40_ids"]):
            logits = sequence.feed(ids[fed:])[-1]
            if not fed:
                for token, value in golden["numpy_dequant_top5"]:
                    assert logits[token] == pytest.approx(value, abs=2e-3)
                assert [token for token, _ in golden["numpy_dequant_top5"]] == np.argsort(-logits)[:5].tolist()
            fed = len(ids)
            ids.append(int(logits.argmax()))
    assert ids == golden["numpy_dequant_greedy40_ids"]


def test_writing(tmp_path):
    """A program has the tokenizer of the file, and writes what numpy did."""
    path, golden = shared("Q4_0")
    prompt, ids = golden["prompt_ids"], golden["numpy_dequant_greedy40_ids"]
    compile_model(path, tmp_path / "stories", "--max", "batch=1")
    said = json.loads(run([tmp_path / "stories", "-p", "Once upon a time", "-n", len(ids) - len(prompt), "--greedy",
                           "--json"]).stdout)
    assert said["prompt_tokens"] == len(prompt) and said["tokens"] == ids[len(prompt):]
    assert golden["numpy_dequant_text"].startswith("Once upon a time" + said["text"])


# ---- files with something wrong ------------------------------------------------------------------------

def refused(path, code, *words, options=()):
    done = compile_model(path, path.with_suffix(".out"), *options, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("error: ") == 1 and not path.with_suffix(".out").exists()
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.mark.parametrize("path, code, words", [
    ("crabml/tinyllamas-stories-260k-f32.gguf", USAGE, "it is a GGUF file of version 1; 2 and 3 are supported"),
    ("zackshen/test-be-v3.gguf", USAGE, "it is a GGUF file for big-endian machines"),
    ("zackshen/test-le-v3.gguf", USAGE, "it has no tensor 'token_embd.weight'"),
    ("weight-inspect/tiny.gguf", USAGE, "error: "),
    ("weightless/tiny.gguf", USAGE, "it has no key 'llama.attention.layer_norm_rms_epsilon': expected a number"),
    ("bitnet-rs/mini.gguf", USAGE, "error: "),
    ("llama.cpp-vocab/ggml-vocab-gpt-2.gguf", USAGE, "it has no tensors: it is a vocabulary, and no model"),
    ("llama.cpp-vocab/ggml-vocab-bert-bge.gguf", FAILED, "the architecture 'bert' is not supported; known are gemma, "),
])
def test_files_of_others(path, code, words, tmp_path):
    source = SHARED / "data/gguf" / path
    if not source.exists():
        pytest.skip(f"no {source}")
    (tmp_path / "model.gguf").write_bytes(source.read_bytes())
    refused(tmp_path / "model.gguf", code, words)


def test_fuzzed_files(tmp_path):
    """The inputs of another reader's fuzzer: a message for each."""
    corpus = SHARED / "data/gguf/bitnet-rs/corpus/gguf_parser"
    if not corpus.exists():
        pytest.skip(f"no {corpus}")
    jobs = []
    for i, source in enumerate(sorted(corpus.iterdir())):
        (tmp_path / f"{i}.gguf").write_bytes(b"GGUF" + source.read_bytes()[4:])
        jobs.append(json.dumps([str(tmp_path / f"{i}.gguf"), "-o", str(tmp_path / f"{i}.so")]))
    (tmp_path / "jobs").write_text("\n".join(jobs) + "\n")
    lines = run([HALFTONE, "compile", "--batch", tmp_path / "jobs"], check=False).stdout.splitlines()
    ends = [event for line in lines if (event := json.loads(line))["event"] == "finished"]
    assert len(ends) == len(jobs)
    for end in ends:
        assert end["exit_code"] in (FAILED, USAGE) and end["diagnostics"].count("error: ") == 1, end


def tiny(path, drop=(), architecture="llama", tensors={}, **keys):
    """A Llama of one layer whose keys and tensors are changed."""
    import gguf
    shapes = {"token_embd": (13, 32), "output_norm": (32,), "blk.0.attn_norm": (32,), "blk.0.ffn_norm": (32,),
              "blk.0.attn_q": (32, 32), "blk.0.attn_k": (16, 32), "blk.0.attn_v": (16, 32), "blk.0.attn_output": (32, 32),
              "blk.0.ffn_gate": (64, 32), "blk.0.ffn_up": (64, 32), "blk.0.ffn_down": (32, 64)}
    arrays = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    values = {"context_length": 64, "embedding_length": 32, "block_count": 1, "feed_forward_length": 64,
              "attention.head_count": 4, "attention.head_count_kv": 2, "attention.layer_norm_rms_epsilon": 1e-5} | keys
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in values.items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string,
               list: writer.add_array}[type(value)]
        if key not in drop:
            add(key if "." in key and key.split(".")[0] in ("split", "general") else f"llama.{key}", value)
    for name, array in (arrays | tensors).items():
        if name not in drop:
            kind = {np.int64: gguf.GGMLQuantizationType.I64}.get(array.dtype.type)
            writer.add_tensor(name, array, raw_dtype=kind)
    ggufs.finish(writer)
    return path


def test_keys(tmp_path):
    path = tmp_path / "model.gguf"
    compile_model(tiny(path), tmp_path / "model.so", "--max", "context=64")
    refused(tiny(path, drop=["block_count"]), USAGE, "it has no key 'llama.block_count': expected a whole number from 1")
    refused(tiny(path, embedding_length="32"), USAGE, "its key 'llama.embedding_length' is not a whole number")
    refused(tiny(path, embedding_length=0), USAGE, "its key 'llama.embedding_length' is not a whole number")
    refused(tiny(path, feed_forward_length=[64]), USAGE, "its key 'llama.feed_forward_length' is not a whole number")
    refused(tiny(path, block_count=10**6), FAILED, "'llama.block_count' has a value 1000000 that is not supported: at most 4096")
    refused(tiny(path, **{"attention.head_count_kv": 3}), USAGE, 'a multiple of "attention.head_count_kv"')
    refused(tiny(path, **{"attention.value_length": 16}), FAILED, "'llama.attention.value_length' has a value 16")
    refused(tiny(path, **{"attention.causal": False}), FAILED, "'llama.attention.causal' has a value 0")
    refused(tiny(path, **{"rope.scaling.type": "dynamic"}), FAILED, "has a value 'dynamic' that is not supported: none, linear")
    refused(tiny(path, **{"rope.dimension_count": 7}), USAGE, "an even part of heads of size 8; got 7")
    refused(tiny(path, expert_count=4, expert_used_count=2), USAGE, "'blk.0.ffn_up_exps.weight': files from before April 2024")
    refused(tiny(path, **{"split.count": 2}), FAILED, "it is a part of a model in several files")
    refused(tiny(path, architecture="mamba"), FAILED, "the architecture 'mamba' is not supported; known are gemma, gemma2")
    refused(tiny(path), USAGE, "context=65 is more than the 64 tokens", options=["--max", "context=65"])
    refused(tiny(path), USAGE, "'x' is no input of this one", options=["--constant", "x=1"])
    said = compile_model(tiny(path, **{"logit_scale": 2.0}), tmp_path / "model.so").stderr
    assert "warning: " in said and "the key 'llama.logit_scale' is not known here" in said


def test_tensors(tmp_path):
    path, name = tmp_path / "model.gguf", "blk.0.ffn_up.weight"
    refused(tiny(path, drop=[name]), USAGE, f"has no tensor '{name}': expected floats of shape [64, 32]")
    refused(tiny(path, tensors={name: np.zeros((32, 64), np.float32)}), USAGE,
            f"tensor '{name}' is 'f32' of shape [32, 64]: expected f32, f16 or bf16 of shape [64, 32]")
    refused(tiny(path, tensors={name: np.zeros((64, 32), np.int64)}), FAILED,
            f"tensor '{name}' is of type I64, which is not supported; F32, F16, BF16, Q8_0")
    refused(tiny(path, tensors={"blk.0.attn_sinks.weight": np.zeros(4, np.float32)}), USAGE,
            "tensor 'blk.0.attn_sinks.weight' of shape [4] has no place in the model that model.gguf describes")
    refused(tiny(path, tensors={"rope_freqs.weight": np.zeros(3, np.float32)}), USAGE,
            "expected 4 numbers of F32 in tensor 'rope_freqs.weight'")


def test_check_names_the_kind(tmp_path):
    done = run([HALFTONE, "check", tiny(tmp_path / "model.gguf")], check=False)
    assert done.returncode == USAGE and "is a GGUF file: check tells of the nodes of an ONNX model" in done.stderr


def test_phases(tmp_path):
    """Each phase computes what the one before did, and no weight is quantized again."""
    path, _ = shared("Q4_0")
    compile_model(path, tmp_path / "model", "--verify-each-phase", "--max", "batch=2,sequence=4,context=8")
    text = compile_model(path, "-", "--compile-to=quantize", "--activations", "int8-token").stdout
    assert "htq.linear" in text and "i4, blocks [1, 32]" in text
    recipes = text.partition("func.func")[0]
    assert "htq.dynamic_quantize" not in recipes and "htq.dequantize" not in recipes.partition("@blk.0.attn_q")[2]
