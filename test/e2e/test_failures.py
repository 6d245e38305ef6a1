"""What goes wrong in a user's hands: one clear error that names things, the exit code
that says whose fault it is, and no half-written file."""
import ctypes
import os
import resource
import shutil
import signal
import subprocess

import numpy as np
import pytest

import models
from halftone import FAILED, HALFTONE, USAGE, Error, Library, compile_model, run


def assert_error(done, code, *words):
    """One error, on stderr, with these words; the right exit code; no crash."""
    said = done.stderr
    assert done.returncode == code, f"exit code {done.returncode}, wanted {code}\n{said}"
    assert done.stdout == "", done.stdout
    assert said.lower().count("error:") == 1, said
    for word in words:
        assert word.lower() in said.lower(), f"'{word}' is not in: {said}"
    for word in "Stack dump", "LLVM ERROR", "Assertion", "terminate called", "PLEASE submit":
        assert word not in said, said


def assert_compile_fails(model, folder, code, *words, options=()):
    """…and of the output nothing is left, nor of what was there before it anything lost."""
    out = folder / "out"
    out.mkdir(exist_ok=True)
    assert_error(compile_model(model, out / "model", *options, check=False), code, *words)
    assert list(out.iterdir()) == []
    for name in "model", "model.so", "model.h":
        (out / name).write_text("precious")
    compile_model(model, out / "model", *options, check=False)
    compile_model(model, out / "model.so", *options, check=False)
    assert {p.name: p.read_text() for p in out.iterdir()} == dict.fromkeys(("model", "model.so", "model.h"), "precious")


# ---- the model file -----------------------------------------------------------------------

def test_missing_file(tmp_path):
    assert_compile_fails(tmp_path / "nowhere.onnx", tmp_path, USAGE, "nowhere.onnx")


