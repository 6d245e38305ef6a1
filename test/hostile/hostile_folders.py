"""Folders of Hugging Face models that want to do harm: for each what it does to a folder that is right,
and words of the message of `halftone compile`, which ends with exit code 2."""
import json
import os
import struct

import checkpoints

TENSORS = checkpoints.random_tensors(checkpoints.tiny_shapes())
NAME = "model.norm.weight"
CASES = {}


def case(words):
    def add(make):
        CASES[make.__name__] = (make, words)
        return make
    return add


def file_case(name, words, content):
    CASES[name] = (lambda folder: (folder / "model.safetensors").write_bytes(content), words)


def header_case(name, words, change):
    """`change` gets the header and the data and gives what is written."""
    def make(folder):
        header, data = checkpoints.entries(TENSORS)
        changed = change(header, data)
        written = changed if isinstance(changed, bytes) else checkpoints.safetensors(*(changed or (header, data)))
        (folder / "model.safetensors").write_bytes(written)
    CASES[name] = (make, words)


def entry_case(name, words, **values):
    header_case(name, words, lambda header, data: header[NAME].update(values))


# ---- the file ---------------------------------------------------------------------------

file_case("empty", "is no safetensors file: it has 0 bytes", b"")
file_case("seven_bytes", "is no safetensors file: it has 7 bytes", bytes(7))
file_case("no_header", "is no JSON", struct.pack("<Q", 0))
file_case("endless_header", "its header would have 18446744073709551615 bytes, of 72", b"\xff" * 72)
file_case("header_of_a_gigabyte", "its header would have 1073741824 bytes", struct.pack("<Q", 1 << 30) + bytes(64))
file_case("header_past_the_end", "its header would have 65 bytes", struct.pack("<Q", 65) + bytes(64))
file_case("zeros", "is no JSON", struct.pack("<Q", 64) + bytes(64))
file_case("no_utf8", "is no JSON", checkpoints.safetensors(b'{"\xff\xfe": {}}', b""))
file_case("array", "is no JSON object", checkpoints.safetensors(b"[1, 2]", b""))
file_case("nested", "nests deeper than 32 levels", checkpoints.safetensors(b'{"a":' * 10**6, b""))
file_case("nested_arrays", "nests deeper than 32 levels", checkpoints.safetensors(b"[" * 10**7, b""))
file_case("million_names", "expected \"dtype\", \"shape\"",
          checkpoints.safetensors(json.dumps({f"t{i}": 0 for i in range(10**6)}).encode(), b""))


@case("not a regular file")
def pipe(folder):
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")


@case("error: ")
def folder_of_that_name(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()


@case("is no safetensors file, or was cut off")
def terabyte_of_ones(folder):
    with open(folder / "model.safetensors", "r+b") as file:
        file.write(b"\xff" * 8)
        file.truncate(1 << 40)


# ---- its header -----------------------------------------------------------------------------

header_case("cut", "the file was cut off, or damaged", lambda header, data: (header, data[:-1]))
header_case("more_data", "has 5 bytes that belong to no tensor", lambda header, data: (header, data + bytes(5)))
header_case("twice", "behind a gap", lambda header, data: (
    json.dumps(header)[:-1].encode() + b', "model.norm.weight": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}', data))
entry_case("unknown_dtype", "has the unknown dtype 'F31'", dtype="F31")
entry_case("control_dtype", "has the unknown dtype '\\1B[2J'", dtype="\x1b[2J")
entry_case("integer_dtype", "expected \"dtype\"", dtype=32)
entry_case("wrong_dtype", "which are no F64 of this shape", dtype="F64")
entry_case("no_shape", "expected \"dtype\"", shape=None)
entry_case("negative_shape", "expected \"dtype\"", shape=[-16])
entry_case("fractional_shape", "expected \"dtype\"", shape=[1.5])
entry_case("huge_shape", "which are no F32 of this shape", shape=[1 << 62, 4])
entry_case("wrapping_shape", "which are no F32 of this shape", shape=[1 << 32, 1 << 32, 16])
entry_case("rank", "has rank 100000, at most 8 is possible", shape=[1] * 100000)
entry_case("one_offset", "expected \"dtype\"", data_offsets=[0])
entry_case("turned_offsets", "lies in bytes 64 to 0", data_offsets=[64, 0])
entry_case("far_offsets", "the file was cut off", data_offsets=[1 << 40, (1 << 40) + 64])
entry_case("last_offsets", "the file was cut off", data_offsets=[(1 << 63) - 65, (1 << 63) - 1])
entry_case("overlap", "inside of another", data_offsets=[0, 64])

# ---- config.json ---------------------------------------------------------------------------


def config_case(name, words, **values):
    CASES[name] = (lambda folder: (folder / "config.json").write_text(json.dumps(checkpoints.TINY | values)), words)


config_case("huge_sizes", "expected f32, f16 or bf16 of shape [268435456, 16]", vocab_size=1 << 28)
config_case("huge_heads", "expected heads of at most 4096 elements", hidden_size=1 << 28)
config_case("larger_sizes", "a whole number from 1 to 268435456", hidden_size=1 << 29)
config_case("many_layers", "has no tensor 'model.layers.2.input_layernorm.weight'", num_hidden_layers=4096)
config_case("many_heads", "of shape [1099511627776, 16]", num_attention_heads=1 << 28, num_key_value_heads=1 << 28,
            head_dim=1 << 12)
config_case("control_type", "the model_type '\\1B[2J' is not supported", model_type="\x1b[2J")
config_case("several_mistakes", "\"hidden_size\" is '-1': expected a whole number", hidden_size=-1,
            num_attention_heads=-2, rms_norm_eps="small")
config_case("zero", "a whole number from 1", num_attention_heads=0)
config_case("endless_epsilon", "is no JSON", rms_norm_eps=float("inf"))
config_case("negative_base", "expected rotations of a positive base", rope_theta=-1.0)


@case("nests deeper than 32 levels")
def nested_config(folder):
    (folder / "config.json").write_text('{"a":' * 10**6)


# ---- the index ----------------------------------------------------------------------------------


def index_case(name, words, **values):
    def make(folder):
        checkpoints.write_shards(folder, TENSORS)
        path = folder / "model.safetensors.index.json"
        index = json.loads(path.read_text())
        index["weight_map"] |= values
        path.write_text(json.dumps(index))
    CASES[name] = (make, words)


index_case("absolute_shard", "expected the name of a .safetensors file", x="/etc/passwd.safetensors")
index_case("outer_shard", "expected the name of a .safetensors file", x="../x.safetensors")
index_case("shard_with_null", "expected the name of a .safetensors file", x="x\0.safetensors")
index_case("number_as_shard", "expected the name of a .safetensors file", x=3)
index_case("missing_shard", "names the file 'other.safetensors', which is missing", x="other.safetensors")
index_case("tensor_of_no_shard", "which does not have it", x="model-00001-of-00002.safetensors")


@case("is in 'model-00001-of-00002.safetensors' as well")
def in_both_shards(folder):
    checkpoints.write_shards(folder, TENSORS)
    (folder / "model-00002-of-00002.safetensors").write_bytes(checkpoints.safetensors(*checkpoints.entries(TENSORS)))
