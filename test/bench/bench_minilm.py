#!/usr/bin/env python3
"""all-MiniLM-L6-v2 compiled by Halftone against its peers, at every precision.

    tools/dev bench minilm [--only REGEX] [--rounds N] [--threads N] [--shapes 1x128,8x128]

README.md beside this file says what is measured and how to read it.
"""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test/e2e"), str(ROOT / "tools/model")]

import models  # noqa: E402
import prose  # noqa: E402
from command import arguments, finish  # noqa: E402
from harness import Bench  # noqa: E402
from task import Task  # noqa: E402

LAYERS, HIDDEN, INNER = 6, 384, 1536
# Sentences whose outputs are compared, and those that calibrate.
COMPARED, SAMPLES = 64, 128
PEERS = [
    "onnxruntime f32", "onnxruntime f32-fused", "onnxruntime int8",
    "openvino f32", "openvino bf16", "openvino int8",
    "torch f32", "torch bf16", "torch int8", "aotinductor f32", "aotinductor bf16", "iree f32",
    "halftone f32", "halftone bf16", "halftone int8", "halftone int8-g128",
]


def operations(batch, sequence):
    """Of a step's matrix products and attention: two for each multiply-add."""
    token = LAYERS * 2 * (4 * HIDDEN * HIDDEN + 2 * HIDDEN * INNER)
    attention = LAYERS * 2 * 2 * sequence * HIDDEN
    return batch * sequence * (token + attention)


def torch_module(_):
    """For PyTorch's own compilers: the checkpoint itself."""
    from export import load

    return load(models.minilm_folder(), attn="sdpa")[0]


def make_task(folder, exporter, shapes):
    # Outputs are compared at a shape that is timed, since some peers compile each shape.
    rows, length = max((shape for shape in shapes if shape[1] <= 128), default=shapes[-1])
    text = prose.token_rows("valid", COMPARED)
    batches = {f"{count}x{size}": prose.full_batch(text, count, size) for count, size in shapes}
    compared = {f"text{start}": prose.batch(text[start:start + rows], length) for start in range(0, COMPARED, rows)}
    samples = [prose.batch([row], min(len(row) + 2, 128)) for row in prose.token_rows("train", SAMPLES)]
    return Task(folder=folder, maker="bench_minilm",
                models={"plain": models.minilm(exporter), "eager": models.minilm("torchscript", "eager")},
                maxima={"batch": max(8, *(s[0] for s in shapes)), "sequence": 512},
                timed=list(batches), compared=list(compared), batches=batches | compared, samples=samples)


def main():
    parser, parse = arguments(__doc__, PEERS)
    parser.add_argument("--shapes", default="1x16,1x128,8x128,1x512")
    parser.add_argument("--exporter", choices=models.EXPORTERS, default="dynamo")
    options = parse()
    shapes = [tuple(map(int, shape.split("x"))) for shape in options.shapes.split(",")]
    task = make_task(options.output / "minilm", options.exporter, shapes)
    costs = {f"{batch}x{sequence}": {"operations": operations(batch, sequence)} for batch, sequence in shapes}
    with Bench(task, options.peers, options.threads) as bench:
        finish("all-MiniLM-L6-v2", "batch × sequence", bench, costs, options)


if __name__ == "__main__":
    main()
