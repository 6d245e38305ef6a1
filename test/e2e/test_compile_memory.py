"""Weights are made in parts: what the compiler takes does not grow with them, and --memory bounds it."""
import os
import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from halftone import FAILED, HALFTONE, USAGE, compile_model, run_program

LAYERS, WIDTH, HIDDEN = 3, 1024, 8192


def layers(folder, hidden):
    """x through pairs of products, of weights that a file beside the model has; and what numpy makes of it."""
    random = np.random.default_rng()
    nodes, weights, value = [], {}, "x"
    for i in range(LAYERS):
        for name, shape in ((f"up{i}", (WIDTH, hidden)), (f"down{i}", (hidden, WIDTH))):
            weights[name] = random.standard_normal(shape, np.float32) / np.sqrt(np.float32(shape[0]))
            nodes.append(helper.make_node("MatMul", [value, name], [f"{name}.y"]))
            value = f"{name}.y"
    graph = helper.make_graph(nodes, "layers", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, WIDTH])],
                              [helper.make_tensor_value_info(value, TensorProto.FLOAT, [2, WIDTH])],
                              [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()])
    folder.mkdir()
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), folder / "m.onnx",
              save_as_external_data=True, location="weights.bin")
    return folder / "m.onnx", weights


def peak_bytes(*command):
    """The most memory that a command had at once, pages of mapped files as well."""
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, errors
    return usage.ru_maxrss * 1024


@pytest.mark.parametrize("weights", ["f32", "int4-g32"])
def test_memory_does_not_grow_with_weights(weights, tmp_path):
    small, _ = layers(tmp_path / "small", 64)
    large, arrays = layers(tmp_path / "large", HIDDEN)
    options = ["--weights", weights] + (["--activations", "int8-token"] if weights != "f32" else [])
    base = peak_bytes(HALFTONE, "compile", small, "-o", tmp_path / "s", *options)
    peak = peak_bytes(HALFTONE, "compile", large, "-o", tmp_path / "l", *options)
    # Two transposed weights of 32 MiB, whole and packed, would be 128 MiB.
    assert peak - base < 64 << 20
    x = np.random.default_rng().standard_normal((2, WIDTH), np.float32)
    got, = run_program(tmp_path / "l", {"x": x}, tmp_path).values()
    want = x
    for array in arrays.values():
        want = want @ array
    assert np.abs(got - want).max() < (1e-5 if weights == "f32" else 0.5) * np.abs(want).max()


def test_least_memory_that_works(tmp_path):
    model, _ = layers(tmp_path / "model", 256)
    compile_model(model, tmp_path / "free")
    done = compile_model(model, tmp_path / "bound", "--memory", "1MiB", check=False)
    assert done.returncode == FAILED and not (tmp_path / "bound").exists()
    least = re.search(r"weight @\S+ takes \d+MiB while it is made, beside \d+MiB for the rest: "
                      r"--memory (\d+)MiB is the least that works", done.stderr)
    assert least, done.stderr
    # What the rest takes differs by some pages between runs.
    compile_model(model, tmp_path / "bound", "--memory", f"{int(least[1]) + 4}MiB")
    # The programs are the same but for their names.
    free, bound = ((tmp_path / name).read_bytes()[-(LAYERS * 2 * WIDTH * 256 * 4):] for name in ("free", "bound"))
    assert free == bound


@pytest.mark.parametrize("size", ["4GB", "-1", "0", "1.5GiB", "KiB", "99999999999GiB"])
def test_no_number_of_bytes(size, tmp_path):
    done = compile_model("model.onnx", tmp_path / "m", f"--memory={size}", check=False)
    assert done.returncode == USAGE
    assert f"--memory: '{size}' is no number of bytes, such as 4GiB, 512MiB or 1048576" in done.stderr
