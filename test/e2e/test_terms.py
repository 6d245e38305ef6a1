"""Terms in the graph: native code and the exact interpreter agree, to the bit but for rotations.

Modules are written as IR, with an output for each term, so that a type of codes costs
one compilation."""
import numpy as np
import pytest

from halftone import compile_model, run_program, run_reference

ROWS, COLUMNS = 6, 101  # Neither is a multiple of a vector's lanes.


def tensor(element, *shape):
    return f"tensor<{'x'.join(map(str, [*shape, element]))}>"


class Module:
    """@main of inputs x and y, and an output for each value that is shown."""

    def __init__(self, *shape):
        self.shape = shape or (ROWS, COLUMNS)
        self.lines, self.outputs = [], []
        self.inputs = [(name, tensor("f32", *self.shape)) for name in ("x", "y")]

    def op(self, text):
        """The value that `text` makes."""
        self.lines.append(f"  %v{len(self.lines)} = {text}")
        return f"%v{len(self.lines) - 1}"

    def cast(self, value, source, target, *shape):
        if source == target:
            return value
        shape = shape or self.shape
        return self.op(f"ht.cast {value} : {tensor(source, *shape)} to {tensor(target, *shape)}")

    def show(self, name, value, element):
        self.outputs.append((name, self.cast(value, element, "f64"), tensor("f64", *self.shape)))

    def write(self, path):
        arguments = ", ".join(f'%{name}: {kind} {{ht.name = "{name}"}}' for name, kind in self.inputs)
        results = ", ".join(f'{kind} {{ht.name = "{name}"}}' for name, _, kind in self.outputs)
        values, kinds = (", ".join(output[i] for output in self.outputs) for i in (1, 2))
        path.write_text(f"func.func @main({arguments}) -> ({results}) {{\n" + "\n".join(self.lines) +
                        f"\n  return {values} : {kinds}\n}}\n")
        return path


def agree(module, inputs, folder, *options, tolerance=0):
    path = module.write(folder / "m.mlir")
    compile_model(path, folder / "program", *options)
    native = run_program(folder / "program", inputs, folder, "--threads", 2)
    reference = run_reference(path, inputs, folder)
    assert set(native) == set(reference) == {name for name, *_ in module.outputs}
    wrong = [name for name, want in reference.items() if not np.allclose(native[name], want, rtol=tolerance, atol=0, equal_nan=True)]
    assert not wrong


def number(random, *shape):
    """Of all magnitudes that floats have, and what rounds or ends in special ways."""
    x = (random.standard_normal(shape) * 10.0 ** random.uniform(-9, 6, shape)).astype(np.float32)
    special = [np.inf, -np.inf, np.nan, 0, -0.0, 0.5, 1.5, 2.5, -2.5, 5, 6, 7, 240, 248, 249, 448, 464, 465, 57344,
               61440, 61441, 65504, 65520, 2**-127, 5.9e-39, 1e-40, 3e38, 127.5, -128.5, 255.5]
    x.flat[:len(special)] = special
    x.flat[len(special):len(special) + 60] = random.integers(-40, 40, 60) / 4
    return x


BLOCKS = ["?, ?", "1, ?", "?, 1", "1, 32", "2, 7", "4, 1", "4, 100"]


