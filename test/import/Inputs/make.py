"""Writes models that are described below: `make.py FOLDER CASE...` makes FOLDER/CASE.onnx each.

For what the text form of ONNX has no words for: how tensors are stored, files beside the
model, types that only damaged files have.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32, I64 = TensorProto.FLOAT, TensorProto.INT64


def model(nodes, inputs, outputs, initializers=(), opset=18, ir_version=8, **graph):
    value = lambda name, shape, kind=F32: helper.make_tensor_value_info(name, kind, shape)
    made = helper.make_graph(nodes, "graph", [value(*i) for i in inputs], [value(*o) for o in outputs],
                             list(initializers), **graph)
    result = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], producer_name="test")
    result.ir_version = ir_version
    return result


def add_weight(weight, shape=(8, 4), opset=18):
    """x + weight"""
    return model([helper.make_node("Add", ["x", "w"], ["y"], "addition")], [("x", ["n", *shape])],
                 [("y", ["n", *shape])], [weight], opset)


def array(shape=(8, 4), dtype=np.float32):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def external(shape=(8, 4), **entries):
    weight = numpy_helper.from_array(array(shape), "w")
    weight.data_location = TensorProto.EXTERNAL
    data = weight.raw_data
    weight.ClearField("raw_data")
    for key, value in {"location": "data.bin", **entries}.items():
        weight.external_data.add(key=key, value=str(value))
    return weight, data


def write_external(path, **entries):
    weight, data = external(**entries)
    write(add_weight(weight), path)
    with open(os.path.join(os.path.dirname(path), "data.bin"), "wb") as file:
        file.write(b"\0" * 64 + data)


def write(made, path):
    with open(path, "wb") as file:
        file.write(made.SerializeToString())


# How tensors are stored -----------------------------------------------------

def raw(path):
    """Also an initializer that nothing uses."""
    made = add_weight(numpy_helper.from_array(array(), "w"))
    made.graph.initializer.append(numpy_helper.from_array(array((100, 100)), "unused"))
    write(made, path)


def typed(path):
    """float_data can be mapped, int32_data (the bits of bf16) has to be decoded."""
    first = helper.make_tensor("w", F32, [8, 4], array().flatten())
    second = helper.make_tensor("v", TensorProto.BFLOAT16, [8, 8], array((8, 8)).flatten())
    write(model([helper.make_node("Add", ["x", "w"], ["y"]), helper.make_node("Neg", ["v"], ["z"])],
                [("x", [8, 4])], [("y", [8, 4]), ("z", [8, 8], TensorProto.BFLOAT16)], [first, second]), path)


def small(path):
    tensors = [numpy_helper.from_array(np.float32(1.5), "scalar"),
               numpy_helper.from_array(array((16,)), "sixteen"),
               numpy_helper.from_array(array((17,)), "seventeen"),
               numpy_helper.from_array(array((128,), np.int64), "shapelike"),
               numpy_helper.from_array(array((129,), np.int64), "table"),
               numpy_helper.from_array(np.array([True, False]), "flags"),
               numpy_helper.from_array(np.zeros((0, 3), np.float32), "empty")]
    write(model([helper.make_node("Identity", [t.name], ["y_" + t.name]) for t in tensors], [],
                [("y_" + t.name, list(t.dims), t.data_type) for t in tensors], tensors), path)


def narrow(path):
    """A weight that is stored narrower than it is used, by two nodes."""
    weight = helper.make_tensor("w", TensorProto.BFLOAT16, [8, 8],
                                np.zeros(128, np.uint8).tobytes(), raw=True)
    write(model([helper.make_node("Cast", ["w"], ["a"], to=F32),
                 helper.make_node("Cast", ["w"], ["b"], to=F32),
                 helper.make_node("Add", ["x", "a"], ["y"]), helper.make_node("Mul", ["y", "b"], ["z"])],
                [("x", [8, 8])], [("z", [8, 8])], [weight]), path)


def names(path):
    """Weights that are called like the function, or not at all."""
    tensors = [numpy_helper.from_array(array((32,)), name) for name in ("main", "a/b:0")]
    constant = helper.make_node("Constant", [], ["large"], value=numpy_helper.from_array(array((32,))))
    write(model([constant, helper.make_node("Sum", ["x", "main", "a/b:0", "large"], ["y"])],
                [("x", [32])], [("y", [32])], tensors), path)


def default_input(path):
    """An input with an initializer has a default value, which is what it is here."""
    write(model([helper.make_node("Add", ["x", "w"], ["y"])], [("x", [8, 4]), ("w", [8, 4])], [("y", [8, 4])],
                [numpy_helper.from_array(array(), "w")]), path)


# Symbols ----------------------------------------------------------------------

def sums(path):
    write(model([helper.make_node("Neg", ["ids"], ["a"]),
                 helper.make_node("Concat", ["a", "mask"], ["y"], axis=1),
                 helper.make_node("Neg", ["past"], ["z"]), helper.make_node("Neg", ["free"], ["w"])],
                [("ids", ["batch_size", "sequence_length"], I64),
                 ("mask", ["batch_size", "past_length + sequence_length"], I64),
                 ("past", ["batch_size", "past_length"]), ("free", [None, 2])],
                [("y", [None, None], I64), ("z", [None, None]), ("w", [None, 2])]), path)


# Locations --------------------------------------------------------------------

def stack_traces(path):
    """What torch.onnx writes; `cut` has one that is none."""
    made = model([helper.make_node("Neg", ["x"], ["a"], "inner"), helper.make_node("Exp", ["a"], ["y"], "cut")],
                 [("x", [4])], [("y", [4])])
    trace = 'File "main.py", line 7, in <module>\n    net(x)\nFile "net.py", line 42, in forward\n    return -x\n'
    for node, text in zip(made.graph.node, (trace, 'File "net.py", line')):
        for key, value in ("namespace", "net"), ("pkg.torch.onnx.stack_trace", text):
            entry = node.metadata_props.add()
            entry.key, entry.value = key, value
    write(made, path)


# Files beside the model -------------------------------------------------------

def beside(path):
    write_external(path, offset=64, length=128)


def no_length(path):
    write_external(path, offset=64)


def beyond_end(path):
    write_external(path, offset=65)


def wrong_length(path):
    write_external(path, offset=64, length=127)


def huge_offset(path):
    write_external(path, offset=2**64 - 8)


def negative_offset(path):
    write_external(path, offset=-1)


def located(where):
    return lambda path: write_external(path, location=where)


def symbolic_link(path):
    folder = os.path.dirname(path)
    write_external(path, location="link.bin", offset=64)
    if not os.path.lexists(folder + "/link.bin"):
        os.symlink("data.bin", folder + "/link.bin")


def linked_folder(path):
    folder = os.path.dirname(path)
    write_external(path, location="there/data.bin", offset=64)
    if not os.path.lexists(folder + "/there"):
        os.symlink(".", folder + "/there")


def hard_link(path):
    folder = os.path.dirname(path)
    write_external(path, location="hard.bin", offset=64)
    for name in "first.bin", "hard.bin":
        if os.path.lexists(f"{folder}/{name}"):
            os.remove(f"{folder}/{name}")
    with open(folder + "/first.bin", "wb") as file:
        file.write(bytes(256))
    os.link(folder + "/first.bin", folder + "/hard.bin")


def pipe(path):
    folder = os.path.dirname(path)
    write_external(path, location="pipe")
    if not os.path.lexists(folder + "/pipe"):
        os.mkfifo(folder + "/pipe")


# Damage -------------------------------------------------------------------------

def dims(shape):
    def make(path):
        made = add_weight(numpy_helper.from_array(array(), "w"))
        del made.graph.initializer[0].dims[:]
        made.graph.initializer[0].dims.extend(shape)
        write(made, path)
    return make


def element_type(number):
    def make(path):
        made = add_weight(numpy_helper.from_array(array(), "w"))
        made.graph.initializer[0].data_type = number
        write(made, path)
    return make


def no_data(path):
    made = add_weight(numpy_helper.from_array(array(), "w"))
    made.graph.initializer[0].ClearField("raw_data")
    write(made, path)


def twice(path):
    made = add_weight(numpy_helper.from_array(array(), "w"))
    made.graph.initializer[0].float_data.extend([1, 2])
    write(made, path)


def short_varints(path):
    """Elements that end inside a number."""
    weight = TensorProto(name="w", data_type=I64, dims=[3])
    weight.int64_data.extend([1, 2])
    write(model([helper.make_node("Add", ["x", "w"], ["y"])], [("x", [3], I64)], [("y", [3], I64)],
                [weight]), path)


def control_characters(path):
    """What would clear a terminal is escaped."""
    write(model([helper.make_node("\x1b[2JNo", ["x"], ["y"], "\x1b[31m\nname")], [("x", [1])], [("y", [1])]),
          path)


def undefined(path):
    write(model([helper.make_node("Neg", ["nowhere"], ["y"], "negation")], [("x", [1])], [("y", [1])]), path)


def no_output(path):
    write(model([helper.make_node("Neg", ["x"], ["a"])], [("x", [1])], [("y", [1])]), path)


def produced_twice(path):
    write(model([helper.make_node("Neg", ["x"], ["y"], "one"), helper.make_node("Exp", ["x"], ["y"], "two")],
                [("x", [1])], [("y", [1])]), path)


def sequence(path):
    made = model([helper.make_node("Neg", ["x"], ["y"])], [("x", [1])], [("y", [1])])
    made.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", F32, [1]))
    write(made, path)


def no_rank(path):
    write(model([helper.make_node("Neg", ["x"], ["y"])], [("x", None)], [("y", None)]), path)


def text_input(path):
    write(model([helper.make_node("Identity", ["x"], ["y"])], [("x", [1], TensorProto.STRING)],
                [("y", [1], TensorProto.STRING)]), path)


def wrong_attribute(path):
    write(model([helper.make_node("Softmax", ["x"], ["y"], "soft", axis=1.5)], [("x", [1, 2])],
                [("y", [1, 2])]), path)


def sparse(path):
    made = model([helper.make_node("Neg", ["x"], ["y"])], [("x", [1])], [("y", [1])])
    made.graph.sparse_initializer.add().dims.extend([3])
    write(made, path)


def future_ir(path):
    write(model([helper.make_node("Neg", ["x"], ["y"])], [("x", [1])], [("y", [1])], ir_version=99), path)


def opset(number, operator="MaxRoiPool"):
    """Unsqueeze and Dropout mean the same in all opsets."""
    return lambda path: write(model([helper.make_node("Unsqueeze", ["x"], ["a"], "first", axes=[0]),
                                     helper.make_node("Dropout", ["a"], ["b"], "second"),
                                     helper.make_node(operator, ["b"], ["c"], "third"),
                                     helper.make_node(operator, ["c"], ["y"], "fourth")],
                                    [("x", [1])], [("y", [1, 1])], opset=number), path)


def nested(path):
    """Branches inside branches, deeper than protobuf's own writers go."""
    def varint(number):
        return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)

    def field(tag, data):
        return varint(tag << 3 | 2) + varint(len(data)) + data

    graph = b""
    for _ in range(1000):
        branch = field(1, b"then_branch") + field(6, graph)
        graph = field(1, field(1, b"c") + field(2, b"y") + field(4, b"If") + field(5, branch))
    with open(path, "wb") as file:
        file.write(field(7, graph) + field(8, b"\x10\x12"))


