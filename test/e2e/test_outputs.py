"""What `halftone compile` writes: executable, shared library, object, header."""
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import host_cpu
import models
from compare import relative_error
from halftone import HALFTONE, OK, USAGE, Library, compile_model, run, run_program
from places import LLVM_BIN, ROOT, STORIES

# The C library, its parts that may be files of their own, and the loader.
ALLOWED = {"libc.so.6", "libm.so.6", "libpthread.so.0", "linux-vdso.so.1", "ld-linux-x86-64.so.2"}
X = {"x": np.random.default_rng(1).standard_normal((2, 5, 64), np.float32)}


def needed(file):
    """The libraries that `ldd` lists, without folders and addresses."""
    said = run(["ldd", file]).stdout
    assert "not found" not in said, said
    return {os.path.basename(line.split()[0]) for line in said.splitlines()}


def sections(file):
    """name -> size of the ELF sections."""
    said = run([LLVM_BIN / "llvm-readelf", "--sections", "--wide", file]).stdout
    found = re.findall(r"\]\s+(\S+)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)", said)
    return {name: int(size, 16) for name, size in found}


@pytest.mark.parametrize("suffix", ["", ".so"])
def test_needs_the_c_library_alone(stories, compiled, suffix):
    assert needed(compiled(stories, suffix=suffix)) <= ALLOWED


@pytest.mark.parametrize("suffix", ["", ".so"])
def test_stripped_runtime_is_small(stories, compiled, suffix, tmp_path):
    """Without symbols and without weights: less than a megabyte."""
    file = shutil.copy(compiled(stories, suffix=suffix), tmp_path / "stripped")
    run([LLVM_BIN / "llvm-strip", file])
    weights = json.loads(run([compiled(stories), "--describe", "--json"]).stdout)
    library = Library(compiled(stories, suffix=".so"))
    payload = library.c.halftone_model_weight_bytes(library.model)
    assert payload > 1e6, weights
    assert os.path.getsize(file) - payload < 1_000_000, sections(file)


def test_stripped_program_runs(stories, compiled, tmp_path):
    file = shutil.copy(compiled(stories), tmp_path / "stripped")
    run([LLVM_BIN / "llvm-strip", file])
    tokens = np.arange(10, dtype=np.int64)[None]
    inputs = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
    want = run_program(compiled(stories), inputs, tmp_path)["logits"]
    assert np.array_equal(run_program(file, inputs, tmp_path)["logits"], want)


def test_weights_are_not_kept_twice(stories, compiled):
    """The file is about as large as the weights in f32 (packing, the tokenizer and the runtime add little)."""
    config = json.loads((STORIES / "config.json").read_text())
    from safetensors import safe_open
    with safe_open(STORIES / "model.safetensors", "np") as file:
        parameters = sum(int(np.prod(file.get_slice(name).get_shape())) for name in file.keys())
    assert config["vocab_size"] > 0
    assert os.path.getsize(compiled(stories)) < 4.4 * parameters + 1.5e6


def test_needs_no_file_of_the_model(stories, compiled, tmp_path):
    """The program alone, moved elsewhere, its model gone."""
    for name in "model.onnx", "model.safetensors":
        shutil.copy(STORIES / name, tmp_path)
    compile_model(tmp_path / "model.onnx", tmp_path / "program")
    os.remove(tmp_path / "model.onnx")
    os.remove(tmp_path / "model.safetensors")
    (tmp_path / "elsewhere").mkdir()
    program = shutil.move(tmp_path / "program", tmp_path / "elsewhere/p")
    tokens = np.arange(10, dtype=np.int64)[None]
    inputs = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
    want = run_program(compiled(stories), inputs, tmp_path)["logits"]
    assert np.array_equal(run_program(program, inputs, tmp_path)["logits"], want)


@pytest.mark.parametrize("suffix", ["", ".so", ".o"])
def test_same_bytes_each_time(stories, tmp_path, suffix):
    files = []
    for folder in "a", "b":
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / f"model{suffix}"
        compile_model(stories, file, cwd=tmp_path / folder)
        files.append(file.read_bytes())
    assert files[0] == files[1]


