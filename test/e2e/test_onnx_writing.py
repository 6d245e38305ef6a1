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
