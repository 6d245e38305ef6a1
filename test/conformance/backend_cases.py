"""The cases of the installed onnx.backend.test, of every kind that it has."""
import functools
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

SIMILAR = {"rtol": 1e-3, "atol": 1e-7}


@dataclass(frozen=True)
class Case:
    name: str
    kind: str  # node, simple, pytorch-operator, pytorch-converted, real
    group: str  # what it is listed under: its operator; of a whole model, the kind
    rtol: float
    atol: float
    source: object  # the suite's own object, or a folder, or a file

    def load(self):
        """The model, and for each data set the inputs and expected outputs, by name."""
        if self.kind == "node":
            model, sets = self.source.model, self.source.data_sets
        elif self.kind == "real":
            model, sets = load_light(self.source)
        else:
            model, sets = load_folder(self.source)
        return model, [(named(model.graph.input, given), named(model.graph.output, wanted)) for given, wanted in sets]

    def operators(self):
        """The operators of its nodes, as DOMAIN.NAME where the domain is not ONNX's own."""
        return {qualified(node) for node in self.load()[0].graph.node}


def qualified(node):
    return f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type


def named(values, items):
    """Arrays by the names of the graph's inputs or outputs. A sequence is a list; one
    that is absent is None."""
    return {value.name: array(item) for value, item in zip(values, items)}


def array(item):
    if isinstance(item, onnx.TensorProto):
        return numpy_helper.to_array(item)
    if item is None or isinstance(item, list):
        return item if item is None else [array(part) for part in item]
    return np.asarray(item)


def flatten(values):
    """As programs have them: of a sequence each element by itself, of an absent optional nothing."""
    flat = {}
    for name, value in values.items():
        if isinstance(value, list):
            flat |= flatten({f"{name}.{i}": part for i, part in enumerate(value)})
        elif value is not None:
            flat[name] = value
    return flat


def elements(model, given):
    """What the compiler must be told of the inputs that are no tensors: --elements by name."""
    return {value.name: describe_elements(given[value.name])
            for value in model.graph.input
            if value.name in given and not value.type.HasField("tensor_type")}


def describe_elements(value):
    if value is None:
        return "none"
    parts = value if isinstance(value, list) else [value]
    return ",".join("x".join(map(str, part.shape)) or "scalar" for part in parts) or "empty"


def data_folder():
    import onnx.backend.test
    return Path(onnx.backend.test.__file__).parent / "data"


@functools.cache
def all_cases():
    """Every case by name, in the order of the manifest."""
    with warnings.catch_warnings():
        # The suite computes infinities on purpose.
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests
        cases = [Case(t.name, "node", node_group(t, owners), t.rtol, t.atol, t)
                 for tests in [load_model_tests(kind="node")] for owners in [{t.name: t for t in tests}]
                 for t in tests]
    for kind in "simple", "pytorch-operator", "pytorch-converted", "real":
        for folder in sorted((data_folder() / kind).iterdir()):
            if folder.is_dir():
                data = folder / "data.json"
                more = json.loads(data.read_text()) if data.exists() else {}
                tolerances = {name: more.get(name, value) for name, value in SIMILAR.items()}
                cases.append(Case(folder.name, kind, kind, source=folder, **tolerances))
    cases.sort(key=lambda case: (case.kind != "node", case.group, case.name))
    by_name = {case.name: case for case in cases}
    assert len(by_name) == len(cases), "two cases have one name"
    return by_name


def node_group(test, owners):
    """The operator; test_gelu_expanded_ver20 spells out what test_gelu has as one node."""
    owner = owners.get(re.sub(r"_expanded(_.*)?$", "", test.name), test)
    return qualified(owner.model.graph.node[0])


def load_folder(folder):
    model = onnx.load(str(folder / "model.onnx"))
    sets = []
    for data in sorted(folder.glob("test_data_set*")):
        sets.append(tuple([load_value(data / f"{which}_{i}.pb", value.type) for i, value in enumerate(values)
                           if (data / f"{which}_{i}.pb").exists()]
                          for which, values in (("input", model.graph.input), ("output", model.graph.output))))
    return model, sets


def load_value(path, kind):
    if kind.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(path.read_bytes()))
    if kind.HasField("optional_type"):
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(path.read_bytes()))
    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


def load_light(folder):
    """A network whose weights are all alike; its input counts upwards, as the suite's runner has it."""
    from onnx.backend.test.runner import Runner
    light = data_folder() / "light" / Path(json.loads((folder / "data.json").read_text())["url"]).name
    model = onnx.load(str(light))
    initialized = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initialized]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    given = [Runner.generate_dummy_data(value) for value in inputs]
    wanted = [load_value(light.with_name(f"{light.stem}_output_{i}.pb"), value.type)
              for i, value in enumerate(model.graph.output)]
    return model, [(given, wanted)]