def test_stdout_is_for_results(mlp, tmp_path):
    done = compile_model(mlp, tmp_path / "m")
    assert done.stdout == ""


def test_executable_bit(mlp, compiled):
    assert os.access(compiled(mlp), os.X_OK)


PROGRAM_C = """
#include "model.h"
#include "halftone/halftone.h"
#include <stdio.h>
#include <stdlib.h>

static void need(halftone_status status) {
  if (status != HALFTONE_OK) {
    fprintf(stderr, "%s: %s\\n", halftone_status_name(status), halftone_last_error());
    exit(1);
  }
}

int main(void) {
  static float x[2 * 5 * 64], y[2 * 5 * 64];
  if (fread(x, sizeof x, 1, stdin) != 1)
    return 2;
  halftone_model *model;
  halftone_session *session;
  need(halftone_load(&halftone_this_program, &model));
  need(halftone_session_create(model, NULL, &session));
  halftone_tensor in = {"x", HALFTONE_F32, 3, {2, 5, 64}, x, sizeof x};
  halftone_tensor out = {"y", HALFTONE_F32, 0, {0}, y, sizeof y};
  need(halftone_session_run(session, &in, 1, &out, 1));
  if (out.rank != 3 || out.dims[0] != 2 || out.dims[1] != 5 || out.dims[2] != 64)
    return 3;
  fwrite(y, sizeof y, 1, stdout);
  halftone_session_destroy(session);
  halftone_model_destroy(model);
  return 0;
}
"""


