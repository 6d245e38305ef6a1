#!/usr/bin/env python3
"""all-MiniLM-L6-v2 from nothing: compiling it, and starting it.

    tools/dev bench startup [--rounds N] [--threads N]

Start: from the start of the executable's process to its end, the output file written; and, in
a fresh Python process, ONNX Runtime's session creation and first run (Python's own start and
imports not counted). They alternate. Compile: wall time, and the largest resident memory.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import models  # noqa: E402
from halftone import HALFTONE, run  # noqa: E402
from measures import quantiles  # noqa: E402
from tables import table  # noqa: E402

FRESH = """
import json, sys, time
import numpy, onnxruntime
inputs = dict(numpy.load(sys.argv[2]))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = int(sys.argv[3]), 1
began = time.perf_counter()
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
created = time.perf_counter()
session.run(None, inputs)
print(json.dumps([created - began, time.perf_counter() - created]))
"""


def measured_compile(model, output):
    process = subprocess.Popen([HALFTONE, "compile", model, "-o", output, "--max", "batch=8,sequence=512"],
                               stderr=subprocess.PIPE, text=True)
    began = time.perf_counter()
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: halftone compile failed:\n{said}")
    return {"seconds": time.perf_counter() - began, "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_mb": usage.ru_maxrss / 1024, "model_mb": model.stat().st_size / 2**20,
            "output_mb": output.stat().st_size / 2**20}


def measured_start(model, program, folder, rounds, threads):
    np.savez(folder / "in.npz", **models.minilm_inputs(1, 128))
    command = [program, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--threads", threads]
    ours, created, first = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        run(command)
        ours.append(time.perf_counter() - began)
        said = json.loads(run([sys.executable, "-c", FRESH, model, folder / "in.npz", threads]).stdout)
        created.append(said[0])
        first.append(said[1])
    return {"halftone": quantiles(ours), "onnxruntime": quantiles(np.add(created, first)),
            "onnxruntime_create": quantiles(created), "onnxruntime_first_run": quantiles(first)}


def markdown(result):
    start = {name: f"{time['median_ms']:.1f}" for name, time in result["start"].items()}
    lines = table(["start to first output, 1 × 128", "median ms"],
                  [["Halftone: whole process, file to file", start["halftone"]],
                   ["ONNX Runtime: session creation + first run",
                    f"{start['onnxruntime']} ({start['onnxruntime_create']} + {start['onnxruntime_first_run']})"]])
    lines += table(["`halftone compile`", "seconds", "CPU seconds", "peak MB", "model MB", "output MB"],
                   [[name, *(f"{made[key]:.1f}" for key in ("seconds", "cpu_seconds", "peak_mb", "model_mb", "output_mb"))]
                    for name, made in result["compile"].items()])
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("bench"), help="folder of the results")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--exporter", choices=models.EXPORTERS, default="dynamo")
    options = parser.parse_args()
    folder = (options.output / "startup").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    model, program = models.minilm(options.exporter), folder / "minilm"
    result = {"schema_version": 1, "threads": options.threads, "load_average": os.getloadavg()[0], "compile": {
        "executable": measured_compile(model, program),
        "shared library": measured_compile(model, program.with_suffix(".so"))}}
    result["start"] = measured_start(model, program, folder, options.rounds, options.threads)
    (options.output / "startup.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.output / "startup.md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
