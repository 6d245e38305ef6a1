"""Quantization in three forms: QuantizeLinear and DequantizeLinear of a file, terms, and upstream's
quantized types. What the interpreter computes of them is the same to the bit, and what onnx computes."""
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from halftone import HALFTONE, HALFTONE_OPT, run, run_reference


def pair(name, kind, scale, zero, **attributes):
    """x quantized and back, as nodes and initializers."""
    initializers = [numpy_helper.from_array(np.asarray(scale, np.float32), f"{name}.scale"),
                    helper.make_tensor(f"{name}.zero", kind, np.shape(scale), np.ravel(zero))]
    nodes = [helper.make_node("QuantizeLinear", ["x", f"{name}.scale", f"{name}.zero"], [f"{name}.codes"], **attributes),
             helper.make_node("DequantizeLinear", [f"{name}.codes", f"{name}.scale", f"{name}.zero"], [name], **attributes)]
    return nodes, initializers


@pytest.fixture
def model(tmp_path):
    kinds = onnx.TensorProto
    parts = {
        "tensor": pair("tensor", kinds.UINT8, 0.05, 131),
        "symmetric": pair("symmetric", kinds.INT8, 0.03, 0),
        "axis": pair("axis", kinds.INT8, [0.1, 0.02, 0.5, 0.03, 0.7, 0.01], [0, -3, 5, 127, -128, 1], axis=1),
        "blocks": pair("blocks", kinds.INT4, [[0.5, 0.3, 0.25]] * 4, [[0, -8, 7]] * 4, axis=1, block_size=2),
    }
    outputs = [helper.make_tensor_value_info(name, kinds.FLOAT, [4, 6]) for name in parts]
    graph = helper.make_graph([node for nodes, _ in parts.values() for node in nodes], "qdq",
                              [helper.make_tensor_value_info("x", kinds.FLOAT, [4, 6])], outputs,
                              [tensor for _, tensors in parts.values() for tensor in tensors])
    path = tmp_path / "qdq.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), path)
    return path


def test_three_forms(model, tmp_path):
    x = np.random.default_rng(3).normal(0, 3, (4, 6)).astype(np.float32)
    x[0, :4] = 0.025, -0.075, 1e6, -1e6  # ties, and what is clamped
    terms, types, back = (tmp_path / f"{name}.mlir" for name in ("terms", "types", "back"))
    run([HALFTONE, "compile", model, "--compile-to=import", "-o", terms])
    run([HALFTONE_OPT, "--ht-fold-constants", "--htq-convert-to-quant", terms, "-o", types])
    run([HALFTONE_OPT, "--htq-convert-from-quant", types, "-o", back])
    assert terms.read_text().count("htq.quantize") == types.read_text().count("quant.qcast") == 4
    assert "htq." not in types.read_text() and "quant." not in back.read_text()
    assert back.read_text().count("htq.dequantize") == 4

    names = [output.name for output in onnx.load(model).graph.output]
    expected = dict(zip(names, ReferenceEvaluator(str(model)).run(names, {"x": x})))
    for form in terms, back:
        outputs = run_reference(form, {"x": x}, tmp_path)
        for name in names:
            np.testing.assert_array_equal(outputs[name], expected[name], err_msg=f"{form.name}: {name}")
