"""Every operation at every element type: the interpreter and the native program agree.

Inputs are fresh in each run. A failure names the seed: HALFTONE_SEED=… repeats it."""
import os
import re
import time

import numpy as np
import pytest

from element_types import BITS, CODES, EPSILON, FLOATS, INTS, NUMBERS, NUMPY, int_range, is_float, pack, random_bits
from halftone import compile_model, run_program, run_reference
from places import ROOT

SEED = int(os.environ.get("HALFTONE_SEED", time.time_ns() % 2**32))
ROWS, COLUMNS = 5, 37
EXACT = 0


class Module:
    """One function of many operations, each on inputs of its own, whose results are outputs."""

    def __init__(self, kind, dynamic, folder):
        self.kind, self.dynamic, self.folder = kind, dynamic, folder
        self.random = np.random.default_rng([SEED, sum(map(ord, kind)), dynamic])
        self.inputs, self.arguments, self.weights, self.body, self.results = {}, [], [], [], []
        self.operations = set()

    def type(self, shape, kind=None):
        """Where the module is dynamic, a leading dimension of ROWS is the symbol."""
        dims, encoding = [str(n) for n in shape], ""
        if self.dynamic and shape and shape[0] == ROWS:
            dims[0], encoding = "?", ", #ht.dims<s0>"
        return f"tensor<{''.join(d + 'x' for d in dims)}{kind or self.kind}{encoding}>"

    def add_input(self, array, kind=None):
        name = f"x{len(self.inputs)}"
        kind = kind or self.kind
        array = np.asarray(array)
        self.inputs[name] = array.astype(NUMPY[kind])
        self.arguments.append(f'%{name}: {self.type(array.shape, kind)} {{ht.name = "{name}"}}')
        return f"%{name}", self.type(array.shape, kind)

    def add(self, text, *results, tolerance=EXACT):
        """Emits `%… = text`, whose results have these types."""
        names = [f"%r{len(self.results) + i}" for i in range(len(results))]
        self.body.append(f"  {', '.join(names)} = {text}")
        self.results += [(name, type, text, tolerance) for name, type in zip(names, results)]
        self.operations.add(re.match(r"[a-z_.]+", text)[0])

    def let(self, text):
        """A value that is no output."""
        self.body.append(f"  %v{len(self.body)} = {text}")
        return f"%v{len(self.body) - 1}"

    def write(self):
        outputs = ", ".join(f'{type} {{ht.name = "{name[1:]}"}}' for name, type, *_ in self.results)
        path = self.folder / "module.mlir"
        path.write_text("\n".join(
            self.weights + [f"func.func @main({', '.join(self.arguments)}) -> ({outputs})"]
            + ['    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {' if self.dynamic else "    {"] + self.body
            + [f"  return {', '.join(r[0] for r in self.results)} : {', '.join(r[1] for r in self.results)}", "}", ""]))
        return path

    # ---- numbers ----

    def numbers(self, shape, kind=None, scale=1.0, special=True):
        """Any integers; floats about `scale`, some of them special."""
        kind = kind or self.kind
        if not is_float(kind) or kind in CODES:
            return random_bits(kind, shape, self.random)
        values = self.random.standard_normal(shape) * scale
        if special:
            some = self.random.random(shape) < 0.1
            values = np.where(some, self.random.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 0.5, 1e4], shape), values)
        return values.astype(NUMPY[kind])

    def small(self, shape, kind=None):
        """Few different values, so that there are equal ones; sums stay far from overflow."""
        kind = kind or self.kind
        low = 0 if kind.startswith("ui") else -4
        return self.random.integers(low, 5, shape).astype(NUMPY[kind])

    def indices(self, shape, size):
        return self.random.integers(-size, size, shape)


# ---- elementwise ----

