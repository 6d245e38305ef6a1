"""halftone compile --batch as a function: many compilations, one process."""
import json
import os
import resource
import select
import subprocess
from dataclasses import dataclass

from halftone import HALFTONE

SECONDS, BYTES = 60, 8 << 30


@dataclass
class Compilation:
    exit_code: int | None  # None: it did not end by itself
    diagnostics: str
    seconds: float = 0.0

    @property
    def died(self):
        return self.exit_code is None


def limit_memory(size=BYTES):
    """On top of what the process has already: one forked from a test run may have PyTorch mapped."""
    with open("/proc/self/statm") as file:
        size += int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Batch:
    """A compiler process, which is started again after a job that it did not survive."""

    def __init__(self, seconds=SECONDS):
        self.seconds, self.process, self.pending = seconds, None, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def compile(self, *arguments):
        """halftone compile ARGUMENTS"""
        if self.process is None:
            self.start()
        self.process.stdin.write(json.dumps([str(argument) for argument in arguments]).encode() + b"\n")
        self.process.stdin.flush()
        while True:
            line, why = self.read_line()
            if line is None:
                self.stop()
                return Compilation(None, why)
            event = json.loads(line)
            if event["event"] == "finished":
                return Compilation(event["exit_code"], event["diagnostics"], event["seconds"])

    def start(self):
        self.pending = b""
        self.process = subprocess.Popen([HALFTONE, "compile", "--batch", "-"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, preexec_fn=limit_memory)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None

    def read_line(self):
        """A line, or None and why there is none."""
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], self.seconds)[0]:
                return None, f"the compiler did not end within {self.seconds} seconds"
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            if not part:
                return None, f"the compiler died of signal {-self.process.wait()}"
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        return line, ""
