"""Models of many nodes that each have inputs of their own: one compilation checks them all."""
import numpy as np
import onnx
from onnx import helper, numpy_helper

import models
from compare import relative_error
from halftone import compile_model, run_program, run_reference


class Nodes:
    """Collects nodes with example inputs. `symbols` says which sizes of the inputs'
    dimensions are dynamic, and their names: {3: "batch"}."""

    def __init__(self, opset, symbols=None):
        self.opset, self.symbols = opset, symbols or {}
        self.nodes, self.inputs, self.infos, self.weights, self.outputs = [], {}, [], [], []

    def add(self, op, *inputs, domain="", outputs=1, constant=(), **attributes):
        """A node. An input is an array, None where it is left out; those whose index is in
        `constant` become initializers. `outputs`: their number, or their element types."""
        key = f"n{len(self.nodes)}"
        names = []
        for i, array in enumerate(inputs):
            if array is None:
                names.append("")
                continue
            names.append(f"{key}_i{i}")
            array = np.asarray(array)
            if i in constant:
                self.weights.append(numpy_helper.from_array(array, names[-1]))
                continue
            self.inputs[names[-1]] = array
            shape = [self.symbols.get(d, d) for d in array.shape]
            self.infos.append(helper.make_tensor_value_info(
                names[-1], helper.np_dtype_to_tensor_dtype(array.dtype), shape))
        kinds = [np.asarray(inputs[0]).dtype] * outputs if isinstance(outputs, int) else outputs
        made = [f"{key}_o{i}" if kind is not None else "" for i, kind in enumerate(kinds)]
        self.nodes.append(helper.make_node(op, names, made, name=f"{key}_{op}", domain=domain, **attributes))
        self.outputs += [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), None)
                         for name, kind in zip(made, kinds) if name]

    def save(self, path):
        graph = helper.make_graph(self.nodes, "nodes", self.infos, self.outputs, self.weights)
        domains = [helper.make_opsetid("", self.opset)]
        if any(node.domain for node in self.nodes):
            domains.append(helper.make_opsetid("com.microsoft", 1))
        model = helper.make_model(graph, opset_imports=domains)
        model.ir_version = 10 if self.opset < 23 else 13
        onnx.save(model, str(path))
        return path

    def check(self, folder, want, tolerance=1e-5, steps=0):
        """The interpreter and the native program give what `want` (a function of the model's
        file and the inputs) gives: floats within `tolerance`, integers within `steps`."""
        path = self.save(folder / "model.onnx")
        expected = want(path, self.inputs)
        compile_model(path, folder / "program")
        for who, got in (("reference", run_reference(path, self.inputs, folder)),
                         ("native", run_program(folder / "program", self.inputs, folder))):
            assert set(got) == set(expected)
            for name, right in expected.items():
                node = next(n for n in self.nodes if name in n.output)
                assert got[name].shape == right.shape, f"{who}, {name} of {node}"
                if right.dtype.kind in "iub":
                    apart = np.abs(got[name].astype(np.int64) - right.astype(np.int64)).max(initial=0)
                    assert apart <= steps, f"{who}, {name} is {apart} off, of {node}"
                else:
                    same = got[name] == right  # infinities among them
                    error = relative_error(np.where(same, 0, got[name]), np.where(same, 0, right))
                    assert error < tolerance, f"{who}, {name} is {error:.3g} off, of {node}"


def by_onnxruntime(path, inputs):
    return models.run_onnxruntime(path, inputs)


def by_definition(definitions):
    """What functions of numpy say: `definitions[op](attributes, *inputs)` gives the node's outputs."""
    def evaluate(path, inputs):
        results = {}
        for node in onnx.load(str(path)).graph.node:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            made = definitions[node.op_type](attributes, *(inputs.get(name) for name in node.input))
            made = made if isinstance(made, tuple) else (made,)
            results |= {name: np.asarray(y) for name, y in zip(node.output, made) if name}
        return results
    return evaluate


def by_reference(path, inputs):
    """onnx's own evaluator."""
    from onnx.reference import ReferenceEvaluator
    model = onnx.load(str(path))
    names = [output.name for output in model.graph.output]
    return dict(zip(names, map(np.asarray, ReferenceEvaluator(model).run(names, inputs))))
