"""Convolutions, poolings and other layers: native programs against ONNX Runtime, at odd
sizes, with static and with dynamic dimensions. The nodes of a family share one model."""
import numpy as np
import pytest
from onnx import helper

import models
from compare import relative_error
from halftone import compile_model, run_program, run_reference

F, I, B = np.float32, np.int64, np.bool_


class Family:
    """One model of many nodes, each with inputs and weights of its own."""

    def __init__(self, opset=20):
        self.random = np.random.default_rng(0)
        self.opset, self.nodes, self.inputs, self.outputs, self.weights = opset, [], {}, {}, {}

    def array(self, shape, kind=F):
        if kind == B:
            return self.random.random(shape) < 0.5
        if np.issubdtype(kind, np.integer):
            return self.random.integers(-9 if np.iinfo(kind).min else 0, 10, shape).astype(kind)
        return self.random.standard_normal(shape).astype(kind)

    def add(self, op, *operands, outputs=1, kind=None, **attributes):
        """Operands: an input (a shape, or an array that says more), a weight as {"weight": array}, or None."""
        number, names = len(self.nodes), []
        for i, operand in enumerate(operands):
            name = f"x{number}_{i}"
            if operand is None:
                names.append("")
                continue
            names.append(name)
            if isinstance(operand, dict):
                self.weights[name] = operand["weight"]
            else:
                self.inputs[name] = operand if isinstance(operand, np.ndarray) else self.array(operand)
        produced = [f"y{number}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, names, produced, name=f"{op}_{number}", **attributes))
        first = kind or (self.inputs | self.weights)[names[0]].dtype
        self.outputs |= {name: (first if i == 0 else I, None) for i, name in enumerate(produced)}

    def check(self, folder, dynamic=(), tolerance=1e-5):
        """dynamic: the axes of inputs that are symbols, one for each size."""
        sizes = {size for a in self.inputs.values() for axis, size in enumerate(a.shape) if axis in dynamic and size > 1}
        inputs = {n: (a.dtype, [f"d{s}" if axis in dynamic and s > 1 else s for axis, s in enumerate(a.shape)])
                  for n, a in self.inputs.items()}
        path = models.save(folder / "m.onnx", self.nodes, inputs, self.outputs, self.weights, opset=self.opset)
        want = models.run_onnxruntime(path, self.inputs)
        compile_model(path, folder / "program", *(["--max", ",".join(f"d{s}={s + 2}" for s in sizes)] if sizes else []))
        native = run_program(folder / "program", self.inputs, folder)
        reference = run_reference(path, self.inputs, folder)
        node_of = {output: node for node in self.nodes for output in node.output}
        for name, expected in want.items():
            text = f"{name} of {helper.printable_node(node_of[name])}"
            for got in (native[name], reference[name]):
                assert got.dtype == expected.dtype and got.shape == expected.shape, text
                if expected.dtype.kind == "f":
                    finite = np.isfinite(expected)
                    assert np.array_equal(got[~finite], expected[~finite], equal_nan=True), text
                    assert relative_error(got[finite], expected[finite]) < tolerance, text
                else:
                    assert np.array_equal(got, expected), text


STATIC_OR_DYNAMIC = pytest.mark.parametrize("dynamic", [(), (0, 2, 3, 4)], ids=["static", "dynamic"])


def weight(random, *shape):
    return {"weight": random.standard_normal(shape).astype(F)}


@STATIC_OR_DYNAMIC
def test_convolution(dynamic, tmp_path):
    family = Family()
    w = lambda *shape: weight(family.random, *shape)
    conv = lambda *operands, **attributes: family.add("Conv", *operands, **attributes)
    conv((2, 8, 21), w(6, 8, 3), w(6), pads=[1, 1])  # as in Whisper, channels last
    conv((2, 8, 21), w(6, 8, 3), w(6), pads=[1, 1], strides=[2])
    conv((1, 5, 17), w(7, 5, 4), dilations=[3])
    conv((2, 3, 24, 16), w(10, 3, 8, 8), w(10), strides=[8, 8])  # patches, as in ViT
    conv((2, 3, 19, 23), w(5, 3, 8, 8), strides=[8, 8])  # whose last ones are cut off
    conv((1, 4, 9, 11), w(6, 4, 3, 5), w(6), pads=[1, 2, 0, 3], strides=[1, 2])
    conv((1, 4, 9, 11), w(6, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 3])
    conv((1, 4, 10, 7), w(6, 4, 4, 4), auto_pad="SAME_LOWER", strides=[2, 1])
    conv((3, 6, 5, 7), w(9, 6, 1, 1), w(9))
    conv((2, 6, 8, 9), w(6, 1, 3, 3), w(6), group=6, pads=[1, 1, 1, 1])  # depthwise
    conv((2, 4, 8, 9), w(8, 1, 3, 3), group=4, strides=[2, 2])
    conv((2, 6, 12), w(9, 2, 5), w(9), group=3, pads=[2, 2])
    conv((1, 2, 5, 6, 7), w(3, 2, 2, 3, 2), w(3), dilations=[2, 1, 3], pads=[1, 0, 1, 0, 1, 0])
    conv((1, 3, 9, 9), w(4, 3, 3, 3), auto_pad="VALID")
    conv((2, 3, 7), (4, 3, 2), (4,), kernel_shape=[2])  # by a computed weight
    if not dynamic:
        conv((2, 4, 7), (6, 2, 3), (6,), group=2, pads=[1, 1])
    family.check(tmp_path, dynamic)


@STATIC_OR_DYNAMIC
def test_transposed_convolution(dynamic, tmp_path):
    family = Family()
    w = lambda *shape: weight(family.random, *shape)
    conv = lambda *operands, **attributes: family.add("ConvTranspose", *operands, **attributes)
    conv((2, 4, 9), w(4, 6, 3), w(6))
    conv((2, 4, 9), w(4, 6, 4), strides=[3], pads=[1, 2], output_padding=[1])
    conv((1, 3, 5, 6), w(3, 4, 2, 2), w(4), strides=[2, 2])  # windows side by side
    conv((1, 3, 5, 6), w(3, 4, 3, 5), strides=[2, 3], dilations=[2, 1], pads=[1, 0, 2, 1])
    conv((1, 4, 5, 7), w(4, 3, 3, 3), w(6), group=2, strides=[2, 1], pads=[1, 1, 1, 1])
    conv((1, 4, 5, 7), w(4, 1, 3, 3), group=4, strides=[2, 2])
    conv((1, 3, 5, 6), w(3, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
    conv((1, 2, 3, 4, 5), w(2, 3, 2, 2, 3), strides=[1, 2, 2])
    if not dynamic:
        conv((1, 3, 5, 6), w(3, 4, 3, 3), strides=[3, 2], output_shape=[16, 14])
    family.check(tmp_path, dynamic)


@STATIC_OR_DYNAMIC
def test_pooling(dynamic, tmp_path):
    family = Family(opset=20)
    for op, more in (("MaxPool", {}), ("AveragePool", {"count_include_pad": 0}), ("AveragePool", {"count_include_pad": 1}),
                     ("LpPool", {"p": 2}), ("LpPool", {"p": 3})):
        add = lambda shape, **attributes: family.add(op, shape, **attributes, **more)
        add((2, 3, 17), kernel_shape=[4], strides=[3])
        add((1, 3, 10, 11), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        add((1, 3, 10, 12), kernel_shape=[3, 2], dilations=[2, 3], pads=[1, 0, 0, 1])
        add((1, 2, 6, 7, 8), kernel_shape=[2, 3, 2], strides=[2, 1, 2])
        if op != "LpPool":
            add((1, 3, 10, 11), kernel_shape=[3, 3], strides=[2, 3], pads=[1, 1, 1, 1], ceil_mode=1)
            add((1, 3, 10, 11), kernel_shape=[2, 2], strides=[3, 2], ceil_mode=1)
        add((1, 3, 10, 11), kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    for op in "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool":
        family.add(op, (2, 3, 7, 5))
        family.add(op, (2, 3, 9))
    family.check(tmp_path, dynamic)


def ints(*values):
    return {"weight": np.array(values, I)}


def floats(*values):
    return {"weight": np.array(values, F)}


@STATIC_OR_DYNAMIC
def test_resize(dynamic, tmp_path):
    family = Family(opset=19)
    for coordinates in "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel":
        for nearest in "round_prefer_floor", "round_prefer_ceil", "floor", "ceil":
            family.add("Resize", (1, 2, 8, 6), None, floats(1, 1, 1.5, 2.5), mode="nearest", nearest_mode=nearest,
                       coordinate_transformation_mode=coordinates)
        for mode in "linear", "cubic":
            family.add("Resize", (1, 2, 6, 4), None, floats(1, 1, 2, 2.5), mode=mode,
                       coordinate_transformation_mode=coordinates)
            family.add("Resize", (1, 2, 12, 9), None, None, ints(1, 2, 5, 4), mode=mode,
                       coordinate_transformation_mode=coordinates)
    family.add("Resize", (1, 1, 8, 9), None, floats(1, 1, 1.25, 0.75), mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1)
    family.add("Resize", (1, 2, 8, 6), None, floats(0.5, 0.5), mode="linear", axes=[3, 2])
    if not dynamic:
        for mode in "linear", "cubic":
            family.add("Resize", (1, 2, 13, 9), None, None, ints(1, 2, 5, 6), mode=mode, antialias=1)
        family.add("Resize", (1, 1, 6, 8), floats(0, 0, 0.4, 0.6, 1, 1, 0.6, 0.8), None, ints(1, 1, 3, 4), mode="linear",
                   coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=10.0)
        family.add("Resize", (1, 1, 6, 8), None, None, ints(9, 10), axes=[2, 3], keep_aspect_ratio_policy="not_larger")
    family.check(tmp_path, (2, 3) if dynamic else (), tolerance=2e-5)


@STATIC_OR_DYNAMIC
def test_pad(dynamic, tmp_path):
    family = Family(opset=19)
    for mode in "constant", "reflect", "edge", "wrap":
        family.add("Pad", (3, 5, 7), ints(1, 0, 3, 2, 1, 4), mode=mode)
        family.add("Pad", (3, 5, 7), ints(2, 1), None, ints(-2), mode=mode)
    family.add("Pad", (3, 6), ints(-1, 2, 0, -3), floats(2.5))
    family.check(tmp_path, (1, 2) if dynamic else ())


@STATIC_OR_DYNAMIC
def test_einsum(dynamic, tmp_path):
    family = Family()
    w = lambda *shape: weight(family.random, *shape)
    einsum = lambda equation, *operands: family.add("Einsum", *operands, equation=equation)
    einsum("bij,bjk->bik", (2, 3, 5), (2, 5, 4))
    einsum("bqhd,bkhd->bhqk", (2, 3, 4, 5), (2, 6, 4, 5))
    einsum("bhqk,bkhd->bqhd", (2, 4, 3, 6), (2, 6, 4, 5))
    einsum("abc,dc->abd", (2, 3, 7), w(5, 7))
    einsum("oi,...i->...o", w(5, 7), (2, 3, 7))
    einsum("i,j->ij", (3,), (4,))
    einsum("ii->i", (4, 4))
    einsum("bii->b", (2, 4, 4))
    einsum("...ij->...ji", (2, 3, 4))
    einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 5))
    einsum("ab,cd", (2, 3), (4, 5))
    einsum("ij->", (3, 4))
    einsum("b...i,b...j->b...ij", (2, 3, 4), (2, 3, 5))
    family.check(tmp_path, range(4) if dynamic else ())


@STATIC_OR_DYNAMIC
def test_norm(dynamic, tmp_path):
    family = Family(opset=21)
    w = lambda *shape: weight(family.random, *shape)
    family.add("BatchNormalization", (2, 5, 4, 3), w(5), w(5), w(5), {"weight": np.linspace(0.5, 2, 5, dtype=F)})
    family.add("BatchNormalization", (3, 5), w(5), w(5), w(5), {"weight": np.linspace(0.5, 2, 5, dtype=F)})
    family.add("InstanceNormalization", (2, 5, 4, 7), w(5), w(5))
    family.add("GroupNormalization", (2, 6, 4, 3), w(6), w(6), num_groups=3)
    family.add("LpNormalization", (2, 6, 5), axis=1, p=2)
    family.add("LpNormalization", (2, 6, 5), p=1)
    family.add("LRN", (2, 7, 4, 3), size=3, alpha=0.5)
    family.add("LRN", (2, 7, 4, 3), size=5, alpha=0.5, beta=0.6, bias=1.5)
    family.add("MeanVarianceNormalization", (2, 6, 4, 3))
    family.check(tmp_path, (0, 2, 3) if dynamic else ())


@STATIC_OR_DYNAMIC
def test_blocks(dynamic, tmp_path):
    family = Family()
    family.add("SpaceToDepth", (2, 3, 4, 6), blocksize=2)
    for mode in "DCR", "CRD":
        family.add("DepthToSpace", (2, 18, 4, 5), blocksize=3, mode=mode)
    family.check(tmp_path, (0, 2, 3) if dynamic else ())


def test_circular_and_hyperbolic_functions_are_accurate_everywhere(tmp_path):
    """Each element to a few units of its own last place, not of the largest."""
    small = np.geomspace(1e-6, 0.99, 60, dtype=F)
    wide = np.concatenate([small, np.geomspace(1, 80, 40, dtype=F)])
    huge = np.concatenate([wide, np.geomspace(1e2, 1e30, 40, dtype=F)])
    both = lambda a: np.concatenate([-a, [0], a]).astype(F)
    functions = {"Sinh": (np.sinh, both(wide)), "Cosh": (np.cosh, both(wide)), "Tan": (np.tan, both(small)),
                 "Asin": (np.arcsin, both(np.append(small, 1))), "Acos": (np.arccos, both(np.append(small, 1))),
                 "Atan": (np.arctan, both(np.append(huge, np.inf))), "Asinh": (np.arcsinh, both(np.append(huge, np.inf))),
                 "Acosh": (np.arccosh, np.append(1 + small, [1, np.inf]).astype(F)),
                 "Atanh": (np.arctanh, both(np.append(small, 1)))}
    nodes = [helper.make_node(op, [f"x_{op}"], [op]) for op in functions]
    inputs = {f"x_{op}": x for op, (_, x) in functions.items()}
    path = models.save(tmp_path / "m.onnx", nodes, {n: (F, x.shape) for n, x in inputs.items()},
                       {op: (F, x.shape) for op, (_, x) in functions.items()})
    compile_model(path, tmp_path / "program")
    native = run_program(tmp_path / "program", inputs, tmp_path)
    reference = run_reference(path, inputs, tmp_path)
    for op, (function, x) in functions.items():
        with np.errstate(divide="ignore"):
            want = function(x.astype(np.float64))
        for got in (native[op], reference[op]):
            np.testing.assert_allclose(got, want, rtol=2e-6, err_msg=op)
