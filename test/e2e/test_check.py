"""halftone check: what it says of a model is what halftone compile then does."""
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from halftone import FAILED, HALFTONE, OK, USAGE, compile_model, run, run_program


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def save(path, nodes, inputs, outputs, initializers=(), functions=(), values=()):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(initializers), value_info=list(values))
    domains = {node.domain for node in nodes} | {function.domain for function in functions}
    sets = [helper.make_opsetid("", 18)] + [helper.make_opsetid(domain, 1) for domain in sorted(domains - {""})]
    model = helper.make_model(graph, opset_imports=sets, functions=list(functions), ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def odd(tmp_path):
    """A model with an operator that nobody has, an input that decides a shape, a name
    that would clear the screen, branches, a function and a weight."""
    branch = lambda name, op, x: helper.make_graph([helper.make_node(op, [x], [name])], name, [], [value(name, None)])
    nodes = [
        helper.make_node("Add", ["x", "w"], ["a"], "\x1b[2Jsum"),
        helper.make_node("Mul", ["a", "w"], ["b"], "product"),
        helper.make_node("Frob", ["b"], ["c"], "frob", domain="com.example", depth=3),
        helper.make_node("Frob", ["c"], ["c2"], "frob2", domain="com.example"),
        helper.make_node("ReduceSum", ["a", "axes"], ["total"], "total"),
        helper.make_node("ReduceSum", ["a", "one"], ["rows"], "rows"),
        helper.make_node("If", ["flag"], ["d"], "choice", then_branch=branch("t", "Exp", "a"),
                         else_branch=branch("e", "Log", "b")),
        helper.make_node("Flip", ["d"], ["y"], "call", domain="own"),
    ]
    flip = helper.make_function("own", "Flip", ["p"], ["q"], [helper.make_node("Neg", ["p"], ["q"])],
                                [helper.make_opsetid("", 18)])
    return save(tmp_path / "odd.onnx", nodes,
                [value("x", ["batch", 4]), value("axes", [1], TensorProto.INT64), value("flag", [], TensorProto.BOOL)],
                [value("y", ["batch", 4]), value("total", None), value("rows", None), value("c2", ["batch", 4])],
                [numpy_helper.from_array(np.ones(4, np.float32), "w"),
                 numpy_helper.from_array(np.ones(1, np.int64), "one")],
                [flip], [value("c", ["batch", 4]), value("d", ["batch", 4])])


def check(model, *options):
    """The exit code and the report."""
    done = run([HALFTONE, "check", model, "--json", *options], check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_supported(mlp, stories):
    for model in mlp, stories:
        code, report = check(model)
        assert (code, report["supported"], report["problems"], report["constants"]) == (OK, True, [], [])
        assert all(operator["supported"] for operator in report["operators"])
    assert [dim["name"] for dim in report["dynamic_dimensions"]] == ["batch", "sequence"]
    assert report["external_files"] == {"model.safetensors": report["weights"]["bfloat16"]["bytes"]}
    nodes = onnx.load(str(stories), load_external_data=False).graph.node
    counted = {operator["name"]: operator["nodes"] for operator in report["operators"]}
    assert counted["MatMul"] == sum(node.op_type == "MatMul" for node in nodes)


def test_everything_that_is_wrong(odd):
    code, report = check(odd)
    assert (code, report["supported"], report["schema_version"]) == (FAILED, False, 1)
    assert report["constants"] == ["axes"]
    assert report["opsets"] == {"ai.onnx": 18, "com.example": 1, "own": 1}
    refused = {operator["name"]: operator["refused"] for operator in report["operators"]}
    assert refused == {"com.example.Frob": ["frob", "frob2"], "ReduceSum": ["total"], "If": [], "Add": [],
                       "Mul": [], "Exp": [], "Log": [], "own.Flip": [], "Neg": []}
    assert {operator["name"]: operator["nodes"] for operator in report["operators"]}["ReduceSum"] == 2
    problems = {problem["node"]: problem for problem in report["problems"]}
    assert list(problems) == ["frob", "total"]
    assert problems["total"]["remedies"] == ["to fix what it depends on, add --constant axes=VALUE"]


def test_text(odd):
    done = run([HALFTONE, "check", odd], check=False)
    assert done.returncode == FAILED and done.stderr == ""
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in ("no com.example.Frob opset 1 2 nodes, refused: frob, frob2",
                 "no ReduceSum opset 18 2 nodes, refused: total",
                 "function own.Flip opset 1 1 node", "yes Add opset 18 1 node",
                 "input axes int64 [1]", "output y float32 [batch, 4]", "weights int64 1 tensors, 8 bytes",
                 "remedy: to fix what it depends on, add --constant axes=VALUE",
                 "not supported: 7 of 9 operators, 2 problems"):
        assert line in lines, done.stdout


def test_constants_are_what_was_missing(tmp_path):
    path = save(tmp_path / "sum.onnx", [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)],
                [value("x", ["n", 4]), value("axes", [1], TensorProto.INT64)], [value("y", None)])
    code, report = check(path)
    assert code == FAILED and report["constants"] == ["axes"]
    code, report = check(path, "--constant", "axes=1")
    assert code == OK and report["constants"] == []
    compile_model(path, tmp_path / "sum", "--constant", "axes=1")


def test_what_check_says_compile_does(odd, mlp, stories, tmp_path):
    for model in odd, mlp, stories:
        code, _ = check(model)
        assert compile_model(model, tmp_path / "model", check=False).returncode == code


def test_unreadable(mlp, tmp_path):
    (tmp_path / "cut.onnx").write_bytes(mlp.read_bytes()[:200])
    for path, words in (tmp_path / "none.onnx", "No such file"), (tmp_path / "cut.onnx", "truncated"), \
                       (tmp_path, "folder"):
        done = run([HALFTONE, "check", path], check=False)
        assert done.returncode == USAGE and words in done.stderr and done.stdout == ""


# ---- one node as a model of its own -------------------------------------------------------

def extract(model, name, tmp_path):
    path = tmp_path / "node.onnx"
    run([HALFTONE, "check", model, "--save-node", name, "-o", path])
    made = onnx.load(str(path))
    onnx.checker.check_model(made)
    return made, check(path)


@pytest.mark.parametrize("name, op, inputs, code", [
    ("frob", "Frob", ["b"], FAILED),
    ("total", "ReduceSum", ["a", "axes"], FAILED),
    ("rows", "ReduceSum", ["a"], OK),
    ("\x1b[2Jsum", "Add", ["x"], OK),
    (r"\1B[2Jsum", "Add", ["x"], OK),
    ("choice", "If", ["flag", "a", "b"], OK),
    ("call", "Flip", ["d"], OK),
    ("e", "Log", ["b"], OK),
])
def test_save_node(odd, tmp_path, name, op, inputs, code):
    made, (found, report) = extract(odd, name, tmp_path)
    assert [node.op_type for node in made.graph.node] == [op]
    assert sorted(x.name for x in made.graph.input) == sorted(inputs)
    assert found == code
    original = onnx.load(str(odd))
    for node in original.graph.node:
        if node.name == name:
            assert made.graph.node[0] == node
    assert bool(made.functions) == (op == "Flip")
    assert sum(operator["nodes"] for operator in report["operators"]) == {"If": 3, "Flip": 2}.get(op, 1)


def test_saved_node_runs(stories, tmp_path):
    """…in ONNX Runtime and here."""
    import onnxruntime
    nodes = onnx.load(str(stories), load_external_data=False).graph.node
    name = next(node.name for node in nodes if node.op_type == "Softmax")
    made, (code, _) = extract(stories, name, tmp_path)
    assert code == OK
    inputs = {made.graph.input[0].name: np.random.default_rng(1).standard_normal((2, 8, 3, 3)).astype(np.float32)}
    want, = onnxruntime.InferenceSession(str(tmp_path / "node.onnx")).run(None, inputs)
    compile_model(tmp_path / "node.onnx", tmp_path / "node")
    got, = run_program(tmp_path / "node", inputs, tmp_path).values()
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_save_node_of_external_weights(tmp_path):
    """Small ones move into the file; large ones become inputs."""
    weights = {"small": np.arange(16, dtype=np.float32).reshape(4, 4), "large": np.ones((4, 1 << 17), np.float32)}
    path = save(tmp_path / "model.onnx", [helper.make_node("MatMul", ["x", "small"], ["a"], "first"),
                                          helper.make_node("MatMul", ["a", "large"], ["y"], "second")],
                [value("x", ["n", 4])], [value("y", ["n", 1 << 17])],
                [numpy_helper.from_array(array, name) for name, array in weights.items()])
    onnx.save(onnx.load(str(path)), str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    made, (code, _) = extract(path, "first", tmp_path)
    assert code == OK
    np.testing.assert_array_equal(numpy_helper.to_array(made.graph.initializer[0]), weights["small"])
    made, (code, _) = extract(path, "second", tmp_path)
    assert code == OK
    assert [x.name for x in made.graph.input] == ["a", "large"] and not made.graph.initializer
    assert (tmp_path / "node.onnx").stat().st_size < 1000


@pytest.mark.parametrize("attribute, array", [
    ({"value_ints": [0]}, np.array([0])), ({"value_int": 1}, np.array(1)),
    ({"value": numpy_helper.from_array(np.array([1]))}, np.array([1]))])
def test_save_node_of_constants(tmp_path, attribute, array):
    path = save(tmp_path / "model.onnx", [helper.make_node("Constant", [], ["axes"], **attribute),
                                          helper.make_node("Gather", ["x", "axes"], ["y"], "sum")],
                [value("x", ["n", 4])], [value("y", None)])
    made, (code, _) = extract(path, "sum", tmp_path)
    assert code == OK
    np.testing.assert_array_equal(numpy_helper.to_array(made.graph.initializer[0]), array)


def test_save_node_wrong(odd, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for options, words in (["--save-node", "nobody", "-o", out / "n.onnx"], "no node of this name"), \
                          (["--save-node", "q", "-o", out / "n.onnx"], "function 'Flip'"), \
                          (["--save-node", "frob"], "-o"), (["-o", out / "n.onnx"], "--save-node"), \
                          (["--save-node", "frob", "-o", tmp_path / "nowhere/n.onnx"], "nowhere"):
        done = run([HALFTONE, "check", odd, *options], check=False)
        assert done.returncode == USAGE and words in done.stderr, done.stderr
    assert list(out.iterdir()) == []
