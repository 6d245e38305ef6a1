"""GGUF files, and checkpoints of llama2.c, that want to do harm: for each its bytes, and words of the message of
`halftone compile`."""
import struct

U8, I8, U32, F32, BOOL, TEXT, LIST, U64 = 0, 1, 4, 6, 7, 8, 9, 10
HUGE = (1 << 64) - 1
CASES = {}


def text(content):
    content = content if isinstance(content, bytes) else content.encode()
    return struct.pack("<Q", len(content)) + content


def key(name, kind, value):
    """`value` as bytes, or as what its type has."""
    packed = value if isinstance(value, bytes) else text(value) if kind == TEXT else struct.pack("<" + "BbHhIifB..Qqd"[kind], value)
    return text(name) + struct.pack("<I", kind) + packed


def tensor(name, dims, kind=0, offset=0):
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


KEYS = [key("general.architecture", TEXT, "llama")] + [
    key(f"llama.{name}", U32, value) for name, value in {
        "context_length": 8, "embedding_length": 4, "block_count": 1, "feed_forward_length": 4,
        "attention.head_count": 2}.items()] + [key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)]
NORM = tensor("output_norm.weight", [4])


def pack(keys=KEYS, tensors=(NORM,), data=bytes(16), version=3, num_tensors=None, num_keys=None):
    """A file, which ends with its last key where `data` is None."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors) if num_tensors is None else num_tensors,
                                 len(keys) if num_keys is None else num_keys)
    head += b"".join(keys) + b"".join(tensors)
    return head if data is None else head + bytes(-len(head) % 32) + data


def case(name, words, content=None, **parts):
    CASES[name] = (lambda: pack(**parts) if content is None else content, words)


# ---- the header -------------------------------------------------------------------------

case("only_magic", "it is no GGUF file", b"GGUF")
case("version_0", "version 0; 2 and 3 are supported", version=0)
case("version_1", "version 1; 2 and 3 are supported", version=1)
case("version_4", "version 4; 2 and 3 are supported", version=4)
case("big_endian", "it is a GGUF file for big-endian machines", b"GGUF" + struct.pack(">IQQ", 3, 0, 0))
case("no_counts", "it ends in its header", b"GGUF\3\0\0\0" + bytes(9))
case("endless_keys", "it ends in its key 7", num_keys=HUGE, tensors=[], data=b"")
case("endless_tensors", "it ends in its list of tensors", num_tensors=HUGE)
case("no_architecture", "it has no key 'general.architecture'", keys=[])

# ---- keys ----------------------------------------------------------------------------------

case("endless_name", "it ends in its key 0", keys=[struct.pack("<Q", HUGE) + b"abc"])
case("endless_text", "the value of 'a' reaches beyond its end", keys=[key("a", TEXT, struct.pack("<Q", HUGE))])
case("text_to_the_end_and_one", "the value of 'a' reaches beyond its end",
     keys=[key("a", TEXT, struct.pack("<Q", 4) + b"abc")], tensors=[], data=None)
case("unknown_type", "the value of 'a' has the type 13", keys=[key("a", 13, b"")])
case("unknown_elements", "the value of 'a' has the type 4294967295",
     keys=[key("a", LIST, struct.pack("<IQ", 0xffffffff, 0))])
case("nested_list", "the value of 'a' has the type 9, which is none",
     keys=[key("a", LIST, struct.pack("<IQ", LIST, 1))])
case("endless_list", "the value of 'a' reaches beyond its end", keys=[key("a", LIST, struct.pack("<IQ", U8, HUGE))])
case("wrapping_list", "the value of 'a' reaches beyond its end", keys=[key("a", LIST, struct.pack("<IQ", U64, 1 << 61))])
case("endless_texts", "the value of 'a' reaches beyond its end", keys=[key("a", LIST, struct.pack("<IQ", TEXT, HUGE))])
case("cut_list", "it ends in the list 'a'", keys=[key("a", LIST, struct.pack("<I", U8))], tensors=[], data=None)
case("same_key_twice", "its key 'general.architecture' comes twice", keys=KEYS[:1] * 2)
case("control_key", "the value of '\\1B[2J' has the type 13", keys=[key("\x1b[2J", 13, b"")])
case("control_architecture", "the architecture '\\1B[2J' is not supported",
     keys=[key("general.architecture", TEXT, "\x1b[2J")])
case("architecture_of_megabytes", "is not supported", keys=[key("general.architecture", TEXT, "x" * 10**7)])
case("number_as_architecture", "it has no key 'general.architecture'", keys=[key("general.architecture", U32, 3)])
case("million_keys", "it has no key 'general.architecture'", keys=[key(f"k{i}", BOOL, 1) for i in range(10**6)])


def size_case(name, words, **values):
    changed = [k for k in KEYS if not any(k[8:].startswith(f"llama.{n}".encode()) for n in values)]
    case(name, words, keys=changed + [key(f"llama.{n}", U64, value) for n, value in values.items()],
         tensors=[NORM, tensor("token_embd.weight", [4, 3], offset=32)], data=bytes(96))


size_case("zero_layers", "its key 'llama.block_count' is not a whole number from 1", block_count=0)
size_case("endless_layers", "its key 'llama.block_count' is not a whole number", block_count=HUGE)
size_case("many_layers", "has no tensor 'blk.0.attn_norm.weight'", block_count=4096)
size_case("huge_hidden", "expected heads of at most 4096 elements", embedding_length=1 << 28)
size_case("huge_context", "has no tensor 'blk.0.attn_norm.weight'", context_length=1 << 28)

# ---- tensors ---------------------------------------------------------------------------------


def tensor_case(name, words, *tensors, data=bytes(16), keys=KEYS):
    case(name, words, tensors=tensors, data=data, keys=keys)


tensor_case("same_tensor_twice", "tensor 'output_norm.weight' is there twice", NORM, NORM)
tensor_case("rank", "has 5 dimensions, at most 4 are possible", tensor("x", [1] * 5))
tensor_case("endless_rank", "has 4294967295 dimensions", text("x") + struct.pack("<I", 0xffffffff))
tensor_case("zero_dimension", "tensor 'x' has a dimension of 0", tensor("x", [4, 0]))
tensor_case("endless_dimension", "tensor 'x' has a dimension of 18446744073709551615", tensor("x", [HUGE]))
tensor_case("huge_dimension", "tensor 'x' reaches beyond the end of the file", tensor("x", [1 << 62]))
tensor_case("wrapping_dimensions", "tensor 'x' reaches beyond the end of the file", tensor("x", [1 << 32, 1 << 32, 4]))
tensor_case("unknown_tensor_type", "tensor 'x' is of type number 77, which is not supported", NORM, tensor("x", [4], 77, 32),
            tensor("token_embd.weight", [4, 3], offset=64), data=bytes(128))
tensor_case("cut_block", "tensor 'x' has rows of 48 elements, which are no blocks of 32 of Q4_0", tensor("x", [48, 2], 2))
tensor_case("past_the_end", "tensor 'x' reaches beyond the end of the file", tensor("x", [5]))
tensor_case("far_offset", "tensor 'x' reaches beyond the end of the file", tensor("x", [4], offset=1 << 40))
tensor_case("last_offset", "tensor 'x' begins beyond the end of the file", tensor("x", [4], offset=HUGE - 31))
tensor_case("crooked_offset", "tensor 'x' begins at byte 8 of the data, no multiple of 32", tensor("x", [1], offset=8))
tensor_case("overlap", "tensor 'x' begins inside of 'output_norm.weight'", NORM, tensor("x", [5]), data=bytes(32))
tensor_case("overlap_at_the_end", "tensor 'x' begins inside of 'y'", tensor("y", [9]), tensor("x", [1], offset=32),
            data=bytes(64))
tensor_case("control_name", "tensor '\\1B[2J' has a dimension of 0", tensor("\x1b[2J", [0]))
for value in 0, 3, 1 << 25:
    case(f"alignment_{value}", "its 'general.alignment' is no power of two",
         keys=KEYS + [key("general.alignment", U32, value)])
case("text_as_alignment", "its 'general.alignment' is no power of two", keys=KEYS + [key("general.alignment", TEXT, "32")])
case("million_tensors", "it has no tensor 'token_embd.weight'",
     tensors=[tensor(f"t{i}", [8], offset=32 * i) for i in range(10**5)], data=bytes(32 * 10**5))

# ---- llama2.c -----------------------------------------------------------------------------------


def llama2c_case(name, words, version, *sizes, group=0, data=b""):
    head = struct.pack("<II", 0x616b3432, version) + struct.pack(f"<{len(sizes)}iBi", *sizes, 1, group)
    CASES[f"llama2c_{name}"] = (lambda: head.ljust(256, b"\0") + data, words)


llama2c_case("version", "it is of version 4294967295", 0xffffffff, 8, 8, 1, 1, 1, 8, 8)
llama2c_case("zeros", "its dim is 0", 1, 0, 0, 0, 0, 0, 0, 0)
llama2c_case("negative", "its n_layers is -1", 1, 8, 8, -1, 1, 1, 8, 8)
llama2c_case("largest", "its dim is 2147483647", 1, *[0x7fffffff] * 7)
llama2c_case("many_layers", "where a model of its header's sizes has", 1, 8, 8, 4096, 1, 1, 8, 8)
llama2c_case("huge", "would have more than 2^63 bytes", 1, 1 << 28, 1 << 28, 4096, 1 << 20, 1 << 20, 1 << 28, 8)
llama2c_case("group", "its group_size is -1", 2, 8, 8, 1, 1, 1, 8, 8, group=-1)
llama2c_case("cut", "it was cut off, or damaged", 2, 8, 8, 1, 1, 1, 8, 8, group=8)
