"""How lit runs Halftone's tests.

Parameters (lit --param NAME=VALUE):
  python            the interpreter for %python (default: .venv, else the system's)
  verify_roundtrip  1: run only the tests under dialects/ and passes/, and have
                    halftone-opt write and read back every module, as text and as
                    bytecode
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lit.formats

sys.path.insert(0, str(Path(config.halftone_source_root) / "test/e2e"))
import host_cpu

ROUNDTRIP = bool(int(lit_config.params.get("verify_roundtrip", "0")))
ROUNDTRIP_FOLDERS = ("dialects", "passes")
SOURCE = Path(config.halftone_source_root)
BUILD = Path(config.halftone_build_root)
SHARED = Path(os.environ.get("HALFTONE_SHARED") or SOURCE.parent / "shared")

config.name = "Halftone" + (" round trip" if ROUNDTRIP else "")
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt", ".ll"]
# Inputs are read by tests; pytest, GoogleTest and the benchmarks run on their own.
config.excludes = ["Inputs", "e2e", "conformance", "bench", "runtime", "evaluate", "hostile", "fuzz", "amx-emulator"]
if ROUNDTRIP:
    config.excludes += [path.name for path in (SOURCE / "test").iterdir() if path.name not in ROUNDTRIP_FOLDERS]
config.test_source_root = str(SOURCE / "test")
config.test_exec_root = str(BUILD / ("test-roundtrip" if ROUNDTRIP else "test"))


def find_python():
    venv = Path(os.environ.get("HALFTONE_VENV") or SOURCE / ".venv") / "bin" / "python"
    return lit_config.params.get("python") or (str(venv) if venv.exists() else config.python)


def has_modules(python, *names):
    """Whether python has the modules, without importing them (torch takes seconds)."""
    test = f"import importlib.util as u, sys; sys.exit(any(not u.find_spec(n) for n in {names}))"
    return subprocess.run([python, "-c", test], capture_output=True).returncode == 0


def find_ptxas():
    """The assembler of a CUDA toolkit, where MLIR looks for one too, or that CMake found."""
    toolkits = [os.environ.get(name) for name in ("CUDA_ROOT", "CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
    folders = [os.environ.get("PATH", ""), config.cuda_bin, *(os.path.join(t, "bin") for t in toolkits if t)]
    return shutil.which("ptxas", path=os.pathsep.join(filter(None, folders)))


python = find_python()
ptxas = find_ptxas()
amx, no_amx = host_cpu.amx_variables(BUILD)
amx = " ".join(["env", *(f"{name}={value}" for name, value in (amx or {}).items())])
features = {
    # What the host runs; tests of the IR alone need none of these.
    "x86-avx512vnni": "avx512_vnni" in host_cpu.flags(),
    "x86-amx": not no_amx,
    "cuda": ptxas,
    "light-peers": has_modules(python, "onnx", "onnxruntime", "numpy"),
    "peers": os.environ.get("HALFTONE_PEERS", "1") != "0" and has_modules(python, "torch", "transformers"),
    "readme": (SOURCE / "README.md").exists(),
    # Data beside the repository.
    "shared": (SHARED / "data").is_dir(),
}
config.available_features.update(name for name, found in features.items() if found)

config.substitutions += [("%python", python), ("%shared", str(SHARED)), ("%source", str(SOURCE)), ("%build", str(BUILD)),
                         ("%amx", amx), ("%ptxas", ptxas or "ptxas")]
if ROUNDTRIP:
    config.substitutions.append((r"(?<![-\w./])halftone-opt(?![-\w.])", "halftone-opt --verify-roundtrip"))

config.environment["PATH"] = os.pathsep.join(
    [str(BUILD / "bin"), config.llvm_tools_dir, os.environ.get("PATH", "")])
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
# For the page that is followed literally, which builds; lit hands on little by itself.
for name in "HOME", "CCACHE_DIR", "XDG_CACHE_HOME", "HALFTONE_JOBS", "HALFTONE_PEERS", "HALFTONE_VENV", "NO_COLOR", "CI":
    if name in os.environ:
        config.environment[name] = os.environ[name]