@pytest.mark.parametrize("codes", ["i8", "ui8", "i4", "ui4", "i3", "ui5", "i6", "ui2", "i16", "ui16", "i32", "f8E4M3FN", "f8E5M2", "f4E2M1FN"])
def test_affine(codes, tmp_path):
    shape = (ROWS, COLUMNS)
    m, t = Module(), tensor("f32", *shape)
    for i, blocks in enumerate(BLOCKS):
        parameters = [1 if b == "?" else -(-size // int(b)) for b, size in zip(blocks.split(", "), shape)]
        scale_type = "f16" if i % 3 == 1 else "f32"
        scale = m.cast(m.op(f"ht.slice %y starts <0, 0> strides [1, 1] : {t} to {tensor('f32', *parameters)}"), "f32",
                       scale_type, *parameters)
        zero, zero_type, clause = "", "", ""
        if codes[0] != "f" and i % 2:
            zero = m.op(f"ht.slice %x starts <0, 0> strides [1, 1] : {t} to {tensor('f32', *parameters)}")
            zero = ", " + m.cast(zero, "f32", codes, *parameters)
            zero_type, clause = ", " + tensor(codes, *parameters), f", zero {codes}"
        term = f"#htq.affine<{codes}, blocks [{blocks}], scale {scale_type}{clause}>"
        rest = f"{tensor(scale_type, *parameters)}{zero_type}"
        coded = m.op(f"htq.quantize {term}(%x, {scale}{zero}) : {t}, {rest} -> {tensor(codes, *shape)}")
        m.show(f"quantize {blocks}", coded, codes)
        m.show(f"dequantize {blocks}", m.op(f"htq.dequantize {term}({coded}, {scale}{zero}) : ({tensor(codes, *shape)}, {rest}) -> {t}"),
               "f32")
    random = np.random.default_rng(7)
    x = number(random, *shape)
    y = random.uniform(0.01, 2, shape).astype(np.float32)
    agree(m, {"x": x, "y": y}, tmp_path)


@pytest.mark.parametrize("source, target", [("i32", "i8"), ("ui8", "i4"), ("i16", "ui16"), ("i8", "i32")])
def test_requantize(source, target, tmp_path):
    shape = (ROWS, COLUMNS)
    m, t = Module(), tensor("f32", *shape)
    codes = m.cast("%x", "f32", source)

    def parameters(blocks, codes, scale, zero):
        """The affine's text, its tensors and their types."""
        sizes = [1 if b == "?" else -(-size // int(b)) for b, size in zip(blocks.split(", "), shape)]
        cut = [m.op(f"ht.slice %{name} starts <0, 0> strides [1, 1] : {t} to {tensor('f32', *sizes)}") for name in "yx"]
        values, types = [m.cast(cut[0], "f32", scale, *sizes)], [tensor(scale, *sizes)]
        if zero:
            values.append(m.cast(cut[1], "f32", codes, *sizes))
            types.append(tensor(codes, *sizes))
        text = f"<{codes}, blocks [{blocks}], scale {scale}{f', zero {codes}' if zero else ''}>"
        return text, ", ".join(values), ", ".join(types)

    for i, (old, new) in enumerate([("1, ?", "?, ?"), ("?, 1", "1, 32"), ("4, 100", "?, 1"), ("2, 7", "1, ?")]):
        before, x, x_types = parameters(old, source, "f32", i % 2)
        after, y, y_types = parameters(new, target, "f16" if i == 1 else "f32", i > 1)
        result = m.op(f"htq.requantize {before}({codes}, {x}) to {after}({y}) : ({tensor(source, *shape)}, {x_types}) to "
                      f"({y_types}) -> {tensor(target, *shape)}")
        m.show(f"{old} to {new}", result, target)
    m.show("observed", m.op(f'htq.observe "x" %x : {t}'), "f32")
    random = np.random.default_rng(9)
    agree(m, {"x": random.integers(-300, 300, shape).astype(np.float32),
              "y": np.exp2(random.integers(-3, 3, shape)).astype(np.float32)}, tmp_path)


@pytest.mark.parametrize("cpu", ["native", "x86-64-v3"])
@pytest.mark.parametrize("rule, codes", [("absmax", "i8"), ("absmax", "i4"), ("absmax", "i16"), ("signed_max", "i4"),
                                         ("minmax", "ui8"), ("minmax", "i8")])
def test_dynamic_quantize(rule, codes, cpu, tmp_path):
    rows, shape = 8, (8, COLUMNS)
    m, t = Module(*shape), tensor("f32", *shape)
    for block in "?", 32, 7, 1:
        parameters = (rows, 1 if block == "?" else -(-COLUMNS // block))
        types = [tensor(codes, *shape), tensor("f32", *parameters)]
        if rule == "minmax":
            types.append(tensor(codes, *parameters))
        term = f"#htq.affine<{codes}, blocks [1, {block}], scale f32{f', zero {codes}' if rule == 'minmax' else ''}>"
        m.lines.append(f"  %q{len(m.lines)}:{len(types)} = htq.dynamic_quantize {rule} {term}(%x) : ({t}) -> ({', '.join(types)})")
        leaves = [f"%q{len(m.lines) - 1}#{i}" for i in range(len(types))]
        m.show(f"codes {block}", leaves[0], codes)
        m.show(f"values {block}", m.op(f"htq.dequantize {term}({', '.join(leaves)}) : ({', '.join(types)}) -> {t}"), "f32")
    random = np.random.default_rng(10)
    x = (random.standard_normal(shape) * np.exp2(random.integers(-9, 9, shape))).astype(np.float32)
    x[1], x[2, ::3], x[3, 5], x[4] = 0, np.nan, -np.inf, np.abs(x[4])
    x[5, :64] = np.tile([127.5, -127.5, 0.5, 1.5], 16)  # ties
    x[6], x[7] = 1e-41 * x[0], 1e37 * np.sign(x[0])  # reciprocals of scales that overflow, or are small
    agree(m, {"x": x, "y": np.ones(shape, np.float32)}, tmp_path, "--cpu", cpu)


@pytest.mark.parametrize("cpu", ["native", "x86-64-v3"])
@pytest.mark.parametrize("rows, columns", [(6, 128), (3, 384), (5, 40), (2, 1024)])
def test_hadamard(rows, columns, cpu, tmp_path):
    """Rotations in registers, in several passes, and where registers and blocks do not share their ends."""
    shape = (rows, columns)
    m, t = Module(*shape), tensor("f32", *shape)
    for order, stride in (2, 1), (8, 1), (8, 16), (4, 2), (64, 1), (128, 1), (512, 2), (8, 48), (4, 5):
        if columns % (order * stride):
            continue
        h = m.op(f"htq.hadamard {order} stride {stride} %x : {t}")
        m.show(f"{order} by {stride}", m.op(f"ht.abs {h} : {t}"), "f32")
        h = m.op(f"htq.hadamard {order} stride {stride} %y : {t}")
        types = [tensor("i8", *shape), tensor("f32", rows, 1)]
        term = "#htq.affine<i8, blocks [1, ?], scale f32>"
        m.lines.append(f"  %q{len(m.lines)}:2 = htq.dynamic_quantize absmax {term}({h}) : ({t}) -> ({', '.join(types)})")
        leaves = [f"%q{len(m.lines) - 1}#{i}" for i in range(2)]
        m.show(f"values {order} by {stride}",
               m.op(f"htq.dequantize {term}({', '.join(leaves)}) : ({', '.join(types)}) -> {t}"), "f32")
    half = m.cast("%x", "f32", "f16")
    m.show("f16", m.op(f"htq.hadamard 4 {half} : {tensor('f16', *shape)}"), "f16")
    random = np.random.default_rng(11)
    # Sums of few bits are exact, and what H makes of one number is alike everywhere; norms may be rounded.
    y = np.zeros(shape, np.float32)
    y[np.arange(rows), random.integers(0, columns, rows)] = 1
    agree(m, {"x": random.integers(-8, 8, shape).astype(np.float32), "y": y}, tmp_path, "--cpu", cpu, tolerance=1e-6)


def test_terms_of_terms(tmp_path):
    shape = (ROWS, COLUMNS)
    m, t = Module(), tensor("f32", *shape)
    codes, fours = m.cast("%x", "f32", "ui4"), m.cast("%x", "f32", "f4E2M1FN")

    def cut(rows, columns):
        return m.op(f"ht.slice %y starts <0, 0> strides [1, 1] : {t} to {tensor('f32', rows, columns)}")
    book = m.op(f"ht.reshape {cut(1, 16)} : {tensor('f32', 1, 16)} to {tensor('f32', 16)}")
    wide, one = cut(ROWS, 2), cut(1, 1)
    narrow = m.cast(cut(ROWS, 7), "f32", "f8E4M3FN", ROWS, 7)
    u4, f4 = tensor("ui4", *shape), tensor("f4E2M1FN", *shape)
    w, n = tensor("f32", ROWS, 2), tensor("f8E4M3FN", ROWS, 7)
    m.show("lookup", m.op(f"htq.dequantize #htq.affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>({codes}, {book}, "
                          f"{wide}) : ({u4}, {tensor('f32', 16)}, {w}) -> {t}"), "f32")
    m.show("scale of scales", m.op(f"htq.dequantize #htq.affine<f4E2M1FN, blocks [1, 16], scale affine<f8E4M3FN, blocks [?, ?], "
                                   f"scale f32>>({fours}, {narrow}, {one}) : ({f4}, {n}, {tensor('f32', 1, 1)}) -> {t}"), "f32")
    m.show("sum", m.op(f"htq.dequantize #htq.sum<affine<f4E2M1FN, blocks [1, 16], scale f8E4M3FN>, affine<ui4, blocks [1, 64], "
                       f"scale f32>>({fours}, {narrow}, {codes}, {wide}) : ({f4}, {n}, {u4}, {w}) -> "
                       f"{tensor('f16', *shape)}"), "f16")
    random = np.random.default_rng(8)
    agree(m, {"x": random.uniform(-5, 20, shape).astype(np.float32),
              "y": random.uniform(0.1, 2, shape).astype(np.float32)}, tmp_path)
