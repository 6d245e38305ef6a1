"""Linears of one input as one kernel that quantizes the rows it multiplies: results of their own (q, k, v),
several in one result (gate and up), against the exact interpreter at every instruction set, at sizes where
tiles, panels, blocks of rows and the threads' shares end anywhere."""
import os

import numpy as np
import pytest

import host_cpu
from halftone import HALFTONE, compile_model, run, run_program, run_reference
from places import BUILD

#: (rows, threads)
RUNS = [(1, 1), (1, 3), (5, 2), (7, 3), (31, 2), (33, 1), (97, 2), (130, 3), (511, 2), (1100, 2)]
#: What x becomes: the operation, and the types of its leaves as (element, columns for each of k).
INPUTS = {
    "token": ("absmax", "affine<i8, blocks [1, ?], scale f32>"),
    "blocks": ("absmax", "affine<i8, blocks [1, 32], scale f32>"),
    "bf16": (None, "bf16"),
    "f32": (None, "f32"),
}
#: Rows of each weight: two that are alike, one that is not, and a pair that meets in one result.
WEIGHTS = {"q": 100, "k": 100, "v": 67, "gate": 130, "up": 130}


def matrix(element, rows, columns):
    return f"tensor<{rows}x{columns}x{element}" + (", #ht.dims<s0>>" if rows == "?" else ">")


def write_model(path, depth, kind):
    rule, term = INPUTS[kind]
    x_type = matrix("f32", "?", depth)
    if rule:
        blocks = -(-depth // 32) if "32" in term.split("]")[0] else 1
        types, names = [matrix("i8", "?", depth), matrix("f32", "?", blocks)], ["%c", "%t"]
        prologue = f"  {', '.join(names)} = htq.dynamic_quantize {rule} #htq.{term}(%x) : ({x_type}) -> ({', '.join(types)})\n"
        w_term = "affine<i8, blocks [1, ?], scale f32>"
    elif kind == "bf16":
        types, names, w_term = [matrix("bf16", "?", depth)], ["%c"], "bf16"
        prologue = f"  %c = ht.cast %x : {x_type} to {types[0]}\n"
    else:
        types, names, prologue, w_term = [x_type], ["%x"], "", "f32"
    recipes, body, offset = "", prologue, 0
    for name, n in WEIGHTS.items():
        load = f'  %0 = ht.load "w.f32" offset {offset} : {matrix("f32", n, depth)}\n'
        offset += 4 * n * depth
        if rule:
            leaves = {f"{name}_c": matrix("i8", n, depth), f"{name}_s": matrix("f32", n, 1)}
            load += f"  %c, %s = htq.dynamic_quantize absmax #htq.{w_term}(%0) : ({matrix('f32', n, depth)}) -> ({', '.join(leaves.values())})\n"
            values = dict(zip(leaves, ("%c", "%s")))
        else:
            leaves = {name: matrix(w_term, n, depth)}
            load += f"  %c = ht.cast %0 : {matrix('f32', n, depth)} to {leaves[name]}\n" if kind == "bf16" else ""
            values = {name: "%c" if kind == "bf16" else "%0"}
        for leaf, leaf_type in leaves.items():
            recipes += f"ht.weight @{leaf} : {leaf_type} {{\n{load}  ht.yield {values[leaf]} : {leaf_type}\n}}\n"
            body += f"  %{leaf} = ht.get_weight @{leaf} : {leaf_type}\n"
        body += f"  %{name}_y = htq.linear {term}({', '.join(names)}) by {w_term}({', '.join('%' + leaf for leaf in leaves)}) : " \
                f"({', '.join(types)}) by ({', '.join(leaves.values())}) -> {matrix('f32', '?', n)}\n"
    wide, half, glu = matrix("f32", "?", 100), matrix("f32", "?", 67), matrix("f32", "?", 130)
    body += f"""  %q_b = ht.add %q_y, %bias : {wide}, tensor<100xf32> -> {wide}
  %v_g = ht.gelu %v_y : {half}
  %g_s = ht.silu %gate_y : {glu}
  %mlp = ht.mul %g_s, %up_y : {glu}, {glu} -> {glu}
"""
    results = {"q": ("%q_b", wide), "k": ("%k_y", wide), "v": ("%v_g", half), "mlp": ("%mlp", glu)}
    path.write_text(recipes + f'func.func @main(%x: {x_type} {{ht.name = "x"}}, %bias: tensor<100xf32> {{ht.name = "bias"}}) -> (' +
                    ", ".join(f'{kind} {{ht.name = "{name}"}}' for name, (_, kind) in results.items()) +
                    ') attributes {ht.symbols = [#ht.symbol<"rows", 1, 1100>]} {\n' + body +
                    f"  return {', '.join(v for v, _ in results.values())} : {', '.join(t for _, t in results.values())}\n}}\n")


@pytest.fixture(scope="module", params=[(kind, depth) for kind in INPUTS for depth in (131, 512)],
                ids=lambda case: "-".join(map(str, case)))
def case(request, tmp_path_factory):
    kind, depth = request.param
    folder, random = tmp_path_factory.mktemp("fused"), np.random.default_rng(depth)
    write_model(folder / "m.mlir", depth, kind)
    random.standard_normal((sum(WEIGHTS.values()), depth)).astype(np.float32).tofile(folder / "w.f32")
    wants = {}
    for rows in {rows for rows, _ in RUNS}:
        x = (random.standard_normal((rows, depth)) * random.uniform(0.1, 9, (rows, 1))).astype(np.float32)
        inputs = {"x": x, "bias": random.standard_normal(100).astype(np.float32)}
        wants[rows] = inputs, run_reference(folder / "m.mlir", inputs, folder)
    return folder / "m.mlir", wants


def test_one_kernel(case):
    """All five are one launch, whatever the input is."""
    model, _ = case
    text = run([HALFTONE, "compile", model, "--compile-to=fuse", "-o", "-"]).stdout
    assert text.count("htk.kernel ") == 1 and text.count("htq.linear") == 5


@pytest.mark.parametrize("level", host_cpu.LEVELS)
def test_equals_interpreter(level, case, tmp_path):
    variables, missing = host_cpu.level_variables(level, BUILD)
    if missing:
        pytest.skip(missing)
    model, wants = case
    compile_model(model, tmp_path / "program", "--cpu", level)
    for rows, threads in RUNS:
        inputs, want = wants[rows]
        native = run_program(tmp_path / "program", inputs, tmp_path, "--threads", threads, env=os.environ | variables)
        for name in want:
            error = np.abs(native[name] - want[name]).max() / np.abs(want[name]).max()
            assert error < 3e-6, f"{name} of {rows} rows by {threads} threads"
