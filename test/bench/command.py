"""What the benchmarks' command lines have in common, and the course of a run."""
import argparse
import json
import re
import shlex
import time
from pathlib import Path

import machine
import peers
from harness import progress
from measures import accuracy
from plot import plot
from tables import markdown

REFERENCE = "onnxruntime f32"


def arguments(doc, names, reference=REFERENCE):
    """The parser, to which options may be added, and what parses and completes them. `reference` always runs."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("bench"), help="folder of the results")
    parser.add_argument("--only", default="", metavar="REGEX",
                        help="peers whose name matches" + (f" ({reference} always runs)" if reference else ""))
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=FLAGS",
                        help="one more variant of Halftone: int8/plain='--rotation=none' is int8 with that flag")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.4, help="of a peer's calls in a round")
    parser.add_argument("--threads", type=int, default=2)

    def parse():
        options = parser.parse_args()
        variants = dict(variant.split("=", 1) for variant in options.variant)
        options.flags = {f"halftone {name}": shlex.split(flags) for name, flags in variants.items()}
        options.peers = [name for name in [*names, *options.flags]
                         if name == reference or re.search(options.only, name)]
        for name in options.peers:
            peers.find(name)
        return options
    return parser, parse


def finish(title, axis, bench, costs, options, cools=True):
    """Measures everything, writes and prints the reports. costs: batch → operations and, if
    they come from memory, how many weights and states; where these would fit in caches, what
    `cools` these before a call; tokens, if speed is also to be counted in them."""
    result = {"schema_version": 2, "title": title, "axis": axis, "cpu": machine.cpu_name(),
              "threads": options.threads, "cpus": bench.cpus, "load_average": machine.load(),
              "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "costs": costs}
    task = bench.task
    task.flags = options.flags
    task.save()
    progress("measuring the machine")
    result["machine"] = machine.limits(task.folder, options.threads, bench.cpus)
    bench.prepare()
    progress("comparing outputs")
    outputs = bench.outputs()
    masks = [task.batches[batch].get("attention_mask") for batch in task.compared]
    result["accuracy"] = {name: accuracy(got, outputs[REFERENCE], None if masks[0] is None else masks)
                          for name, got in outputs.items() if REFERENCE in outputs}
    # Four times L3 are read to empty it.
    cold = {batch: 4 * result["machine"]["l3_bytes"] for batch, cost in costs.items()
            if cools and "weights" in cost}
    result["times"] = bench.times(options.rounds, options.seconds, cold)
    result["peers"] = bench.peers

    text = markdown(result)
    stem = task.folder.parent / task.folder.name
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    stem.with_suffix(".md").write_text(text)
    plot(result, stem.with_suffix(".png"))
    print(text)
    progress(f"written to {stem}.json, .md and .png")
