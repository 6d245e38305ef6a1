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


#: Names for --cpu, one for each set of instructions that kernels know, and what it needs.
LEVELS = {"x86-64-v3": {"avx2", "fma"}, "alderlake": {"avx_vnni"}, "x86-64-v4": {"avx512vl", "avx512bw"},
          "znver4": {"avx512_vnni", "avx512_bf16"}, "sapphirerapids": {"avx512_vnni", "avx512_bf16"}}


def level_variables(level, build):
    """Environment variables to run programs for `level` with, or (None, reason)."""
    if missing := LEVELS[level] - flags():
        return None, f"this CPU has no {', '.join(sorted(missing))}"
    return amx_variables(build) if level == "sapphirerapids" else ({}, "")