def functions(m):
    x, t = m.add_input(m.numbers((ROWS, COLUMNS), scale=3))
    few = 8 * EPSILON["f32"] if m.kind == "f64" else 8 * EPSILON[m.kind] if m.kind == "f32" else 2 * EPSILON[m.kind]
    for name in "cos", "erf", "exp", "log", "rsqrt", "sigmoid", "silu", "sin", "tanh":
        m.add(f"ht.{name} {x} : {t}", t, tolerance=few)
    for name in "ceil", "floor", "reciprocal", "round", "sqrt":
        m.add(f"ht.{name} {x} : {t}", t)
    m.add(f"ht.gelu {x} : {t}", t, tolerance=few)
    m.add(f"ht.gelu {x} approximate tanh : {t}", t, tolerance=few)
    m.add(f"ht.is_nan {x} : {t} -> {m.type((ROWS, COLUMNS), 'i1')}", m.type((ROWS, COLUMNS), "i1"))
    y, _ = m.add_input(np.abs(m.numbers((ROWS, COLUMNS), special=False)) + 0.1)
    z, u = m.add_input(m.numbers((COLUMNS,), special=False))
    m.add(f"ht.pow {y}, {z} : {t}, {u} -> {t}", t, tolerance=few * 4)
    for activation in "silu", "gelu", "gelu_tanh", "relu", "sigmoid":
        m.add(f"ht.glu {activation} {y}, {x} : {t}", t, tolerance=few)


def arithmetic(m):
    x, t = m.add_input(m.numbers((ROWS, COLUMNS)))
    for name in "abs", "neg", "relu", "sign":
        m.add(f"ht.{name} {x} : {t}", t)
    for shape in (COLUMNS,), (ROWS, 1), ():
        y, u = m.add_input(m.numbers(shape))
        for name in "add", "sub", "mul", "max", "min":
            m.add(f"ht.{name} {x}, {y} : {t}, {u} -> {t}", t)
        divisor = m.numbers(shape)
        if not is_float(m.kind):
            divisor = np.where(divisor == 0, np.ones_like(divisor), divisor)
        y, u = m.add_input(divisor)
        m.add(f"ht.div {x}, {y} : {t}, {u} -> {t}", t)


def comparisons(m):
    same = m.small((ROWS, COLUMNS)) if m.kind != "i1" else m.numbers((ROWS, COLUMNS))
    x, t = m.add_input(same)
    y, u = m.add_input(np.where(m.random.random(same.shape) < 0.3, m.numbers(same.shape), same[:, ::-1]))
    b = m.type((ROWS, COLUMNS), "i1")
    for predicate in "eq", "ne", "lt", "le", "gt", "ge":
        m.add(f"ht.compare {predicate} {x}, {y} : {t}, {u} -> {b}", b)


def bits(m):
    x, t = m.add_input(m.numbers((ROWS, COLUMNS)))
    y, u = m.add_input(m.numbers((COLUMNS,)))
    m.add(f"ht.not {x} : {t}", t)
    for name in "and", "or", "xor":
        m.add(f"ht.{name} {x}, {y} : {t}, {u} -> {t}", t)


def shifts(m):
    x, t = m.add_input(m.numbers((ROWS, COLUMNS)))
    least = 0 if m.kind.startswith("ui") else -2
    y, u = m.add_input(m.random.integers(least, BITS[m.kind] + 3, (ROWS, COLUMNS)))
    for name in "shift_left", "shift_right":
        m.add(f"ht.{name} {x}, {y} : {t}, {u} -> {t}", t)


def casts(m):
    """To every other type. What a float outside an integer's range becomes is open."""
    shape = (ROWS, COLUMNS)
    x, t = m.add_input(m.numbers(shape, scale=100))
    for to in NUMPY:
        if to == m.kind:
            continue
        source, result = x, m.type(shape, to)
        if is_float(m.kind) and not is_float(to) and to != "i1":
            low, high = int_range(to)
            values = m.numbers(shape, scale=100, special=False).astype(np.float64)
            values = np.where(np.isfinite(values), values, 0)
            values = np.clip(values, low, min(high, 2.0**62)).astype(NUMPY[m.kind])
            # Rounding to a coarse type may leave the range again.
            values = np.where(np.trunc(values.astype(np.float64)) > high, np.ones_like(values), values)
            source, _ = m.add_input(values)
        m.add(f"ht.cast {source} : {t} to {result}", result)
        if is_float(to) and to in CODES:
            m.add(f"ht.cast {source} saturate : {t} to {result}", result)


