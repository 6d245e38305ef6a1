"""Operators of transformers, each form of each: the interpreter and native code agree with onnx's
reference (ai.onnx) and ONNX Runtime (com.microsoft)."""
import numpy as np
import pytest

from operators import Nodes, by_onnxruntime, by_reference

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
    add(inputs={10: normal(BATCH, 1, tokens, int(total))})
    add(smooth_softmax=1)
    add(inputs={11: normal(heads)})
    nodes.check(tmp_path, by_onnxruntime)
