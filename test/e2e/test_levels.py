"""Programs with code for several CPUs, of which one is chosen at the start."""
import json
import os

import numpy as np
import pytest

import host_cpu
import models
from compare import relative_error
from halftone import FAILED, HALFTONE, OK, USAGE, Library, compile_model, run, run_program
from places import LLVM_BIN

X = {"x": np.random.default_rng(1).standard_normal((2, 5, 64), np.float32)}
# In no order: the program has its own.
LEVELS = ["x86-64-v4", "sapphirerapids", "x86-64-v3"]
BEST_FIRST = ["sapphirerapids", "x86-64-v4", "x86-64-v3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The mlp for all levels, as program, as library and as object."""
    folder = tmp_path_factory.mktemp("levels")
    model = models.mlp(folder / "mlp.onnx")
    for name in "program", "model.so", "model.o":
        compile_model(model, folder / name, f"--cpu={','.join(LEVELS)}")
    return folder


@pytest.fixture(scope="module")
def want(folder):
    return models.run_onnxruntime(folder / "mlp.onnx", X)["y"]


def describe(program, *options, env=None):
    return json.loads(run([program, "--describe", "--json", *options], env=env).stdout)


def runnable(level):
    needs = {"sapphirerapids": {"amx_int8", "amx_bf16"}, "x86-64-v4": {"avx512vl"}, "x86-64-v3": {"avx2"}}
    return needs[level] <= host_cpu.flags()


def test_the_best_level_runs(folder):
    said = describe(folder / "program")
    assert [level["name"] for level in said["levels"]] == BEST_FIRST
    assert said["level"] == next(level for level in BEST_FIRST if runnable(level))
    assert "this is what runs" in run([folder / "program", "--describe"]).stdout


@pytest.mark.parametrize("level", BEST_FIRST)
def test_levels_agree(folder, tmp_path, want, level):
    if not runnable(level):
        pytest.skip(f"this CPU cannot run code for {level}")
    by_option = run_program(folder / "program", X, tmp_path, "--cpu", level)["y"]
    assert relative_error(by_option, want) < 1e-5
    env = os.environ | {"HALFTONE_CPU": level}
    assert describe(folder / "program", env=env)["level"] == level
    assert np.array_equal(run_program(folder / "program", X, tmp_path, env=env)["y"], by_option)


def test_amx_runs_where_it_is(folder, tmp_path, want, amx):
    assert describe(folder / "program", env=amx)["level"] == "sapphirerapids"
    assert relative_error(run_program(folder / "program", X, tmp_path, env=amx)["y"], want) < 1e-5
    # Down is always possible.
    assert describe(folder / "program", "--cpu=x86-64-v3", env=amx)["level"] == "x86-64-v3"


def test_what_is_not_there_is_refused(folder):
    done = run([folder / "program", "--bench", "1", "--cpu", "x86-64-v2"], check=False)
    assert done.returncode == USAGE
    assert "has no code for \"x86-64-v2\"; it was compiled for sapphirerapids, x86-64-v4, x86-64-v3" in done.stderr
    done = run([folder / "program", "--bench", "1"], check=False, env=os.environ | {"HALFTONE_CPU": "pentium"})
    assert done.returncode == USAGE and done.stderr.startswith("error: HALFTONE_CPU: ")
    if not runnable("sapphirerapids"):
        done = run([folder / "program", "--bench", "1", "--cpu", "sapphirerapids"], check=False)
        assert done.returncode == FAILED and "needs AMX INT8" in done.stderr


def test_the_library_chooses_too(folder, want, monkeypatch):
    for level in filter(runnable, BEST_FIRST):
        monkeypatch.setenv("HALFTONE_CPU", level)
        library = Library(folder / "model.so")
        with library.session(threads=2) as session:
            assert relative_error(session.run(X)["y"], want) < 1e-5
        library.close()


def test_levels_share_the_weights(folder):
    one = folder / "one"
    compile_model(folder / "mlp.onnx", one, "--cpu=x86-64-v3")
    assert describe(folder / "program")["memory"]["weight_bytes"] == describe(one)["memory"]["weight_bytes"]


def test_code_before_the_choice_is_for_any_cpu(folder):
    """Kernels and steps alone have vectors that not every x86-64 has."""
    names = run([LLVM_BIN / "llvm-nm", folder / "model.o"]).stdout
    steps = [line.split()[-1] for line in names.splitlines() if " step." in line]
    assert sorted(steps) == sorted(f"step.{level}" for level in LEVELS)
    text = run([LLVM_BIN / "llvm-objdump", "-d", folder / "model.o"]).stdout
    functions = {section.split(">:")[0].split("<")[-1]: section for section in text.split("\n\n") if ">:" in section}
    wide = {name for name, code in functions.items() if "%ymm" in code or "%zmm" in code}
    assert wide and all(name.startswith(("kernel.", "step.")) for name in wide)
    assert "output_dims" in functions


def test_equal_levels_are_refused(folder, tmp_path):
    done = compile_model(folder / "mlp.onnx", tmp_path / "m", "--cpu=haswell,x86-64-v3", check=False)
    assert done.returncode == USAGE
    assert "haswell and x86-64-v3 need the same features of a CPU" in done.stderr


def test_lowered_levels_can_be_emitted_later(folder, tmp_path, want):
    lowered = tmp_path / "lowered.mlir"
    run([HALFTONE, "compile", folder / "mlp.onnx", "--cpu=x86-64-v4,x86-64-v3", "--compile-to=lower",
         "-o", lowered])
    compile_model(lowered, tmp_path / "m", "--compile-from=lower", "--cpu=x86-64-v3,x86-64-v4")
    got = run_program(tmp_path / "m", X, tmp_path, "--cpu=x86-64-v3")["y"]
    assert relative_error(got, want) < 1e-5
    done = compile_model(lowered, tmp_path / "m", "--compile-from=lower", "--cpu=x86-64-v3", check=False)
    assert done.returncode != OK and "was lowered for 'x86-64-v4'" in done.stderr
