"""What this computer's CPU has; and AMX for programs where it has none."""
import os
from pathlib import Path


def flags():
    """The CPU's features by the names that the kernel gives them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())


def amx_variables(build):
    """Environment variables with which a program finds AMX: none where the CPU has it, else those
    that load build's test/amx-emulator. (None, reason) where neither is possible."""
    has, emulator = flags(), Path(build) / "test/amx-emulator/amx-emulator.so"
    if {"amx_int8", "amx_bf16"} <= has:
        return {}, ""
    if "avx512f" not in has:
        return None, "this CPU has no AMX, and no AVX-512 to emulate it with"
    if not emulator.exists():
        return None, f"this CPU has no AMX, and there is no {emulator}: tools/dev build"
    return {"LD_PRELOAD": str(emulator)}, ""
