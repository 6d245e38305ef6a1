"""Files that want to do harm: for each the content (or what makes it in a folder), the
exit code of `halftone check` and `halftone compile`, and words of the message."""
import os
import struct

from wire import *

OK, FAILED, USAGE = 0, 1, 2
BAD = (FAILED, USAGE)      # more than one thing is wrong
ANY = (OK, FAILED, USAGE)  # whatever is said, it is said, and soon
CASES = {}


def case(code, words, name=None):
    """Of a function without arguments (the content) or with one (the folder)."""
    def add(make):
        CASES[name or make.__name__] = (make, code, words)
        return make
    return add


def bytes_case(name, code, words, content):
    CASES[name] = (lambda: content, code, words)


NEG = node("Neg", ["x"], ["y"])

# ---- no model at all ------------------------------------------------------------------

bytes_case("empty", USAGE, "the file is empty", b"")
bytes_case("zeros", USAGE, "not an ONNX model", bytes(64))
bytes_case("ones", USAGE, "not an ONNX model", b"\xff" * 64)
bytes_case("text", USAGE, "not an ONNX model", b"import torch\n" * 9)
bytes_case("only_a_version", USAGE, "it has no graph", integer(1, 10))
bytes_case("no_opset", USAGE, "it has no operator set", integer(1, 10) + data(7, graph([NEG])))
bytes_case("two_graphs", USAGE, "two graphs", simple(NEG) + data(7, graph([NEG])))
bytes_case("no_output", FAILED, "the graph has no outputs", model(graph([NEG], [value("x", [1])])))


@case(USAGE, "folder")
def directory(folder):
    (folder / "model.onnx").mkdir()


@case(USAGE, "not a regular file")
def pipe(folder):
    os.mkfifo(folder / "model.onnx")


@case(USAGE, "not a regular file")
def device(folder):
    (folder / "model.onnx").symlink_to("/dev/zero")


@case(USAGE, "error: ")
def link_to_itself(folder):
    (folder / "model.onnx").symlink_to("model.onnx")


@case(USAGE, "a model over 4 GiB needs its weights as external data")
def terabyte_of_nothing(folder):
    with open(folder / "model.onnx", "wb") as file:
        file.truncate(1 << 40)


@case(USAGE, "not an ONNX model")
def gigabytes_of_nothing(folder):
    with open(folder / "model.onnx", "wb") as file:
        file.truncate((1 << 32) - 1)


# ---- protobuf that is none ----------------------------------------------------------------

bytes_case("endless_varint", USAGE, "not an ONNX model", varint(1 << 3) + b"\xff" * 40)
bytes_case("cut_varint", USAGE, "truncated", varint(1 << 3) + b"\xff")
bytes_case("field_zero", USAGE, "not an ONNX model", simple(NEG) + b"\x02\x00")
bytes_case("group", USAGE, "not an ONNX model", simple(NEG) + varint(30 << 3 | GROUP) + varint(30 << 3 | END_GROUP))
bytes_case("wire_type_7", USAGE, "not an ONNX model", simple(NEG) + varint(30 << 3 | 7))
bytes_case("length_beyond_the_end", USAGE, "truncated", simple(NEG) + varint(2 << 3 | BYTES) + varint(1 << 31))
bytes_case("length_of_64_bits", USAGE, "", simple(NEG) + varint(2 << 3 | BYTES) + varint((1 << 63) + 5))
bytes_case("length_wraps", USAGE, "", simple(NEG) + varint(2 << 3 | BYTES) + varint((1 << 64) - 20))
for _name, _content in {
        "version": data(1, "8"), "graph": integer(7, 1), "opset": integer(8, 1), "function": integer(25, 1),
        "producer": integer(2, 1),
        "node": data(7, integer(1, 5)), "initializer": data(7, integer(5, 5)), "input": data(7, integer(11, 5)),
        "output": data(7, integer(12, 5)),
        "node_name": data(7, data(1, integer(3, 5))), "node_op": data(7, data(1, integer(4, 5))),
        "node_input": data(7, data(1, integer(1, 5))), "attribute": data(7, data(1, integer(5, 5))),
        "attribute_name": data(7, data(1, data(5, integer(1, 5)))),
        "attribute_float": data(7, data(1, data(5, integer(2, 5)))),
        "attribute_int": data(7, data(1, data(5, data(3, "5")))),
        "attribute_ints": data(7, data(1, data(5, varint(8 << 3 | FIXED32) + bytes(4)))),
        "dims": data(7, data(5, varint(1 << 3 | FIXED64) + bytes(8))),
        "type": data(7, data(5, data(2, "1"))), "raw": data(7, data(5, integer(9, 1))),
        "floats_unpacked": data(7, data(5, number(4, 1.0))),
        "ints_unpacked": data(7, data(5, integer(7, 1))),
        "external_entry": data(7, data(5, integer(13, 1))),
        "external_key": data(7, data(5, data(13, integer(1, 1)))),
        "value_type": data(7, data(11, integer(2, 1))),
        "shape": data(7, data(11, data(2, data(1, integer(2, 1))))),
        "dimension": data(7, data(11, data(2, data(1, data(2, integer(1, 1)))))),
        "dimension_value": data(7, data(11, data(2, data(1, data(2, data(1, data(1, "n"))))))),
}.items():
    bytes_case(f"wrong_wire_type_{_name}", USAGE, "wire type", _content + opset(18))
