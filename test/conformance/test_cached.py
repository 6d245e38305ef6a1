"""Decoders with past keys and values, as optimum exports them: whole and token by token, they
agree with each other and with ONNX Runtime; and as programs that keep keys and values themselves."""
import numpy as np
import pytest

import models
import onnx_decoders
import zoo
from compare import relative_error
from decoders import check_logits
from halftone import Library, compile_model, run_program
from test_transformers import TOLERANCE, export

pytestmark = pytest.mark.peers

BATCH, LENGTH, PREFIX = 2, 7, 4


@pytest.fixture(scope="module")
def files():
    return export([(name, "cached") for name in zoo.DECODERS], also=())


def step(tokens, past):
    """Inputs for `tokens` after `past`."""
    seen, count = past[0].shape[2], tokens.shape[1]
    return {"input_ids": tokens, "attention_mask": np.ones((BATCH, seen + count), np.int64),
            "position_ids": np.arange(seen, seen + count)[None].repeat(BATCH, 0),
            **dict(zip(zoo.past_names("past_key_values"), past))}


def nothing(model):
    """An empty past."""
    heads = model.config.get("num_key_value_heads", zoo.SMALL["num_attention_heads"])
    return [np.zeros((BATCH, heads, 0, zoo.HEAD_SIZE), np.float32) for _ in zoo.past_names("past")]


@pytest.mark.parametrize("name", zoo.DECODERS)
def test_cached_and_uncached_agree(name, files, tmp_path):
    file, model = files[name, "cached"], zoo.DECODERS[name]
    compile_model(file, tmp_path / "program", "--max", "batch=2,sequence=8,past=16", "--past", "inputs")
    tokens = np.random.default_rng(1).integers(3, zoo.VOCABULARY, (BATCH, LENGTH))
    uncached = models.run_onnxruntime(file, step(tokens, nothing(model)))["logits"]
    whole = run_program(tmp_path / "program", step(tokens, nothing(model)), tmp_path)
    assert relative_error(whole["logits"], uncached) < TOLERANCE

    past = nothing(model)
    for part in np.split(tokens, range(PREFIX, LENGTH), axis=1):
        inputs, seen = step(part, past), past[0].shape[2]
        got, want = run_program(tmp_path / "program", inputs, tmp_path), models.run_onnxruntime(file, inputs)
        for output in want:
            assert relative_error(got[output], want[output]) < TOLERANCE, output
        assert relative_error(got["logits"], uncached[:, seen:seen + part.shape[1]]) < TOLERANCE
        past = [got[output] for output in zoo.past_names("present")]
    for output in zoo.past_names("present"):
        assert relative_error(whole[output], got[output]) < TOLERANCE, output


@pytest.mark.parametrize("name", zoo.DECODERS)
def test_decoders_write(name, files, tmp_path):
    file = files[name, "cached"]
    compile_model(file, tmp_path / "model.so", "--max", "batch=3,sequence=32,context=64")
    library = Library(tmp_path / "model.so")
    tokens = np.random.default_rng(2).integers(3, zoo.VOCABULARY, 30).tolist()
    check_logits(library, tokens, onnx_decoders.run_stepwise(file, tokens), TOLERANCE)
    want = onnx_decoders.Stepwise(file).write(tokens[:6], 20)
    with library.decoder(threads=2) as decoder:
        assert decoder.generate(tokens[:6], max_tokens=20, temperature=0, ignore_ends=1)[0] == want
