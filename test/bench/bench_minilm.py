#!/usr/bin/env python3
"""all-MiniLM-L6-v2 compiled by Halftone against ONNX Runtime, f32, on this computer.

    tools/dev bench [--rounds N] [--threads N] [--exporter dynamo|torchscript] [--shapes 1x128,8x128]

What is measured
  steps    The two take turns in one process: a block of calls each, the order swapped
           every round, a pause between blocks (both keep their threads spinning for a
           while after a call), the first call of a block thrown away. Median, 10th and
           90th percentile of all calls; the ratio is ONNX Runtime's median over Halftone's.
           `--bench` of the executable runs between rounds, a process of its own.
  limits   machine.c beside this file: GB/s read from memory, f32 GFLOP/s. A step's share
           of the latter counts the multiply-adds of matrix products and attention.
  start    from the start of the executable's process to its end, the output file written;
           and, in a fresh Python process, ONNX Runtime's session creation and first run
           (Python's own start and imports not counted). They alternate.
  compile  wall time and largest resident memory of `halftone compile` (its children too).

Writes minilm.json, minilm.md and minilm.png; prints the table. Nothing here fails because
of a time.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import models  # noqa: E402
from compare import relative_error  # noqa: E402
from halftone import HALFTONE, Library, run  # noqa: E402

SHAPES = "1x16,1x128,8x128,1x512"
OUTPUT = "last_hidden_state"
LAYERS, HIDDEN, INNER = 6, 384, 1536


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def quantiles(seconds):
    """Milliseconds."""
    p10, median, p90 = np.percentile(np.array(seconds) * 1e3, [10, 50, 90])
    return {"median_ms": float(median), "p10_ms": float(p10), "p90_ms": float(p90), "calls": len(seconds)}


def operations(batch, sequence):
    """Floating point operations of a step: two for each multiply-add."""
    token = LAYERS * 2 * (4 * HIDDEN * HIDDEN + 2 * HIDDEN * INNER)
    attention = LAYERS * 2 * 2 * sequence * HIDDEN
    return batch * sequence * (token + attention)


# ---- one measurement each ------------------------------------------------------------------

def measure_machine(folder):
    program = folder / "machine"
    run(["clang-22", "-O2", "-pthread", HERE / "machine.c", "-o", program])
    return json.loads(run([program, "1.5"]).stdout)


def measured_compile(model, output, *options):
    """Compiles; what it took."""
    began = time.perf_counter()
    process = subprocess.Popen([HALFTONE, "compile", model, "-o", output, *options],
                               stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: halftone compile failed:\n{said}")
    return {"seconds": time.perf_counter() - began, "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_mb": usage.ru_maxrss / 1024, "model_mb": model.stat().st_size / 2**20,
            "output_mb": output.stat().st_size / 2**20}


def interleaved(calls, rounds, budget=0.4):
    """Times of each of the calls, {name: function}, which take turns."""
    times = {name: [] for name in calls}
    names = list(calls)
    for number in range(rounds):
        for name in names if number % 2 == 0 else names[::-1]:
            time.sleep(0.15)
            calls[name]()
            end = time.perf_counter() + budget
            while True:
                began = time.perf_counter()
                calls[name]()
                done = time.perf_counter()
                times[name].append(done - began)
                if done > end:
                    break
    return times


def measure_step(shape, session, library, program, options):
    batch, sequence = shape
    inputs = models.minilm_inputs(batch, sequence)
    # Full rows: what a server that sorts by length sees; padding is the same work here.
    inputs["attention_mask"][:] = 1
    with library.session(options.threads) as native:
        call, outputs = native.bind(inputs)
        call()
        error = relative_error(outputs[OUTPUT], session.run([OUTPUT], inputs)[0])
        times = interleaved({"onnxruntime": lambda: session.run([OUTPUT], inputs), "halftone": call}, options.rounds)
    bench = [json.loads(run([program, "--bench", "20", "--json", "--threads", options.threads,
                             "--shape", f"batch={batch},sequence={sequence}"]).stdout) for _ in range(3)]
    result = {name: quantiles(seconds) for name, seconds in times.items()}
    result |= {"shape": f"{batch}x{sequence}", "relative_error": error, "gflop": operations(*shape) / 1e9,
               "ratio": result["onnxruntime"]["median_ms"] / result["halftone"]["median_ms"], "executable": bench}
    return result


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


def measure_start(model, program, folder, options):
    np.savez(folder / "in.npz", **models.minilm_inputs(1, 128))
    command = [program, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--threads", options.threads]
    ours, created, first = [], [], []
    for _ in range(options.rounds):
        began = time.perf_counter()
        run(command)
        ours.append(time.perf_counter() - began)
        said = json.loads(run([sys.executable, "-c", FRESH, model, folder / "in.npz", options.threads]).stdout)
        created.append(said[0])
        first.append(said[1])
    both = [a + b for a, b in zip(created, first)]
    return {"shape": "1x128", "halftone": quantiles(ours), "onnxruntime": quantiles(both),
            "onnxruntime_create": quantiles(created), "onnxruntime_first_run": quantiles(first),
            "ratio": float(np.median(both) / np.median(ours))}


# ---- reports -----------------------------------------------------------------------------------

def executable_median(step):
    """The median of what --bench said, in ms."""
    return float(np.median([said["median_ms"] for said in step["executable"]]))


def markdown(result):
    machine, start = result["machine"], result["start"]
    peak = machine["fma_gflops_all"]
    lines = [
        f"# all-MiniLM-L6-v2, f32, {result['threads']} threads", "",
        f"{result['cpu']}, {machine['cpus']} CPUs; memory reads {machine['read_gbs_1']:.1f} GB/s on one and "
        f"{machine['read_gbs_all']:.1f} on all; f32 {machine['fma_gflops_1']:.0f} and {peak:.0f} GFLOP/s "
        f"({machine['vector']}). ONNX Runtime {result['onnxruntime_version']}. Load average at the start "
        f"{result['load_average']:.2f}.", "",
        *(["**Something else was running: these numbers say little.**", ""] if result["load_average"] > 0.5 else []),
        "| batch × sequence | ONNX Runtime ms (p10–p90) | Halftone ms (p10–p90) | executable `--bench` ms | ONNX Runtime / Halftone"
        " | GFLOP/s | of the peak | relative error |",
        "|---|---|---|---|---|---|---|---|"]
    for step in result["steps"]:
        def cell(name):
            q = step[name]
            return f"{q['median_ms']:.2f} ({q['p10_ms']:.2f}–{q['p90_ms']:.2f})"
        rate = step["gflop"] / step["halftone"]["median_ms"] * 1e3
        lines.append(f"| {step['shape'].replace('x', ' × ')} | {cell('onnxruntime')} | {cell('halftone')} | "
                     f"{executable_median(step):.2f} | {step['ratio']:.2f} | {rate:.0f} | {100 * rate / peak:.0f} % | "
                     f"{step['relative_error']:.1e} |")
    lines += [
        "", "| start to first output, 1 × 128 | median ms |", "|---|---|",
        f"| Halftone: whole process, file to file | {start['halftone']['median_ms']:.1f} |",
        f"| ONNX Runtime: session creation + first run | {start['onnxruntime']['median_ms']:.1f} "
        f"({start['onnxruntime_create']['median_ms']:.1f} + {start['onnxruntime_first_run']['median_ms']:.1f}) |",
        f"| ratio | {start['ratio']:.1f} |",
        "", "| `halftone compile` | seconds | CPU seconds | peak MB | model MB | output MB |", "|---|---|---|---|---|---|"]
    for name, made in result["compile"].items():
        lines.append(f"| {name} | {made['seconds']:.1f} | {made['cpu_seconds']:.1f} | {made['peak_mb']:.0f} | "
                     f"{made['model_mb']:.0f} | {made['output_mb']:.0f} |")
    return "\n".join(lines) + "\n"


def plot(result, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), width_ratios=(3, 1))
    colours = {"onnxruntime": "#9aa5b1", "halftone": "#c2410c"}
    names = {"onnxruntime": f"ONNX Runtime {result['onnxruntime_version']}", "halftone": "Halftone"}
    places = np.arange(len(result["steps"]))
    for offset, name in ((-0.2, "onnxruntime"), (0.2, "halftone")):
        middle = np.array([s[name]["median_ms"] for s in result["steps"]])
        spread = [middle - [s[name]["p10_ms"] for s in result["steps"]], [s[name]["p90_ms"] for s in result["steps"]] - middle]
        bars = left.bar(places + offset, middle, 0.4, yerr=spread, capsize=3, color=colours[name], label=names[name])
        left.bar_label(bars, [f"{m:.1f}" for m in middle], padding=3, fontsize=8)
        right.bar(names[name].split(" 1")[0], result["start"][name]["median_ms"], 0.5, color=colours[name])
    left.set_xticks(places, [s["shape"].replace("x", " × ") for s in result["steps"]])
    left.set(yscale="log", ylabel="ms (median, p10–p90)", xlabel="batch × sequence",
             title=f"one step, f32, {result['threads']} threads")
    left.margins(y=0.15)
    left.legend(frameon=False)
    right.set(ylabel="ms", title="start to first output")
    right.bar_label(right.containers[0], fmt="%.0f")
    right.bar_label(right.containers[1], fmt="%.0f")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("all-MiniLM-L6-v2")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("bench"), help="folder of the results")
    parser.add_argument("--shapes", default=SHAPES)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--exporter", choices=models.EXPORTERS, default="dynamo")
    parser.add_argument("--model", type=Path, help="an export made before, with its weights inside")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    shapes = [tuple(map(int, shape.split("x"))) for shape in options.shapes.split(",")]

    import onnxruntime
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.processor())
    result = {"schema_version": 1, "cpu": cpu, "threads": options.threads, "load_average": os.getloadavg()[0],
              "onnxruntime_version": onnxruntime.__version__, "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    progress("exporting")
    model = options.model or models.minilm(options.exporter)
    progress("compiling")
    program, library = options.output / "minilm", options.output / "minilm.so"
    top = ("--max", "batch=8,sequence=512")
    result["compile"] = {"executable": measured_compile(model, program, *top),
                         "shared library": measured_compile(model, library, *top)}
    progress("measuring the machine")
    result["machine"] = measure_machine(options.output)
    session = models.onnxruntime_session(model, options.threads)
    native = Library(library)
    result["steps"] = []
    for shape in shapes:
        progress(f"step of {shape[0]} × {shape[1]}")
        result["steps"].append(measure_step(shape, session, native, program.resolve(), options))
    progress("start to first output")
    result["start"] = measure_start(model, program.resolve(), options.output, options)

    (options.output / "minilm.json").write_text(json.dumps(result, indent=1) + "\n")
    text = markdown(result)
    (options.output / "minilm.md").write_text(text)
    try:
        plot(result, options.output / "minilm.png")
    except ImportError:
        progress("no matplotlib: no plot")
    print(text)
    progress(f"written to {options.output}/minilm.json, .md and .png")


if __name__ == "__main__":
    main()