def bitcasts(m):
    x, t = m.add_input(random_bits(m.kind, (ROWS, COLUMNS), m.random))
    for to in NUMPY:
        if to not in ("i1", m.kind) and BITS[to] == BITS[m.kind]:
            result = m.type((ROWS, COLUMNS), to)
            m.add(f"ht.bitcast {x} : {t} to {result}", result)


# ---- structure and data movement ----

def literal(value, kind):
    if kind == "i1":
        return "true" if value else "false"
    return f"{float(value):e}" if is_float(kind) else str(int(value))


def sources(m):
    values = m.small((COLUMNS,)) if m.kind in NUMBERS else m.numbers((COLUMNS,))
    if is_float(m.kind):
        values = np.where(np.isfinite(values.astype(float)), values, np.ones_like(values))
    t = m.type((COLUMNS,))
    m.add(f"ht.constant dense<[{', '.join(literal(v, m.kind) for v in values)}]> : {t}", t)
    if m.kind in NUMBERS:
        m.add(f"ht.iota {{start = 3 : i64, step = 2 : i64}} : {t}", t)
    if m.dynamic:
        m.add_input(m.numbers((ROWS, 1)))
        m.add("ht.dim <s0 * 3 + 1> : tensor<i64>", "tensor<i64>")
    # A weight, packed where its elements are narrower than a byte.
    values = m.numbers((COLUMNS, 3))
    (m.folder / "weights.bin").write_bytes(b"odd" + pack(values, BITS[m.kind]))
    t = m.type((COLUMNS, 3))
    m.weights.append(f'ht.weight @w : {t} {{\n  %0 = ht.load "weights.bin" offset 3 : {t}\n  ht.yield %0 : {t}\n}}')
    m.body.append(f"  %w = ht.get_weight @w : {t}")
    turned = m.type((3, COLUMNS))
    m.add(f"ht.transpose %w [1, 0] : {t} -> {turned}", turned)
    m.operations |= {"ht.weight", "ht.load", "ht.yield", "ht.get_weight"}


def movement(m):
    x, t = m.add_input(m.numbers((ROWS, COLUMNS)))
    y, u = m.add_input(m.numbers((ROWS, 3)))
    flat = f"tensor<?x{m.kind}, #ht.dims<s0 * {COLUMNS}>>" if m.dynamic else f"tensor<{ROWS * COLUMNS}x{m.kind}>"
    m.add(f"ht.reshape {x} : {t} to {flat}", flat)
    turned = f"tensor<{COLUMNS}x?x{m.kind}, #ht.dims<s0>>" if m.dynamic else f"tensor<{COLUMNS}x{ROWS}x{m.kind}>"
    m.add(f"ht.transpose {x} [1, 0] : {t} -> {turned}", turned)
    wide = f"tensor<2x?x{COLUMNS}x{m.kind}, #ht.dims<s0>>" if m.dynamic else f"tensor<2x{ROWS}x{COLUMNS}x{m.kind}>"
    m.add(f"ht.broadcast {x} : {t} to {wide}", wide)
    some = m.type((ROWS, 12))
    m.add(f"ht.slice {x} starts <0, 35> strides [1, -3] : {t} to {some}", some)
    windows = m.type((ROWS, 11, 3))
    m.add(f"ht.window {x} axes [1] strides [3] dilations [2] : {t} to {windows}", windows)
    both = m.type((ROWS, COLUMNS + 3))
    m.add(f"ht.concat {x}, {y} axis 1 : {t}, {u} -> {both}", both)
    condition, c = m.add_input(m.numbers((COLUMNS,), "i1"), "i1")
    z, v = m.add_input(m.numbers(()))
    m.add(f"ht.where {condition}, {x}, {z} : {c}, {t}, {v} -> {t}", t)


