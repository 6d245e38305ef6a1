"""Writes the ONNX text in a file (https://onnx.ai/onnx/repo-docs/Syntax.html) as an ONNX model.

Lines that begin with `//` are left out, so a test is its own input:

    // RUN: %python %S/Inputs/onnxtext.py %s %t.onnx
"""
import sys

import onnx.parser

source, target = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = "".join(line for line in file if not line.startswith("//"))
with open(target, "wb") as file:
    file.write(onnx.parser.parse_model(text).SerializeToString())
