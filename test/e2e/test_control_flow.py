"""Branches, loops, scans, sequences and optionals: the interpreter and the native program agree with ONNX Runtime."""
import numpy as np
import onnx
import onnx.parser
import pytest

import models
from compare import relative_error
from halftone import compile_model, run_program, run_reference

HEAD = '<ir_version: 8, opset_import: ["" : 18]>\n'

MODELS = {
    "If on data": """graph (float[n, 3] x, bool c) => (float[n, 3] y, float[n, 1] z) {
        y, z = If (c) <then_branch = a () => (float[n, 3] t, float[n, 1] u) { t = Exp(x) u = ReduceMax<axes = [1]>(x) },
                       else_branch = b () => (float[n, 3] e, float[n, 1] f) { e = Neg(x) f = ReduceMin<axes = [1]>(x) }>
    }""".replace("<axes = [1]>(x)", "(x, last)").replace("{\n        y, z", "<int64[1] last = {1}> {\n        y, z"),
    "If in If": """graph (float[n, 3] x, bool c, bool d) => (float[n, 3] y) {
        y = If (c) <then_branch = a () => (float[n, 3] t) {
                        t = If (d) <then_branch = p () => (float[n, 3] q) { q = Exp(x) },
                                    else_branch = r () => (float[n, 3] s) { s = Abs(x) }> },
                    else_branch = b () => (float[n, 3] e) { e = Neg(x) }>
    }""",
    "Loop that counts": """graph (float[n, 3] x) => (float[n, 3] y, float[3, n, 3] all) <int64 three = {3}> {
        y, all = Loop (three, , x) <body = b (int64 i, bool c, float[n, 3] v) => (bool d, float[n, 3] w, float[n, 3] s) {
            d = Identity(c)  k = Cast<to = 1>(i)  w = Add(v, k)  s = Mul(w, x)
        }>
    }""",
    "Loop that data ends": """graph (float[n, 3] x, float limit) => (float[n, 3] y, int64 steps) <int64 five = {5}, int64 zero = {0}, int64 one = {1}> {
        y, steps = Loop (five, , x, zero) <body = b (int64 i, bool c, float[n, 3] v, int64 k) => (bool d, float[n, 3] w, int64 l) {
            w = Add(v, v)  a = Abs(w)  top = ReduceMax<keepdims = 0>(a)  d = Less(top, limit)  l = Add(k, one)
        }>
    }""",
    "Loop in a loop": """graph (float[n, 3] x) => (float[n, 3] y) <int64 two = {2}, int64 three = {3}> {
        y = Loop (two, , x) <body = b (int64 i, bool c, float[n, 3] v) => (bool d, float[n, 3] w) {
            d = Identity(c)
            w = Loop (three, , v) <body = e (int64 j, bool f, float[n, 3] p) => (bool g, float[n, 3] q) {
                g = Identity(f)  k = Add(i, j)  m = Cast<to = 1>(k)  q = Add(p, m)
            }>
        }>
    }""",
    "Scan forwards and back": """graph (float[n] z, float[n, 4] x) => (float[n] y, float[n, 4] all) {
        y, all = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_input_directions = [1], scan_output_axes = [1],
                       body = b (float[n] s, float[n] v) => (float[n] t, float[n] u) { h = Tanh(s) t = Add(h, v) u = Neg(t) }> (z, x)
    }""",
    "Sequences": """graph (float[n, 6] x) => (float[n, 6] y, int64 length) <int64 two = {2}, int64 last = {-1}, int64 zero = {0}> {
        parts = SplitToSequence<axis = 1>(x, two)
        length = SequenceLength(parts)
        b = SequenceAt(parts, last)
        rest = SequenceErase(parts)
        e = Exp(b)
        turned = SequenceInsert(rest, e, zero)
        y = ConcatFromSequence<axis = 1>(turned)
    }""",
    "Sequence in a loop": """graph (float[n, 2] x) => (float[n, 6] y) <int64 three = {3}> {
        empty = SequenceEmpty()
        list = Loop (three, , empty) <body = b (int64 i, bool c, seq(float[n, 2]) s) => (bool d, seq(float[n, 2]) t) {
            d = Identity(c)  k = Cast<to = 1>(i)  v = Mul(x, k)  t = SequenceInsert(s, v)
        }>
        y = ConcatFromSequence<axis = 1>(list)
    }""",
    "Optional": """graph (float[n, 2] x) => (float[n, 2] y, bool has) {
        o = Optional(x)
        has = OptionalHasElement(o)
        y = If (has) <then_branch = a () => (float[n, 2] t) { e = OptionalGetElement(o) t = Neg(e) },
                      else_branch = b () => (float[n, 2] u) { u = Identity(x) }>
    }""",
}


def fill(info, random):
    kind = onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
    shape = [d.dim_value or 5 for d in info.type.tensor_type.shape.dim]
    return random.random(shape) < 0.5 if kind == np.bool_ else np.asarray(random.uniform(0.5, 4, shape), kind)


@pytest.mark.parametrize("name", MODELS)
def test_control_flow(name, tmp_path):
    model = onnx.parser.parse_model(HEAD + MODELS[name])
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    compile_model(path, tmp_path / "program", *(["--max", "n=8"] if "[n" in MODELS[name] else []))
    # Each side of every condition, and each of several ends.
    for seed in range(4):
        random = np.random.default_rng(seed)
        inputs = {i.name: fill(i, random) for i in model.graph.input}
        flags = [i for i in inputs if inputs[i].dtype == np.bool_]
        inputs |= {flag: np.array(bool(seed >> k & 1)) for k, flag in enumerate(flags)}
        if "limit" in inputs:
            inputs["limit"] = np.array(4.0 * 3**seed, np.float32)
        want = models.run_onnxruntime(path, inputs)
        for got in run_reference(path, inputs, tmp_path), run_program(tmp_path / "program", inputs, tmp_path):
            assert set(got) == set(want)
            for output in want:
                assert got[output].dtype == want[output].dtype and got[output].shape == want[output].shape
                assert relative_error(got[output], want[output]) < 1e-5, output


def test_elements(tmp_path):
    """Elements of a sequence are inputs and outputs by themselves."""
    text = HEAD + """graph (seq(float[m, 4]) s, optional(float[4]) o) => (seq(float[m, 4]) t, bool has) {
        t = SequenceMap(s) <body = b (float[m, 4] v) => (float[m, 4] w) { w = Exp(v) }>
        has = OptionalHasElement(o)
    }"""
    path = tmp_path / "m.onnx"
    onnx.save(onnx.parser.parse_model(text), path)
    random = np.random.default_rng(1)
    inputs = {f"s.{i}": random.standard_normal((rows, 4)).astype(np.float32) for i, rows in enumerate((3, 2))}
    for given, has in ("none", False), ("4", True):
        compile_model(path, tmp_path / "program", "--elements", "s=3x4,2x4", "--elements", f"o={given}")
        own = inputs | ({"o": np.ones(4, np.float32)} if has else {})
        got = run_program(tmp_path / "program", own, tmp_path)
        assert set(got) == {"t.0", "t.1", "has"} and bool(got["has"]) == has
        for i in range(2):
            assert relative_error(got[f"t.{i}"], np.exp(inputs[f"s.{i}"])) < 1e-5