def ring(path):
    """A function that calls itself."""
    made = model([helper.make_node("Ring", ["x"], ["y"], "start", domain="own")], [("x", [1])], [("y", [1])])
    made.opset_import.append(helper.make_opsetid("own", 1))
    made.functions.append(helper.make_function("own", "Ring", ["a"], ["b"],
                                               [helper.make_node("Ring", ["a"], ["b"], domain="own")],
                                               [helper.make_opsetid("own", 1)]))
    write(made, path)


def doubling(path):
    """Thirty functions, each of which calls the next twice."""
    made = model([helper.make_node("F0", ["x"], ["y"], "start", domain="own")], [("x", [1])], [("y", [1])])
    imports = [helper.make_opsetid("own", 1), helper.make_opsetid("", 18)]
    made.opset_import.append(imports[0])
    for i in range(30):
        call = lambda a, b: helper.make_node(f"F{i + 1}", [a], [b], domain="own")
        made.functions.append(helper.make_function("own", f"F{i}", ["a"], ["c"],
                                                   [call("a", "b"), call("b", "c")], imports))
    made.functions.append(helper.make_function("own", "F30", ["a"], ["b"],
                                               [helper.make_node("Identity", ["a"], ["b"])], imports))
    write(made, path)


def growing(path):
    """A shape whose expression doubles with each node."""
    nodes = [helper.make_node("Shape", ["x"], ["s0"])]
    nodes += [helper.make_node("Mul", [f"s{i}", f"s{i}"], [f"s{i + 1}"]) for i in range(40)]
    nodes += [helper.make_node("Expand", ["x", "s40"], ["y"], "expansion")]
    write(model(nodes, [("x", ["n"])], [("y", ["m"])]), path)


HELPERS = {"model", "add_weight", "array", "external", "write_external", "write", "located", "dims",
           "element_type", "opset"}
CASES = {name: value for name, value in globals().items()
         if getattr(value, "__module__", None) == __name__ and name not in HELPERS}
CASES |= {"outside": located("../data.bin"), "absolute": located("/etc/hostname"),
          "missing": located("none.bin"),
          "folder": located("."), "nul": located("data.bin\0.txt"),
          "inner_outside": located("a/../../data.bin"), "nowhere": located(""),
          "negative_dim": dims([-8, -4]), "huge_dims": dims([2**62, 2**62, 16]), "few_dims": dims([7, 4]),
          "type_99": element_type(99), "type_string": element_type(8), "type_double": element_type(11),
          "opset_9": opset(9, "Celu"), "opset_11": opset(11), "opset_99": opset(99),
          "opset_12": opset(12, "Relu"),
          "unsupported": opset(12)}

if __name__ == "__main__":
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for case in sys.argv[2:] if sys.argv[2:] != ["all"] else CASES:
        CASES[case](f"{folder}/{case}.onnx")