bytes_case("packed_floats_of_7_bytes", USAGE, "not an ONNX model",
           simple(node("N", ["x"], ["y"], data(1, "a") + data(7, bytes(7)))))
bytes_case("packed_ints_without_end", USAGE, "",
           simple(node("N", ["x"], ["y"], data(1, "a") + data(8, b"\x80" * 20))))
bytes_case("huge_enum", FAILED, "element type -1", simple(NEG, inputs=[value("x", [1], 1 << 40)]))


@case(USAGE, "graphs are nested more than 64 deep")
def nested_graphs():
    inner = b""
    for _ in range(5000):
        inner = data(1, data(1, "c") + data(2, "y") + data(4, "If") + data(5, data(1, "then_branch") + data(6, inner)))
    return data(7, inner) + opset(18)


@case(FAILED, "only tensors are supported")
def nested_types():
    """A sequence of sequences of …, a hundred thousand deep."""
    inner = data(1, integer(1, FLOAT))
    header = []
    for _ in range(20000):
        inner = data(4, data(1, inner))
    return simple(NEG, inputs=[data(1, "x") + data(2, inner)])


# ---- too much of everything ---------------------------------------------------------------

MANY = 1_000_000
bytes_case("million_outputs", USAGE, "more than 16384 outputs of a node", simple(node("Split", ["x"], ["y"] + ["z"] * MANY)))
bytes_case("million_inputs", USAGE, "more than 16384 inputs of a node", simple(node("Concat", ["x"] * MANY, ["y"], attribute("axis", i=0))))
bytes_case("many_graph_outputs", USAGE, "more than 65536 graph outputs", simple(NEG, outputs=[value("y", ["n", 4])] * 100_000))
bytes_case("many_graph_inputs", USAGE, "more than 65536 graph inputs",
           simple(NEG, inputs=[value(f"x{i}", [f"n{i}"]) for i in range(100_000)]))
bytes_case("million_attributes", USAGE, "more than 128 attributes",
           simple(node("Neg", ["x"], ["y"], *[data(1, f"a{i}") for i in range(MANY)])))
bytes_case("attribute_twice", USAGE, "an attribute 'a' is there twice", simple(node("Neg", ["x"], ["y"], *[data(1, "a")] * 2)))
bytes_case("many_inputs", OK, "", simple(node("Concat", ["x"] * 2000, ["y"], attribute("axis", i=0)), outputs=[value("y")]))
bytes_case("million_numbers", USAGE, "its graph takes more than 256 MiB",
           data(7, data(1, data(4, "N") + fields(5, [data(1, f"a{i}") + data(8, bytes(MANY * 9)) for i in range(4)]))))
bytes_case("million_nodes", USAGE, "more than 1048576 nodes", data(7, fields(1, [data(4, "N")] * MANY * 2)) + opset(18))
bytes_case("million_initializers", USAGE, "more than 1048576 tensors", data(7, fields(5, [b""] * MANY * 2)) + opset(18))
bytes_case("million_dims", USAGE, "more than 64 dimensions", simple(NEG, initializers=[tensor("w", [1] * MANY)]))
bytes_case("million_ranks", USAGE, "more than 64 dimensions", simple(NEG, inputs=[value("x", [1] * MANY)]))
bytes_case("million_opsets", USAGE, "more than 1024 operator sets", simple(NEG) + opset(1, "d") * MANY)
bytes_case("million_entries", USAGE, "more than 16 entries",
           simple(NEG, initializers=[external("w", [1], **{f"k{i}": "v" for i in range(100_000)})]))
bytes_case("long_name", USAGE, "a name in a node has 2097152 bytes", simple(node("Neg", ["x"], ["y"], name="n" * (1 << 21))))
bytes_case("long_op", USAGE, "a name in a node has", simple(node("N" * (1 << 21), ["x"], ["y"])))
bytes_case("long_unknown_op", FAILED, "halftone has no operator", simple(node("N" * (1 << 19), ["x"], ["y"])))
bytes_case("many_functions", USAGE, "more than 65536 functions",
           data(7, graph([NEG])) + opset(18) + b"".join(data(25, data(1, f"F{i}")) for i in range(70_000)))
bytes_case("declared_values", FAILED, "no operator",
           model(graph([node("Nope", ["x"], ["y"])], [value("x", [1])], [value("y", [1])], [],
                       fields(13, [b""] * MANY * 2))))


@case(FAILED, "once its functions are inlined")
def exponential_functions():
    """Thirty functions, each of which calls the next one twice: 10⁹ nodes."""
    double = [function(f"F{i}", ["a"], ["c"], [node(f"F{i + 1}", ["a"], ["b"], domain="own"),
                                               node(f"F{i + 1}", ["b"], ["c"], domain="own")]) for i in range(30)]
    last = function("F30", ["a"], ["b"], [node("Neg", ["a"], ["b"])])
    return model(graph([node("F0", ["x"], ["y"], domain="own")], [value("x", [1])], [value("y", [1])]),
                 functions=[*double, last])


