"""Halftone: a shared library, run through its C API."""
import json

import numpy as np

from halftone import Library, compile_model

from peers.peer import Peer

# Variant → arithmetic, bits of a weight with its scales, flags of `halftone compile`.
INT8_TOKEN = ["--activations=int8-token"]
VARIANTS = {
    "f32": ("f32", 32, ["--weights=f32"]),
    "bf16": ("bf16", 16, ["--weights=bf16", "--activations=bf16"]),
    "int8": ("int8", 8, ["--weights=int8", *INT8_TOKEN]),
    "int4-g128": ("int8", 4 + 16 / 128, ["--weights=int4-g128", *INT8_TOKEN]),
    "int4-g32": ("int8", 4 + 16 / 32, ["--weights=int4-g32", *INT8_TOKEN]),
    # 5 bits in a byte for a block; the scale of a row counts for nothing.
    "int4-two-level": ("int8", 4 + 8 / 128, ["--weights=int4-two-level", *INT8_TOKEN]),
    "int4-two-level-g32": ("int8", 4 + 8 / 32, ["--weights=int4-two-level-g32", *INT8_TOKEN]),
    "int8-g128": ("int8", 8 + 16 / 128, ["--weights=int8-g128", "--activations=int8-token-g128"]),
    # A codebook's levels are floats, so activations are too.
    "nf4": ("f32", 4 + 32 / 64, ["--weights=nf4"]),
    "int3-g128": ("int8", 3 + 16 / 128, ["--weights=int3-g128", *INT8_TOKEN]),
    "int2-g64": ("int8", 2 + 16 / 64, ["--weights=int2-g64", *INT8_TOKEN]),
}


class Halftone(Peer):
    def __init__(self, name):
        """"halftone VARIANT" or "halftone VARIANT/DETAIL", the latter with more flags from
        the task."""
        arithmetic, bits, self.flags = VARIANTS[name.split()[1].split("/")[0]]
        super().__init__(name, arithmetic, bits)

    def version(self):
        return json.loads(self.library.c.halftone_model_build_info(self.library.model))["compiler"]

    def prepare(self, task, threads):
        path = task.folder / (self.name.replace(" ", "-").replace("/", "-") + ".so")
        maxima = ",".join(f"{name}={value}" for name, value in task.maxima.items())
        compile_model(task.models["plain"], path, "--max", maxima, *self.flags, *task.flags.get(self.name, []))
        self.library = Library(path)
        self.session = self.library.session(threads)
        # What earlier steps would have left. Pages that nobody wrote would all be the same one, in L1.
        random = np.random.default_rng(0)
        for state in self.session.states().values():
            for part in state:
                part[...] = random.standard_normal(part.shape, np.float32)

    def bind(self, inputs):
        call, outputs = self.session.bind(inputs)
        return call, lambda: next(iter(outputs.values()))


PEERS = [Halftone(f"halftone {variant}") for variant in VARIANTS]
