"""The element types of the graph dialect in numpy, and numbers of them."""
import ml_dtypes
import numpy as np

NUMPY = {
    "i1": np.bool_, "i2": ml_dtypes.int2, "i4": ml_dtypes.int4, "i8": np.int8, "i16": np.int16, "i32": np.int32,
    "i64": np.int64, "ui2": ml_dtypes.uint2, "ui4": ml_dtypes.uint4, "ui8": np.uint8, "ui16": np.uint16,
    "ui32": np.uint32, "ui64": np.uint64, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32,
    "f64": np.float64, "f8E4M3FN": ml_dtypes.float8_e4m3fn, "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E5M2": ml_dtypes.float8_e5m2, "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "f8E8M0FNU": ml_dtypes.float8_e8m0fnu, "f4E2M1FN": ml_dtypes.float4_e2m1fn,
}
BITS = {"bf16": 16, "f8E8M0FNU": 8, "i1": 8} | {
    kind: int("".join(filter(str.isdigit, kind.split("E")[0]))) for kind in NUMPY if kind not in ("bf16", "i1")}
FLOATS = ["f16", "bf16", "f32", "f64"]
INTS = ["i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64"]
NUMBERS = FLOATS + INTS
CODES = [kind for kind in NUMPY if kind not in NUMBERS + ["i1"]]
# The distance of 1 to the next number.
EPSILON = {"f16": 2**-10, "bf16": 2**-7, "f32": 2**-23, "f64": 2**-52}


def is_float(kind):
    return kind.startswith(("f", "bf"))


def int_range(kind):
    """The least and the greatest integer."""
    if kind == "i1":
        return 0, 1
    bits = BITS[kind]
    return (0, 2**bits - 1) if kind.startswith("ui") else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)


def random_bits(kind, shape, random):
    """Any elements at all, NaN among them."""
    bits, count = BITS[kind], int(np.prod(shape))
    if kind == "i1":
        return random.random(shape) < 0.5
    if bits < 8:
        return random.integers(0, 1 << bits, shape).astype(np.uint8).view(NUMPY[kind])
    return np.frombuffer(random.bytes(count * bits // 8), NUMPY[kind]).reshape(shape)


def pack(array, bits):
    """The bytes that a file has: elements of 2 and 4 bits from the low ones on."""
    if bits >= 8:
        return array.tobytes()
    codes = array.reshape(-1).view(np.uint8).astype(int) & ((1 << bits) - 1)
    packed = bytearray((codes.size * bits + 7) // 8)
    for i, code in enumerate(codes):
        packed[i * bits // 8] |= int(code) << (i * bits % 8)
    return bytes(packed)
