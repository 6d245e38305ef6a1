"""ONNX decoders with keys and values of earlier tokens as programs that write: against ONNX Runtime, which is given
the keys and values at every step."""
import json
import shutil

import numpy as np
import onnx
import pytest

import onnx_decoders
from compare import relative_error
from decoders import CONTEXT, TOLERANCE, check_logits
from halftone import USAGE, Library, compile_model, run, run_program
from places import STORIES

MAXIMA = ("--max", f"batch=3,sequence=32,context={CONTEXT}")
TOKENS = np.random.default_rng(3).integers(3, onnx_decoders.VOCABULARY, 30).tolist()


def check(path, library, tolerance=TOLERANCE):
    """Logits in every way of feeding, and what is written."""
    check_logits(library, TOKENS, onnx_decoders.run_stepwise(path, TOKENS), tolerance)
    want = onnx_decoders.Stepwise(path).write(TOKENS[:9], 20)
    with library.decoder(threads=2) as decoder:
        assert decoder.generate(TOKENS[:9], max_tokens=20, temperature=0, ignore_ends=1)[0] == want


# ---- exports of onnxruntime-genai ---------------------------------------------------

GENAI = {
    "f32": dict(),
    "nodes": dict(rotary="nodes"),
    "counted": dict(rotary="counted"),
    "window": dict(window=5),
    "capped": dict(softcap=2.0, packed=True),
    "int4": dict(quantized=True),
    "int4-packed": dict(quantized=True, packed=True, window=7),
}


@pytest.mark.parametrize("name", GENAI)
def test_genai(name, tmp_path):
    path = onnx_decoders.write_genai(tmp_path / "model.onnx", **GENAI[name])
    compile_model(path, tmp_path / "model.so", *MAXIMA)
    check(path, Library(tmp_path / "model.so"))


def test_int8_keys_and_values(tmp_path):
    path = onnx_decoders.write_genai(tmp_path / "model.onnx")
    compile_model(path, tmp_path / "model.so", *MAXIMA, "--kv", "int8")
    library = Library(tmp_path / "model.so")
    assert {state.dtype for state in library.infos("state")} == {5, 1}  # codes and scales
    check_logits(library, TOKENS, onnx_decoders.run_stepwise(path, TOKENS), tolerance=0.03)


# ---- text -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stories_folder(tmp_path_factory):
    """The model of this repository as one folder, with its graph in a folder within, as optimum has them."""
    from safetensors import safe_open
    if not (STORIES / "golden/golden.json").exists():
        pytest.skip(f"no {STORIES.name}/golden in this checkout")
    folder = tmp_path_factory.mktemp("stories")
    (folder / "onnx").mkdir()
    for name in "tokenizer.json", "tokenizer_config.json":
        shutil.copy(STORIES / name, folder)
    config = json.loads((STORIES / "config.json").read_text())
    (folder / "genai_config.json").write_text(json.dumps({"model": {"eos_token_id": config["eos_token_id"]}}))
    with safe_open(STORIES / "model.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name).float().numpy() for name in file.keys()}
    tensors.setdefault("lm_head.weight", tensors["model.embed_tokens.weight"])
    shape = onnx_decoders.Shape(
        config["vocab_size"], config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"],
        config["head_dim"], config["intermediate_size"], config["num_hidden_layers"], config["max_position_embeddings"],
        config["rope_theta"])
    onnx_decoders.write_genai(folder / "onnx" / "model.onnx", shape, tensors)
    return folder


@pytest.mark.peers
def test_text_is_torchs(stories_folder, tmp_path):
    greedy = json.loads((STORIES / "golden/golden.json").read_text())["greedy"]
    compile_model(stories_folder / "onnx" / "model.onnx", tmp_path / "program")
    options = "--greedy", "--json", "-p", greedy["prompt"]
    told = json.loads(run([tmp_path / "program", *options, "-n", len(greedy["new_ids"])]).stdout)
    assert told["tokens"] == greedy["new_ids"] and greedy["prompt"] + told["text"] == greedy["text"]
    # The table of rotations has as many rows as the model was made for tokens; it ends where genai_config.json says.
    told = json.loads(run([tmp_path / "program", *options]).stdout)
    assert told["finish"] in ("end", "context") and told["prompt_tokens"] + len(told["tokens"]) <= 512
    for name, tokens in (("--save", 20), ("--restore", 40)):
        told = json.loads(run([tmp_path / "program", "--greedy", "--json", "-p", greedy["prompt"] if tokens == 20 else "",
                               "-n", tokens, name, tmp_path / "kept"]).stdout)
    assert told["tokens"] == greedy["new_ids"][20:60]


def test_past_as_inputs(tmp_path):
    path = onnx_decoders.write_genai(tmp_path / "model.onnx")
    compile_model(path, tmp_path / "program", *MAXIMA, "--past", "inputs")
    steps = onnx_decoders.Stepwise(path)
    for part in TOKENS[:9], TOKENS[9:10], TOKENS[10:12]:
        seen = steps.past[0].shape[2]
        inputs = {"input_ids": np.array([part]), "attention_mask": np.ones((1, seen + len(part)), np.int64),
                  **dict(zip(steps.names, steps.past))}
        got = run_program(tmp_path / "program", inputs, tmp_path)
        assert relative_error(got["logits"][0], steps.feed(part)) < TOLERANCE
        for name, want in zip((name for name in steps.outputs if name != "logits"), steps.past):
            assert relative_error(got[name], want) < TOLERANCE
    np.save(tmp_path / "ids.npy", TOKENS)
    done = run([tmp_path / "program", "--tokens", tmp_path / "ids.npy", "--logits", tmp_path / "out.npy"], check=False)
    assert done.returncode == USAGE and "does not write text" in done.stderr
    done = compile_model(path, tmp_path / "program", "--past", "both", check=False)
    assert done.returncode == USAGE and "--past takes states or inputs, not 'both'" in done.stderr