def selection(m):
    x, t = m.add_input(m.numbers((ROWS, COLUMNS)))
    index_kind = str(m.random.choice(["i32", "i64", "i8"]))
    i, it = m.add_input(m.indices((2, 3), COLUMNS), index_kind)
    if m.dynamic:
        chosen = f"tensor<?x2x3x{m.kind}, #ht.dims<s0>>"
    else:
        chosen = f"tensor<{ROWS}x2x3x{m.kind}>"
    m.add(f"ht.gather {x}, {i} axis 1 : {t}, {it} -> {chosen}", chosen)
    table, tt = m.add_input(m.numbers((COLUMNS, 4, 3)))
    j, jt = m.add_input(np.stack([m.indices(7, COLUMNS), m.indices(7, 4)], 1), "i64")
    picked = m.type((7, 3))
    m.add(f"ht.gather_nd {table}, {j} : {tt}, {jt} -> {picked}", picked)
    updates, ut = m.add_input(m.numbers((7, 3)))
    m.add(f"ht.scatter_nd {table}, {j}, {updates} : {tt}, {jt}, {ut}", tt)


def rank(m):
    """Orders and combinations of numbers."""
    table, tt = m.add_input(m.numbers((COLUMNS, 4)))
    j, jt = m.add_input(m.indices((2 * COLUMNS, 1), COLUMNS), "i64")
    updates, ut = m.add_input(m.numbers((2 * COLUMNS, 4)))
    for reduction in "add", "mul", "max", "min":
        m.add(f"ht.scatter_nd {table}, {j}, {updates} reduction {reduction} : {tt}, {jt}, {ut}", tt,
              tolerance=EXACT if m.kind in INTS or reduction in ("max", "min") else 16 * EPSILON[m.kind])
    x = m.small((ROWS, COLUMNS))
    if is_float(m.kind):
        x = np.where(m.random.random(x.shape) < 0.05, np.full_like(x, np.nan), x)
    x, t = m.add_input(x)
    for options in "", "smallest":
        for axis, k in (1, 6), (0, 1):
            shape = (ROWS, k) if axis else (k, COLUMNS)
            v, i = m.type(shape), m.type(shape, "i64")
            m.add(f"ht.topk {x} k {k} axis {axis} {options} : {t} -> {v}, {i}", v, i)
    for which in "max", "min":
        for axis, shape in (1, (ROWS, 1)), (0, (1, COLUMNS)):
            for last in "", "last":
                r = m.type(shape, "i64")
                m.add(f"ht.arg_reduce {which} {x} axis {axis} {last} : {t} -> {r}", r)


# ---- sums ----

def sums(m):
    near = EXACT if m.kind in INTS else 64 * max(EPSILON[m.kind], EPSILON["f32"] if m.kind != "f64" else 0)
    x, t = m.add_input(m.numbers((ROWS, COLUMNS), special=False))
    for which in "sum", "mean", "max", "min", "prod":
        for axes, shape in ("1", (ROWS, 1)), ("0", (1, COLUMNS)), ("0, 1", (1, 1)):
            r = m.type(shape)
            m.add(f"ht.reduce {which} {x} [{axes}] : {t} -> {r}", r, tolerance=near)
    special, _ = m.add_input(m.numbers((ROWS, COLUMNS)))
    for which in "max", "min":
        r = m.type((ROWS, 1))
        m.add(f"ht.reduce {which} {special} [1] : {t} -> {r}", r)
    for options in "", "exclusive", "reverse", "exclusive reverse":
        m.add(f"ht.cumsum {x} axis 1 {options} : {t}", t, tolerance=near)
    m.add(f"ht.cumsum {x} axis 0 : {t}", t, tolerance=near)
    for rows, inner, columns in (ROWS, COLUMNS, 9), (ROWS, 3, 1):
        a, at = m.add_input(m.numbers((ROWS, inner), special=False))
        b, bt = m.add_input(m.numbers((inner, columns), special=False))
        c, ct = m.add_input(m.numbers((inner,), special=False))
        r, v = m.type((ROWS, columns)), m.type((ROWS,))
        m.add(f"ht.matmul {a}, {b} : {at}, {bt} -> {r}", r, tolerance=near)
        m.add(f"ht.matmul {a}, {c} : {at}, {ct} -> {v}", v, tolerance=near)
    a, at = m.add_input(m.numbers((ROWS, 3, 7), special=False))
    b, bt = m.add_input(m.numbers((7, 11), special=False))
    r = m.type((ROWS, 3, 11))
    m.add(f"ht.matmul {a}, {b} : {at}, {bt} -> {r}", r, tolerance=near)


