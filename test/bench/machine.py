"""The computer that a benchmark runs on: its limits, its cores, and how busy it is."""
import json
import os
import platform
from pathlib import Path

from halftone import run

HERE = Path(__file__).resolve().parent


def cpu_name():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")),
                platform.processor())


def cores(count):
    """CPUs for so many threads: those that this process may use, one of each core before
    the second of any."""
    def siblings(cpu):
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        return path.read_text() if path.exists() else str(cpu)
    seen, firsts, rest = set(), [], []
    for cpu in sorted(os.sched_getaffinity(0)):
        (rest if siblings(cpu) in seen else firsts).append(cpu)
        seen.add(siblings(cpu))
    return (firsts + rest)[:count]


def limits(folder, threads, cpus, seconds=0.5):
    """What limits.cpp measures on these CPUs."""
    program = folder / "limits"
    run(["clang++-22", "-std=c++20", "-O2", "-pthread", HERE / "limits.cpp", "-o", program])
    return json.loads(run(["taskset", "-c", ",".join(map(str, cpus)), program, threads, seconds]).stdout)


def load():
    return os.getloadavg()[0]
