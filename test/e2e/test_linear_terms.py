"""Products of terms: every arithmetic of every instruction set that this machine has, at odd sizes,
against the exact interpreter. Integers are summed exactly, so only a few f32 roundings may differ."""
import os

import numpy as np
import pytest

import host_cpu
from halftone import compile_model, run_program, run_reference
from places import BUILD

ROW_COUNTS = [*range(1, 9), 12, 13, 31, 40, 64, 511]
#: The term of x, and the rule and term of w.
I8 = "affine<i8, blocks [1, ?], scale f32>"
FORMATS = {
    "i8": (I8, "absmax", "affine<i8, blocks [1, ?], scale f32>"),
    "i8 whole": (I8, "absmax", "affine<i8, blocks [?, ?], scale f32>"),
    "i8 blocks": (I8, "signed_max", "affine<i8, blocks [1, 32], scale f16>"),
    "i8 by blocks": ("affine<i8, blocks [1, 64], scale f32>", "absmax", "affine<i8, blocks [1, ?], scale f32>"),
    "i8 by blocks both": ("affine<i8, blocks [1, 128], scale f32>", "absmax", "affine<i8, blocks [1, 32], scale f32>"),
    "i4": (I8, "signed_max", "affine<i4, blocks [1, 32], scale f16>"),
    "i4 in i8": (I8, "signed_max", "affine<i4, blocks [1, 64], scale affine<i8, blocks [1, ?], scale f32>>"),
    "i4 in i5": (I8, "signed_max", "affine<i4, blocks [1, 64], scale affine<i5, blocks [1, ?], scale f32>>"),
    "i4 in i5 by 32": (I8, "signed_max", "affine<i4, blocks [1, 32], scale affine<i5, blocks [1, ?], scale f32>>"),
    "ui4": (I8, "minmax", "affine<ui4, blocks [1, 64], scale f16, zero ui4>"),
    "i2": (I8, "signed_max", "affine<i2, blocks [1, 16], scale f32>"),
    "f32": ("f32", None, "f32"),
    "bf16": ("bf16", None, "bf16"),
    "bf16 weights": ("f32", None, "bf16"),
    "f16 weights": ("f32", None, "f16"),
    "i8 weights": ("f32", "absmax", "affine<i8, blocks [1, 32], scale f32>"),
    "i4 weights": ("f32", "signed_max", "affine<i4, blocks [1, 32], scale f16>"),
    "ui4 weights": ("f32", "minmax", "affine<ui4, blocks [1, 32], scale f32, zero ui4>"),
    "ui8 weights": ("f32", "minmax", "affine<ui8, blocks [1, ?], scale f32, zero ui8>"),
    "codebook": ("f32", "absmax", "affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>"),
    "scale of scales": ("f32", "absmax", "affine<lookup<ui4, codebook f32>, blocks [1, 64], "
                        "scale affine<i8, blocks [1, 2], scale f32>>"),
}
NF4 = [-1.0, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0.0,
       0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]


