"""Operators of transformers, each form of each: the interpreter and native code agree with onnx's
reference (ai.onnx) and ONNX Runtime (com.microsoft)."""
import math

import numpy as np
import onnx
import pytest

from operators import Nodes, by_definition, by_onnxruntime, by_reference

F, I32, I64 = np.float32, np.int32, np.int64
# Sizes that occur as nothing else, so that they can be dynamic.
BATCH, TOKENS, PAST = 3, 5, 13
SYMBOLS = {"static": {}, "dynamic": {BATCH: "batch", TOKENS: "tokens", PAST: "past"}}
shapes = pytest.mark.parametrize("symbols", SYMBOLS.values(), ids=SYMBOLS)


@pytest.fixture
def normal():
    random = np.random.default_rng(7)
    return lambda *shape: random.standard_normal(shape).astype(F)


def contrib(nodes, op, *inputs, **more):
    nodes.add(op, *inputs, domain="com.microsoft", **more)


# ---- ai.onnx -------------------------------------------------------------------------------

@shapes
def test_attention(symbols, normal, tmp_path):
    nodes = Nodes(25, symbols)
    random = np.random.default_rng(1)
    heads, groups, d, e = 4, 2, 6, 7

    def qkv(rank, tokens=TOKENS, keys=TOKENS, kv=groups):
        if rank == 4:
            return normal(BATCH, heads, tokens, d), normal(BATCH, kv, keys, d), normal(BATCH, kv, keys, e)
        return normal(BATCH, tokens, heads * d), normal(BATCH, keys, kv * d), normal(BATCH, keys, kv * e)

    many = {"q_num_heads": heads, "kv_num_heads": groups}
    mask = random.random((TOKENS, TOKENS)) < 0.6
    nodes.add("Attention", *qkv(4))
    nodes.add("Attention", *qkv(3), scale=0.3, **many)
    nodes.add("Attention", *qkv(4), mask)
    nodes.add("Attention", *qkv(4), mask, is_causal=1)
    nodes.add("Attention", *qkv(3), normal(heads, TOKENS, TOKENS), is_causal=1, softcap=1.5, **many)
    nodes.add("Attention", *qkv(4, keys=PAST), normal(BATCH, 1, TOKENS, PAST))
    nodes.add("Attention", *qkv(4, keys=PAST), is_causal=1)
    nodes.add("Attention", *qkv(4), left_window_size=2, right_window_size=1)
    nodes.add("Attention", *qkv(4), mask, left_window_size=1, is_causal=1)
    # A past inside of the operator.
    for mode in range(4):
        mask = None if symbols else normal(TOKENS, PAST + TOKENS)
        nodes.add("Attention", *qkv(4), mask, normal(BATCH, groups, PAST, d),
                  normal(BATCH, groups, PAST, e), outputs=4, is_causal=1, qk_matmul_output_mode=mode,
                  softcap=2.0 if mode else 0.0)  # onnx's evaluator caps what it calls raw, too
    nodes.add("Attention", *qkv(3), None, normal(BATCH, groups, PAST, d), normal(BATCH, groups, PAST, e), outputs=3,
              left_window_size=6, **many)
    # One outside: some rows have fewer keys than queries, and attend nowhere.
    lengths = np.array([PAST, 3, 7], I64)
    for more in ({}, {"is_causal": 1}, {"is_causal": 1, "left_window_size": 3}):
        nodes.add("Attention", *qkv(4, keys=PAST), None, None, None, lengths, **more)
    # A mask of fewer keys than there are.
    nodes.add("Attention", *qkv(4, keys=17), random.random((TOKENS, 9)) < 0.6)
    nodes.add("Attention", *qkv(4, keys=17), normal(1, 9))
    nodes.check(tmp_path, by_reference, tolerance=1e-5)


