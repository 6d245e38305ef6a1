"""Checkpoints of llama2.c in all versions against numpy; a real model; what is wrong with a file."""
import struct

import numpy as np
import pytest

import llama2c
from decoders import CONTEXT, check_logits, run_llama
from halftone import HALFTONE, USAGE, Library, compile_model, run
from places import SHARED

TINY = llama2c.TINY


def compile_file(path):
    compile_model(path, path.with_suffix(".so"), "--max", f"batch=3,sequence={CONTEXT}")
    return Library(path.with_suffix(".so"))


#: Groups that divide rows of 32 and 48, and that end within those of 48.
@pytest.mark.parametrize("version, group", [(0, None), (1, None), (2, 16), (2, 32)])
@pytest.mark.parametrize("tied", [True, False])
def test_logits(version, group, tied, tmp_path):
    tensors = llama2c.random_tensors(TINY, tied)
    path = tmp_path / "model.bin"
    path.write_bytes(llama2c.pack(version, TINY, tensors, tied, group))
    if group:
        tensors = {name: llama2c.dequantize(array, group) if array.ndim == 2 else array for name, array in tensors.items()}
    tokens = np.random.default_rng().integers(0, 29, CONTEXT - 7).tolist()
    check_logits(compile_file(path), tokens, run_llama(tensors, tokens, heads=4, kv_heads=2))


@pytest.mark.parametrize("name", ["stories260K.bin", "stories260K_v1.bin"])
def test_stories260k(name, tmp_path):
    folder = SHARED / "data/llm/stories260K"
    if not folder.exists():
        pytest.skip(f"no {folder}")
    sizes, tensors = llama2c.read(folder / "stories260K.bin")
    (tmp_path / name).write_bytes((folder / name).read_bytes())
    tokens = [1] + np.random.default_rng().integers(3, 512, 50).tolist()
    check_logits(compile_file(tmp_path / name), tokens, run_llama(tensors, tokens, sizes[3], sizes[4]))


def test_files_with_something_wrong(tmp_path):
    path, tensors = tmp_path / "model.bin", llama2c.random_tensors(TINY, tied=True)

    def refused(content, *words):
        path.write_bytes(content)
        done = compile_model(path, tmp_path / "out.so", check=False)
        assert done.returncode == USAGE and done.stderr.count("error: ") == 1, done.stderr
        assert not (tmp_path / "out.so").exists()
        for word in words:
            assert word in done.stderr, done.stderr

    def changed(version, at, value, group=16):
        content = bytearray(llama2c.pack(version, TINY, tensors, True, group))
        content[at:at + 4] = struct.pack("<i", value)
        return bytes(content)

    whole = llama2c.pack(1, TINY, tensors, True)
    refused(whole[:-1], f"it has {len(whole) - 1} bytes, where a model of its header's sizes has {len(whole)}")
    refused(whole + bytes(1), f"it has {len(whole) + 1} bytes")
    refused(whole[:20], "it ends in its header")
    refused(changed(1, 4, 3), "it is of version 3; 0, 1 and 2 are supported")
    refused(changed(1, 8, 0), "its dim is 0: expected 1 to 268435456")
    refused(changed(1, 8, 36), "its dim 36 is no 4 heads of an even size")
    refused(changed(1, 16, 1 << 30), "its n_layers is 1073741824: expected 1 to 4096")
    refused(changed(1, 16, 4096), "it has ")
    refused(changed(1, 24, 3), "its 4 heads are no multiple of 3 heads of keys")
    refused(changed(1, 28, -29), "its vocab_size is -29")
    refused(changed(2, 37, 0), "its group_size is 0")
    refused(changed(2, 37, 5), "tensor 'tok_embeddings.weight' has 928 elements, which are no groups of 5", )
    # Of the first version another length is no such file.
    refused(llama2c.pack(0, TINY, tensors, True) + bytes(1), "")
    # The largest sizes.
    sizes = [1 << 28, 1 << 28, 4096, 1 << 20, 1 << 20, 1 << 28, 1 << 28]
    refused(struct.pack("<Ii7iB", 0x616b3432, 1, *sizes, 0).ljust(256, b"\0"), "would have more than 2^63 bytes")


def test_check_names_the_kind(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(llama2c.pack(0, TINY, llama2c.random_tensors(TINY, True), True))
    done = run([HALFTONE, "check", path], check=False)
    assert done.returncode == USAGE and "is a checkpoint of llama2.c: check tells of the nodes of an ONNX model" in done.stderr
