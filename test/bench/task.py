"""What is benchmarked: a model, and the inputs that it is run on. A folder that the
benchmark writes and that every worker reads."""
import importlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Task:
    folder: Path
    # The Python module that made it; its torch_module(task) is the model for PyTorch.
    maker: str
    # Kinds of ONNX files of the same model. "plain" is always there.
    models: dict
    # The largest value of each dynamic dimension.
    maxima: dict
    # Names of batches that are timed, and of those whose outputs are compared.
    timed: list
    compared: list
    # Batch → input → array.
    batches: dict
    # Inputs unlike those of the batches, for calibration.
    samples: list
    # What Halftone's variants are compiled with beside the flags in peers/halftone.py.
    flags: dict = field(default_factory=dict)

    def save(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        np.savez(self.folder / "batches.npz", **{f"{name}/{key}": array for name, inputs in self.batches.items()
                                                 for key, array in inputs.items()})
        np.savez(self.folder / "samples.npz", **{f"{number}/{key}": array for number, inputs in enumerate(self.samples)
                                                 for key, array in inputs.items()})
        said = {key: value for key, value in vars(self).items() if key not in ("folder", "batches", "samples")}
        (self.folder / "task.json").write_text(json.dumps(said, default=str, indent=1))

    @classmethod
    def load(cls, folder):
        return cls(folder=folder, batches=nested(folder / "batches.npz"),
                   samples=list(nested(folder / "samples.npz").values()),
                   **json.loads((folder / "task.json").read_text()))

    def torch_module(self):
        return importlib.import_module(self.maker).torch_module(self)

    def shapes(self):
        """One batch of each shape, by the shapes of its inputs."""
        return {shape_of(inputs): inputs for inputs in self.batches.values()}

    def sizes(self, inputs):
        """The dynamic dimensions' values in a batch: those of the first input, in order."""
        return dict(zip(self.maxima, next(iter(inputs.values())).shape))


def shape_of(inputs):
    return tuple(array.shape for array in inputs.values())


def nested(path):
    """{"a/b": array} as {"a": {"b": array}}, in the order of the file."""
    groups = {}
    with np.load(path) as arrays:
        for key, array in arrays.items():
            group, name = key.split("/")
            groups.setdefault(group, {})[name] = array
    return groups
