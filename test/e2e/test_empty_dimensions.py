"""Tensors without elements and graphs with little in them: native programs against ONNX Runtime."""
import numpy as np
import onnx
import onnx.parser
import pytest

import models
from compare import relative_error
from halftone import compile_model, run_program, run_reference

HEAD = '<ir_version: 8, opset_import: ["" : 18]>\n'
F = np.float32


def check(text, examples, folder):
    path = folder / "m.onnx"
    onnx.save(onnx.parser.parse_model(HEAD + text), path)
    compile_model(path, folder / "program")
    for inputs in examples:
        want = models.run_onnxruntime(path, inputs)
        for got in run_program(folder / "program", inputs, folder), run_reference(path, inputs, folder):
            assert set(got) == set(want)
            for name in want:
                assert got[name].shape == want[name].shape and got[name].dtype == want[name].dtype
                assert relative_error(got[name], want[name]) < 1e-5, name


def test_empty_cache(tmp_path):
    """Before the first step, a cache of keys and values has no positions."""
    random = np.random.default_rng(1)
    example = lambda past, new: {"k": random.standard_normal((2, 2, past, 4)).astype(F),
                                 "x": random.standard_normal((2, 2, new, 4)).astype(F)}
    check("""graph (float[n, 2, past, 4] k, float[n, 2, new, 4] x) => (float[n, 2, total, 4] present, float[n, 2, new, 4] y) {
        present = Concat<axis = 2>(k, x)
        turned = Transpose<perm = [0, 1, 3, 2]>(present)
        scores = MatMul(x, turned)
        weights = Softmax<axis = -1>(scores)
        y = MatMul(weights, present)
    }""", [example(0, 3), example(5, 1), example(0, 1)], tmp_path)


@pytest.mark.parametrize("text, inputs", {
    "no node": ("graph (float[n] x) => (float[n] x) {}", {"x": np.arange(3, dtype=F)}),
    "an initializer as output": ("graph (float[n] x) => (float[2] w, float[n] y) <float[2] w = {1, 2}> { y = Neg(x) }",
                                 {"x": np.arange(3, dtype=F)}),
    "one value as two outputs": ("graph (float[n] x) => (float[n] y, float[n] z, float[n] x) { y = Neg(x) z = Identity(y) }",
                                 {"x": np.arange(3, dtype=F)}),
    "no rows": ("graph (float[0, 3] x, float s) => (float[0, 3] y, float t, float[3] m) <int64[1] rows = {0}> "
                "{ y = Neg(x) t = Neg(s) m = ReduceSum<keepdims = 0>(x, rows) }",
                {"x": np.zeros((0, 3), F), "s": np.array(2, F)}),
}.values())
def test_little(text, inputs, tmp_path):
    check(text, [inputs], tmp_path)
