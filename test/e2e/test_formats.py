"""Formats of weights and activations from the command line on: what the interpreter makes of a model is
what numpy makes of the format's definition."""
import json

import numpy as np
import pytest
from ml_dtypes import bfloat16
from onnx import helper

import models
from compare import relative_norm
from halftone import USAGE, compile_model, run, run_reference, HALFTONE

ROWS, WIDTH, HIDDEN = 50, 192, 160  # 192 is one block of 128 and a half.
OPTIONS = ("--max", "batch=4,sequence=16")


@pytest.fixture(scope="module")
def weights():
    random = np.random.default_rng(5)
    return {"table": random.standard_normal((ROWS, WIDTH), np.float32),
            "up": random.standard_normal((WIDTH, HIDDEN), np.float32) / 8,
            "bias": random.standard_normal(HIDDEN, np.float32),
            "down": random.standard_normal((HIDDEN, WIDTH), np.float32) / 8}


@pytest.fixture(scope="module")
def model(weights, tmp_path_factory):
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x"], name="lookup"),
             helper.make_node("MatMul", ["x", "up"], ["h"], name="first"),
             helper.make_node("Add", ["h", "bias"], ["hb"], name="add"),
             helper.make_node("Tanh", ["hb"], ["t"], name="act"),
             helper.make_node("MatMul", ["t", "down"], ["y"], name="second")]
    return models.save(tmp_path_factory.mktemp("formats") / "model.onnx", nodes,
                       {"ids": (np.int64, ("batch", "sequence"))},
                       {"y": (np.float32, ("batch", "sequence", WIDTH))}, weights)


@pytest.fixture(scope="module")
def inputs():
    return {"ids": np.random.default_rng(6).integers(0, ROWS, (2, 7))}


def in_blocks(x, block, quantize):
    """`quantize` of each block along the last axis, put together again."""
    parts = np.split(x, range(block, x.shape[-1], block), axis=-1)
    return np.concatenate([quantize(part) for part in parts], axis=-1)


def steps(x, scale):
    return np.rint(x * (np.float32(1) / scale))


def absmax8(x):
    scale = np.abs(x).max(-1, keepdims=True) / np.float32(127)
    return np.clip(steps(x, scale), -127, 127) * scale


def signed_max4(x):
    """The element of greatest magnitude has the code -8; scales are f16."""
    extreme = np.take_along_axis(x, np.abs(x).argmax(-1)[..., None], -1)
    scale = (extreme / -8).astype(np.float16).astype(np.float32)
    return np.clip(steps(x, scale), -8, 7) * scale


def minmax4(x):
    low, high = np.minimum(x.min(-1, keepdims=True), 0), np.maximum(x.max(-1, keepdims=True), 0)
    scale = ((high - low) / 15).astype(np.float16).astype(np.float32)
    zero = np.clip(steps(-low, scale), 0, 15)
    return (np.clip(steps(x, scale) + zero, 0, 15) - zero) * scale


def as_is(x):
    return x


def as_bf16(x):
    return x.astype(bfloat16).astype(np.float32)


FORMATS = {
    "int8": absmax8,
    "int4-g128": lambda w: in_blocks(w, 128, signed_max4),
    "int4-g64-asym": lambda w: in_blocks(w, 64, minmax4),
    "bf16": as_bf16,
    "absmax affine<i8, blocks [1, 48], scale f32>": lambda w: in_blocks(w, 48, absmax8),
}
ACTIVATIONS = {"f32": as_is, "int8-token": absmax8, "int8-token-g64": lambda x: in_blocks(x, 64, absmax8),
               "bf16": as_bf16}


def evaluate(weights, inputs, quantize, activate, rotate=as_is):
    """The model in double precision on values that went through the formats."""
    x = quantize(weights["table"])[inputs["ids"]]
    h = activate(rotate(x)).astype(float) @ quantize(rotate(weights["up"].T)).T.astype(float) + weights["bias"]
    t = np.tanh(h).astype(np.float32)
    return activate(rotate(t)).astype(float) @ quantize(rotate(weights["down"].T)).T.astype(float)


