"""Quantization operators of ONNX and ONNX Runtime, each form of each: the interpreter and native code
agree with ONNX Runtime; codes that follow a float computation may be one step off."""
import numpy as np
import onnx
import pytest
from onnx import helper

from operators import Nodes, by_definition, by_onnxruntime, by_reference

F, I32, I64, I8, U8 = np.float32, np.int32, np.int64, np.int8, np.uint8
BATCH, TOKENS = 3, 5
SYMBOLS = {"static": {}, "dynamic": {BATCH: "batch", TOKENS: "tokens"}}
shapes = pytest.mark.parametrize("symbols", SYMBOLS.values(), ids=SYMBOLS)
weights = pytest.mark.parametrize("constant", [(), True], ids=["computed", "weights"])


@pytest.fixture
def random():
    return np.random.default_rng(11)


def codes(random, kind, *shape):
    limits = np.iinfo(kind)
    return random.integers(limits.min, limits.max + 1, shape).astype(kind)


def scales(random, *shape):
    return (random.random(shape) * 0.05 + 0.01).astype(F)


def normal(random, *shape):
    return random.standard_normal(shape).astype(F)


@shapes
def test_quantize_and_back(symbols, random, tmp_path):
    nodes = Nodes(21, symbols)
    x = (BATCH, TOKENS, 8)
    for kind in I8, U8, np.int16, np.uint16:
        for shape, more in (((), {}), ((8,), {"axis": -1}), ((BATCH, TOKENS, 4), {"axis": 2, "block_size": 2})):
            if symbols and len(shape) > 1 and kind != I8:
                continue
            scale, zero = scales(random, *shape), codes(random, kind, *shape) // 4
            nodes.add("QuantizeLinear", normal(random, *x), scale, zero.astype(kind), outputs=[kind], **more)
            nodes.add("DequantizeLinear", codes(random, kind, *x), scale, zero.astype(kind), outputs=[F], **more)
    nodes.add("QuantizeLinear", normal(random, *x), scales(random), outputs=[U8])
    nodes.add("QuantizeLinear", normal(random, *x), scales(random), outputs=[I8], output_dtype=onnx.TensorProto.INT8)
    nodes.add("DequantizeLinear", codes(random, I32, *x) // 2**20, scales(random), outputs=[F])
    nodes.add("DequantizeLinear", codes(random, I8, *x), scales(random, 8), outputs=[F], axis=2, constant=(0, 1)
              ) if not symbols else None
    nodes.check(tmp_path, by_onnxruntime, tolerance=1e-6)


@shapes
def test_dynamic_quantization(symbols, random, tmp_path):
    nodes = Nodes(20, symbols)
    for x in (normal(random, BATCH, TOKENS, 8), -np.abs(normal(random, BATCH, 6)), np.full((BATCH, 2), 3, F)):
        nodes.add("DynamicQuantizeLinear", x, outputs=[U8, F, U8])
    nodes.check(tmp_path, by_onnxruntime, tolerance=1e-6)


@weights
def test_integer_products(constant, random, tmp_path):
    symbols = {BATCH: "batch", TOKENS: "tokens"}
    nodes = Nodes(20, symbols)
    a, b = (BATCH, TOKENS, 12), (12, 6)
    for left, right in ((U8, I8), (U8, U8), (I8, I8)):
        def add(op, *inputs, of=(), **more):
            nodes.add(op, *inputs, constant=of if constant else (), **more)
        x, y = codes(random, left, *a), codes(random, right, *b)
        zero, column = codes(random, left), codes(random, right, 6)
        add("MatMulInteger", x, y, zero, codes(random, right), outputs=[I32], of=(1, 3))
        add("MatMulInteger", x, y, outputs=[I32], of=(1,))
        if (left, right) != (I8, I8):
            add("MatMulInteger", x, y, zero, column, outputs=[I32], of=(1, 3))
        add("QLinearMatMul", x, scales(random), zero, y, scales(random, 6), column, np.array(0.6, F), codes(random, left),
            outputs=[left], of=(1, 2, 3, 4, 5, 6, 7))
        if left == U8:
            add("MatMulIntegerToFloat", x, y, scales(random), scales(random, 6), zero, column, normal(random, 6),
                domain="com.microsoft", outputs=[F], of=(1, 3, 5, 6))
            add("DynamicQuantizeMatMul", normal(random, *a), y, scales(random, 6), column, normal(random, 6),
                domain="com.microsoft", of=(1, 2, 3, 4))
            add("QGemm", codes(random, left, TOKENS, 12), scales(random), zero, codes(random, right, 6, 12), scales(random),
                codes(random, right), codes(random, I32, 6) // 2**20, np.array(0.6, F), codes(random, left), transB=1,
                alpha=0.5, domain="com.microsoft", outputs=[left], of=(3, 4, 5, 6, 7, 8))
    # A product of floats that were quantized as they came is as far off as its codes are.
    nodes.check(tmp_path, by_onnxruntime, tolerance=2e-3, steps=1)


@shapes
def test_products_of_wide_integers(symbols, random, tmp_path):
    nodes = Nodes(18, symbols)
    for left in np.int16, np.uint16:
        for right in np.int16, np.uint16:
            a, b = codes(random, left, BATCH, TOKENS, 13) // 4, codes(random, right, 13, 6) // 32
            nodes.add("MatMulInteger16", a, b, domain="com.microsoft", outputs=[I32])
    # ONNX Runtime has those of two signed operands only.
    nodes.check(tmp_path, by_definition({
        "MatMulInteger16": lambda attributes, a, b: (a.astype(I64) @ b.astype(I64)).astype(I32)}))


@weights
def test_integer_convolution(constant, random, tmp_path):
    nodes = Nodes(20, {5: "batch"})
    x, w = (5, 4, 9, 7), (6, 2, 3, 3)
    more = {"group": 2, "pads": [1, 0, 1, 2], "strides": [2, 1]}
    nodes.add("ConvInteger", codes(random, U8, *x), codes(random, U8, *w), codes(random, U8), outputs=[I32],
              constant=(1,) if constant else (), **more)
    nodes.add("QLinearConv", codes(random, U8, *x), scales(random), codes(random, U8), codes(random, I8, *w),
              scales(random, 6), codes(random, I8, 6) * 0, np.array(0.5, F), codes(random, U8),
              codes(random, I32, 6) // 2**20, outputs=[U8], constant=(1, 2, 3, 4, 5, 6, 7, 8) if constant else (), **more)
    nodes.add("QLinearConv", codes(random, U8, *x), scales(random), codes(random, U8), codes(random, U8, 6, 4, 3, 3),
              scales(random), codes(random, U8), np.array(0.5, F), codes(random, U8), outputs=[U8],
              constant=(3, 4, 5) if constant else ())
    nodes.check(tmp_path, by_onnxruntime, steps=1)


@shapes
def test_operators_on_codes(symbols, random, tmp_path):
    nodes = Nodes(18, symbols)
    x = (BATCH, TOKENS, 8)

    def add(op, *inputs, outputs, **more):
        nodes.add(op, *inputs, domain="com.microsoft", outputs=outputs, **more)

    for kind in U8, I8:
        def tensor(*shape):
            return [codes(random, kind, *shape), scales(random), codes(random, kind)]

        def result(scale):
            return [np.array(scale, F), codes(random, kind)]
        add("QLinearAdd", *tensor(*x), *tensor(8), *result(0.1), outputs=[kind])
        add("QLinearMul", *tensor(*x), *tensor(*x), *result(0.3), outputs=[kind])
        add("QLinearSigmoid", *tensor(*x), np.array(1 / 256, F), np.array(np.iinfo(kind).min, kind), outputs=[kind],
            constant=(1, 2, 3, 4))
        add("QLinearLeakyRelu", *tensor(*x), *result(0.05), outputs=[kind], alpha=0.1, constant=(1, 2, 3, 4))
        add("QLinearSoftmax", *tensor(*x), np.array(1 / 256, F), np.array(np.iinfo(kind).min, kind), outputs=[kind],
            axis=-1, opset=13, constant=(1, 2, 3, 4))
        add("QLinearWhere", random.random(x) < 0.5, *tensor(*x), *tensor(*x), *result(0.05), outputs=[kind],
            constant=(2, 3, 5, 6, 7, 8))
        add("QLinearConcat", *result(0.05), *tensor(*x), *tensor(*x), outputs=[kind], axis=2,
            constant=(0, 1, 3, 4, 6, 7))
        add("QLinearGlobalAveragePool", *tensor(BATCH, 4, 6, 7), *result(0.02), outputs=[kind])
    nodes.check(tmp_path, by_onnxruntime, steps=1)


def qlinear_reduce_mean(attributes, x, scale, zero, to_scale, to_zero):
    number = (x.astype(np.float64) - zero) * scale
    mean = number.mean(tuple(attributes["axes"]), keepdims=bool(attributes["keepdims"]))
    limits = np.iinfo(x.dtype)
    return np.clip(np.rint(mean / to_scale) + to_zero, limits.min, limits.max).astype(x.dtype)


@shapes
def test_mean_of_codes(symbols, random, tmp_path):
    nodes = Nodes(18, symbols)
    for kind in U8, I8:
        for axes, keep in ([1], 1), ([-1, 0], 0), ([0, 1, 2], 1):
            nodes.add("QLinearReduceMean", codes(random, kind, BATCH, TOKENS, 9), scales(random), codes(random, kind),
                      np.array(0.02, F), codes(random, kind), domain="com.microsoft", outputs=[kind], axes=axes,
                      keepdims=keep)
    # ONNX Runtime has its definition, but no code for it.
    nodes.check(tmp_path, by_definition({"QLinearReduceMean": qlinear_reduce_mean}), steps=1)


@weights
def test_quantized_attention(constant, random, tmp_path):
    nodes = Nodes(18, {BATCH: "batch", TOKENS: "tokens"})
    for per in (), (24,):
        nodes.add("QAttention", codes(random, U8, BATCH, TOKENS, 10), codes(random, I8, 10, 24), normal(random, 24),
                  scales(random), scales(random, *per), np.array([5, 2, 3], I32), codes(random, U8),
                  codes(random, I8, *per), domain="com.microsoft", outputs=[F], num_heads=2,
                  constant=(1, 2, 3, 4, 6, 7) if constant else (4, 7))
    nodes.check(tmp_path, by_onnxruntime)


# ---- weights in blocks ---------------------------------------------------------------------

def pack(values, bits, high=False):
    """Codes of `bits` bits along the last axis, as bytes, whose low bits are first."""
    many = 8 // bits
    values = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % many)]).astype(U8)
    split = values.reshape(*values.shape[:-1], -1, many)
    shifts = np.arange(many)[::-1] if high else np.arange(many)
    return np.bitwise_or.reduce(split << (shifts * bits).astype(U8), axis=-1).astype(U8)