def test_directory(tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    assert_compile_fails(tmp_path / "folder.onnx", tmp_path, USAGE, "folder.onnx")


@pytest.mark.parametrize("content", [
    b"", b"\0", b"hello, this is no model\n" * 40, b"\x7fELF" + bytes(500), b"\x89PNG\r\n\x1a\n" + bytes(90),
    b"\x08\x08", b"\xff" * 4096, b'{"a": 1}', b"GGUF\x03\0\0\0" + bytes(100),
], ids=["empty", "zero", "text", "elf", "png", "only a version", "ones", "json", "gguf"])
def test_not_onnx(tmp_path, content):
    (tmp_path / "other.onnx").write_bytes(content)
    assert_compile_fails(tmp_path / "other.onnx", tmp_path, USAGE, "other.onnx")


CUTS = [1, 2, 7, 33, 100, 0.05, 0.3, 0.5, 0.9, 0.999, -1, -7]


@pytest.mark.parametrize("cut", CUTS)
def test_truncated(mlp, tmp_path, cut):
    whole = mlp.read_bytes()
    keep = int(cut * len(whole)) if isinstance(cut, float) else cut if cut > 0 else len(whole) + cut
    (tmp_path / "cut.onnx").write_bytes(whole[:keep])
    assert_compile_fails(tmp_path / "cut.onnx", tmp_path, USAGE, "cut.onnx")


def test_every_cut_is_refused(mlp, tmp_path):
    """Wherever a download stopped: an error, never a crash or a program."""
    # The weights are most of the file; elsewhere cut more finely.
    whole = mlp.read_bytes()
    for keep in sorted({*range(0, 400, 7), *range(0, len(whole), len(whole) // 25)}):
        (tmp_path / "cut.onnx").write_bytes(whole[:keep])
        done = compile_model(tmp_path / "cut.onnx", tmp_path / "model", check=False)
        assert_error(done, USAGE, "cut.onnx")
        assert not (tmp_path / "model").exists()


def test_flipped_bytes_never_crash(mlp, tmp_path):
    """Damage in the graph's part of the file: an error or a program, no crash."""
    whole = bytearray(mlp.read_bytes())
    random = np.random.default_rng(11)
    start = whole.index(b"MatMul")
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(int(random.integers(1, 4))):
            damaged[int(random.integers(0, start + 250))] = int(random.integers(256))
        (tmp_path / "bad.onnx").write_bytes(damaged)
        done = run([HALFTONE, "compile", tmp_path / "bad.onnx", "-o", tmp_path / "model"], check=False)
        assert done.returncode in (0, FAILED, USAGE), done.stderr


def test_external_weights_missing(stories, tmp_path):
    shutil.copy(stories, tmp_path / "model.onnx")
    assert_compile_fails(tmp_path / "model.onnx", tmp_path, USAGE, "model.safetensors")


def test_external_weights_cut(stories, tmp_path):
    shutil.copy(stories, tmp_path / "model.onnx")
    weights = (stories.parent / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[:len(weights) // 2])
    assert_compile_fails(tmp_path / "model.onnx", tmp_path, USAGE, "model.safetensors")


def test_external_weights_outside_the_folder(tmp_path):
    """A model file may not make us read whatever file it names."""
    import onnx
    path = models.mlp(tmp_path / "mlp.onnx")
    model = onnx.load(str(path))
    (tmp_path / "inner").mkdir()
    weight = model.graph.initializer[0]
    (tmp_path / "secret").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret")
    (tmp_path / "inner/m.onnx").write_bytes(model.SerializeToString())
    done = compile_model(tmp_path / "inner/m.onnx", tmp_path / "out", check=False)
    assert_error(done, USAGE, "../secret")


# ---- what the model asks for ------------------------------------------------------------

def test_unknown_operator(tmp_path):
    from onnx import helper
    path = models.save(tmp_path / "odd.onnx",
                       [helper.make_node("Det", ["x"], ["d"], name="/layer.3/determinant")],
                       {"x": (np.float32, ("batch", 4, 4))}, {"d": (np.float32, ("batch",))})
    assert_compile_fails(path, tmp_path, FAILED, "Det", "/layer.3/determinant")


def test_operator_of_another_domain(tmp_path):
    import onnx
    from onnx import helper
    path = models.save(tmp_path / "odd.onnx",
                       [helper.make_node("Frobnicate", ["x"], ["y"], name="widget", domain="com.example")],
                       {"x": (np.float32, ("n", 4))}, {"y": (np.float32, ("n", 4))})
    model = onnx.load(str(path))
    model.opset_import.add(domain="com.example", version=1)
    path.write_bytes(model.SerializeToString())
    assert_compile_fails(path, tmp_path, FAILED, "com.example", "Frobnicate", "widget")


def test_shapes_that_do_not_fit(tmp_path):
    from onnx import helper
    path = models.save(tmp_path / "odd.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], name="/proj/MatMul")],
                       {"x": (np.float32, ("batch", 48))}, {"y": (np.float32, ("batch", 32))},
                       {"w": np.ones((64, 32), np.float32)})
    assert_compile_fails(path, tmp_path, FAILED, "/proj/MatMul", "48", "64")


def test_undefined_value(tmp_path):
    from onnx import helper
    path = models.save(tmp_path / "odd.onnx", [helper.make_node("Add", ["x", "ghost"], ["y"], name="sum")],
                       {"x": (np.float32, ("n", 4))}, {"y": (np.float32, ("n", 4))})
    done = compile_model(path, tmp_path / "m", check=False)
    assert done.returncode in (FAILED, USAGE)
    assert_error(done, done.returncode, "ghost")


# ---- the command line ----------------------------------------------------------------------

@pytest.mark.parametrize("options, words", [
    (["--weights", "f23"], ["f23", "bf16"]),
    (["--max", "batch"], ["batch"]),
    (["--max", "batch=0"], ["batch"]),
    (["--max", "batch=-3"], ["batch"]),
    (["--max", "batch=many"], ["many"]),
    (["--max", "heads=3"], ["heads", "batch", "sequence"]),
    (["--frobnicate"], ["--frobnicate"]),
], ids=lambda v: " ".join(v) if v and v[0].startswith("--") else "")
def test_wrong_options(mlp, tmp_path, options, words):
    assert_compile_fails(mlp, tmp_path, USAGE, *words, options=options)


def test_no_such_verb(tmp_path):
    assert_error(run([HALFTONE, "transmogrify"], check=False), USAGE, "transmogrify")


def test_no_output_named(mlp):
    assert run([HALFTONE, "compile", mlp], check=False, cwd=mlp.parent).returncode == USAGE


# ---- the disk -------------------------------------------------------------------------------

def mounted(options, command):
    """COMMAND in a mount namespace of its own with a tmpfs at ./small; skips where the
    kernel does not let us."""
    script = f'mount -t tmpfs -o {options} none small && exec "$@"'
    flags = "-m" if os.getuid() == 0 else "-rm"
    return ["unshare", flags, "bash", "-c", script, "mount", *map(str, command)]


@pytest.fixture
def can_mount(tmp_path):
    (tmp_path / "small").mkdir()
    if run(mounted("size=64k", ["true"]), check=False, cwd=tmp_path).returncode:
        pytest.skip("may not mount a tmpfs here")


def listing_after(command, look="small"):
    """COMMAND, then what is in the folder, in one shell."""
    return ["bash", "-c", '"$@"; code=$?; ls -A ' + look + '; exit $code', "x", *map(str, command)]


@pytest.mark.parametrize("suffix", ["", ".so", ".o"])
def test_compile_to_full_disk(can_mount, stories, tmp_path, suffix):
    for size in "1m", "128k":
        command = [HALFTONE, "compile", stories, "-o", f"small/model{suffix}"]
        done = run(mounted(f"size={size}", listing_after(command)), check=False, cwd=tmp_path)
        assert_error(done, FAILED, "small/model", "space")


def test_run_to_full_disk(can_mount, compiled, mlp, tmp_path):
    program = compiled(mlp)
    np.savez(tmp_path / "in.npz", x=np.zeros((4, 200, 64), np.float32))
    np.save(tmp_path / "x.npy", np.zeros((4, 200, 64), np.float32))
    for inputs, outputs in (["--inputs", "in.npz"], ["--outputs", "small/y.npz"]), \
                           (["--input", "x=x.npy"], ["--output", "y=small/y.npy"]):
        command = [program, *inputs, *outputs]
        done = run(mounted("size=64k", listing_after(command)), check=False, cwd=tmp_path)
        assert_error(done, FAILED, "small/y", "space")


def test_read_only_disk(can_mount, compiled, mlp, tmp_path):
    program = compiled(mlp)
    np.savez(tmp_path / "in.npz", x=np.zeros((1, 1, 64), np.float32))
    done = run(mounted("ro", [HALFTONE, "compile", mlp, "-o", "small/model"]), check=False, cwd=tmp_path)
    assert_error(done, FAILED, "small/model", "read-only")
    done = run(mounted("ro", [program, "--inputs", "in.npz", "--outputs", "small/y.npz"]), check=False, cwd=tmp_path)
    assert_error(done, FAILED, "small/y.npz", "read-only")


def limited_files():
    """A process whose files may not grow beyond 64 KiB: a full disk without a mount."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


def test_file_too_large(stories, compiled, mlp, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    done = compile_model(stories, out / "model", check=False, preexec_fn=limited_files)
    assert_error(done, FAILED, str(out / "model"))
    np.savez(tmp_path / "in.npz", x=np.zeros((4, 200, 64), np.float32))
    done = run([compiled(mlp), "--inputs", tmp_path / "in.npz", "--outputs", out / "y.npz"], check=False,
               preexec_fn=limited_files)
    assert_error(done, FAILED, str(out / "y.npz"))
    assert list(out.iterdir()) == []


def test_output_folder_missing(mlp, compiled, tmp_path):
    done = compile_model(mlp, tmp_path / "no/such/folder/model", check=False)
    assert_error(done, FAILED, "no/such/folder")
    np.savez(tmp_path / "in.npz", x=np.zeros((1, 1, 64), np.float32))
    done = run([compiled(mlp), "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "no/y.npz"], check=False)
    assert_error(done, FAILED, "no/y.npz")
    assert not (tmp_path / "no").exists()


def test_output_is_a_folder(mlp, tmp_path):
    (tmp_path / "taken").mkdir()
    assert_error(compile_model(mlp, tmp_path / "taken", check=False), FAILED, "taken")
    assert (tmp_path / "taken").is_dir()


def test_stdout_is_full(compiled, mlp):
    """Results that could not be written are no success."""
    with open("/dev/full", "w") as full:
        for options in ["--describe"], ["--bench", "1", "--json"]:
            done = subprocess.run([compiled(mlp), *options], stdout=full, stderr=subprocess.PIPE, text=True)
            assert done.returncode == FAILED and "error" in done.stderr


# ---- the executable's inputs ------------------------------------------------------------------

GOOD = np.zeros((2, 3, 64), np.float32)


@pytest.fixture
def small(compiled, mlp):
    return compiled(mlp, "--max", "batch=4,sequence=8")


@pytest.mark.parametrize("name, array, words", [
    ("dtype", GOOD.astype(np.float64), ["x", "f64", "f32"]),
    ("integers", GOOD.astype(np.int64), ["x", "i64", "f32"]),
    ("rank", GOOD[0], ["x", "rank", "2", "3"]),
    ("constant dimension", GOOD[:, :, :63], ["x", "63", "64"]),
    ("batch beyond the maximum", np.zeros((5, 3, 64), np.float32), ["x", "batch", "5", "4"]),
    ("sequence beyond the maximum", np.zeros((2, 9, 64), np.float32), ["x", "sequence", "9", "8"]),
    ("nothing at all", np.zeros((0, 3, 64), np.float32), ["x", "batch"]),
], ids=lambda v: v if isinstance(v, str) else "")
def test_wrong_input(small, tmp_path, name, array, words):
    np.savez(tmp_path / "in.npz", x=array)
    out = tmp_path / "out"
    out.mkdir()
    command = [small, "--inputs", tmp_path / "in.npz", "--outputs", out / "y.npz"]
    assert_error(run(command, check=False), FAILED, *words)
    assert list(out.iterdir()) == []
    (out / "y.npz").write_text("precious")
    run(command, check=False)
    assert (out / "y.npz").read_text() == "precious" and len(list(out.iterdir())) == 1


def test_missing_and_unknown_inputs(small, tmp_path):
    np.savez(tmp_path / "in.npz", z=GOOD)
    done = run([small, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "y.npz"], check=False)
    assert done.returncode in (FAILED, USAGE)
    assert_error(done, done.returncode, "z", "x")


def test_symbols_disagree(tmp_path, compiled):
    from onnx import helper
    path = models.save(tmp_path / "two.onnx", [helper.make_node("Add", ["a", "b"], ["y"], name="add")],
                       {"a": (np.float32, ("batch", 4)), "b": (np.float32, ("batch", 4))},
                       {"y": (np.float32, ("batch", 4))})
    np.savez(tmp_path / "in.npz", a=np.zeros((2, 4), np.float32), b=np.zeros((3, 4), np.float32))
    done = run([compiled(path), "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "y.npz"], check=False)
    assert_error(done, FAILED, "batch", "2", "3")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04garbage", b"hello" * 100, b"\x93NUMPY\x01\0"],
                         ids=["empty", "cut zip", "text", "cut npy"])
def test_unreadable_inputs(small, tmp_path, content):
    (tmp_path / "in.npz").write_bytes(content)
    (tmp_path / "x.npy").write_bytes(content)
    done = run([small, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "y.npz"], check=False)
    assert_error(done, USAGE, "in.npz")
    done = run([small, "--input", f"x={tmp_path}/x.npy", "--output", f"y={tmp_path}/y.npy"], check=False)
    assert_error(done, USAGE, "x.npy")
    assert {p.name for p in tmp_path.iterdir()} == {"in.npz", "x.npy", "mlp.onnx"}


def test_truncated_inputs(small, tmp_path):
    np.savez(tmp_path / "whole.npz", x=GOOD)
    whole = (tmp_path / "whole.npz").read_bytes()
    for keep in range(0, len(whole), 41):
        (tmp_path / "in.npz").write_bytes(whole[:keep])
        done = run([small, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "y.npz"], check=False)
        assert_error(done, USAGE, "in.npz")
        assert not (tmp_path / "y.npz").exists()


def test_missing_inputs_file(small, tmp_path):
    done = run([small, "--inputs", tmp_path / "none.npz", "--outputs", tmp_path / "y.npz"], check=False)
    assert_error(done, USAGE, "none.npz")


def test_index_out_of_range(stories, compiled, tmp_path):
    """A token id beyond the vocabulary: the run fails and says where."""
    for bad in (2048, 1 << 40, -5000):
        tokens = np.array([[1, 2, bad]], np.int64)
        np.savez(tmp_path / "in.npz", input_ids=tokens, attention_mask=np.ones_like(tokens))
        done = run([compiled(stories), "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "y.npz"], check=False)
        assert_error(done, FAILED, "range")
        assert not (tmp_path / "y.npz").exists()


# ---- the C API ----------------------------------------------------------------------------------

@pytest.mark.parametrize("array, words", [
    (GOOD.astype(np.float64), ["x", "f64", "f32"]),
    (GOOD[0], ["x", "2", "3"]),
    (np.zeros((5, 3, 64), np.float32), ["batch", "5", "4"]),
    (np.zeros((2, 3, 65), np.float32), ["x", "65", "64"]),
], ids=["dtype", "rank", "batch", "dimension"])
def test_wrong_input_in_c(mlp, compiled, array, words):
    library = Library(compiled(mlp, "--max", "batch=4,sequence=8", suffix=".so"))
    with library.session() as session:
        call, outputs = session.bind({"x": GOOD})
        given, taken = library.tensors({"x": np.ascontiguousarray(array)}), library.tensors(outputs)
        with pytest.raises(Error) as error:
            library.call("halftone_session_run", session.handle, given, 1, taken, 1)
        assert error.value.status == "INVALID_ARGUMENT"
        assert all(word in error.value.message for word in words), error.value.message
        call()  # and the session still works


def test_small_buffer_in_c(mlp, compiled):
    library = Library(compiled(mlp, suffix=".so"))
    with library.session() as session:
        given = library.tensors({"x": GOOD})
        y = np.zeros((2, 3, 63), np.float32)
        taken = library.tensors({"y": y})
        with pytest.raises(Error) as error:
            library.call("halftone_session_run", session.handle, given, 1, taken, 1)
        assert "y" in error.value.message and str(GOOD.nbytes) in error.value.message
        assert not y.any()


def test_null_arguments_in_c(mlp, compiled):
    library = Library(compiled(mlp, suffix=".so"))
    model = ctypes.c_void_p()
    for arguments in ("halftone_load", None, ctypes.byref(model)), ("halftone_session_run", None, None, 0, None, 0):
        with pytest.raises(Error) as error:
            library.call(*arguments)
        assert error.value.status == "INVALID_ARGUMENT"
    library.c.halftone_model_destroy(None)
    library.c.halftone_session_destroy(None)