@pytest.mark.parametrize("activations", ACTIVATIONS)
@pytest.mark.parametrize("kind", FORMATS)
def test_formats(kind, activations, model, weights, inputs, tmp_path):
    # Only integers multiply integers: bf16 weights leave activations as they are.
    activate = as_is if kind == "bf16" and "int8" in activations else ACTIVATIONS[activations]
    want = evaluate(weights, inputs, FORMATS[kind], activate)
    got = run_reference(model, inputs, tmp_path, *OPTIONS, "--weights", kind, "--activations", activations,
                        "--rotation", "none")["y"]
    # A value between two codes may have either: now and then one of thousands.
    assert relative_norm(got, want) < 1e-3
    assert relative_norm(got, evaluate(weights, inputs, as_is, as_is)) > 1e-3, "nothing was quantized"


@pytest.mark.parametrize("rotation, matrices", [
    ("auto", {WIDTH: (4, 16), HIDDEN: (2, 16)}), ("32", {WIDTH: (32, 1), HIDDEN: (32, 1)}),
    ("8x4", {WIDTH: (8, 4), HIDDEN: (8, 4)})], ids=["auto", "neighbours", "stride"])
def test_rotation(rotation, matrices, model, weights, inputs, tmp_path):
    def rotate(x):
        width, (order, stride) = x.shape[-1], matrices[x.shape[-1]]
        h = np.ones((1, 1))
        while len(h) < order:
            h = np.block([[h, h], [h, -h]]) / np.sqrt(2)
        return (x @ np.kron(np.eye(width // order // stride), np.kron(h, np.eye(stride)))).astype(np.float32)
    want = evaluate(weights, inputs, absmax8, absmax8, rotate)
    flags = ["--weights", "int8", "--activations", "int8-token", "--rotation", rotation]
    got = run_reference(model, inputs, tmp_path, *OPTIONS, *flags)["y"]
    # numpy sums in another order: some value between two codes has the other.
    assert relative_norm(got, want) < 4e-3
    assert relative_norm(got, evaluate(weights, inputs, absmax8, absmax8)) > 1e-2, "nothing was rotated"


def test_plan(model, weights, inputs, tmp_path):
    """A plan that is saved, edited and given back."""
    plan = tmp_path / "plan.json"
    run_reference(model, inputs, tmp_path, *OPTIONS, "--weights", "int8", "--save-plan", plan)
    rules = json.loads(plan.read_text())
    assert [(rule["match"], rule["weights"], rule["shape"]) for rule in rules] == [
        ("table", "int8", [ROWS, WIDTH]), ("up", "int8", [HIDDEN, WIDTH]), ("down", "int8", [WIDTH, HIDDEN])]
    assert rules[0]["bits"] == pytest.approx(8 + 32 / WIDTH, abs=0.01)
    rules[0]["weights"] = "f32"
    rules[2] |= {"weights": "int4-g128", "activations": "int8-token", "rotation": "none"}
    plan.write_text(json.dumps(rules))
    got = run_reference(model, inputs, tmp_path, *OPTIONS, "--plan", plan)["y"]
    h = weights["table"][inputs["ids"]].astype(float) @ absmax8(weights["up"].T).T + weights["bias"]
    want = absmax8(np.tanh(h).astype(np.float32)) @ FORMATS["int4-g128"](weights["down"].T).T
    assert relative_norm(got, want) < 1e-3


def test_a_rule_without_a_weight_is_named(model, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text('[{"match": "*.query.*", "weights": "int8"}]')
    done = compile_model(model, tmp_path / "m.mlir", "--compile-to", "quantize", "--plan", plan)
    assert "warning" in done.stderr and "*.query.*" in done.stderr


@pytest.mark.parametrize("text, words", [
    (None, ["no-plan.json"]),
    ("[", ["plan.json"]),
    ("{}", ["array", "match"]),
    ('[{"match": "*", "wieghts": "int8"}]', ["rule 1", "wieghts"]),
    ('[{"match": "up"}, {"match": "[", "weights": "int8"}]', ["rule 2", "match"]),
    ('[{"match": "*", "weights": "int4-128"}]', ["rule 1", "int4-128", "int4-g128"]),
    ('[{"match": "*", "rotation": "8x16x2"}]', ["rule 1", "8x16x2", "none"]),
], ids=["missing", "no-json", "no-array", "unknown-key", "bad-pattern", "unknown-format", "unknown-rotation"])
def test_wrong_plans(text, words, model, tmp_path):
    plan = tmp_path / ("plan.json" if text else "no-plan.json")
    if text:
        plan.write_text(text)
    done = run([HALFTONE, "compile", model, "-o", tmp_path / "m", "--plan", plan], check=False)
    assert done.returncode == USAGE
    for word in words:
        assert word in done.stderr