@shapes
def test_rotary_embedding(symbols, normal, tmp_path):
    nodes = Nodes(23, symbols)
    heads, d, rows = 4, 8, 40
    positions = np.random.default_rng(2).integers(0, rows, (BATCH, TOKENS))
    for interleaved in 0, 1:
        for part in 0, 4:
            r = (part or d) // 2
            more = {"interleaved": interleaved, "rotary_embedding_dim": part}
            nodes.add("RotaryEmbedding", normal(BATCH, heads, TOKENS, d), normal(rows, r), normal(rows, r), positions,
                      **more)
            nodes.add("RotaryEmbedding", normal(BATCH, TOKENS, heads * d), normal(BATCH, TOKENS, r),
                      normal(BATCH, TOKENS, r), num_heads=heads, **more)
    nodes.check(tmp_path, by_reference)


@shapes
def test_tensor_scatter(symbols, normal, tmp_path):
    nodes = Nodes(24, symbols)
    nodes.add("TensorScatter", normal(BATCH, 2, 9, 4), normal(BATCH, 2, TOKENS, 4), np.array([4, 0, 2], I64))
    nodes.add("TensorScatter", normal(BATCH, 2, 9, 4), normal(BATCH, 2, TOKENS, 4))
    nodes.add("TensorScatter", normal(BATCH, 9, 4), normal(BATCH, TOKENS, 4), np.array([8, 6, 2], I64), mode="circular",
              axis=1)
    nodes.check(tmp_path, by_reference)


@shapes
def test_normalization(symbols, normal, tmp_path):
    nodes = Nodes(23, symbols)
    for axis, shape in ((-1, (6,)), (1, (TOKENS, 6)), (2, (1,))):
        # A scale over a dynamic dimension has it too.
        nodes.add("RMSNormalization", normal(BATCH, TOKENS, 6), normal(*shape), axis=axis, epsilon=1e-3)
        nodes.add("LayerNormalization", normal(BATCH, TOKENS, 6), normal(*shape), normal(*shape), axis=axis, outputs=3)
        nodes.add("LayerNormalization", normal(BATCH, TOKENS, 6), normal(*shape), axis=axis)
    half = np.float16
    nodes.add("LayerNormalization", normal(BATCH, TOKENS, 6).astype(half), normal(6).astype(half), outputs=[half, F, F])
    nodes.check(tmp_path, by_reference, tolerance=1e-3)


@shapes
def test_causal_convolution(symbols, normal, tmp_path):
    nodes = Nodes(27, symbols)
    for taps, activation in ((4, "none"), (1, "silu"), (2, "swish")):
        nodes.add("CausalConvWithState", normal(BATCH, 6, TOKENS), normal(6, 1, taps), normal(6),
                  normal(BATCH, 6, taps - 1), outputs=2, activation=activation) if taps > 1 else None
        nodes.add("CausalConvWithState", normal(BATCH, 6, TOKENS), normal(6, 1, taps), activation=activation)
    nodes.check(tmp_path, by_reference)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@shapes
def test_linear_attention(symbols, rule, normal, tmp_path):
    if "delta" in rule:  # unrolled over the tokens
        symbols = {size: name for size, name in symbols.items() if size == BATCH}
    nodes = Nodes(27, symbols)
    random = np.random.default_rng(3)
    groups, dk, dv = 2, 4, 6
    for heads in groups, 2 * groups:
        for decays in (groups, groups * dk):
            key = normal(BATCH, TOKENS, groups, dk)
            key /= np.linalg.norm(key, axis=-1, keepdims=True)
            decay = -random.random((BATCH, TOKENS, decays)).astype(F) if "gated" in rule else None
            beta = random.random((BATCH, TOKENS, groups if decays > groups else 1)).astype(F) if "delta" in rule else None
            state = normal(BATCH, groups, dk, dv) if decays > groups else None
            inputs = [normal(BATCH, TOKENS, heads * dk), key.reshape(BATCH, TOKENS, -1),
                      normal(BATCH, TOKENS, groups * dv), state, decay, beta]
            while inputs[-1] is None:
                inputs.pop()
            nodes.add("LinearAttention", *inputs, outputs=2, q_num_heads=heads, kv_num_heads=groups, update_rule=rule)
    nodes.check(tmp_path, by_reference, tolerance=1e-5)


