#!/usr/bin/env python3
"""One peer in a process of its own: a peer that is missing, fails or crashes takes nothing with it.

    worker.py TASK_FOLDER THREADS CPUS NAME

Reads a request per line on standard input and answers each by a line of JSON:

    {"do": "prepare"}                                       seconds, version, peak_mb
    {"do": "run", "batch": B, "to": PATH}                   the output, to an .npy file
    {"do": "time", "batch": B, "seconds": S, "cold": N}     seconds of each call, and of others

"cold" is how many bytes every CPU reads before each call, so that no cache holds the model.
A failure is {"error": "…"}. What the peer prints goes to standard error.
"""
import json
import os
import resource
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import peers  # noqa: E402
from task import Task  # noqa: E402


def peak_mb():
    """The most memory that this process or a compiler which it started ever had. (Its own
    getrusage would count what the harness had when it made this process.)"""
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return max(int(own.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


class CpuTime:
    """What others used of some CPUs, in seconds, since it was made."""

    def __init__(self, cpus):
        self.cpus, self.begin = cpus, self.now(cpus)

    @staticmethod
    def now(cpus):
        names = {f"cpu{cpu}" for cpu in cpus}
        ticks = 0
        for line in Path("/proc/stat").read_text().splitlines():
            name, *columns = line.split()
            if name in names:
                user, nice, system, _, _, irq, softirq, steal = map(int, columns[:8])
                ticks += user + nice + system + irq + softirq + steal
        own = os.times()
        return ticks / os.sysconf("SC_CLK_TCK") - own.user - own.system

    def others(self):
        return max(0.0, self.now(self.cpus) - self.begin)


class Cooler:
    """Reads a large array on every CPU, by which caches lose everything else."""

    def __init__(self, cpus, size):
        self.cpus, self.array = cpus, np.ones(size // 8)

    def __call__(self):
        def read(cpu):
            os.sched_setaffinity(0, {cpu})  # Of this thread alone.
            self.array.sum()
        threads = [threading.Thread(target=read, args=(cpu,)) for cpu in self.cpus]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Worker:
    def __init__(self, task, threads, cpus, name):
        self.task, self.threads, self.cpus = task, threads, cpus
        self.peer = peers.find(name)
        self.bound = {}

    def prepare(self):
        began = time.perf_counter()
        self.peer.prepare(self.task, self.threads)
        return {"seconds": time.perf_counter() - began, "version": self.peer.version(), "peak_mb": peak_mb()}

    def bind(self, batch):
        if batch not in self.bound:
            self.bound[batch] = self.peer.bind(self.task.batches[batch])
        return self.bound[batch]

    def run(self, batch, to):
        call, output = self.bind(batch)
        call()
        np.save(to, np.asarray(output(), np.float32))
        return {"to": to}

    def time(self, batch, seconds, cold=0):
        call, _ = self.bind(batch)
        cool = Cooler(self.cpus, cold) if cold else lambda: None
        call()  # Wakes threads that sleep.
        times = []
        cpu, end = CpuTime(self.cpus), time.perf_counter() + seconds
        while True:
            cool()
            began = time.perf_counter()
            call()
            done = time.perf_counter()
            times.append(done - began)
            if done > end:
                return {"times": times, "others": cpu.others(), "elapsed": done - end + seconds}


def main():
    folder, threads, cpus, name = sys.argv[1:]
    cpus = [int(cpu) for cpu in cpus.split(",")]
    os.sched_setaffinity(0, cpus)
    # Peers print; the answers have a channel of their own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(Task.load(Path(folder)), int(threads), cpus, name)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
