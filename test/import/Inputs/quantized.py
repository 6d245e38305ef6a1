"""Writes a model whose weights are stored in blocks: DequantizeLinear of int4, and MatMulNBits."""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

random = np.random.default_rng(0)
scale = random.random((16, 8)).astype(np.float32)
w = helper.make_tensor("w", TensorProto.INT4, (16, 256), random.integers(0, 256, 2048).astype(np.uint8).tobytes(), raw=True)
weights = [w, numpy_helper.from_array(scale, "s"),
           numpy_helper.from_array(random.integers(0, 256, (16, 8, 16)).astype(np.uint8), "b")]
nodes = [helper.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=1, block_size=32),
         helper.make_node("Transpose", ["f"], ["t"], perm=[1, 0]), helper.make_node("MatMul", ["x", "t"], ["y"]),
         helper.make_node("MatMulNBits", ["u", "b", "s"], ["z"], domain="com.microsoft", K=248, N=16, bits=4, block_size=32)]
graph = helper.make_graph(
    nodes, "weights", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 256]),
                       helper.make_tensor_value_info("u", TensorProto.FLOAT, ["n", 248])],
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 16]) for name in "yz"], weights)
save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21),
                                                            helper.make_opsetid("com.microsoft", 1)]), sys.argv[1])
