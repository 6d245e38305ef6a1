"""Runs peers on a task: each in a worker process, all in turns."""
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import machine
import peers
from measures import quantiles

HERE = Path(__file__).resolve().parent
# The computer does nothing else between blocks: threads that spin after a call go to sleep.
PAUSE = 0.2
# Seconds after which a peer counts as hanging while it compiles all its shapes.
PREPARE_LIMIT = 1800


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


class Failed(Exception):
    """A peer could not do what was asked."""


class Remote:
    """A worker process, seen from the harness."""

    def __init__(self, name, task, threads, cpus):
        self.log = task.folder / (name.replace(" ", "-").replace("/", "-") + ".log")
        command = [sys.executable, HERE / "worker.py", task.folder, threads, ",".join(map(str, cpus)), name]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                # What OpenMP and BLAS would otherwise take from the number of CPUs.
                env=os.environ | {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"})

    def ask(self, limit=600, **request):
        """The answer to a request, within `limit` seconds."""
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        if not select.select([self.process.stdout], [], [], limit)[0]:
            self.close()
            raise Failed(f"no answer within {limit} s")
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            raise Failed(f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self):
        self.process.kill()
        self.process.wait()


class Bench:
    """Which peers run a task, and what became of them."""

    def __init__(self, task, names, threads):
        self.task, self.threads, self.cpus = task, threads, machine.cores(threads)
        self.remotes, self.peers = {}, {}
        for name in names:
            peer = peers.find(name)
            self.peers[name] = {"arithmetic": peer.arithmetic, "bits": peer.bits, "state_bits": peer.state_bits}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for remote in self.remotes.values():
            remote.close()

    def attempt(self, name, **request):
        """The answer, or None from now on: a peer that failed once is left out."""
        try:
            return self.remotes[name].ask(**request)
        except Failed as failure:
            # The last line of what may be a compiler's long story; the log has all of it.
            self.peers[name]["error"] = str(failure).strip().splitlines()[-1][:300]
            progress(f"{name}: {self.peers[name]['error']} (see {self.remotes[name].log})")
            self.remotes.pop(name).close()
            return None

    def prepare(self):
        for name in self.peers:
            progress(f"preparing {name}")
            self.remotes[name] = Remote(name, self.task, self.threads, self.cpus)
            answer = self.attempt(name, limit=PREPARE_LIMIT, do="prepare")
            if answer:
                self.peers[name] |= answer

    def outputs(self):
        """{peer: [output of each compared batch]}"""
        found = {}
        path = (self.task.folder / "output.npy").resolve()
        for name in list(self.remotes):
            arrays = []
            for batch in self.task.compared:
                if not self.attempt(name, do="run", batch=batch, to=str(path)):
                    break
                arrays.append(np.load(path))
            else:
                found[name] = arrays
        return found

    def times(self, rounds, seconds, cold=()):
        """{batch: {peer: quantiles}}. A round gives each peer a block of calls, for about
        `seconds` each; every other round goes backwards. Before each call of the batches in
        `cold`, {batch: bytes}, so much else is read."""
        found = {}
        for batch in self.task.timed:
            progress(f"timing {batch}")
            times, busy = {name: [] for name in self.remotes}, {name: [0.0, 0.0] for name in self.remotes}
            for number in range(rounds):
                for name in list(self.remotes)[::-1 if number % 2 else 1]:
                    time.sleep(PAUSE)
                    answer = self.attempt(name, do="time", batch=batch, seconds=seconds,
                                          cold=dict(cold).get(batch, 0))
                    if answer:
                        times[name] += answer["times"]
                        busy[name][0] += answer["others"]
                        busy[name][1] += answer["elapsed"] * len(self.cpus)
            found[batch] = {name: quantiles(times[name]) | {"others": busy[name][0] / busy[name][1]}
                            for name in self.remotes}
        return found