@pytest.mark.parametrize("suffix", [".so", ".o"])
@pytest.mark.parametrize("language", ["c99", "c++17"])
def test_from_c(mlp, tmp_path, suffix, language):
    """The header and the library or object do for a C or C++ program."""
    compile_model(mlp, tmp_path / f"model{suffix}")
    assert (tmp_path / "model.h").exists()
    source = tmp_path / ("main.c" if language == "c99" else "main.cpp")
    source.write_text(PROGRAM_C)
    compiler = "clang-22" if language == "c99" else "clang++-22"
    run([compiler, f"-std={language}", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers", source,
         tmp_path / f"model{suffix}", "-I", tmp_path, "-I", ROOT / "runtime/include", "-o", tmp_path / "main",
         f"-Wl,-rpath,{tmp_path}", "-pthread", "-lm"])
    done = subprocess.run([tmp_path / "main"], input=X["x"].tobytes(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    got = np.frombuffer(done.stdout, np.float32).reshape(2, 5, 64)
    assert relative_error(got, models.run_onnxruntime(mlp, X)["y"]) < 1e-5


def test_two_libraries_in_one_process(tmp_path):
    """Each has its own weights and program."""
    paths = [models.mlp(tmp_path / f"m{seed}.onnx", seed=seed) for seed in (1, 2)]
    libraries = []
    for path in paths:
        compile_model(path, path.with_suffix(".so"))
        libraries.append(Library(path.with_suffix(".so")))
    for path, library in zip(paths, libraries):
        with library.session() as session:
            assert relative_error(session.run(X)["y"], models.run_onnxruntime(path, X)["y"]) < 1e-5


# ---- the executable's ways in and out ---------------------------------------------------

@pytest.fixture
def program(mlp, compiled):
    return compiled(mlp)


@pytest.fixture
def want(mlp):
    return models.run_onnxruntime(mlp, X)["y"]


def test_npy(program, want, tmp_path):
    np.save(tmp_path / "x.npy", X["x"])
    run([program, "--input", f"x={tmp_path}/x.npy", "--output", f"y={tmp_path}/y.npy"])
    assert relative_error(np.load(tmp_path / "y.npy"), want) < 1e-5


def test_fortran_order_and_compressed(program, want, tmp_path):
    """Files that numpy writes in its other ways are read, or refused with a reason."""
    np.save(tmp_path / "x.npy", np.asfortranarray(X["x"]))
    done = run([program, "--input", f"x={tmp_path}/x.npy", "--output", f"y={tmp_path}/y.npy"], check=False)
    if done.returncode == OK:
        assert relative_error(np.load(tmp_path / "y.npy"), want) < 1e-5
    else:
        assert "ortran" in done.stderr
    np.savez_compressed(tmp_path / "x.npz", **X)
    done = run([program, "--inputs", tmp_path / "x.npz", "--outputs", tmp_path / "y.npz"], check=False)
    if done.returncode == OK:
        assert relative_error(np.load(tmp_path / "y.npz")["y"], want) < 1e-5
    else:
        assert "compress" in done.stderr or "deflate" in done.stderr


def test_threads(program, want, tmp_path):
    for threads in (1, 2, 4):
        got = run_program(program, X, tmp_path, "--threads", threads)["y"]
        assert relative_error(got, want) < 1e-5


def test_describe(program):
    said = json.loads(run([program, "--describe", "--json"]).stdout)
    text = json.dumps(said)
    for word in "x", "y", "batch", "sequence", "f32":
        assert f'"{word}"' in text, said
    human = run([program, "--describe"]).stdout
    assert all(re.search(rf"\b{word}\b", human) for word in ("x", "y", "batch", "sequence", "f32")), human


def test_bench(program):
    said = json.loads(run([program, "--bench", "5", "--json", "--shape", "batch=1,sequence=16"]).stdout)
    assert 0 < said["p10_ms"] <= said["median_ms"] <= said["p90_ms"]
    human = run([program, "--bench", "3"]).stdout
    assert "median" in human and "ms" in human


def test_json_in_and_out(program, want, tmp_path):
    (tmp_path / "in.json").write_text(json.dumps({"x": X["x"].tolist()}))
    run([program, "--inputs", tmp_path / "in.json", "--outputs", tmp_path / "out.json"])
    said = json.loads((tmp_path / "out.json").read_text())
    assert relative_error(np.array(said["y"]), want) < 1e-5


def test_help(program):
    said = run([program, "--help"]).stdout
    for option in "--inputs", "--outputs", "--threads", "--bench", "--describe":
        assert option in said


def test_unknown_option(program):
    done = run([program, "--inptus", "x.npz"], check=False)
    assert done.returncode == USAGE and "--inptus" in done.stderr and done.stdout == ""


def test_no_arguments(program):
    assert run([program], check=False).returncode == USAGE


# ---- inspect ------------------------------------------------------------------------------

def test_inspect(stories):
    said = run([HALFTONE, "inspect", stories]).stdout
    for word in "input_ids", "attention_mask", "logits", "batch", "sequence":
        assert word in said


def test_version_and_help():
    assert re.search(r"\d+\.\d+", run([HALFTONE, "--version"]).stdout)
    said = run([HALFTONE, "--help"]).stdout
    for verb in "compile", "run", "inspect":
        assert verb in said
        assert run([HALFTONE, verb, "--help"]).stdout


@pytest.mark.parametrize("cpu, has_zmm", [("x86-64-v3", False), ("haswell", False), ("x86-64-v4", True)])
def test_code_for_another_processor(mlp, tmp_path, cpu, has_zmm):
    """The instruction set follows --cpu, the numbers do not."""
    compile_model(mlp, tmp_path / "m", f"--cpu={cpu}")
    code = run([LLVM_BIN / "llvm-objdump", "-d", tmp_path / "m"]).stdout
    assert ("%zmm" in code) == has_zmm
    if has_zmm and "avx512vl" not in host_cpu.flags():
        return
    got = run_program(tmp_path / "m", X, tmp_path)["y"]
    assert relative_error(got, models.run_onnxruntime(mlp, X)["y"]) < 1e-5


@pytest.mark.parametrize("cpu, word", [("pentium", "AVX2"), ("nonsense", "unknown processor")])
def test_processors_that_cannot_be(mlp, tmp_path, cpu, word):
    done = compile_model(mlp, tmp_path / "m", f"--cpu={cpu}", check=False)
    assert done.returncode == USAGE and word in done.stderr
    assert not (tmp_path / "m").exists()
