"""Attention in bf16: each form of it at odd lengths and widths, on every set of instructions that this machine
has, against the exact interpreter; and as an option of the compiler, against ONNX Runtime."""
import os

import ml_dtypes
import numpy as np
import pytest

import host_cpu
import models
from compare import relative_error
from halftone import compile_model, run_program, run_reference
from operators import Nodes, by_onnxruntime
from places import BUILD

#: Weights are rounded to 2^-9, and their errors average; a result of bf16 may be the next number.
TOLERANCE = 2 ** -8
TOLERANCE_OF_BF16 = 2 ** -7
HEADS, GROUPS = 4, 2
WIDTHS = [(32, 32), (64, 64), (128, 128), (80, 96), (7, 5), (33, 17)]
#: batch, s, t; blocks are of 16 queries by 512 keys, and tiles are used from 8 queries on.
SIZES = [(1, 1, 7), (2, 7, 33), (2, 8, 16), (3, 16, 16), (1, 33, 129), (2, 129, 511), (1, 70, 1057)]
#: What follows the operands, and what comes behind the scale.
FORMS = {
    "plain": ("", ""),
    "negative": ("", ""),
    "causal": ("", " causal"),
    "window": ("", " causal window 9"),
    "long_window": ("", " causal window 100"),
    "keys": ("mask %keys : {keys}", ""),
    "uniform": ("mask %keys : {keys}", " uniform"),
    "pairs": ("mask %pairs : {pairs}", " causal"),
    "uniform_pairs": ("mask %pairs : {pairs}", " causal uniform"),
    "bias": ("bias %bias : {bias}", ""),
    "key_bias": ("bias %key_bias : {key_bias}", " causal"),
    "softcap": ("", " softcap 2.0"),
    "start": ("sequences %rows : {rows} start %start : {rows}", " causal"),
    "all": ("sequences %rows : {rows} start %start : {rows} mask %pairs : {pairs} bias %bias : {bias}",
            " softcap 5.0 causal window 40"),
}


def tensor(element, *shape):
    text = "x".join("?" if str(size).startswith("s") else str(size) for size in shape)
    symbols = [size for size in shape if str(size).startswith("s")]
    return f"tensor<{text}x{element}" + (f", #ht.dims<{', '.join(symbols)}>>" if symbols else ">")


def write_model(path, d, e, result):
    """A result for each form, of q, k and v that are cast."""
    kinds = {"q": tensor("f32", "s0", "s1", HEADS, d), "k": tensor("f32", "s0", "s2", GROUPS, d),
             "v": tensor("f32", "s0", "s2", GROUPS, e), "keys": tensor("i1", "s0", 1, 1, "s2"),
             "pairs": tensor("i1", "s0", 1, "s1", "s2"), "bias": tensor("f32", 1, HEADS, "s1", "s2"),
             "key_bias": tensor("f32", "s0", 1, 1, "s2"), "rows": tensor("i64", "s0"), "start": tensor("i64", "s0")}
    narrow = {name: kinds[name].replace("f32", "bf16") for name in "qkv"}
    y = tensor(result, "s0", "s1", HEADS, e)
    arguments = ", ".join(f'%{name}: {kind} {{ht.name = "{name}"}}' for name, kind in kinds.items())
    body = "".join(f"  %{n}16 = ht.cast %{n} : {kinds[n]} to {narrow[n]}\n" for n in "qkv")
    for name, (extras, flags) in FORMS.items():
        scale = (-0.3 if name == "negative" else 1 / np.sqrt(d))
        body += f"  %{name}_y = ht.attention %q16, %k16, %v16 {extras.format(**kinds)} scale {scale}{flags} : " \
                f"{narrow['q']}, {narrow['k']}, {narrow['v']} -> {y}\n"
        wide = y.replace("bf16", "f32")
        body += f"  %{name}_z = ht.cast %{name}_y : {y} to {wide}\n" if y != wide else ""
    end = "y" if result == "f32" else "z"
    results = ", ".join(f'{y.replace("bf16", "f32")} {{ht.name = "{name}"}}' for name in FORMS)
    path.write_text(
        f"func.func @main({arguments}) -> ({results}) attributes {{ht.symbols = [#ht.symbol<\"batch\", 1, 3>, "
        f'#ht.symbol<"s", 1, 600>, #ht.symbol<"t", 1, 1200>]}} {{\n{body}'
        f"  return {', '.join(f'%{name}_{end}' for name in FORMS)} : "
        f"{', '.join(y.replace('bf16', 'f32') for _ in FORMS)}\n}}\n")


