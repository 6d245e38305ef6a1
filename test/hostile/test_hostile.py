"""Each file of the table is refused (or taken) with the right exit code and one clear
message, quickly, in little memory, and nothing is left behind: neither a crash nor a file."""
import inspect
import json
import os
import re
import resource
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import checkpoints
import hostile_folders
import hostile_ggufs
import pytest
import wire
from hostile_files import CASES, OK

from halftone import HALFTONE

# What one file may cost beyond a model of one node, and beyond a multiple of its own size.
MEMORY = 64 << 20
MEMORY_PER_BYTE = 40
SECONDS = 20
DATA = 1 << 30

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e]")


def measure(command, folder):
    """Exit code, stdout, stderr and the peak of memory in bytes."""
    result = folder / ".ended"
    launcher = [sys.executable, "-S", "-I", Path(__file__).with_name("measure.py"), result, DATA, SECONDS]
    done = subprocess.run([str(part) for part in [*launcher, *command]], capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=10 * SECONDS)
    ended = json.loads(result.read_text())
    result.unlink()
    return ended["code"], done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), ended["memory"]


@cache
def baseline(verb, folder):
    """Memory that a model of one node takes."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(wire.simple(wire.node("Neg", ["x"], ["y"])))
    return measure(command(verb, folder), folder)[3]


def command(verb, folder):
    model = folder / "model.onnx"
    return [HALFTONE, verb, model] + (["-o", folder / "out" / "model.so"] if verb == "compile" else [])


@pytest.fixture(scope="session")
def idle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("idle")
    return lambda verb: baseline(verb, folder / verb)


@pytest.mark.parametrize("name", CASES)
def test_hostile(name, tmp_path, idle):
    make, code, words = CASES[name]
    if inspect.signature(make).parameters:
        make(tmp_path)
    else:
        (tmp_path / "model.onnx").write_bytes(make())
    (tmp_path / "out").mkdir()
    size = sum(path.lstat().st_blocks << 9 for path in tmp_path.iterdir())
    before = set(tmp_path.iterdir())
    codes = []
    for verb in "check", "compile":
        found, out, err, memory = measure(command(verb, tmp_path), tmp_path)
        said = out + err
        codes.append(found)
        assert found in (code if isinstance(code, tuple) else [code]), f"{verb}: exit code {found}\n{said[:4000]}"
        assert words in said, said[:4000]
        assert not CONTROLS.search(said), f"{verb}: {said[:4000]!r}"
        assert memory - idle(verb) < MEMORY + MEMORY_PER_BYTE * size, f"{verb}: {memory >> 20} MiB"
        for bad in "Stack dump", "LLVM ERROR", "Assertion", "terminate called", "PLEASE submit", "internal error":
            assert bad not in said, said[:4000]
        assert (found == OK) == ("error:" not in err and "not supported:" not in out), said[:4000]
    assert (codes[0] == OK) == (codes[1] == OK), codes
    assert set(tmp_path.iterdir()) == before
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == ({"model.so", "model.h"} if codes[1] == OK else set())


@pytest.mark.parametrize("name", hostile_folders.CASES)
def test_hostile_folder(name, tmp_path, idle):
    make, words = hostile_folders.CASES[name]
    folder = checkpoints.write(tmp_path / "model", tensors=hostile_folders.TENSORS)
    make(folder)
    size = sum(path.lstat().st_blocks << 9 for path in folder.iterdir())
    check_refusal(folder, size, words, tmp_path, idle)


@pytest.mark.parametrize("name", hostile_ggufs.CASES)
def test_hostile_gguf(name, tmp_path, idle):
    make, words = hostile_ggufs.CASES[name]
    content = make()
    (tmp_path / "model").write_bytes(content)
    check_refusal(tmp_path / "model", len(content), words, tmp_path, idle)


def check_refusal(model, size, words, tmp_path, idle):
    """One message with these words, for little."""
    code, _, said, memory = measure([HALFTONE, "compile", model, "-o", tmp_path / "out.so"], tmp_path)
    # What Halftone lacks is a failure; what is damaged cannot be read.
    assert code == (1 if "not supported" in said else 2), said[:4000]
    assert words in said and said.count("error: ") == 1, said[:4000]
    assert not CONTROLS.search(said), f"{said[:4000]!r}"
    assert memory - idle("compile") < MEMORY + MEMORY_PER_BYTE * size, f"{memory >> 20} MiB"
    assert not (tmp_path / "out.so").exists()


def test_not_enough_memory(tmp_path):
    """A refusal, not a crash."""
    (tmp_path / "model.onnx").write_bytes(CASES["million_numbers"][0]())
    done = subprocess.run([HALFTONE, "check", tmp_path / "model.onnx"], capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (100 << 20, 100 << 20)))
    assert (done.returncode, done.stderr) == (1, "halftone: error: there is not enough memory for this\n")


def test_file_that_shrinks():
    """Reading a page that is no longer there raises SIGBUS."""
    with subprocess.Popen([HALFTONE, "compile", "--batch", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        process.stdin.write("[]\n")
        process.stdin.flush()
        process.stdout.readline()  # the handlers are there
        process.send_signal(signal.SIGBUS)
        assert process.wait(30) == 2
        assert "a file that was being read became shorter or unreadable" in process.stderr.read()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_no_permission(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")
    os.chmod(tmp_path / "model.onnx", 0)
    os.chmod(tmp_path, 0o755)

    def become_nobody():
        os.chdir(tmp_path)
        os.setuid(65534)

    done = subprocess.run([HALFTONE, "check", "model.onnx"], capture_output=True, text=True, preexec_fn=become_nobody)
    assert done.returncode == 2 and "Permission denied" in done.stderr