def leaves(term, n, k):
    """Element type and shape of each leaf of a weight's term."""
    if not term.startswith(("affine<", "lookup<")):
        return [(term, (n, k))]
    parts, depth, start, body = [], 0, 0, term[7:-1]
    for i, c in enumerate(body + ","):
        depth += c in "<[" or 0
        depth -= c in ">]" or 0
        if c == "," and depth == 0:
            parts.append(body[start:i].strip())
            start = i + 1
    if term.startswith("lookup<"):
        return leaves(parts[0], n, k) + [(parts[1].split()[1], (16,))]
    blocks = parts[1][8:-1].split(", ")
    inner = [1 if b == "?" else -(-size // int(b)) for b, size in zip(blocks, (n, k))]
    found = leaves(parts[0], n, k)
    for part in parts[2:]:
        found += leaves(part.split(" ", 1)[1], *inner)
    return found


def tensor(element, *shape):
    return f"tensor<{'x'.join(map(str, [*shape, element]))}" + (", #ht.dims<s0>>" if "?" in shape else ">")


def write_model(path, formats, n, k, epilogue, given_codes=False):
    """An output for each format: x, or inputs of its own in its term, times the weights of w.f32, quantized."""
    weights, body, results = [], [], []
    inputs = [("x", tensor("f32", "?", k))]
    for i, (x_term, rule, w_term) in enumerate(formats.values()):
        types = leaves(w_term, n, k)
        values = []
        for j, (element, shape) in enumerate(types):
            kind = tensor(element, *shape)
            load = f'  %w = ht.load "w.f32" offset 0 : {tensor("f32", n, k)}\n'
            if len(shape) == 1:
                value = f"  %r = ht.constant dense<{NF4}> : {kind}\n"
                load = ""
            elif rule is None:
                value = f"  %r = ht.cast %w : {tensor('f32', n, k)} to {kind}\n"
                if element == "f32":
                    load, value = load.replace("%w =", "%r ="), ""
            else:
                book = "lookup" in w_term
                own = [t for t in types if len(t[1]) > 1]
                names = ", ".join(f"%l{m}" for m in range(len(own)))
                operands = "%w, %book" if book else "%w"
                kinds = tensor("f32", n, k) + (", tensor<16xf32>" if book else "")
                load += f"  %book = ht.constant dense<{NF4}> : tensor<16xf32>\n" if book else ""
                value = f"  {names} = htq.dynamic_quantize {rule} #htq.{w_term}({operands}) : ({kinds}) -> " \
                        f"({', '.join(tensor(e, *s) for e, s in own)})\n"
                at = [t for t in range(len(types)) if len(types[t][1]) > 1].index(j)
                weights.append(f"ht.weight @w{i}_{j} : {kind} {{\n{load}{value}  ht.yield %l{at} : {kind}\n}}\n")
                values.append((f"%w{i}_{j}", kind))
                body.append(f"  %w{i}_{j} = ht.get_weight @w{i}_{j} : {kind}\n")
                continue
            weights.append(f"ht.weight @w{i}_{j} : {kind} {{\n{load}{value}  ht.yield %r : {kind}\n}}\n")
            values.append((f"%w{i}_{j}", kind))
            body.append(f"  %w{i}_{j} = ht.get_weight @w{i}_{j} : {kind}\n")
        x_kind = tensor("f32", "?", k)
        if x_term.startswith("affine"):
            block = x_term.split("[1, ")[1].split("]")[0]
            count = 1 if block == "?" else -(-k // int(block))
            codes, scale = tensor("i8", "?", k), tensor("f32", "?", count)
            if given_codes:
                inputs += [(f"c{i}", codes), (f"s{i}", scale)]
            else:
                body.append(f"  %c{i}, %s{i} = htq.dynamic_quantize absmax #htq.{x_term}(%x) : ({x_kind}) -> "
                            f"({codes}, {scale})\n")
            x, x_types = f"%c{i}, %s{i}", f"{codes}, {scale}"
        elif given_codes:
            x_kind = tensor(x_term, "?", k)
            inputs.append((f"x{i}", x_kind))
            x, x_types = f"%x{i}", x_kind
        elif x_term == "bf16":
            body.append(f"  %b{i} = ht.cast %x : {x_kind} to {tensor('bf16', '?', k)}\n")
            x, x_types = f"%b{i}", tensor("bf16", "?", k)
        else:
            x, x_types = "%x", x_kind
        y_kind = tensor("f32", "?", n)
        body.append(f"  %p{i} = htq.linear {x_term}({x}) by {w_term}({', '.join(v for v, _ in values)}) : ({x_types}) by "
                    f"({', '.join(t for _, t in values)}) -> {y_kind}\n")
        if epilogue:
            body.append(f"  %q{i} = ht.add %p{i}, %bias : {y_kind}, {tensor('f32', n)} -> {y_kind}\n"
                        f"  %r{i} = ht.gelu %q{i} : {y_kind}\n  %y{i} = ht.add %r{i}, %residual : {y_kind}, {y_kind} -> {y_kind}\n")
        results.append((f"%y{i}" if epilogue else f"%p{i}", f"y{i}", y_kind))
    if epilogue:
        inputs += [("bias", tensor("f32", n)), ("residual", tensor("f32", "?", n))]
    arguments = ", ".join(f'%{name}: {kind} {{ht.name = "{name}"}}' for name, kind in inputs)
    path.write_text("".join(weights) + f"func.func @main({arguments}) -> (" +
                    ", ".join(f'{kind} {{ht.name = "{name}"}}' for _, name, kind in results) +
                    ') attributes {ht.symbols = [#ht.symbol<"rows", 1, 511>]} {\n' + "".join(body) +
                    f"  return {', '.join(v for v, _, _ in results)} : {', '.join(kind for *_, kind in results)}\n}}\n")


@pytest.fixture(scope="module", params=[(100, 256, False), (67, 131, True), (1, 128, False), (130, 37, False)],
                ids=lambda size: f"{size[0]}x{size[1]}")
def case(request, tmp_path_factory):
    """A model, and inputs of several row counts with what the interpreter makes of them."""
    n, k, epilogue = request.param
    folder, random = tmp_path_factory.mktemp("terms"), np.random.default_rng(n * k)
    write_model(folder / "m.mlir", FORMATS, n, k, epilogue)
    random.standard_normal((n, k)).astype(np.float32).tofile(folder / "w.f32")
    runs = []
    for rows in ROW_COUNTS if k < 200 else [1, 5, 7, 511]:
        inputs = {"x": (random.standard_normal((rows, k)) * random.uniform(0.1, 9, (rows, 1))).astype(np.float32)}
        if epilogue:
            inputs["bias"] = random.standard_normal(n).astype(np.float32)
            inputs["residual"] = random.standard_normal((rows, n)).astype(np.float32)
        runs.append((inputs, run_reference(folder / "m.mlir", inputs, folder)))
    return folder / "m.mlir", runs


@pytest.mark.parametrize("level", host_cpu.LEVELS)
def test_products(level, case, tmp_path):
    variables, missing = host_cpu.level_variables(level, BUILD)
    if missing:
        pytest.skip(missing)
    model, runs = case
    compile_model(model, tmp_path / "program", "--cpu", level)
    for inputs, want in runs:
        native = run_program(tmp_path / "program", inputs, tmp_path, "--threads", 2, env=os.environ | variables)
        for i, name in enumerate(FORMATS):
            error = np.abs(native[f"y{i}"] - want[f"y{i}"]).max() / max(np.abs(want[f"y{i}"]).max(), 1e-9)
            assert error < 3e-6, f"{name} of {len(inputs['x'])} rows"