@case(FAILED, "nested more than 64 deep")
def function_that_calls_itself():
    return model(graph([node("F", ["x"], ["y"], domain="own")], [value("x", [1])], [value("y", [1])]),
                 functions=[function("F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="own")])])


@case(FAILED, "nested more than 64 deep")
def functions_that_call_each_other():
    call = lambda op: [node(op, ["a"], ["b"], domain="own")]
    return model(graph([node("F", ["x"], ["y"], domain="own")], [value("x", [1])], [value("y", [1])]),
                 functions=[function("F", ["a"], ["b"], call("G")), function("G", ["a"], ["b"], call("F"))])


@case(ANY, "")
def chain_of_functions():
    """Fifty thousand functions, each of which calls the next."""
    chain = [function(f"F{i}", ["a"], ["b"], [node(f"F{i + 1}", ["a"], ["b"], domain="own")]) for i in range(50_000)]
    return model(graph([node("F0", ["x"], ["y"], domain="own")], [value("x", [1])], [value("y", [1])]), functions=chain)


@case(USAGE, "the function 'F' of domain 'own' is there twice")
def function_defined_twice():
    return model(graph([node("F", ["x"], ["y"], domain="own")], [value("x", [1])], [value("y", [1])]),
                 functions=[function("F", ["a"], ["b"], [node(op, ["a"], ["b"])]) for op in ("Neg", "Exp")])


@case(ANY, "")
def attribute_that_refers_to_itself():
    refers = data(1, "alpha") + data(21, "alpha") + integer(20, 1)
    return model(graph([node("F", ["x"], ["y"], refers, domain="own")], [value("x", [1])], [value("y", [1])]),
                 functions=[function("F", ["a"], ["b"], [node("LeakyRelu", ["a"], ["b"], refers)], fields(6, ["alpha"]))])


@case(ANY, "")
def branches_in_branches():
    """Sixty levels of If, both branches alike: 2⁶⁰ leaves if each were followed."""
    inner = graph([node("Neg", ["x"], ["r"])], [], [value("r", ["n", 4])])
    for i in range(60):
        choice = node("If", ["c"], ["r"], attribute("then_branch", g=inner), attribute("else_branch", g=b""))
        inner = graph([choice], [], [value("r", ["n", 4])])
    choice = node("If", ["c"], ["y"], attribute("then_branch", g=inner), attribute("else_branch", g=inner))
    return simple(choice, initializers=[tensor("c", [], BOOL, b"\1")])


@case(ANY, "")
def shape_that_doubles():
    nodes = [node("Shape", ["x"], ["s0"])] + [node("Mul", [f"s{i}", f"s{i}"], [f"s{i + 1}"]) for i in range(200)]
    return simple(*nodes, node("Expand", ["x", "s200"], ["y"]), inputs=[value("x", ["n"])], outputs=[value("y", ["m"])])


def doubling(name, steps, code, words, op, *attributes):
    nodes = [node(op, [f"x{i}" if i else "x"] * 2, [f"x{i + 1}"], *attributes) for i in range(steps)]
    bytes_case(name, code, words, simple(*nodes, node("Neg", [f"x{steps}"], ["y"]), outputs=[value("y")]))


doubling("concatenation_that_doubles", 30, ANY, "", "Concat", attribute("axis", i=0))
doubling("concatenation_that_overflows", 80, FAILED, "too many elements", "Concat", attribute("axis", i=0))
doubling("sum_that_doubles", 200, OK, "", "Add")
bytes_case("long_chain", OK, "", simple(*[node("Neg", [f"x{i}" if i else "x"], [f"x{i + 1}"]) for i in range(5000)],
                                        node("Neg", ["x5000"], ["y"])))


@case(ANY, "")
def deep_expression_of_a_dimension():
    return simple(NEG, inputs=[value("x", ["n"]), value("z", ["(" * 100_000 + "n"])], outputs=[value("y", ["n"])])


@case(ANY, "")
def long_expression_of_a_dimension():
    return simple(NEG, inputs=[value("x", ["n", "m"]), value("z", ["n*m+" * 50_000 + "n"])], outputs=[value("y", ["n", "m"])])


# ---- graphs that do not hold together -----------------------------------------------------------

bytes_case("cycle", FAILED, "not produced by any node before it",
           simple(node("Neg", ["b"], ["a"], name="one"), node("Neg", ["a"], ["b"], name="two"),
                  node("Add", ["x", "a"], ["y"])))
bytes_case("self_loop", FAILED, "not produced by any node before it", simple(node("Add", ["x", "y"], ["y"])))
bytes_case("nothing_produces_it", FAILED, "output 'y' is not produced", simple(node("Neg", ["x"], ["z"])))
bytes_case("output_twice", FAILED, "produced twice", simple(NEG, node("Exp", ["x"], ["y"])))
bytes_case("output_of_one_node_twice", FAILED, "produced twice",
           simple(node("Split", ["x"], ["y", "y"], attribute("axis", i=1), attribute("num_outputs", i=2))))
bytes_case("graph_outputs_of_one_name", FAILED, "twice", simple(NEG, outputs=[value("y", ["n", 4])] * 2))
bytes_case("inputs_of_one_name", FAILED, "used twice", simple(NEG, inputs=[value("x", ["n", 4])] * 2))
bytes_case("initializers_of_one_name", FAILED, "twice",
           simple(node("Add", ["x", "w"], ["y"]), initializers=[tensor("w", [4], raw=bytes(16)), tensor("w", [1], raw=bytes(4))]))
bytes_case("output_named_as_input", FAILED, "produced twice",
           simple(node("Neg", ["x"], ["x"]), outputs=[value("x", ["n", 4])]))
bytes_case("output_named_as_initializer", FAILED, "produced twice",
           simple(node("Neg", ["x"], ["w"]), node("Exp", ["w"], ["y"]), initializers=[tensor("w", [4], raw=bytes(16))]))
bytes_case("input_without_a_name", ANY, "", simple(NEG, inputs=[value("", [1]), value("x", ["n", 4])]))
bytes_case("output_without_a_name", FAILED, "output ''", simple(NEG, outputs=[value("", [1])]))
bytes_case("node_without_an_operator", USAGE, "has no operator", simple(node("", ["x"], ["y"])))
bytes_case("attribute_without_a_name", USAGE, "an attribute has no name", simple(node("Neg", ["x"], ["y"], integer(3, 1))))
bytes_case("negative_opset", FAILED, "opset -1 does not exist", model(graph([NEG], [value("x", [1])], [value("y", [1])]), version=-1))
bytes_case("huge_opset", FAILED, "opset 9223372036854775807 is newer",
           model(graph([NEG], [value("x", [1])], [value("y", [1])]), version=(1 << 63) - 1))
bytes_case("negative_version", OK, "", integer(1, -5) + data(7, graph([NEG], [value("x", [1])], [value("y", [1])])) + opset(18))

# ---- names ----------------------------------------------------------------------------------------

EVIL = "\x1b[2J\x1b]0;owned\x07\r\n\x7f\u009b31m\u202e"
bytes_case("escapes_in_an_operator", FAILED, r"\1B[2J", simple(node(EVIL, ["x"], ["y"], name=EVIL)))
bytes_case("escapes_in_a_value", FAILED, r"\1B[2J", simple(node("Neg", [EVIL], ["y"])))
bytes_case("escapes_in_a_domain", FAILED, r"\1B[2J", simple(node("Neg", ["x"], ["y"], domain=EVIL)))
bytes_case("escapes_in_an_initializer", USAGE, r"\1B[2J",
           simple(node("Add", ["x", EVIL], ["y"]), initializers=[tensor(EVIL, [-1], raw=b"")]))
bytes_case("escapes_in_a_location", USAGE, r"\1B[2J",
           simple(node("Add", ["x", "w"], ["y"]), initializers=[external("w", [64, 1, 4], location=EVIL)]))
bytes_case("escapes_in_an_offset", USAGE, r"\1B[2J",
           simple(node("Add", ["x", "w"], ["y"]), initializers=[external("w", [64], location="a", offset=EVIL)]))
bytes_case("escapes_in_a_node_without_operator", USAGE, "has no operator", simple(node("", ["x"], ["y"], name=EVIL)))
bytes_case("escapes_in_a_tensor", USAGE, "twice",
           simple(NEG, initializers=[tensor(EVIL, [1], FLOAT, bytes(4), data(4, bytes(4)))]))
bytes_case("escapes_in_a_function", FAILED, "nested more than 64",
           model(graph([node(EVIL, ["x"], ["y"], name=EVIL, domain="own")], [value("x", [1])], [value("y", [1])]),
                 functions=[function(EVIL, ["a"], ["b"], [node(EVIL, ["a"], ["b"], domain="own")])]))
bytes_case("escapes_everywhere", OK, "",
           model(graph([node("MatMul", [EVIL, EVIL + "w"], [EVIL + "y"], name=EVIL)], [value(EVIL, [EVIL + "n", 64])],
                       [value(EVIL + "y", [EVIL + "n", 4])], [tensor(EVIL + "w", [64, 4], raw=bytes(1024))]), data(2, EVIL)))
bytes_case("no_utf8", OK, "",
           model(graph([node("MatMul", [b"\xff\xfe", b"\xc3\x28"], [b"\xed\xa0\x80"], name=b"\xf8\x88")],
                       [value(b"\xff\xfe", [b"\xc0\xaf", 64])], [value(b"\xed\xa0\x80", [b"\xc0\xaf", 4])],
                       [tensor(b"\xc3\x28", [64, 4], raw=bytes(1024))])))
bytes_case("nul_in_a_name", ANY, "",
           simple(node("Neg", ["x\0y"], ["y\0"]), inputs=[value("x\0y", ["n\0"])], outputs=[value("y\0", ["n\0"])]))
bytes_case("end_of_a_comment", OK, "",
           simple(node("Neg", ["*/ #error x"], ["y\n#error y"]), inputs=[value("*/ #error x", ["*/n"])],
                  outputs=[value("y\n#error y", ["*/n"])]))
bytes_case("name_of_the_function", OK, "",
           simple(node("MatMul", ["x", "main"], ["y"]), inputs=[value("x", ["n", 64])],
                  initializers=[tensor("main", [64, 4], raw=bytes(1024))]))

# ---- tensors ----------------------------------------------------------------------------------------


def weight(name, code, words, content):
    bytes_case(name, code, words, simple(node("Add", ["x", "w"], ["y"]), initializers=[content]))


weight("negative_dims", USAGE, "shape [-2, -2] is not the shape", tensor("w", [-2, -2], raw=bytes(16)))
weight("product_overflows", USAGE, "is not the shape", tensor("w", [1 << 62, 1 << 62, 4], raw=bytes(16)))
weight("product_overflows_to_zero", USAGE, "is not the shape", tensor("w", [1 << 32, 1 << 32], raw=b""))
weight("bytes_overflow", USAGE, "is not the shape", tensor("w", [(1 << 61) + 1], raw=bytes(4)))
weight("least_integer", USAGE, "is not the shape", tensor("w", [-(1 << 63)], raw=bytes(4)))
weight("huge_and_empty", USAGE, "", tensor("w", [0, 1 << 62], raw=b""))
weight("raw_too_short", USAGE, "it has 15 bytes", tensor("w", [4], raw=bytes(15)))
weight("raw_too_long", USAGE, "it has 17 bytes", tensor("w", [4], raw=bytes(17)))
weight("large_raw_too_short", USAGE, "it has 1023 bytes", tensor("w", [64, 1, 4], raw=bytes(1023)))
weight("no_elements", USAGE, "has no elements", tensor("w", [4]))
weight("petabyte_without_elements", BAD, "has no elements", tensor("w", [1 << 50]))
weight("held_twice", USAGE, "holds its elements twice", tensor("w", [4], FLOAT, bytes(16), data(4, bytes(16))))
weight("inside_and_outside", USAGE, "is external and holds its elements", tensor("w", [4], FLOAT, bytes(16), integer(14, 1)))
weight("segments", USAGE, "stored in segments", tensor("w", [4], FLOAT, bytes(16), data(3, integer(1, 0))))
weight("undefined_type", FAILED, "element type", tensor("w", [4], 0, bytes(16)))
weight("type_99", FAILED, "element type 99", tensor("w", [4], 99, bytes(16)))
weight("negative_type", FAILED, "element type -1", tensor("w", [4], -7, bytes(16)))
weight("strings", FAILED, "strings", tensor("w", [4], STRING, None, fields(6, ["a"] * 4)))
weight("floats_that_are_doubles", USAGE, "", tensor("w", [4], DOUBLE, None, data(4, bytes(16))))
weight("floats_of_odd_length", USAGE, "", tensor("w", [4], FLOAT, None, data(4, bytes(15))))
weight("varints_that_do_not_end", USAGE, "", tensor("w", [4], INT64, None, data(7, b"\x80" * 40)))
weight("varints_too_many", USAGE, "", tensor("w", [4], INT64, None, data(7, b"\x01" * 4000)))
bytes_case("sparse_initializer", FAILED, "sparse initializers",
           model(graph([node("Add", ["x", "w"], ["y"])], [value("x", [4])], [value("y", [4])], [], data(15, b""))))
weight("not_a_number", OK, "", tensor("w", [4], raw=struct.pack("<4f", float("nan"), float("inf"), -0.0, 1e-45)))
weight("ten_thousand_dims", USAGE, "more than 64 dimensions", tensor("w", [1] * 10_000, raw=bytes(4)))
weight("rank_64", FAILED, "at most 8 are supported", tensor("w", [1] * 64, raw=bytes(4)))

# ---- files that the model names -----------------------------------------------------------------------


def located(name, code, words, make=lambda folder: None, dims=(64,), **entries):
    def build(folder):
        (folder / "data.bin").write_bytes(bytes(1024))
        content = simple(node("Add", ["x", "w"], ["y"]), inputs=[value("x", ["n", 64])],
                         initializers=[external("w", dims, **{"location": "data.bin"} | entries)])
        (folder / "model.onnx").write_bytes(content)
        make(folder)
    CASES[name] = (build, code, words)


located("beside", OK, "")
located("last_byte", OK, "", offset="768", length="256")
located("parent", USAGE, "must not contain '..'", location="../secret")
located("parent_within", USAGE, "must not contain '..'", location="a/../../secret")
located("absolute", USAGE, "must be relative", location="/etc/hostname")
located("drive", USAGE, "must be relative", location="C:\\secret")
located("unc", USAGE, "must be relative", location="\\\\host\\share")
located("nul", USAGE, "NUL", location="data.bin\0.txt")
located("no_location", USAGE, "the location is empty", location="")
located("dot", USAGE, "names no file", location="./.")
located("missing", USAGE, "No such file", location="none.bin")
located("name_too_long", USAGE, "File name too long", location="a" * 5000)
located("symbolic_link", USAGE, "symbolic link", lambda f: (f / "link").symlink_to("data.bin"), location="link")
located("symbolic_link_outside", USAGE, "symbolic link", lambda f: (f / "link").symlink_to("/etc/hostname"), location="link")
located("linked_folder", USAGE, "symbolic link", lambda f: (f / "there").symlink_to("."), location="there/data.bin")
located("hard_link", USAGE, "hard link", lambda f: os.link(f / "data.bin", f / "hard"), location="hard")
located("named_pipe", USAGE, "not a regular file", lambda f: os.mkfifo(f / "p"), location="p")
located("sub_folder", USAGE, "folder", lambda f: (f / "sub").mkdir(), location="sub")
located("file_as_folder", USAGE, "", location="data.bin/x")
located("negative_offset", USAGE, "has offset '-1'", offset="-1")
located("offset_of_65_bits", USAGE, "has offset", offset=str(1 << 64))
located("offset_in_hexadecimal", USAGE, "has offset", offset="0x10")
located("offset_wraps", USAGE, "but the file has 1024", offset=str((1 << 64) - 8))
located("offset_beyond", USAGE, "but the file has 1024", offset="1025")
located("offset_not_at_an_element", OK, "", offset="3")
located("beyond_the_end", USAGE, "but the file has 1024", offset="800")
located("negative_length", USAGE, "has length '-1'", length="-1")
located("length_of_exabytes", USAGE, "needs 256", length=str(1 << 63))
located("length_too_short", USAGE, "needs 256", length="255")
located("shape_of_exabytes", BAD, "", dims=[1 << 59])
located("unknown_keys", OK, "", __proto__="x", model_dir="/", basepath="/etc", checksum="0")
located("model_itself", ANY, "", location="model.onnx")


@case(USAGE, "twice")
def two_locations(folder):
    (folder / "data.bin").write_bytes(bytes(1024))
    entries = fields(13, [data(1, "location") + data(2, name) for name in ("data.bin", "../secret")])
    content = tensor("w", [64], FLOAT, None, entries, integer(14, 1))
    (folder / "model.onnx").write_bytes(simple(node("Add", ["x", "w"], ["y"]), initializers=[content]))


@case(USAGE, "more than 4096 external files")
def thousands_of_files(folder):
    names = [f"d{i}" for i in range(4100)]
    for name in names:
        (folder / name).write_bytes(bytes(256))
    adds = [node("Add", [f"a{i}" if i else "x", name], [f"a{i + 1}"]) for i, name in enumerate(names)]
    (folder / "model.onnx").write_bytes(
        simple(*adds, node("Neg", ["a4100"], ["y"]), inputs=[value("x", ["n", 64])],
               initializers=[external(name, [64], location=name) for name in names]))


# ---- tensors of nothing, wide ----------------------------------------------------------------------------


def nothing(name, kind, *attributes, shape, count=1):
    """A node that would go over the other dimensions of tensors without elements."""
    names = [f"e{i}" for i in range(count)]
    bytes_case(name, ANY, "", simple(node(kind, names, ["y"], *attributes), outputs=[value("y")],
                                     initializers=[tensor(e, shape, INT64, b"") for e in names]))


nothing("concatenation_of_nothing", "Concat", attribute("axis", i=2), shape=[1 << 30, 1 << 30, 0], count=2)
nothing("concatenation_of_much_nothing", "Concat", attribute("axis", i=1), shape=[1 << 20, 0], count=10_000)
nothing("gather_of_nothing", "Gather", attribute("axis", i=1), shape=[1 << 30, 1 << 30, 0], count=2)
nothing("order_of_nothing", "Unique", attribute("axis", i=0), shape=[1 << 30, 0])
nothing("suppression_of_nothing", "NonMaxSuppression", shape=[1 << 30, 0, 4], count=2)
nothing("transposition_of_nothing", "Transpose", shape=[0, 1 << 30, 1 << 30, 1 << 30])

# ---- attributes and shapes -------------------------------------------------------------------------------

BIG = (1 << 63) - 1
SMALL = -(1 << 63)


def op(name, code, words, kind, *attributes, constants=(), inputs=("x",), outputs=("y",)):
    """One node on x: float[n, 4] and constant vectors of integers."""
    names = [f"k{i}" for i in range(len(constants))]
    bytes_case(name, code, words, simple(node(kind, [*inputs, *names], outputs, *attributes), outputs=[value("y")],
                                         initializers=[int64s(k, numbers) for k, numbers in zip(names, constants)]))


op("axis_is_a_float", FAILED, "must be an integer", "Softmax", attribute("axis", f=1.0))
op("axis_is_a_graph", FAILED, "must be an integer", "Softmax", attribute("axis", g=b""))
op("axis_is_huge", FAILED, "is not one of the 2 axes", "Softmax", attribute("axis", i=BIG))
op("axis_is_least", FAILED, "is not one of the 2 axes", "Softmax", attribute("axis", i=SMALL))
op("permutation_of_others", FAILED, "", "Transpose", attribute("perm", ints=[0, 7]))
op("permutation_twice", FAILED, "", "Transpose", attribute("perm", ints=[0, 0]))
op("permutation_too_long", FAILED, "", "Transpose", attribute("perm", ints=list(range(100_000))))
op("cast_to_99", FAILED, "", "Cast", attribute("to", i=99))
op("cast_to_huge", FAILED, "", "Cast", attribute("to", i=BIG))
op("reshape_to_huge", FAILED, "", "Reshape", constants=[[BIG, BIG]])
op("reshape_to_negative", FAILED, "", "Reshape", constants=[[SMALL, 4]])
op("expand_to_huge", ANY, "", "Expand", constants=[[BIG, 1, 1]])
op("expand_to_overflow", FAILED, "too many elements", "Expand", constants=[[1 << 40, 1 << 40, 1, 1]])
op("expand_to_petabyte", ANY, "", "Expand", constants=[[1 << 48, 1, 1]])
op("tile_huge", ANY, "", "Tile", constants=[[BIG, BIG]])
op("pad_huge", ANY, "", "Pad", constants=[[BIG, BIG, BIG, BIG]])
op("pad_least", ANY, "", "Pad", constants=[[SMALL, SMALL, SMALL, SMALL]])
op("slice_step_zero", FAILED, "step is 0", "Slice", constants=[[0], [4], [1], [0]])
op("slice_step_least", ANY, "", "Slice", constants=[[BIG], [SMALL], [1], [SMALL]])
op("slice_ends", ANY, "", "Slice", constants=[[SMALL], [BIG], [1], [BIG]])
op("slice_axes_twice", FAILED, "", "Slice", constants=[[0, 0], [1, 1], [1, 1]])
op("squeeze_huge", FAILED, "", "Squeeze", constants=[[BIG]])
op("unsqueeze_million", FAILED, "", "Unsqueeze", constants=[list(range(100_000))])
op("unsqueeze_huge", FAILED, "", "Unsqueeze", constants=[[BIG]])
op("gather_outside", ANY, "", "Gather", attribute("axis", i=1), constants=[[BIG]])
op("reduce_huge_axis", FAILED, "", "ReduceSum", constants=[[BIG]])
op("reduce_axis_twice", FAILED, "", "ReduceSum", constants=[[1, 1]])
op("split_million", FAILED, "", "Split", attribute("axis", i=1), constants=[[0] * MANY])
op("split_negative", FAILED, "", "Split", attribute("axis", i=1), constants=[[-4, 8]], outputs=["y", "z"])
op("split_overflow", FAILED, "", "Split", attribute("axis", i=1), constants=[[BIG, BIG, 6]], outputs=["y", "z", "a"])
op("top_k_huge", FAILED, "", "TopK", constants=[[BIG]], outputs=["y", "z"])
op("top_k_negative", FAILED, "", "TopK", constants=[[-1]], outputs=["y", "z"])
op("one_hot_huge", FAILED, "", "OneHot", constants=[[BIG], [0, 1]])
op("flatten_huge", FAILED, "", "Flatten", attribute("axis", i=BIG))
op("einsum_nonsense", FAILED, "", "Einsum", attribute("equation", s="ab->" + "a" * 100_000))
op("einsum_escapes", FAILED, "", "Einsum", attribute("equation", s=EVIL))
op("einsum_ellipses", FAILED, "", "Einsum", attribute("equation", s="......,->"))
op("convolution_of_nothing", FAILED, "", "Conv", attribute("kernel_shape", ints=[BIG, 0]), inputs=["x", "x"])
op("pool_huge", FAILED, "", "MaxPool", attribute("kernel_shape", ints=[BIG]), attribute("pads", ints=[BIG, BIG]))
op("pool_stride_zero", FAILED, "", "AveragePool", attribute("kernel_shape", ints=[1]), attribute("strides", ints=[0]))
op("scale_is_nan", ANY, "", "LayerNormalization", attribute("epsilon", f=float("nan")), inputs=["x", "x"])
op("alpha_is_infinite", ANY, "", "LeakyRelu", attribute("alpha", f=float("inf")))
op("condition_is_data", FAILED, "", "If", attribute("then_branch", g=b""), attribute("else_branch", g=b""))
op("loop_without_a_body", FAILED, "", "Loop")
op("loop_forever", FAILED, "", "Loop", attribute("body", g=graph([], [value("i", [], INT64), value("c", [], BOOL)],
                                                                [value("c", [], BOOL)])), inputs=["", ""])
op("scan_of_nothing", FAILED, "", "Scan", attribute("num_scan_inputs", i=BIG), attribute("body", g=b""))


def misfit(name, words, kind, shapes, *attributes, outputs=("y",), domain="", initializers=()):
    """A node that fails where more is made of it. Its inputs are x0, x1, …: of a shape, of a shape and a type,
    absent (None), or an initializer ("")."""
    names = ["" if shape is None else f"x{i}" for i, shape in enumerate(shapes)]
    inputs = [value(f"x{i}", *(shape if isinstance(shape, tuple) else (shape,)))
              for i, shape in enumerate(shapes) if shape not in (None, "")]
    bytes_case(name, FAILED, words, model(
        graph([node(kind, names, outputs, *attributes, domain=domain)], inputs,
              [value(output) for output in outputs if output], initializers), opset(1, "com.microsoft"), version=24))


HEADS = [attribute("q_num_heads", i=3), attribute("kv_num_heads", i=3)]
GROUPED = [attribute("num_heads", i=2), attribute("kv_num_heads", i=2), attribute("do_rotary", i=1)]
misfit("attention_of_nothing", "4 elements are not 0 heads", "Attention", [[2, 3, 4]] * 3, attribute("q_num_heads", i=0),
       attribute("kv_num_heads", i=0))
misfit("scores_of_two_types", "one element type", "Attention", [([2, 4, 24], FLOAT16), [2, 6, 24], [2, 6, 24], [4, 6]],
       *HEADS, attribute("qk_matmul_output_mode", i=3), outputs=["y", "", "", "scores"])
misfit("zero_per_channel_of_none", "are no image and its kernel", "ConvInteger",
       [([1, 1, 4, 4], UINT8), "", None, ""], initializers=[tensor("x1", [], UINT8, b"\1"), tensor("x3", [2], UINT8, b"\1\2")])
misfit("range_of_two_types", "its bounds differ in element type", "Range", ["", "", ""], initializers=[
    tensor("x0", [], INT64, bytes(8)), tensor("x1", [], FLOAT, struct.pack("<f", 4)),
    tensor("x2", [], INT64, struct.pack("<q", 1))])
misfit("choice_by_a_number", "1-bit", "Where", ["", [2], [2]], initializers=[tensor("x0", [2], FLOAT, bytes(8))])
misfit("loop_while_nothing", "not produced by any node before it", "Loop", [None, "", [2]],
       attribute("body", g=graph([], [value("i", [], INT64), value("c", [], BOOL), value("v", [2])],
                                 [value("c", [], BOOL), value("v", [2])])))
bytes_case("scan_of_numbers", FAILED, "has no axis 0", model(graph(
    [node("Scan", ["", "x"], ["y"], attribute("num_scan_inputs", i=1),
          attribute("body", g=graph([], [value("e")], [value("e")])))], [value("x", [3])], [value("y")]), version=8))
misfit("rotation_by_cubes", "ht.rope", "GroupQueryAttention",
       [[1, 3, 8], [1, 3, 8], [1, 3, 8], None, None, ([1], INT32), "", [3, 2, 1], [3, 2, 1]], *GROUPED,
       outputs=["y", "key", "value"], domain="com.microsoft",
       initializers=[tensor("x6", [], INT32, struct.pack("<i", 3))])
misfit("rotation_by_scalars", "its tables have shape []", "RotaryEmbedding", [[1, 2, 3, 4], [], []],
       attribute("rotary_embedding_dim", i=2))


def scalars(name, code, words, kind, *numbers, attributes=()):
    """A node on constants alone, whose result is a shape of something."""
    names = [f"k{i}" for i in range(len(numbers))]
    bytes_case(name, code, words, simple(node(kind, names, ["y"], *attributes), outputs=[value("y")], initializers=[
        tensor(k, [], INT64, struct.pack("<q", n)) for k, n in zip(names, numbers)]))


scalars("range_huge", ANY, "", "Range", 0, BIG, 1)
scalars("range_overflows", ANY, "", "Range", SMALL, BIG, 1)
scalars("range_step_zero", FAILED, "", "Range", 0, 4, 0)
scalars("range_step_least", ANY, "", "Range", BIG, SMALL, SMALL)
scalars("division_by_zero", ANY, "", "Div", 4, 0)
scalars("division_overflows", ANY, "", "Div", SMALL, -1)
scalars("remainder_by_zero", ANY, "", "Mod", 4, 0)
scalars("power_overflows", ANY, "", "Pow", BIG, BIG)
scalars("shift_too_far", ANY, "", "BitShift", 1, 200, attributes=[attribute("direction", s="LEFT")])
bytes_case("constant_of_huge_shape", ANY, "",
           simple(node("ConstantOfShape", ["k"], ["c"]), node("Neg", ["c"], ["y"]), outputs=[value("y")],
                  initializers=[int64s("k", [1 << 40])]))
bytes_case("constant_of_overflowing_shape", FAILED, "",
           simple(node("ConstantOfShape", ["k"], ["c"]), node("Neg", ["c"], ["y"]), outputs=[value("y")],
                  initializers=[int64s("k", [1 << 40, 1 << 40])]))
bytes_case("input_of_huge_shape", ANY, "", simple(NEG, inputs=[value("x", [1 << 40, 1 << 20])]))
bytes_case("input_of_overflowing_shape", FAILED, "too many elements", simple(NEG, inputs=[value("x", [1 << 40, 1 << 40])]))
bytes_case("input_of_exabytes_at_most", FAILED, "bound them with --max", simple(NEG, inputs=[value("x", ["a", "b", "c", "d", "e", "f", "g"])]))
bytes_case("input_of_negative_shape", ANY, "", simple(NEG, inputs=[value("x", [-7, 4])]))
bytes_case("input_of_rank_64", FAILED, "at most 8 are supported", simple(NEG, inputs=[value("x", [1] * 64)]))
