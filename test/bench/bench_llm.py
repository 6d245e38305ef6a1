#!/usr/bin/env python3
"""A language model of TinyLlama's shape (1.1 billion random weights): prefill, and decode behind long texts.

    tools/dev bench llm [--only REGEX] [--contexts 16,1024,2000] [--prefill 512] [--layers 22] [--threads N]

README.md beside this file says what is measured and how to read it.
"""
import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from command import arguments, finish  # noqa: E402
from harness import Bench, progress  # noqa: E402
from random_weights import linears, shape, write  # noqa: E402
from task import Task  # noqa: E402

PEERS = ["halftone int4-two-level-g32", "halftone int4-g32", "halftone int8", "llamacpp q4_0"]
CONTEXT = 2048
CONFIG = shape("llama-1.1b")


def checkpoint(config):
    """The folder of a checkpoint, made once and kept outside of the repository."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "halftone" / f"llama-1.1b-{config['num_hidden_layers']}-layers"
    if (folder / "config.json").exists():
        return folder
    progress(f"making random weights in {folder}")
    write(config, folder)
    return folder


def costs(config, tokens, start):
    """Of a step with `tokens` new tokens behind `start`, of which the last one's logits are wanted."""
    layers, width, heads = config["num_hidden_layers"], config["hidden_size"], config["num_attention_heads"]
    weights = layers * sum(rows * columns for rows, columns in linears(config).values())
    head = config["vocab_size"] * width
    pairs = sum(start + i + 1 for i in range(tokens))
    keys = width // heads * config["num_key_value_heads"]
    return {"tokens": tokens, "operations": 2 * (tokens * weights + head + 2 * layers * width * pairs),
            "weights": weights + head, "states": 2 * layers * keys * (start + tokens)}


def step(random, tokens, start):
    return {"input_ids": random.integers(0, CONFIG["vocab_size"], (1, tokens)), "sequences": np.zeros(1, np.int64),
            "start": np.full(1, start), "wanted": np.array([-1])}


def main():
    parser, parse = arguments(__doc__, PEERS, reference=None)
    parser.add_argument("--contexts", default="16,1024,2000", help="tokens before a decoded one")
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--layers", type=int, default=22)
    options = parse()
    config, random = CONFIG | {"num_hidden_layers": options.layers}, np.random.default_rng(1)
    steps = {f"prefill {options.prefill}": (options.prefill, 0)}
    steps |= {f"decode at {context}": (1, int(context)) for context in options.contexts.split(",")}
    task = Task(folder=options.output / "llm", maker="bench_llm", models={"plain": checkpoint(config)},
                maxima={"batch": 1, "sequence": options.prefill, "context": CONTEXT}, timed=list(steps), compared=[],
                batches={name: step(random, *sizes) for name, sizes in steps.items()}, samples=[])
    with Bench(task, options.peers, options.threads) as bench:
        finish("language model", "step", bench, {name: costs(config, *sizes) for name, sizes in steps.items()}, options,
               cools=False)


if __name__ == "__main__":
    main()
