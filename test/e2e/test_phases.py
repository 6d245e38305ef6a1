"""The compiler stops after any phase and goes on from there."""
import re

import numpy as np
import pytest

import models
from compare import relative_error
from halftone import FAILED, HALFTONE, HALFTONE_OPT, USAGE, run, run_program

X = {"x": np.random.default_rng(1).standard_normal((2, 5, 64), np.float32)}


def phases():
    """The names that the driver itself lists when it is asked for one that is not there."""
    said = run([HALFTONE, "compile", "x.onnx", "-o", "x", "--compile-to=nonsense"], check=False)
    assert said.returncode == USAGE
    return [name for name in ("import", "raise", "calibrate", "assign", "fold", "quantize", "fuse", "layout", "lower")
            if re.search(rf"\b{name}\b", said.stderr)]


def test_phases_are_listed():
    assert {"import", "raise", "fuse", "layout", "lower"} <= set(phases())


@pytest.mark.parametrize("phase", ["import", "raise", "fuse", "layout"])
def test_stop_and_go_on(mlp, tmp_path, phase):
    """The program is the same as the one made in one go."""
    module = tmp_path / "module.mlir"
    run([HALFTONE, "compile", mlp, f"--compile-to={phase}", "-o", module])
    assert "module" in module.read_text()
    run([HALFTONE, "compile", module, f"--compile-from={phase}", "-o", tmp_path / "program"])
    assert relative_error(run_program(tmp_path / "program", X, tmp_path)["y"], models.run_onnxruntime(mlp, X)["y"]) < 1e-5


@pytest.mark.parametrize("phase", ["import", "raise", "fuse", "layout"])
def test_opt_reads_each_phase_without_weights(mlp, tmp_path, phase):
    module = tmp_path / "module.mlir"
    run([HALFTONE, "compile", mlp, f"--compile-to={phase}", "-o", module])
    mlp.unlink()
    run([HALFTONE_OPT, "--verify-roundtrip", module, "-o", tmp_path / "again.mlir"])
    # No weight byte is ever in the IR.
    assert module.stat().st_size < 60_000


def test_module_on_stdout(mlp):
    assert "module" in run([HALFTONE, "compile", mlp, "--compile-to=raise", "-o", "-"]).stdout


def test_verify_each_phase(mlp, tmp_path):
    done = run([HALFTONE, "compile", mlp, "-o", tmp_path / "m", "--verify-each-phase"])
    for phase in "raise", "fuse":
        assert phase in done.stderr
    assert (tmp_path / "m").exists()


def test_verify_each_phase_on_the_stories(stories, tmp_path):
    done = run([HALFTONE, "compile", stories, "-o", tmp_path / "m", "--verify-each-phase"])
    assert "raise" in done.stderr


def test_not_a_module(tmp_path):
    (tmp_path / "bad.mlir").write_text("module { this is nothing }\n")
    done = run([HALFTONE, "compile", tmp_path / "bad.mlir", "--compile-from=raise", "-o", tmp_path / "m"], check=False)
    assert done.returncode in (FAILED, USAGE) and "bad.mlir" in done.stderr
    assert not (tmp_path / "m").exists()
