"""Where things are: the build, the tools, the models, the data beside the repository."""
import importlib.util
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HALFTONE_BUILD_DIR") or ROOT / "build")
BIN = BUILD / "bin"
SHARED = Path(os.environ.get("HALFTONE_SHARED") or ROOT.parent / "shared")
STORIES = ROOT / "tools/model/stories-3M"
# Exports and compiled models, kept from run to run; see models.py.
CACHE = BUILD / "test" / "models"
LLVM_BIN = Path("/usr/lib/llvm-22/bin")


def has(*modules):
    return all(importlib.util.find_spec(name) for name in modules)


PEERS = os.environ.get("HALFTONE_PEERS", "1") != "0" and has("torch", "transformers", "onnxscript")
