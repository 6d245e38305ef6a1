"""Equal layers share code: a model's depth is in its step and its weights, hardly in its code."""
import re

import numpy as np
import pytest
from onnx import helper

import models
from halftone import compile_model, run

WIDTH, INNER = 96, 200


def encoder(folder, layers):
    """Layers of a norm and two linears with a gelu between, whose weights differ."""
    random, nodes, weights, x = np.random.default_rng(layers), [], {}, "x"

    def add(operation, inputs, **attributes):
        name = f"{operation.lower()}{len(nodes)}"
        nodes.append(helper.make_node(operation, inputs, [name], name, **attributes))
        return name

    def weight(*shape):
        name = f"w{len(weights)}"
        weights[name] = random.standard_normal(shape).astype(np.float32)
        return name

    for _ in range(layers):
        norm = add("LayerNormalization", [x, weight(WIDTH), weight(WIDTH)])
        wide = add("Gelu", [add("MatMul", [norm, weight(WIDTH, INNER)])])
        x = add("Add", [add("MatMul", [wide, weight(INNER, WIDTH)]), x])
    nodes[-1].output[0] = "y"
    folder.mkdir()
    shape = (np.float32, ("rows", WIDTH))
    return models.save(folder / "m.onnx", nodes, {"x": shape}, {"y": shape}, weights, opset=20)


def code_bytes(program):
    text = run(["/usr/lib/llvm-22/bin/llvm-size", "-A", program]).stdout
    return int(re.search(r"^\.text\s+(\d+)", text, re.MULTILINE)[1])


@pytest.mark.parametrize("activations", ["f32", "int8-token"])
def test_depth_is_not_in_the_code(activations, tmp_path):
    sizes = []
    for layers in (2, 32):
        program = tmp_path / f"program{layers}"
        compile_model(encoder(tmp_path / str(layers), layers), program, "--weights", "int8", "--activations",
                      activations, "--max", "rows=64")
        sizes.append(code_bytes(program))
    assert sizes[1] < 1.2 * sizes[0], sizes
