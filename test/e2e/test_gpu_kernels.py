"""GPU kernels against the exact interpreter, at odd sizes: every arithmetic of a linear, and operations on
elements. Their code runs on the CPU (gpu.py), so a GPU is not needed and its compiler not tested: ptxas takes
the same code in test/passes/CUDA."""
import ml_dtypes
import numpy as np
import pytest

from gpu import GpuModel
from halftone import run_reference
from test_linear_terms import FORMATS, write_model


def make_inputs(random, n, k, rows):
    """What each format multiplies, so that no two share a kernel, and what the epilogue adds."""
    inputs = {"x": np.zeros((rows, k), np.float32)}
    for i, (x_term, _, _) in enumerate(FORMATS.values()):
        if x_term.startswith("affine"):
            block = x_term.split("[1, ")[1].split("]")[0]
            count = 1 if block == "?" else -(-k // int(block))
            inputs[f"c{i}"] = random.integers(-128, 128, (rows, k)).astype(np.int8)
            inputs[f"s{i}"] = random.uniform(0.01, 1, (rows, count)).astype(np.float32)
        else:
            x = random.standard_normal((rows, k)) * random.uniform(0.1, 9, (rows, 1))
            inputs[f"x{i}"] = x.astype({"f32": np.float32, "bf16": ml_dtypes.bfloat16}[x_term])
    inputs["bias"] = random.standard_normal(n).astype(np.float32)
    inputs["residual"] = random.standard_normal((rows, n)).astype(np.float32)
    return inputs


def get_magnitude(inputs, i):
    """The sum of |x| along the longest row: what sums of products are rounded by, whatever cancels in them."""
    if f"x{i}" in inputs:
        return np.abs(inputs[f"x{i}"].astype(np.float32)).sum(axis=1).max()
    return (np.abs(inputs[f"c{i}"].astype(np.float32)).sum(axis=1) * inputs[f"s{i}"].max(axis=1)).max()


@pytest.mark.parametrize("n, k", [(67, 131), (130, 64), (1, 260)])
def test_linear(n, k, tmp_path):
    random = np.random.default_rng(n * k)
    random.standard_normal((n, k)).astype(np.float32).tofile(tmp_path / "w.f32")
    write_model(tmp_path / "m.mlir", FORMATS, n, k, epilogue=True, given_codes=True)
    model = GpuModel(tmp_path / "m.mlir", tmp_path)
    # A tile has 16 rows; blocks may be fewer than tiles, or more.
    for rows, num_blocks in (1, 1), (16, 7), (35, 2):
        inputs = make_inputs(random, n, k, rows)
        want = run_reference(tmp_path / "m.mlir", inputs, tmp_path)
        got = model.run(inputs, rows, num_blocks)
        for i, name in enumerate(FORMATS):
            error = np.abs(got[f"y{i}"] - want[f"y{i}"]).max() / get_magnitude(inputs, i)
            assert error < 1e-6, f"{name} of {rows} rows"


#: Operations on elements: polynomials, integers and choices, moved elements and a table, codes of a term.
ELEMENTS = """
!x = tensor<?x37xf32, #ht.dims<s0>>
!b = tensor<?x37xi1, #ht.dims<s0>>
!i = tensor<?x37xi32, #ht.dims<s0>>
!c = tensor<?x37xui8, #ht.dims<s0>>
!t = tensor<37x?xf32, #ht.dims<s0>>
func.func @main(%x: !x {ht.name = "x"}, %h: tensor<37xbf16> {ht.name = "h"}, %i: !i {ht.name = "i"},
                %scale: tensor<1x5xf32> {ht.name = "scale"}, %zero: tensor<1x5xui8> {ht.name = "zero"}) ->
    (!x {ht.name = "floats"}, !i {ht.name = "integers"}, !t {ht.name = "moved"},
     tensor<?x37xf16, #ht.dims<s0>> {ht.name = "halves"}, !c {ht.name = "codes"}, !x {ht.name = "term"})
    attributes {ht.symbols = [#ht.symbol<"rows", 1, 511>]} {
  %wide = ht.cast %h : tensor<37xbf16> to tensor<37xf32>
  %0 = ht.mul %x, %wide : !x, tensor<37xf32> -> !x
  %1 = ht.gelu %0 : !x
  %2 = ht.tanh %x : !x
  %3 = ht.sigmoid %2 : !x
  %4 = ht.max %1, %3 : !x, !x -> !x
  %5 = ht.erf %4 : !x

  %three = ht.constant dense<3> : tensor<i32>
  %6 = ht.div %i, %three : !i, tensor<i32> -> !i
  %7 = ht.compare lt %x, %wide : !x, tensor<37xf32> -> !b
  %8 = ht.cast %x : !x to !i
  %9 = ht.where %7, %6, %8 : !b, !i, !i -> !i

  %table = ht.constant dense<[[0.5], [-1.0], [2.0], [7.0]]> : tensor<4x1xf32>
  %10 = ht.slice %x starts <0, 36> strides [1, -1] : !x to tensor<?x33xf32, #ht.dims<s0>>
  %11 = ht.transpose %10 [1, 0] : tensor<?x33xf32, #ht.dims<s0>> -> tensor<33x?xf32, #ht.dims<s0>>
  %12 = ht.broadcast %table : tensor<4x1xf32> to tensor<4x?xf32, #ht.dims<s0>>
  %13 = ht.concat %12, %11 axis 0 : tensor<4x?xf32, #ht.dims<s0>>, tensor<33x?xf32, #ht.dims<s0>> -> !t
  %14 = ht.abs %x : !x
  %15 = ht.sqrt %14 : !x
  %16 = ht.cast %15 : !x to tensor<?x37xf16, #ht.dims<s0>>

  %17 = htq.quantize <ui8, blocks [?, 8], scale f32, zero ui8>(%x, %scale, %zero)
      : !x, tensor<1x5xf32>, tensor<1x5xui8> -> !c
  %18 = htq.dequantize #htq.affine<ui8, blocks [?, 8], scale f32, zero ui8>(%17, %scale, %zero)
      : (!c, tensor<1x5xf32>, tensor<1x5xui8>) -> !x
  return %5, %9, %13, %16, %17, %18 : !x, !i, !t, tensor<?x37xf16, #ht.dims<s0>>, !c, !x
}
"""


@pytest.mark.parametrize("rows, num_blocks", [(1, 1), (13, 1), (29, 3), (7, 50)])
def test_elements(rows, num_blocks, tmp_path):
    (tmp_path / "m.mlir").write_text(ELEMENTS)
    random = np.random.default_rng(rows)
    inputs = {"x": random.normal(0, 3, (rows, 37)).astype(np.float32),
              "h": random.standard_normal(37).astype(ml_dtypes.bfloat16),
              "i": random.integers(-10**9, 10**9, (rows, 37)).astype(np.int32),
              "scale": random.uniform(0.02, 0.1, (1, 5)).astype(np.float32),
              "zero": random.integers(0, 256, (1, 5)).astype(np.uint8)}
    inputs["x"][0, :3] = np.nan, np.inf, -0.0
    want = run_reference(tmp_path / "m.mlir", inputs, tmp_path)
    got = GpuModel(tmp_path / "m.mlir", tmp_path).run(inputs, rows, num_blocks)
    for name in want:
        # Only polynomials may differ.
        tolerance = 1e-6 if name == "floats" else 0
        np.testing.assert_allclose(got[name].astype(np.float64), want[name].astype(np.float64), tolerance, tolerance,
                                   err_msg=name)