def layers(m):
    near = 64 * max(EPSILON[m.kind], EPSILON["f32"])
    x, t = m.add_input(m.numbers((ROWS, COLUMNS), special=False))
    m.add(f"ht.softmax {x} axis 1 : {t}", t, tolerance=near)
    m.add(f"ht.softmax {x} axis 0 : {t}", t, tolerance=near)
    g, gt = m.add_input(m.numbers((COLUMNS,), special=False))
    b, _ = m.add_input(m.numbers((COLUMNS,), special=False))
    m.add(f"ht.layer_norm {x}, {g}, {b} epsilon 1.0e-5 : {t}, {gt}, {gt}", t, tolerance=near)
    m.add(f"ht.layer_norm {x}, {g} epsilon 1.0e-5 : {t}, {gt}", t, tolerance=near)
    m.add(f"ht.rms_norm {x}, {g} epsilon 1.0e-5 : {t}, {gt}", t, tolerance=near)
    w, wt = m.add_input(m.numbers((19, COLUMNS), special=False))
    c, ct = m.add_input(m.numbers((19,), special=False))
    r = m.type((ROWS, 19))
    m.add(f"ht.linear {x}, {w} : {t}, {wt} -> {r}", r, tolerance=near)
    m.add(f"ht.linear {x}, {w} bias {c} : {t}, {wt}, {ct} -> {r}", r, tolerance=near)
    ids, it = m.add_input(m.indices((ROWS, 2), 19), "i64")
    wide = "f32" if m.kind in ("f16", "bf16") else m.kind
    e = m.type((ROWS, 2, COLUMNS), wide)
    m.add(f"ht.embedding {w}, {ids} : {wt}, {it} -> {e}", e)


