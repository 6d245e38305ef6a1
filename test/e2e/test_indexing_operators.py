"""Gathers, scatters, orders and conversions against ONNX Runtime and onnx's reference, with
static and with dynamic dimensions."""
import numpy as np
import pytest
from onnx import TensorProto

from operators import Nodes, by_onnxruntime, by_reference

F, I, B = np.float32, np.int64, np.bool_
STATIC, DYNAMIC = {}, {5: "rows", 7: "columns"}


@pytest.fixture
def random():
    return np.random.default_rng(3)


def normal(random, *shape):
    return random.standard_normal(shape).astype(F)


@pytest.mark.parametrize("symbols", [STATIC, DYNAMIC], ids=["static", "dynamic"])
def test_gathers(symbols, random, tmp_path):
    nodes = Nodes(18, symbols)
    x, cube = normal(random, 5, 7), normal(random, 3, 5, 7)
    for axis in (0, 1, -1):
        size = x.shape[axis]
        nodes.add("Gather", x, random.integers(-size, size, (2, 4)), axis=axis)
        nodes.add("GatherElements", x, random.integers(-size, size, (5, 7)).astype(np.int32), axis=axis)
    nodes.add("Gather", random.integers(0, 99, 5), np.array(-2), axis=0)
    nodes.add("GatherND", cube, random.integers(-3, 3, (4, 2)))
    nodes.add("GatherND", cube, random.integers(-5, 5, (3, 2, 1)), batch_dims=1)
    nodes.add("GatherND", cube, random.integers(0, 7, (3, 5, 1)), batch_dims=2)
    nodes.add("ReverseSequence", cube, np.array([3, 1, 0, 2, 3]), batch_axis=1, time_axis=0)
    nodes.add("ReverseSequence", cube, np.array([5, 1, 4]), batch_axis=0, time_axis=1)
    nodes.check(tmp_path, by_onnxruntime)


@pytest.mark.parametrize("symbols", [STATIC, DYNAMIC], ids=["static", "dynamic"])
@pytest.mark.parametrize("kind", [F, np.int32])
def test_scatters(symbols, kind, random, tmp_path):
    nodes = Nodes(18, symbols)
    x = random.integers(-9, 9, (5, 7)).astype(kind)
    columns = np.argsort(random.random((5, 7)))[:, :3] - 7  # distinct in each row, and negative
    rows = random.integers(0, 5, (6, 1))
    for reduction in "none", "add", "mul", "max", "min":
        nodes.add("ScatterElements", x, columns, random.integers(-9, 9, (5, 3)).astype(kind), axis=1, reduction=reduction)
        given = random.permutation(5)[:4, None] if reduction == "none" else rows
        nodes.add("ScatterND", x, given, random.integers(-3, 3, (len(given), 7)).astype(kind), reduction=reduction)
    nodes.check(tmp_path, by_reference)


@pytest.mark.parametrize("symbols", [STATIC, DYNAMIC], ids=["static", "dynamic"])
def test_orders(symbols, random, tmp_path):
    nodes = Nodes(18, symbols)
    x = normal(random, 4, 5, 7)
    ties = random.integers(0, 3, (5, 7)).astype(np.int32)
    for axis, largest in (0, 1), (1, 0), (-1, 1):
        nodes.add("TopK", x, np.array([3]), axis=axis, largest=largest, outputs=[F, I], constant=[1])
        nodes.add("TopK", x, np.array([1]), axis=axis, largest=largest, sorted=0, outputs=[F, I], constant=[1])
    for op in "ArgMax", "ArgMin":
        for axis in 0, -1:
            nodes.add(op, ties, axis=axis, outputs=[I])
            nodes.add(op, ties, axis=axis, keepdims=0, select_last_index=1, outputs=[I])
    for options in ({}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}):
        nodes.add("CumSum", x, np.array(-2), constant=[1], **options)
    nodes.check(tmp_path, by_onnxruntime)


def test_cumulative_products(random, tmp_path):
    nodes = Nodes(26, {4: "n"})
    x = random.uniform(0.5, 2, (4, 7)).astype(F)
    for options in ({}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}):
        nodes.add("CumProd", x, np.array(1), constant=[1], **options)
    nodes.add("CumProd", np.array([2, 3, -1, 5, 1], np.int32), np.array(0), constant=[1])
    nodes.check(tmp_path, by_reference)


def test_one_hot(random, tmp_path):
    nodes = Nodes(18, {5: "n"})
    values = np.array([-1, 4], F)
    for axis in (0, 1, -1, -2):
        nodes.add("OneHot", random.integers(-6, 6, (5, 3)), np.array(6), values, axis=axis, outputs=[F], constant=[1])
    nodes.add("OneHot", random.integers(0, 9, 5), np.array(6), values, outputs=[F], constant=[1])
    nodes.check(tmp_path, by_onnxruntime)


def test_sizes_that_constants_decide(random, tmp_path):
    nodes = Nodes(18, {5: "n"})
    x = normal(random, 4, 5)
    mask = np.array([True, False, True, True])
    nodes.add("Compress", x, mask, axis=0, constant=[1])
    nodes.add("Compress", normal(random, 2, 3), mask, constant=[1])
    sparse = random.integers(0, 2, (3, 4, 2))
    nodes.add("NonZero", sparse, outputs=[I], constant=[0])
    few = random.integers(0, 4, (6, 2))
    for options in ({}, {"sorted": 0}, {"axis": 0}, {"axis": 1, "sorted": 0}):
        nodes.add("Unique", few, outputs=[I, I, I, I], constant=[0], **options)
    boxes = random.random((2, 9, 4)).astype(F)
    nodes.add("NonMaxSuppression", boxes, random.random((2, 3, 9)).astype(F), np.array([2]), np.array([0.3], F),
              np.array([0.2], F), outputs=[I], constant=range(5))
    nodes.check(tmp_path, by_onnxruntime)


def test_literals_of_every_width(tmp_path):
    """A literal is read by position, whatever its elements are."""
    nodes = Nodes(18)
    for kind in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float16, F, np.float64):
        nodes.add("Gather", np.array([3, 1, 4, 1, 5], kind), np.array([4, 0, 2]), constant=[0])
    nodes.check(tmp_path, by_reference)


def test_casts(random, tmp_path):
    nodes = Nodes(21, {5: "n"})
    kinds = {np.int8: TensorProto.INT8, np.uint16: TensorProto.UINT16, np.int32: TensorProto.INT32,
             np.uint64: TensorProto.UINT64, np.float16: TensorProto.FLOAT16, F: TensorProto.FLOAT,
             np.float64: TensorProto.DOUBLE, B: TensorProto.BOOL}
    for source in kinds:
        x = random.integers(0, 2, 5).astype(B) if source == B else random.integers(0, 100, 5).astype(source)
        for target, to in kinds.items():
            nodes.add("Cast", x, outputs=[target], to=to)
            nodes.add("CastLike", x, np.ones(1, target), outputs=[target])
    nodes.check(tmp_path, by_reference)
