"""Small models: the exact interpreter, the native program and ONNX Runtime agree."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import models
from compare import relative_error
from halftone import compile_model, run, run_program, run_reference

F, I, B = np.float32, np.int64, np.bool_
BATCH, SEQUENCE = 3, 10
XYZ = ("batch", "sequence", 24)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"/{op}/{outputs.split()[0]}", **attributes)


def size(shape):
    return [{"batch": BATCH, "sequence": SEQUENCE}.get(d, d) for d in shape]


def fill(kind, shape, random):
    if kind == B:
        return random.random(size(shape)) < 0.5
    if kind == I:
        return random.integers(0, 7, size(shape))
    return random.standard_normal(size(shape)).astype(kind)


def agree(path, inputs, folder, tolerance=1e-5):
    """Compiles, runs thrice, compares."""
    symbols = {d.dim_param for value in onnx.load(str(path)).graph.input for d in value.type.tensor_type.shape.dim}
    top = ",".join(f"{name}={most}" for name, most in (("batch", 4), ("sequence", 16)) if name in symbols)
    want = models.run_onnxruntime(path, inputs)
    reference = run_reference(path, inputs, folder)
    program = folder / "program"
    compile_model(path, program, *(["--max", top] if top else []))
    native = run_program(program, inputs, folder)
    assert set(reference) == set(native) == set(want)
    for name in want:
        assert reference[name].dtype == native[name].dtype == want[name].dtype
        if want[name].dtype.kind == "f":
            assert relative_error(reference[name], want[name]) < tolerance, f"reference, {name}"
            assert relative_error(native[name], reference[name]) < tolerance, f"native, {name}"
        else:
            assert np.array_equal(reference[name], want[name]), f"reference, {name}"
            assert np.array_equal(native[name], want[name]), f"native, {name}"


# ---- one operator at a time ------------------------------------------------------------------

UNARY = {op: [node(op, "x", "y")] for op in
         ("Tanh", "Sigmoid", "Erf", "Exp", "Neg", "Abs", "Relu", "Sin", "Cos", "Floor", "Ceil", "Round", "Sign",
          "Reciprocal", "Identity")}
UNARY |= {
    "Sqrt": [node("Abs", "x", "a"), node("Sqrt", "a", "y")],
    "Log": [node("Abs", "x", "a"), node("Log", "a", "y")],
    "Gelu": [node("Gelu", "x", "y")],
    "Gelu tanh": [node("Gelu", "x", "y", approximate="tanh")],
    "Softmax": [node("Softmax", "x", "y", axis=-1)],
    "Softmax over the sequence": [node("Softmax", "x", "y", axis=1)],
    "Transpose": [node("Transpose", "x", "t", perm=[0, 2, 1]), node("Neg", "t", "n"),
                  node("Transpose", "n", "y", perm=[0, 2, 1])],
    "Clip": [node("Clip", "x low high", "y")],
    "LayerNormalization": [node("LayerNormalization", "x row row2", "y", epsilon=1e-5)],
    "Cast there and back": [node("Cast", "x", "i", to=TensorProto.INT64), node("Cast", "i", "y", to=TensorProto.FLOAT)],
    "Cast to f16 and back": [node("Cast", "x", "i", to=TensorProto.FLOAT16), node("Cast", "i", "y", to=TensorProto.FLOAT)],
    "Pow 2": [node("Pow", "x two", "y")],
    "Mul by itself": [node("Mul", "x x", "y")],
}
BINARY = {f"{op} {other}": [node(op, f"x {other}", "y")] for op in ("Add", "Sub", "Mul", "Div", "Max", "Min")
          for other in ("x2", "row", "column", "one", "scalar")}
WEIGHTS = {"row": np.linspace(0.5, 2, 24, dtype=F), "row2": np.linspace(-1, 1, 24, dtype=F),
           "column": np.linspace(1, 3, 4, dtype=F)[:1, None], "one": np.array([[[3.0]]], F), "scalar": np.array(2.5, F),
           "low": np.array(-0.5, F), "high": np.array(0.7, F), "two": np.array(2.0, F)}


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_elementwise(name, tmp_path):
    nodes = (UNARY | BINARY)[name]
    used = {i for n in nodes for i in n.input}
    inputs = {n: (F, XYZ) for n in ("x", "x2") if n in used}
    path = models.save(tmp_path / "m.onnx", nodes, inputs, {"y": (F, XYZ)}, {n: w for n, w in WEIGHTS.items() if n in used})
    random = np.random.default_rng(len(name))
    agree(path, {n: fill(*v, random) for n, v in inputs.items()}, tmp_path)


def ints(*values):
    return np.array(values, I)


OTHERS = {
    # name: (nodes, inputs, outputs, weights)
    "ReduceMean": ([node("ReduceMean", "x axes", "y")], {"x": (F, XYZ)}, {"y": (F, ("batch", "sequence", 1))},
                   {"axes": ints(-1)}),
    "ReduceSum over the sequence": ([node("ReduceSum", "x axes", "y", keepdims=0)], {"x": (F, XYZ)},
                                    {"y": (F, ("batch", 24))}, {"axes": ints(1)}),
    "ReduceMax of two": ([node("ReduceMax", "x axes", "y", keepdims=0)], {"x": (F, XYZ)}, {"y": (F, ("batch",))},
                         {"axes": ints(1, 2)}),
    # The kernel is named like the function of libm that it calls.
    "Exp of doubles": ([node("Exp", "x", "y")], {"x": (np.float64, XYZ)}, {"y": (np.float64, XYZ)}, {}),
    "ReduceMin": ([node("ReduceMin", "x axes", "y")], {"x": (F, XYZ)}, {"y": (F, ("batch", "sequence", 1))},
                  {"axes": ints(2)}),
    # 64 bytes or less are a literal of the IR, which lanes run along.
    "Norm by literals": ([node("LayerNormalization", "x gamma beta", "n"), node("Transpose", "table", "t", perm=[1, 0]),
                          node("Add", "n t", "y")], {"x": (F, ("batch", 8, 16))}, {"y": (F, ("batch", 8, 16))},
                         {"gamma": np.linspace(0.5, 2, 16, dtype=F), "beta": np.linspace(-1, 1, 16, dtype=F),
                          "table": np.arange(16, dtype=F)[:, None]}),
    "Rows by a literal column": ([node("Transpose", "x", "t", perm=[0, 2, 1]), node("Mul", "t table", "y")],
                                 {"x": (F, ("batch", 16, 8))}, {"y": (F, ("batch", 8, 16))},
                                 {"table": np.linspace(1, 3, 16, dtype=F)}),
    "MatMul by a weight": ([node("MatMul", "x w", "y")], {"x": (F, XYZ)}, {"y": (F, ("batch", "sequence", 17))},
                           {"w": np.random.default_rng(1).standard_normal((24, 17), F)}),
    "MatMul by an odd weight": ([node("MatMul", "x w", "y")], {"x": (F, ("batch", "sequence", 7))},
                                {"y": (F, ("batch", "sequence", 3))},
                                {"w": np.random.default_rng(2).standard_normal((7, 3), F)}),
    "MatMul of two": ([node("Transpose", "b", "t", perm=[0, 2, 1]), node("MatMul", "a t", "y")],
                      {"a": (F, XYZ), "b": (F, XYZ)}, {"y": (F, ("batch", "sequence", "sequence"))}, {}),
    "Gemm": ([node("Gemm", "x w c", "y", transB=1, alpha=0.5, beta=2.0)], {"x": (F, ("batch", 24))},
             {"y": (F, ("batch", 5))}, {"w": np.random.default_rng(3).standard_normal((5, 24), F),
                                        "c": np.arange(5, dtype=F)}),
    "Gather rows": ([node("Gather", "table i", "y", axis=0)], {"i": (I, ("batch", "sequence"))},
                    {"y": (F, ("batch", "sequence", 6))}, {"table": np.random.default_rng(4).standard_normal((7, 6), F)}),
    "Gather negative": ([node("Sub", "i seven", "j"), node("Gather", "table j", "y", axis=0)],
                        {"i": (I, ("batch", "sequence"))}, {"y": (F, ("batch", "sequence", 6))},
                        {"table": np.random.default_rng(4).standard_normal((7, 6), F), "seven": np.array(7)}),
    "Slice with a step": ([node("Slice", "x from to axes steps", "y")], {"x": (F, XYZ)}, {"y": (F, ("batch", "sequence", 7))},
                          {"from": ints(2), "to": ints(23), "axes": ints(2), "steps": ints(3)}),
    "Slice from the end": ([node("Slice", "x from to axes", "y")], {"x": (F, XYZ)}, {"y": (F, ("batch", "sequence", 4))},
                           {"from": ints(-4), "to": ints(2**62), "axes": ints(-1)}),
    "Last position": ([node("Gather", "x last", "y", axis=1)], {"x": (F, XYZ)}, {"y": (F, ("batch", 24))},
                      {"last": np.array(-1)}),
    "Concat": ([node("Concat", "a b", "y", axis=-1)], {"a": (F, XYZ), "b": (F, ("batch", "sequence", 5))},
               {"y": (F, ("batch", "sequence", 29))}, {}),
    "Concat a weight": ([node("Shape", "x", "s"), node("Gather", "s zero", "b", axis=0), node("Concat", "b rest", "to", axis=0),
                         node("Expand", "w to", "e"), node("Concat", "e x", "y", axis=1)],
                        {"x": (F, XYZ)}, {"y": (F, ("batch", None, 24))},
                        {"w": np.arange(24, dtype=F)[None, None], "zero": ints(0), "rest": ints(1, 24)}),
    "Split heads": ([node("Reshape", "x heads", "h"), node("Transpose", "h", "y", perm=[0, 2, 1, 3])], {"x": (F, XYZ)},
                    {"y": (F, ("batch", 4, "sequence", 6))}, {"heads": ints(0, 0, 4, 6)}),
    "Join heads": ([node("Transpose", "x", "t", perm=[0, 2, 1, 3]), node("Reshape", "t flat", "y")],
                   {"x": (F, ("batch", 4, "sequence", 6))}, {"y": (F, XYZ)}, {"flat": ints(0, 0, -1)}),
    "Flatten": ([node("Reshape", "x flat", "y")], {"x": (F, XYZ)}, {"y": (F, (None, 24))}, {"flat": ints(-1, 24)}),
    "Unsqueeze and Expand": ([node("Unsqueeze", "x two", "u"), node("Expand", "u to", "y")], {"x": (F, XYZ)},
                             {"y": (F, ("batch", "sequence", 3, 24))}, {"two": ints(2), "to": ints(1, 1, 3, 1)}),
    "Where": ([node("Where", "c a b", "y")], {"c": (B, ("batch", "sequence", 1)), "a": (F, XYZ), "b": (F, XYZ)},
              {"y": (F, XYZ)}, {}),
    "Greater": ([node("Greater", "a b", "y")], {"a": (F, XYZ), "b": (F, XYZ)}, {"y": (B, XYZ)}, {}),
    "And, Or, Not": ([node("And", "a b", "c"), node("Or", "c b", "d"), node("Not", "d", "y")],
                     {"a": (B, XYZ), "b": (B, XYZ)}, {"y": (B, XYZ)}, {}),
    "Integers": ([node("Mul", "a b", "c"), node("Add", "c a", "y")], {"a": (I, XYZ), "b": (I, XYZ)}, {"y": (I, XYZ)}, {}),
    "Equal": ([node("Equal", "a b", "y")], {"a": (I, XYZ), "b": (I, XYZ)}, {"y": (B, XYZ)}, {}),
    "Range over the sequence": ([node("Shape", "x", "s"), node("Gather", "s one", "n", axis=0), node("Range", "zero n one", "r"),
                                 node("Cast", "r", "f", to=TensorProto.FLOAT), node("Unsqueeze", "f axis", "u"),
                                 node("Mul", "x u", "y")],
                                {"x": (F, XYZ)}, {"y": (F, XYZ)}, {"one": np.array(1), "zero": np.array(0), "axis": ints(-1)}),
    "Several outputs, one twice": ([node("Neg", "x", "y"), node("Abs", "y", "z"), node("Add", "y z", "w")], {"x": (F, XYZ)},
                                   {"y": (F, XYZ), "w": (F, XYZ), "z": (F, XYZ)}, {}),
    "An input handed through": ([node("Identity", "x", "y"), node("Neg", "x", "z")], {"x": (F, XYZ)},
                                {"y": (F, XYZ), "z": (F, XYZ)}, {}),
    "A weight as an output": ([node("Identity", "w", "y"), node("Neg", "x", "z")], {"x": (F, XYZ)},
                              {"y": (F, (4,)), "z": (F, XYZ)}, {"w": np.arange(4, dtype=F)}),
    "No dynamic dimension": ([node("MatMul", "x w", "y")], {"x": (F, (2, 24))}, {"y": (F, (2, 9))},
                             {"w": np.random.default_rng(5).standard_normal((24, 9), F)}),
    "A scalar output": ([node("ReduceSum", "x", "y", keepdims=0)], {"x": (F, XYZ)}, {"y": (F, ())}, {}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_operator(name, tmp_path):
    nodes, inputs, outputs, weights = OTHERS[name]
    path = models.save(tmp_path / "m.onnx", nodes, inputs, outputs, weights)
    random = np.random.default_rng(len(name))
    agree(path, {n: fill(*v, random) for n, v in inputs.items()}, tmp_path)


# ---- random graphs -----------------------------------------------------------------------------

class Graph:
    """Grows a graph of f32 values of shape [batch, sequence, width], kept small in
    magnitude so that errors mean something."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], {}, 0
        self.widths = {"x": 24, "x2": 24}

    def make(self, op, inputs, **attributes):
        self.count += 1
        name = f"v{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"/{op}_{self.count}", **attributes))
        return name

    def weight(self, array):
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(array)
        return name

    def value(self, width=None):
        names = [n for n, w in self.widths.items() if width in (None, w)]
        return names[self.random.integers(len(names))]

    def grow(self):
        kind = self.random.choice(["unary", "binary", "row", "linear", "norm", "softmax", "reduce", "concat", "slice",
                                   "where", "heads", "attention"])
        a = self.value()
        width = self.widths[a]
        result = getattr(self, f"grow_{kind}")(a, width)
        if result:
            name, width = result
            self.widths[self.make("Tanh", [name])] = width

    def grow_unary(self, a, width):
        return self.make(str(self.random.choice(["Sigmoid", "Erf", "Exp", "Neg", "Abs", "Relu", "Gelu", "Cos"])), [a]), width

    def grow_binary(self, a, width):
        return self.make(str(self.random.choice(["Add", "Sub", "Mul", "Max", "Min"])), [a, self.value(width)]), width

    def grow_row(self, a, width):
        shape = [(width,), (1, 1, width), (1,), ()][self.random.integers(4)]
        return self.make("Mul", [a, self.weight(self.random.standard_normal(shape).astype(F))]), width

    def grow_linear(self, a, width):
        to = int(self.random.choice([5, 16, 24, 33, 48]))
        product = self.make("MatMul", [a, self.weight(self.random.standard_normal((width, to)).astype(F) / np.sqrt(width).astype(F))])
        return self.make("Add", [product, self.weight(self.random.standard_normal(to).astype(F))]), to

    def grow_norm(self, a, width):
        gain, bias = (self.weight(self.random.standard_normal(width).astype(F)) for _ in range(2))
        return self.make("LayerNormalization", [a, gain, bias], epsilon=1e-3), width

    def grow_softmax(self, a, width):
        return self.make("Softmax", [a], axis=int(self.random.choice([-1, 1]))), width

    def grow_reduce(self, a, width):
        op = str(self.random.choice(["ReduceMean", "ReduceMax", "ReduceSum"]))
        axis = self.weight(np.array([self.random.choice([1, 2])], I))
        return self.make("Sub", [a, self.make(op, [a, axis], keepdims=1)]), width

    def grow_concat(self, a, width):
        b = self.value()
        return (self.make("Concat", [a, b], axis=-1), width + self.widths[b]) if width + self.widths[b] < 100 else None

    def grow_slice(self, a, width):
        low, high = sorted(self.random.choice(width + 1, 2, replace=False))
        bounds = [self.weight(np.array([v], I)) for v in (low, high, 2)]
        return self.make("Slice", [a, *bounds]), int(high - low)

    def grow_where(self, a, width):
        b = self.value(width)
        return self.make("Where", [self.make("Greater", [a, b]), self.make("Neg", [a]), b]), width

    def grow_heads(self, a, width):
        if width % 2:
            return None
        split = self.make("Reshape", [a, self.weight(np.array([0, 0, 2, width // 2], I))])
        turned = self.make("Transpose", [split], perm=[0, 2, 1, 3])
        back = self.make("Transpose", [self.make("Exp", [turned])], perm=[0, 2, 1, 3])
        return self.make("Reshape", [back, self.weight(np.array([0, 0, width], I))]), width

    def grow_attention(self, a, width):
        k, v = self.value(width), self.value(width)
        scores = self.make("MatMul", [a, self.make("Transpose", [k], perm=[0, 2, 1])])
        return self.make("MatMul", [self.make("Softmax", [scores], axis=-1), v]), width


@pytest.mark.parametrize("seed", range(24))
def test_random_graph(seed, tmp_path):
    graph = Graph(seed)
    while len(graph.nodes) < 14 or len(graph.widths) < 6:
        graph.grow()
    outputs = list(graph.widths)[-2:]
    path = models.save(tmp_path / "m.onnx", graph.nodes, {n: (F, XYZ) for n in ("x", "x2")},
                       {n: (F, ("batch", "sequence", graph.widths[n])) for n in outputs}, graph.weights)
    agree(path, {n: fill(F, XYZ, graph.random) for n in ("x", "x2")}, tmp_path, 3e-5)


def test_integer_division_never_traps(tmp_path):
    """Divisors are data: zero has no meaning and the least number / -1 no place, but the program goes on."""
    from onnx import helper
    path = models.save(tmp_path / "m.onnx", [helper.make_node("Div", ["a", "b"], ["c"])],
                       {"a": (np.int64, ("n",)), "b": (np.int64, ("n",))}, {"c": (np.int64, ("n",))})
    compile_model(path, tmp_path / "m")
    a = np.array([7, -7, 7, -7, 5, -2**63, 3, 9], np.int64)
    b = np.array([2, 2, -2, -2, 0, -1, -1, 1], np.int64)
    got = run_program(tmp_path / "m", {"a": a, "b": b}, tmp_path)["c"]
    assert got[[0, 1, 2, 3, 5, 6, 7]].tolist() == [3, -3, -3, 3, -2**63, -3, 9]


# ---- dimensions that are expressions ---------------------------------------------------------

def past_and_present(path):
    """As decoders with a cache: the mask is as long as past and new tokens together."""
    nodes = [node("Concat", "past x", "present", axis=1), node("Mul", "present mask", "y")]
    return models.save(path, nodes, {"past": (F, ("batch", "past")), "x": (F, ("batch", "sequence")),
                                     "mask": (F, ("batch", "past + sequence"))},
                       {"y": (F, ("batch", "past + sequence"))})


def test_input_dimension_is_a_sum(tmp_path):
    random = np.random.default_rng(4)
    inputs = {name: random.standard_normal((3, width), F) for name, width in (("past", 4), ("x", 10), ("mask", 14))}
    agree(past_and_present(tmp_path / "m.onnx"), inputs, tmp_path)
    run([tmp_path / "program", "--bench", 1, "--shape", "batch=1,past=2,sequence=3"])
    inputs["mask"] = inputs["mask"][:, 1:]
    with pytest.raises(AssertionError, match=r'"mask": dimension 1 \("(past \+ sequence|sequence \+ past)"\) is 13, '
                                             'but the other inputs make it 14'):
        run_program(tmp_path / "program", inputs, tmp_path)