def attention(m):
    near = 64 * max(EPSILON[m.kind], EPSILON["f32"])
    s, t, heads, groups, d = 6, 9, 4, 2, 5
    q, qt = m.add_input(m.numbers((ROWS, s, heads, d), special=False))
    k, kt = m.add_input(m.numbers((ROWS, t, groups, d), special=False))
    v, vt = m.add_input(m.numbers((ROWS, t, groups, 3), special=False))
    mask, mt = m.add_input(m.numbers((1, 1, s, t), "i1"), "i1")
    bias, bt = m.add_input(m.numbers((1, heads, s, t), special=False))
    r = m.type((ROWS, s, heads, 3))
    for extra in "", f"mask {mask} : {mt}", f"bias {bias} : {bt}", f"mask {mask} : {mt} bias {bias} : {bt}":
        for options in "scale 0.5", "scale 0.5 causal", "scale 0.5 softcap 1.5":
            m.add(f"ht.attention {q}, {k}, {v} {extra} {options} : {qt}, {kt}, {vt} -> {r}", r, tolerance=near)
    # What stands at an excluded key has no part, over more than one block of keys.
    t = 70
    k, kt = m.add_input(m.numbers((ROWS, t, groups, d), special=False))
    v, vt = m.add_input(np.where(m.random.random((ROWS, t, 1, 1)) < 0.9, m.numbers((ROWS, t, groups, 3), special=False),
                                 m.numbers((ROWS, t, groups, 3))))
    few = m.random.random((ROWS, 1, s, t)) < 0.3
    few[0, :, 0] = False  # a row that may attend nowhere,
    few[1, :, :, :64] = False  # and some that may not in the first block
    mask, mt = m.add_input(few, "i1")
    bias, bt = m.add_input(np.where(few, m.numbers((ROWS, heads, s, t), special=False), -np.inf))
    for extra in f"mask {mask} : {mt}", f"bias {bias} : {bt}":
        for options in "scale 0.5", "scale 0.5 causal", "scale 0.5 uniform", "scale 0.5 causal uniform":
            m.add(f"ht.attention {q}, {k}, {v} {extra} {options} : {qt}, {kt}, {vt} -> {r}", r, tolerance=near)
    m.add(f"ht.attention {q}, {k}, {v} scale 0.5 causal : {qt}, {kt}, {vt} -> {r}", r, tolerance=near)
    angles = m.random.standard_normal((1, s, 2))
    c, ct = m.add_input(np.cos(angles))
    n, _ = m.add_input(np.sin(angles))
    for options in "", "interleaved":
        m.add(f"ht.rope {q}, {c}, {n} {options} : {qt}, {ct}, {ct}", qt, tolerance=near)
    # Halves that are a multiple of the vector, read from any of their elements on.
    d = 64
    angles = m.random.standard_normal((1, s, d // 2))
    c, ct = m.add_input(np.cos(angles))
    n, _ = m.add_input(np.sin(angles))
    for start, size in (0, 64), (16, 48), (32, 32), (5, 40), (31, 2), (1, 63), (24, 33), (63, 1):
        q, qt = m.add_input(m.numbers((ROWS, s, heads, d), special=False))
        r = m.type((ROWS, s, heads, size))
        turned = m.let(f"ht.rope {q}, {c}, {n} : {qt}, {ct}, {ct}")
        m.add(f"ht.slice {turned} starts <0, 0, 0, {start}> strides [1, 1, 1, 1] : {qt} to {r}", r, tolerance=near)


# ---- formats ----

def dequantize(m):
    """Of codes of this type, by row and in ragged groups."""
    x, t = m.add_input(m.numbers((ROWS, COLUMNS)))
    r = m.type((ROWS, COLUMNS), "f32")
    for blocks, columns in ("1, ?", 1), ("1, 8", 5), ("?, 16", 3):
        rows = ROWS if blocks.startswith("1") else 1
        s, st = m.add_input(np.abs(m.numbers((rows, columns), "f32", special=False)) + 0.01, "f32")
        m.add(f"htq.dequantize #htq.affine<{m.kind}, blocks [{blocks}], scale f32>({x}, {s}) : ({t}, {st}) -> {r}", r)
        z, zt = m.add_input(m.numbers((rows, columns)))
        m.add(f"htq.dequantize #htq.affine<{m.kind}, blocks [{blocks}], scale f32, zero {m.kind}>({x}, {s}, {z}) : "
              f"({t}, {st}, {zt}) -> {r}", r)
    s, st = m.add_input(np.abs(m.numbers((1, 3), "f16", special=False)) + 0.1, "f16")
    half = m.type((ROWS, COLUMNS), "f16")
    m.add(f"htq.dequantize #htq.affine<{m.kind}, blocks [?, 16], scale f16>({x}, {s}) : ({t}, {st}) -> {half}", half)
    if m.kind.startswith("ui"):
        book, bt = m.add_input(m.numbers((2 ** BITS[m.kind],), "f32", special=False), "f32")
        m.add(f"htq.dequantize #htq.lookup<{m.kind}, codebook f32>({x}, {book}) : ({t}, {bt}) -> {r}", r)
    y, u = m.add_input(m.numbers((ROWS, COLUMNS), "f16", special=False), "f16")
    s, st = m.add_input(np.full((1, 1), 0.25), "f32")
    m.add(f"htq.dequantize #htq.sum<affine<{m.kind}, blocks [?, ?], scale f32>, f16>({x}, {s}, {y}) : "
          f"({t}, {st}, {u}) -> {r}", r)


def quantize(m):
    """To codes of this type, from each float."""
    for kind in FLOATS:
        x, t = m.add_input(m.numbers((ROWS, COLUMNS), kind, scale=20), kind)
        r = m.type((ROWS, COLUMNS))
        scale_kind = "f64" if kind == "f64" else "f32"
        for blocks, shape in ("?, ?", (1, 1)), ("1, 8", (ROWS, 5)):
            scales = np.abs(m.numbers(shape, "f32", special=False)) + 0.01
            s, st = m.add_input(scales, scale_kind)
            term = f"{m.kind}, blocks [{blocks}], scale {scale_kind}"
            m.add(f"htq.quantize <{term}>({x}, {s}) : {t}, {st} -> {r}", r)
            if is_float(m.kind):
                m.add(f"htq.quantize <{term}>({x}, {s}) unsaturated : {t}, {st} -> {r}", r)
            else:
                z, zt = m.add_input(m.numbers(shape))
                m.add(f"htq.quantize <{term}, zero {m.kind}>({x}, {s}, {z}) : {t}, {st}, {zt} -> {r}", r)


STORED = ["i8", "ui8", "i16", "ui16"] + CODES
# Which element types each group has a case for.
GROUPS = {functions: FLOATS, arithmetic: NUMBERS, comparisons: NUMBERS + ["i1"], bits: INTS + ["i1"], shifts: INTS,
          casts: list(NUMPY), bitcasts: [kind for kind in NUMPY if kind != "i1"], sources: list(NUMPY),
          movement: list(NUMPY), selection: list(NUMPY), rank: NUMBERS, sums: NUMBERS, layers: FLOATS,
          attention: FLOATS, dequantize: STORED + ["i32"], quantize: STORED}


def disagreement(got, want, tolerance):
    """How much more than allowed the two differ, in words; nothing where they agree."""
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    if got.dtype.kind in "biu":
        wrong = got != want
    else:
        a, b = got.astype(np.float64), want.astype(np.float64)
        both = np.isnan(a) & np.isnan(b) | (a == b)
        with np.errstate(invalid="ignore"):
            wrong = ~both & ~(np.abs(a - b) <= tolerance * np.maximum(1, np.abs(b)))
    if not wrong.any():
        return ""
    at = tuple(int(i[0]) for i in np.nonzero(wrong))
    return f"{wrong.sum()} of {wrong.size} differ, at {list(at)} native {got[at]}, interpreter {want[at]}"


def build(group, kind, dynamic, folder):
    module = Module(kind, dynamic, folder)
    group(module)
    return module


def check(module):
    """The operations on which the two disagree."""
    path = module.write()
    want = run_reference(path, module.inputs, module.folder)
    compile_model(path, module.folder / "program")
    got = run_program(module.folder / "program", module.inputs, module.folder)
    wrong = []
    for name, type, text, tolerance in module.results:
        dtype = NUMPY[re.search(r"(\w+?)(, #ht\.dims<.*>)?>$", type)[1].split("x")[-1]]
        a, b = (x[name[1:]] if x[name[1:]].dtype == dtype else x[name[1:]].view(dtype) for x in (got, want))
        if said := disagreement(a, b, tolerance):
            wrong.append(f"{text}: {said}")
    return wrong


@pytest.mark.parametrize("group, kind", [(g, k) for g, kinds in GROUPS.items() for k in kinds],
                         ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_native_code_is_the_interpreter(group, kind, tmp_path):
    # With and without a dynamic dimension where it is common, elsewhere by chance.
    chance = bool(np.random.default_rng([SEED, len(kind), len(group.__name__)]).integers(2))
    for dynamic in (False, True) if kind in ("f32", "i64") else (chance,):
        wrong = check(build(group, kind, dynamic, tmp_path))
        assert not wrong, f"HALFTONE_SEED={SEED}, {'dynamic' if dynamic else 'static'}\n" + "\n".join(wrong)


def test_every_operation_has_a_case(tmp_path):
    """The operations that the dialects' files define are those of the groups, but for what has its own tests:
    test_terms.py, test_linear_terms.py and test_states.py."""
    defined = set()
    for dialect, prefix in ("HT", "ht"), ("HTQ", "htq"):
        for file in (ROOT / "dialects" / dialect).glob("*.td"):
            defined |= {f"{prefix}.{name}" for name in re.findall(r'^def \w+Op : \w+<"(\w+)"', file.read_text(), re.M)}
    tested = set()
    for group, kinds in GROUPS.items():
        for kind in kinds:
            tested |= build(group, kind, True, tmp_path).operations
    elsewhere = {"ht.update", "htq.dynamic_quantize", "htq.hadamard", "htq.linear", "htq.observe", "htq.requantize"}
    assert defined - elsewhere == tested