# ---- com.microsoft ---------------------------------------------------------------------------

@shapes
def test_contrib_rotary_embedding(symbols, normal, tmp_path):
    nodes = Nodes(20, symbols)
    heads, d, rows = 4, 8, 40
    positions = np.random.default_rng(2).integers(0, rows, (BATCH, TOKENS))
    for interleaved in 0, 1:
        for at in positions, np.array([9], I64):
            more = {"interleaved": interleaved}
            contrib(nodes, "RotaryEmbedding", normal(BATCH, TOKENS, heads * d), at, normal(rows, 4), normal(rows, 4), **more)
            contrib(nodes, "RotaryEmbedding", normal(BATCH, heads, TOKENS, d), at, normal(rows, 4), normal(rows, 4), **more)
            contrib(nodes, "RotaryEmbedding", normal(BATCH, TOKENS, heads * d), at, normal(rows, 2), normal(rows, 2),
                    num_heads=heads, rotary_embedding_dim=4, **more)
    nodes.check(tmp_path, by_onnxruntime)


@shapes
def test_contrib_normalization(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    x = (BATCH, TOKENS, 8)
    contrib(nodes, "SkipLayerNormalization", normal(*x), normal(*x), normal(8), normal(8), normal(8),
            outputs=[F, None, None, F], epsilon=1e-3)
    contrib(nodes, "SkipLayerNormalization", normal(*x), normal(TOKENS, 8), normal(8))
    contrib(nodes, "SkipSimplifiedLayerNormalization", normal(*x), normal(*x), normal(8), normal(8),
            outputs=[F, None, None, F])
    contrib(nodes, "SkipSimplifiedLayerNormalization", normal(*x), normal(*x), normal(8))
    nodes.add("SimplifiedLayerNormalization", normal(*x), normal(8), axis=-1)
    ids, segments = np.random.default_rng(4).integers(0, 9, (2, BATCH, TOKENS)).astype(I32)
    mask = np.tri(BATCH, TOKENS, 1, dtype=I32)
    tables = normal(9, 8), normal(20, 8), normal(9, 8), normal(8), normal(8)
    contrib(nodes, "EmbedLayerNormalization", ids, segments, *tables, mask, outputs=[F, I32, F])
    contrib(nodes, "EmbedLayerNormalization", ids, None, tables[0], tables[1], None, *tables[3:], None,
            np.arange(TOKENS, dtype=I32)[None], outputs=[F, I32])
    nodes.check(tmp_path, by_onnxruntime)


@shapes
def test_contrib_fused(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    x = (BATCH, TOKENS, 8)
    contrib(nodes, "BiasGelu", normal(*x), normal(8))
    contrib(nodes, "FastGelu", normal(*x), normal(8))
    contrib(nodes, "FastGelu", normal(*x))
    contrib(nodes, "Gelu", normal(*x))
    contrib(nodes, "QuickGelu", normal(*x))
    contrib(nodes, "QuickGelu", normal(*x), alpha=0.7)
    for a in 0, 1:
        for b in 0, 1:
            left = (BATCH, 8, TOKENS) if a else (BATCH, TOKENS, 8)
            right = (BATCH, 6, 8) if b else (BATCH, 8, 6)
            contrib(nodes, "FusedMatMul", normal(*left), normal(*right), transA=a, transB=b, alpha=0.3)
            contrib(nodes, "FusedGemm", normal(*left[1:]), normal(*right[1:]), normal(6), transA=a, transB=b, alpha=0.3,
                    beta=1.7, activation="LeakyRelu", activation_alpha=0.2)
    contrib(nodes, "FusedMatMul", normal(TOKENS, BATCH, 8), normal(BATCH, 8, 6), transBatchA=1)
    contrib(nodes, "FusedMatMul", normal(8, BATCH, TOKENS), normal(6, BATCH, 8), transBatchA=1, transA=1, transBatchB=1,
            transB=1)
    nodes.check(tmp_path, by_onnxruntime)


# ONNX Runtime's CPU build lacks these: their definitions as its documentation has them.

def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def fast_gelu(x):
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def bias_softmax(attributes, data, bias):
    axis = attributes.get("axis", 1)
    x = (data + bias).astype(np.float64)
    rest = tuple(range(axis % x.ndim, x.ndim))  # the axes from `axis` on, together
    e = np.exp(x - x.max(rest, keepdims=True))
    return e / e.sum(rest, keepdims=True)


def bias_split_gelu(attributes, x, bias):
    left, right = np.split(x + bias, 2, axis=-1)
    return left * gelu(right)


def fused_matmul_activation(attributes, a, b):
    if attributes.get("transA"):
        a = a.swapaxes(-1, -2)
    if attributes.get("transB"):
        b = b.swapaxes(-1, -2)
    x = attributes.get("alpha", 1) * (a @ b)
    slope, offset = (attributes.get(f"activation_{name}") for name in ("alpha", "beta"))
    return {b"Relu": lambda: np.maximum(x, 0), b"Tanh": lambda: np.tanh(x), b"Sigmoid": lambda: 1 / (1 + np.exp(-x)),
            b"LeakyRelu": lambda: np.where(x > 0, x, slope * x),
            b"Elu": lambda: np.where(x > 0, x, slope * (np.exp(x) - 1)),
            b"HardSigmoid": lambda: np.clip(slope * x + offset, 0, 1)}[attributes["activation"]]()


DEFINITIONS = {
    "BiasSoftmax": bias_softmax, "BiasSplitGelu": bias_split_gelu, "FusedMatMulActivation": fused_matmul_activation,
    "BiasAdd": lambda attributes, x, bias, skip: x + bias + skip,
    "BiasDropout": lambda attributes, x, bias, residual=0: (x + bias + residual, np.ones(x.shape, bool)),
    "GemmFastGelu": lambda attributes, x, w, bias=0: fast_gelu(x @ w + bias),
}


@shapes
def test_contrib_by_definition(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    x = (BATCH, TOKENS, 7)
    # A mask of keys, one of pairs, and one that is whole.
    for bias, inner in (((BATCH, 1, 1, 7), 1), ((1, 1, TOKENS, 7), 0), ((TOKENS, 7), 0), ((BATCH, 2, TOKENS, 7), 0)):
        contrib(nodes, "BiasSoftmax", normal(BATCH, 2, TOKENS, 7), normal(*bias), axis=3, is_inner_broadcast=inner)
    for axis in -1, 1, 2:
        contrib(nodes, "BiasSoftmax", normal(*x), normal(1, TOKENS, 7), axis=axis, is_inner_broadcast=0)
    contrib(nodes, "BiasSoftmax", normal(*x), normal(*x), is_inner_broadcast=0)
    for width in 34, 6:
        contrib(nodes, "BiasSplitGelu", normal(BATCH, TOKENS, width), normal(width))
    contrib(nodes, "BiasAdd", normal(*x), normal(7), normal(*x))
    contrib(nodes, "BiasDropout", normal(*x), normal(7), normal(*x), outputs=[F, bool])
    contrib(nodes, "BiasDropout", normal(*x), normal(*x), outputs=[F, bool])
    contrib(nodes, "GemmFastGelu", normal(*x), normal(7, 19), normal(19))
    contrib(nodes, "GemmFastGelu", normal(*x), normal(7, 19))
    for i, (activation, parameters) in enumerate((
            ("Relu", []), ("Tanh", []), ("Sigmoid", []), ("LeakyRelu", [0.2]), ("Elu", [0.7]),
            ("HardSigmoid", [0.3, 0.4]))):
        left, right = (BATCH, 7, TOKENS) if i % 2 else x, (BATCH, 11, 7) if i % 3 else (BATCH, 7, 11)
        contrib(nodes, "FusedMatMulActivation", normal(*left), normal(*right), transA=i % 2, transB=int(i % 3 > 0),
                alpha=0.6, activation=activation, **dict(zip(("activation_alpha", "activation_beta"), parameters)))
    nodes.check(tmp_path, by_definition(DEFINITIONS))


@shapes
def test_contrib_gates(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    x = (BATCH, TOKENS, 21)
    for width in 21, 7:
        contrib(nodes, "GatedRMSNorm", normal(*x), normal(width), normal(*x), epsilon=1e-3)
    contrib(nodes, "GatedRMSNorm", normal(*x), normal(7), normal(*x))
    contrib(nodes, "GatedAdd", normal(*x), normal(*x), normal(BATCH, TOKENS, 1))
    contrib(nodes, "ScaledSiLU", normal(*x))
    contrib(nodes, "TransposeMatMul", normal(BATCH, 7, TOKENS), normal(BATCH, 7, 9), transA=1, alpha=0.4)
    nodes.check(tmp_path, by_onnxruntime)


@shapes
def test_contrib_causal_convolution(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    for taps, activation in ((4, "none"), (2, "swish"), (7, "silu")):
        # One kernel is longer than the tokens.
        x, w = normal(BATCH, 6, TOKENS), normal(6, 1, taps)
        contrib(nodes, "CausalConvWithState", x, w, normal(6), normal(BATCH, 6, taps - 1), outputs=2,
                activation=activation)
        contrib(nodes, "CausalConvWithState", x, w, outputs=2, activation=activation)
    nodes.check(tmp_path, by_onnxruntime)


@shapes
def test_contrib_attention(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    heads, width = 2, 8
    x, w, b = (BATCH, TOKENS, 10), (10, 3 * width), (3 * width,)
    random = np.random.default_rng(5)
    lengths, starts = np.array([5, 2, 3], I32), np.array([0, 1, 2], I32)
    contrib(nodes, "Attention", normal(*x), normal(*w), normal(*b), num_heads=heads)
    contrib(nodes, "Attention", normal(*x), normal(*w), normal(*b), lengths, num_heads=heads, scale=0.2)
    if not symbols:
        contrib(nodes, "Attention", normal(*x), normal(*w), normal(*b), np.r_[lengths, starts], num_heads=heads)
    contrib(nodes, "Attention", normal(*x), normal(*w), normal(*b),
            (random.random((BATCH, TOKENS)) < 0.5).astype(I32), num_heads=heads, mask_filter_value=-3.0)
    contrib(nodes, "Attention", normal(*x), normal(*w), normal(*b),
            None if symbols else (random.random((BATCH, TOKENS, PAST + TOKENS)) < 0.5).astype(I32), normal(2, BATCH, heads, PAST, width // heads), outputs=2, num_heads=heads, unidirectional=1)
    contrib(nodes, "Attention", normal(*x), normal(*w), normal(*b), None, None, normal(BATCH, heads, TOKENS, TOKENS),
            num_heads=heads)
    contrib(nodes, "Attention", normal(*x), normal(10, 2 * width + 6), normal(2 * width + 6), num_heads=heads,
            unidirectional=1, qkv_hidden_sizes=[width, width, 6])
    nodes.check(tmp_path, by_onnxruntime)


@shapes
def test_multi_head_attention(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    heads, d = 2, 4
    width = heads * d
    x, long = (BATCH, TOKENS, width), (BATCH, PAST, width)
    random = np.random.default_rng(6)

    def add(*inputs, **more):
        contrib(nodes, "MultiHeadAttention", *inputs, num_heads=heads, **more)

    def keep(*shape):
        return (random.random(shape) < 0.6).astype(I32)

    add(normal(*x), normal(*x), normal(*x))
    add(normal(*x), normal(*x), normal(*x), normal(3 * width), unidirectional=1)
    add(normal(*x), normal(*long), normal(BATCH, PAST, 6), normal(2 * width + 6), scale=0.1)
    add(normal(*x), normal(*x), normal(*x), None, keep(BATCH, TOKENS), normal(1, heads, TOKENS, TOKENS))
    add(normal(*x), normal(*x), normal(*x), None, keep(BATCH, TOKENS, TOKENS))
    add(normal(*x), normal(*x), normal(*x), None, np.array([5, 2, 3], I32))
    add(normal(*x), normal(BATCH, heads, PAST, d), normal(BATCH, heads, PAST, d))
    add(normal(*x), normal(*x), normal(*x), None, None if symbols else keep(BATCH, PAST + TOKENS), None, normal(BATCH, heads, PAST, d),
        normal(BATCH, heads, PAST, d), outputs=3, unidirectional=1)
    nodes.check(tmp_path, by_onnxruntime)


def unpacked(path, inputs):
    """ONNX Runtime, given query, key and value apart: its CPU build takes them in no other way."""
    model = onnx.load(str(path))
    feed = dict(inputs)
    for node in model.graph.node:
        name, other = node.input[0], node.input[1] if len(node.input) > 1 else ""
        if inputs[name].ndim == 5:
            parts = [inputs[name][:, :, :, i] for i in range(3)]
        else:
            parts = [inputs[name]] + [inputs[other][:, :, :, i] for i in range(2)]
        for packed in {name, other} & set(feed):
            del feed[packed]
            model.graph.input.remove(next(i for i in model.graph.input if i.name == packed))
        rest = list(node.input)[3:]
        node.ClearField("input")
        for kind, part in zip("qkv", parts):
            part = part.reshape(*part.shape[:2], -1)
            feed[f"{node.name}_{kind}"] = part
            model.graph.input.append(onnx.helper.make_tensor_value_info(f"{node.name}_{kind}", onnx.TensorProto.FLOAT,
                                                                        part.shape))
        node.input.extend([f"{node.name}_{kind}" for kind in "qkv"] + rest)
    onnx.save(model, str(path.with_suffix(".unpacked.onnx")))
    return by_onnxruntime(path.with_suffix(".unpacked.onnx"), feed)


@shapes
def test_packed_multi_head_attention(symbols, normal, tmp_path):
    nodes = Nodes(18, symbols)
    heads, d = 2, 7
    qkv, kv = (BATCH, TOKENS, heads, 3, d), (BATCH, PAST, heads, 2, d)
    keep = (np.random.default_rng(9).random((BATCH, PAST)) < 0.6).astype(I32)

    def add(*inputs, **more):
        contrib(nodes, "MultiHeadAttention", *inputs, num_heads=heads, **more)

    add(normal(*qkv))
    add(normal(*qkv), None, None, normal(3 * heads * d), unidirectional=1)
    add(normal(*qkv), None, None, None, np.array([5, 2, 3], I32), normal(1, heads, TOKENS, TOKENS), scale=0.4)
    add(normal(BATCH, TOKENS, heads * d), normal(*kv))
    add(normal(BATCH, TOKENS, heads * d), normal(*kv), None, None, keep, normal(BATCH, 1, TOKENS, PAST))
    nodes.check(tmp_path, unpacked)


def caches(lengths, capacity, groups, d, random):
    """A cache whose batches are filled up to `lengths`; what is behind is not looked at."""
    return random.standard_normal((len(lengths), groups, capacity, d)).astype(F)


@pytest.mark.parametrize("decode", [False, True], ids=["prompt", "decode"])
@pytest.mark.parametrize("packed", [False, True], ids=["apart", "packed"])
def test_group_query_attention(packed, decode, normal, tmp_path):
    nodes = Nodes(18, {BATCH: "batch"})
    heads, groups, d, rows = 4, 2, 16, 40
    random = np.random.default_rng(8)
    tokens = 1 if decode else TOKENS
    totals = np.array([9, 12, 4] if decode else [TOKENS] * 3, I32)
    total = np.array(12 if decode else TOKENS, I32)

    def add(**more):
        inputs = more.pop("inputs", {})
        query = [normal(BATCH, tokens, heads * d), normal(BATCH, tokens, groups * d), normal(BATCH, tokens, groups * d)]
        if packed:
            query = [np.concatenate(query, axis=2), None, None]
        past = [caches(totals, 11, groups, d, random) for _ in range(2)] if decode else [None, None]
        rest = [inputs.get(i) for i in range(7, 12)]
        while rest and rest[-1] is None:
            rest.pop()
        contrib(nodes, "GroupQueryAttention", *query, *past, totals - 1, total, *rest, outputs=3, constant=(6,),
                num_heads=heads, kv_num_heads=groups, **more)

    add()
    add(scale=0.3, local_window_size=3)
    add(softcap=2.0)
    for interleaved in 0, 1:
        add(inputs={7: normal(rows, d // 2), 8: normal(rows, d // 2)}, do_rotary=1, rotary_interleaved=interleaved)
    positions = np.maximum(totals - 1, 0)[:, None] if decode else np.tile(np.arange(TOKENS), (BATCH, 1))
    add(inputs={7: normal(rows, d // 2), 8: normal(rows, d // 2), 9: positions.astype(I64) + 3}, do_rotary=1)
    add(inputs={10: normal(BATCH, 1, tokens, int(total))})
    add(smooth_softmax=1)
    add(inputs={11: normal(heads)})
    nodes.check(tmp_path, by_onnxruntime)


def normalized(path, inputs):
    """ONNX Runtime, given queries and keys whose heads are normalized: its CPU build does not do it."""
    model = onnx.load(str(path))
    feed = dict(inputs)
    for node in model.graph.node:
        epsilon = next(a.f for a in node.attribute if a.name == "qk_norm_epsilon")
        for operand, weight in zip(node.input[:2], node.input[14:16]):
            heads = inputs[operand].reshape(*inputs[operand].shape[:2], -1, len(inputs[weight]))
            size = np.sqrt((heads.astype(np.float64)**2).mean(-1, keepdims=True) + epsilon)
            feed[operand] = (heads / size * inputs[weight]).astype(F).reshape(inputs[operand].shape)
            del feed[weight]
            model.graph.input.remove(next(i for i in model.graph.input if i.name == weight))
        del node.input[14:]
        node.attribute.remove(next(a for a in node.attribute if a.name == "qk_norm_epsilon"))
    onnx.save(model, str(path.with_suffix(".normalized.onnx")))
    return by_onnxruntime(path.with_suffix(".normalized.onnx"), feed)


@pytest.mark.parametrize("decode", [False, True], ids=["prompt", "decode"])
def test_group_query_attention_of_normalized_heads(decode, normal, tmp_path):
    nodes = Nodes(18, {BATCH: "batch"})
    heads, groups, d, rows = 4, 2, 16, 40
    random = np.random.default_rng(10)
    tokens = 1 if decode else TOKENS
    totals = np.array([9, 12, 4] if decode else [TOKENS] * 3, I32)
    for rotary in 0, 1:
        past = [caches(totals, 11, groups, d, random) for _ in range(2)] if decode else [None, None]
        tables = [normal(rows, d // 2), normal(rows, d // 2)] if rotary else [None, None]
        contrib(nodes, "GroupQueryAttention", normal(BATCH, tokens, heads * d), 3 * normal(BATCH, tokens, groups * d),
                normal(BATCH, tokens, groups * d), *past, totals - 1, np.array(12 if decode else TOKENS, I32), *tables,
                *[None] * 5, normal(d), normal(d), outputs=3, constant=(6,), num_heads=heads, kv_num_heads=groups,
                do_rotary=rotary, qk_norm_epsilon=1e-2)
    nodes.check(tmp_path, normalized)
