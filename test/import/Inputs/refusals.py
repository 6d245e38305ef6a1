"""Imports every ONNX text in a folder; each must be refused with the message that its first
line expects: `refusals.py FOLDER`."""
import pathlib
import subprocess
import sys

import onnx.parser

failures = 0
for source in sorted(pathlib.Path(sys.argv[1]).glob("*.txt")):
    first, text = source.read_text().split("\n", 1)
    expected = first.removeprefix("# expect: ")
    model = source.with_suffix(".onnx")
    model.write_bytes(onnx.parser.parse_model(text).SerializeToString())
    done = subprocess.run(["halftone-translate", "--import-onnx", model], capture_output=True, text=True)
    if done.returncode != 1 or expected not in done.stderr or done.stderr.count("error:") != 1:
        failures += 1
        print(f"{source.name}: exit code {done.returncode}")
        print(f"  expected {expected}\n  got      {done.stderr.strip()}")
sys.exit(failures)