@weights
def test_matmul_nbits(constant, random, tmp_path):
    nodes = Nodes(20, {TOKENS: "tokens"})
    n = 6
    for bits, k, block in ((4, 64, 16), (4, 72, 32), (8, 40, 16), (2, 48, 16), (4, 33, 16)):
        groups = -(-k // block)
        whole = codes(random, U8, n, groups * block) & (2**bits - 1)
        packed = pack(whole, bits).reshape(n, groups, block * bits // 8)
        scale = scales(random, n, groups)
        zeros = pack(codes(random, U8, n, groups) & (2**bits - 1), bits)
        bias = normal(random, n)
        for zero, add in ((None, None), (zeros, None), (None, bias), (normal(random, n, groups), None)):
            inputs = [normal(random, BATCH, TOKENS, k), packed, scale, zero, None, add]
            while inputs[-1] is None:
                inputs.pop()
            if bits != 4 and zero is not None and zero.dtype == F:
                continue  # ONNX Runtime has no such product
            nodes.add("MatMulNBits", *inputs, domain="com.microsoft", K=k, N=n, bits=bits, block_size=block,
                      constant=(1, 2, 3, 5) if constant else (2,))
    nodes.check(tmp_path, by_onnxruntime)


def test_matmul_nbits_groups(random, tmp_path):
    """g_idx says the block of each column."""
    nodes = Nodes(20, {BATCH: "batch"})
    k, n, block = 32, 5, 16
    packed = pack(codes(random, U8, n, k) & 15, 4).reshape(n, 2, 8)
    nodes.add("MatMulNBits", normal(random, BATCH, k), packed, scales(random, n, 2), None, random.integers(0, 2, k).astype(I32),
              domain="com.microsoft", K=k, N=n, bits=4, block_size=block, constant=(1, 2, 4))
    nodes.check(tmp_path, by_onnxruntime)


@pytest.mark.parametrize("kind", [0, 1], ids=["FP4", "NF4"])
def test_matmul_bnb4(kind, random, tmp_path):
    nodes = Nodes(20, {BATCH: "batch"})
    for k, n, block in ((32, 6, 16), (48, 5, 64)):
        packed = pack(codes(random, U8, n * k) & 15, 4, high=True)
        nodes.add("MatMulBnb4", normal(random, BATCH, k), packed, scales(random, -(-n * k // block)), domain="com.microsoft",
                  K=k, N=n, block_size=block, quant_type=kind, constant=(1, 2))
    nodes.check(tmp_path, by_onnxruntime)


@weights
def test_gather_block_quantized(constant, random, tmp_path):
    nodes = Nodes(20, {TOKENS: "tokens"})
    rows, width, block = 9, 64, 16
    ids = random.integers(0, rows, (2, TOKENS))
    for bits in 4, 8:
        table = pack(codes(random, U8, rows, width) & (2**bits - 1), bits)
        zeros = pack(codes(random, U8, rows, width // block) & (2**bits - 1), bits)
        for zero in None, zeros:
            nodes.add("GatherBlockQuantized", table, ids, scales(random, rows, width // block),
                      *([] if zero is None else [zero]), domain="com.microsoft", outputs=[F], bits=bits, block_size=block,
                      gather_axis=0, quantize_axis=1, constant=(0, 2, 3) if constant else ())
    nodes.check(tmp_path, by_onnxruntime, tolerance=1e-6)


@pytest.mark.parametrize("kind", ["INT4", "UINT4", "FLOAT8E4M3FN", "INT2"])
def test_weights_of_few_bits(kind, random, tmp_path):
    """DequantizeLinear of an initializer in blocks, transposed into a product."""
    number = getattr(onnx.TensorProto, kind)
    rows, columns, block = 6, 40, 16
    values = random.integers(0, 2, (rows, columns)) if "FLOAT" in kind else codes(random, U8, rows, columns) % (
        4 if "2" in kind[-1] else 8)
    scale = scales(random, rows, -(-columns // block))
    graph = helper.make_graph(
        [helper.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=1, block_size=block),
         helper.make_node("Transpose", ["f"], ["t"], perm=[1, 0]), helper.make_node("MatMul", ["x", "t"], ["y"])],
        "weights", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", columns])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", rows])],
        [helper.make_tensor("w", number, values.shape, values.astype(F).ravel().tolist() if "FLOAT" in kind
                            else values.ravel().tolist()), onnx.numpy_helper.from_array(scale, "s")])
    nodes = Nodes(25)
    nodes.inputs = {"x": normal(random, BATCH, columns)}
    nodes.nodes = list(graph.node)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)])
    nodes.save = lambda path: onnx.save(model, str(path)) or path
    nodes.check(tmp_path, by_reference)
