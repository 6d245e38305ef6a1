#!/usr/bin/env python3
"""One linear, y = x · W, of each weight format: percent of what the computer can do.

    tools/dev bench linear [--only REGEX] [--rows 1,16,64,512] [--size 4096x4096] [--threads N]

README.md beside this file says what is measured and how to read it.
"""
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import models  # noqa: E402
from command import arguments, finish  # noqa: E402
from harness import Bench  # noqa: E402
from peers.halftone import VARIANTS  # noqa: E402
from task import Task  # noqa: E402

PEERS = [
    "onnxruntime f32", "onnxruntime int8", "onnxruntime int4-g32", "openvino f32", "openvino bf16",
    "openvino int8", "openvino int4-g128", "torch bf16", *(f"halftone {variant}" for variant in VARIANTS),
]
# With few rows reading the weights takes longest. As in a model of many layers, they then come
# from memory: caches are emptied before every call. With more rows weights may stay.
COLD_ROWS = 16


def torch_module(task):
    import onnx
    import torch
    weight = onnx.numpy_helper.to_array(onnx.load(task.models["plain"]).graph.initializer[0])
    module = torch.nn.Linear(*weight.shape, bias=False)
    module.weight.data = torch.from_numpy(weight.T.copy())
    return module


def make_task(folder, size, rows):
    from onnx import helper
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    weight = random.standard_normal(size, np.float32) / np.sqrt(size[0], dtype=np.float32)
    model = models.save(folder / "linear.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], name="linear")],
                        {"x": (np.float32, ("rows", size[0]))}, {"y": (np.float32, ("rows", size[1]))}, {"w": weight})
    batches = {str(count): {"x": random.standard_normal((count, size[0]), np.float32)} for count in rows}
    samples = [{"x": random.standard_normal((16, size[0]), np.float32)} for _ in range(8)]
    return Task(folder=folder, maker="bench_linear", models={"plain": model}, maxima={"rows": max(rows)},
                timed=list(batches), compared=list(batches), batches=batches, samples=samples)


def main():
    parser, parse = arguments(__doc__, PEERS)
    parser.add_argument("--rows", default="1,16,64,512")
    parser.add_argument("--size", default="4096x4096", help="K x N")
    options = parse()
    rows, size = [int(count) for count in options.rows.split(",")], tuple(map(int, options.size.split("x")))
    costs = {str(count): {"operations": 2 * count * size[0] * size[1]} for count in rows}
    for count in rows:
        if count <= COLD_ROWS:
            costs[str(count)]["weights"] = size[0] * size[1]
    with Bench(make_task(options.output / "linear", size, rows), options.peers, options.threads) as bench:
        finish(f"linear {options.size}", "rows", bench, costs, options)


if __name__ == "__main__":
    main()
