"""ONNX files byte by byte, for what no library would write.

Messages are bytes; a builder that takes `*more` appends fields that it knows nothing of.
Field numbers are those of onnx.proto.
"""
import struct

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)

FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, COMPLEX64 = 1, 2, 3, 6, 7, 8, 9, 10, 11, 14
ATTRIBUTE_TYPES = dict(f=1, i=2, s=3, t=4, g=5, floats=6, ints=7, strings=8)


def varint(number):
    number &= (1 << 64) - 1
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def integer(field, number):
    return varint(field << 3 | VARINT) + varint(number)


def data(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | BYTES) + varint(len(content)) + content


def number(field, value):
    return varint(field << 3 | FIXED32) + struct.pack("<f", value)


def fields(field, contents):
    return b"".join(data(field, content) for content in contents)


def attribute(name, **value):
    """attribute("axis", i=1); ints=[…], s=b"…", g=graph(…), t=tensor(…)"""
    (kind, content), = value.items()
    encoded = {"f": lambda: number(2, content), "i": lambda: integer(3, content), "s": lambda: data(4, content),
               "t": lambda: data(5, content), "g": lambda: data(6, content),
               "floats": lambda: data(7, struct.pack(f"<{len(content)}f", *content)),
               "ints": lambda: data(8, b"".join(map(varint, content))), "strings": lambda: fields(9, content)}[kind]()
    return data(1, name) + encoded + integer(20, ATTRIBUTE_TYPES[kind])


def node(op, inputs=(), outputs=(), *attributes, name="n", domain="", more=b""):
    return (fields(1, inputs) + fields(2, outputs) + data(3, name) + data(4, op) + fields(5, attributes) +
            data(7, domain) + more)


def dimension(size):
    return data(1, b"" if size is None else integer(1, size) if isinstance(size, int) else data(2, size))


def value(name, dims=(), kind=FLOAT):
    """A number, a name or nothing (None) for each dimension."""
    shape = b"".join(map(dimension, dims))
    return data(1, name) + data(2, data(1, integer(1, kind) + data(2, shape)))


def tensor(name, dims=(), kind=FLOAT, raw=None, *more):
    return (b"".join(integer(1, dim) for dim in dims) + integer(2, kind) + data(8, name) +
            (data(9, raw) if raw is not None else b"") + b"".join(more))


def external(name, dims=(), kind=FLOAT, **entries):
    pairs = (data(1, key) + data(2, content) for key, content in entries.items())
    return tensor(name, dims, kind, None, fields(13, pairs), integer(14, 1))


def int64s(name, numbers):
    return tensor(name, [len(numbers)], INT64, struct.pack(f"<{len(numbers)}q", *numbers))


def graph(nodes=(), inputs=(), outputs=(), initializers=(), *more):
    return (fields(1, nodes) + data(2, "g") + fields(5, initializers) + fields(11, inputs) + fields(12, outputs) +
            b"".join(more))


def opset(version, domain=""):
    return data(8, data(1, domain) + integer(2, version))


def function(name, inputs, outputs, nodes, *more, domain="own"):
    sets = fields(9, [integer(2, 18), data(1, domain) + integer(2, 1)])
    return data(1, name) + fields(4, inputs) + fields(5, outputs) + fields(7, nodes) + data(10, domain) + sets + \
        b"".join(more)


def model(content, *more, functions=(), version=18):
    return (integer(1, 10) + data(7, content) + opset(version) + opset(1, "own") + fields(25, functions) +
            b"".join(more))


def simple(*nodes, inputs=None, outputs=None, initializers=()):
    """The model of these nodes, from x: float[n, 4] to y, unless said otherwise."""
    return model(graph(nodes, inputs or [value("x", ["n", 4])], outputs or [value("y", ["n", 4])], initializers))
