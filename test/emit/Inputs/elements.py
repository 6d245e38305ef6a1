"""Prints kernels: every operation on elements that PTX has code for, and casts, for every kind of number."""
FLOATS = ["f32", "f64", "f16", "bf16"]
INTEGERS = ["i8", "ui8", "i16", "i32", "ui32", "i64", "ui64"]
CODES = ["i4", "ui4", "f8E4M3FN", "f8E5M2", "f8E8M0FNU", "f4E2M1FN"]
UNARY = ["abs", "ceil", "floor", "neg", "reciprocal", "relu", "round", "rsqrt", "sign", "sqrt"]
POLYNOMIALS = ["erf", "exp", "gelu", "sigmoid", "silu", "tanh"]
BINARY = ["add", "div", "max", "min", "mul", "sub"]


def kernel(name, element, operation, result=None):
    x, y = f"tensor<8x{element}>", f"tensor<8x{result or element}>"
    print(f"func.func private @{name}_{element}(%x: {x}, %y: {x}) -> {y} attributes {{htk.kernel}} {{\n"
          f"  %z = ht.{operation}\n  return %z : {y}\n}}")


for element in FLOATS:
    for name in UNARY + (POLYNOMIALS if element != "f64" else []):
        kernel(name, element, f"{name} %x : tensor<8x{element}>")
for element in FLOATS + INTEGERS:
    for name in BINARY:
        kernel(name, element, "{0} %x, %y : {1}, {1} -> {1}".format(name, f"tensor<8x{element}>"))
for element in FLOATS + INTEGERS + CODES + ["i1"]:
    for to in FLOATS + INTEGERS + ["i1"]:
        if to != element:
            kernel(f"cast_{to}", element, f"cast %x : tensor<8x{element}> to tensor<8x{to}>", to)