def make_inputs(random, batch, s, t, d, e):
    def normal(*shape, scale=1.0):
        return (random.standard_normal(shape) * scale).astype(np.float32)
    keys = random.random((batch, 1, 1, t)) < 0.7
    keys[0] = False  # One row attends nowhere.
    pairs = random.random((batch, 1, s, t)) < 0.7
    pairs[:, :, s // 2] = False
    bias = normal(1, HEADS, s, t)
    bias[random.random(bias.shape) < 0.1] = -np.inf
    return {"q": normal(batch, s, HEADS, d, scale=2), "k": normal(batch, t, GROUPS, d), "v": normal(batch, t, GROUPS, e),
            "keys": keys, "pairs": pairs, "bias": bias, "key_bias": normal(batch, 1, 1, t, scale=3),
            "rows": random.permutation(batch).astype(np.int64),
            "start": random.integers(0, max(t - s, 0) + 1, batch).astype(np.int64)}


def check(got, want, tolerance=TOLERANCE):
    for name in want:
        error = relative_error(got[name], want[name])
        assert error < tolerance, f"{name} is {error:.3g} off"


@pytest.fixture(scope="module", params=WIDTHS, ids=lambda widths: f"{widths[0]}x{widths[1]}")
def case(request, tmp_path_factory):
    """A model, and inputs of all sizes with what the interpreter makes of them."""
    (d, e), folder = request.param, tmp_path_factory.mktemp("attention")
    random = np.random.default_rng(d * e)
    result = "bf16" if d == 64 else "f32"
    write_model(folder / "m.mlir", d, e, result)
    sizes = SIZES if d == 32 else [SIZES[2], SIZES[4]]
    runs = [make_inputs(random, *size, d, e) for size in sizes]
    tolerance = TOLERANCE_OF_BF16 if result == "bf16" else TOLERANCE
    return folder / "m.mlir", tolerance, [(x, run_reference(folder / "m.mlir", x, folder)) for x in runs]


@pytest.mark.parametrize("level", host_cpu.LEVELS)
def test_every_form(case, tmp_path, level):
    environment, missing = host_cpu.level_variables(level, BUILD)
    if missing:
        pytest.skip(missing)
    model, tolerance, runs = case
    compile_model(model, tmp_path / "program", f"--cpu={level}")
    for inputs, want in runs:
        check(run_program(tmp_path / "program", inputs, tmp_path, env=os.environ | environment), want, tolerance)


def test_the_option(tmp_path, amx):
    """Of numbers that bf16 has, ONNX Runtime's f32 differs by the rounding of weights alone; --attention=f32,
    the default, by less."""
    random = np.random.default_rng(3)
    heads, d, batch, s, t = 6, 32, 2, 100, 77

    def exact(*shape):
        return random.standard_normal(shape).astype(ml_dtypes.bfloat16).astype(np.float32)

    nodes = Nodes(20, {batch: "batch", s: "s", t: "t"})
    keep = (random.random((batch, t)) < 0.6).astype(np.int32)
    keep[0, 3:] = 0
    for more in (), (None, keep), (None, keep, exact(1, heads, s, t)):
        nodes.add("MultiHeadAttention", exact(batch, s, heads * d), exact(batch, t, heads * d), exact(batch, t, heads * d),
                  *more, num_heads=heads, domain="com.microsoft")
    model = nodes.save(tmp_path / "m.onnx")
    want = by_onnxruntime(model, nodes.inputs)
    compile_model(model, tmp_path / "bf16", "--attention=bf16", "--cpu=sapphirerapids")
    compile_model(model, tmp_path / "f32", "--cpu=sapphirerapids")
    check(run_program(tmp_path / "f32", nodes.inputs, tmp_path, env=amx), want, 1e-5)
    got = run_program(tmp_path / "bf16", nodes.inputs, tmp_path, env=amx)
    check(got, want)
    assert all(relative_error(got[name], want[name]) > 1e-5 for name in want), "was computed in f32"


def test_what_has_no_part(tmp_path, amx):
    """Keys and values that a mask excludes may be anything; those that it does not are seen."""
    model, random, batch, s, t, d = tmp_path / "m.mlir", np.random.default_rng(4), 2, 40, 70, 32
    write_model(model, d, d, "f32")
    inputs = make_inputs(random, batch, s, t, d, d)
    inputs["keys"][:] = random.random((batch, 1, 1, t)) < 0.5
    compile_model(model, tmp_path / "program", "--cpu=sapphirerapids")
    hidden = ~inputs["keys"][:, 0, 0]
    clean = run_program(tmp_path / "program", inputs, tmp_path, env=amx)
    for name, value in ("k", np.nan), ("v", np.inf), ("v", np.nan):
        inputs[name][hidden] = value
        got = run_program(tmp_path / "program", inputs, tmp_path, env=amx)
        for form in "keys", "uniform":
            assert np.isfinite(got[form]).all()
            assert relative_error(got[form], clean[form]) < TOLERANCE
        assert not np.isfinite(got["plain"]).any()
