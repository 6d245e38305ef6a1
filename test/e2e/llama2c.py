"""Checkpoints of llama2.c: writing them, and reading those of floats."""
import struct

import numpy as np

#: A model: dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, max_seq_len.
TINY = (32, 48, 2, 4, 2, 29, 64)

#: Matrices of a layer by GGUF's names, in their order.
MATRICES = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_down", "ffn_up"]


def shapes(sizes, tied):
    """Names of GGUF and shapes of the tensors."""
    dim, hidden, layers, heads, kv_heads, vocabulary, _ = sizes
    kv = dim // heads * kv_heads
    found = {"token_embd": (vocabulary, dim), "output_norm": (dim,)} | ({} if tied else {"output": (vocabulary, dim)})
    for i in range(layers):
        found |= {f"blk.{i}.{name}": (dim,) for name in ("attn_norm", "ffn_norm")}
        found |= {f"blk.{i}.{name}": shape for name, shape in zip(MATRICES, [
            (dim, dim), (kv, dim), (kv, dim), (dim, dim), (hidden, dim), (dim, hidden), (hidden, dim)])}
    return found


def random_tensors(sizes, tied):
    random = np.random.default_rng()
    return {name: (random.standard_normal(shape) * 0.3 + (len(shape) == 1)).astype(np.float32)
            for name, shape in shapes(sizes, tied).items()}


def quantize(array, group):
    """Codes, and a scale for each group of them."""
    groups = array.reshape(-1, group)
    scale = np.abs(groups).max(axis=1).astype(np.float32) / np.float32(127)
    return np.rint(groups / scale[:, None]).astype(np.int8), scale


def dequantize(array, group):
    codes, scale = quantize(array, group)
    return (codes * scale[:, None]).reshape(array.shape)


def pack(version, sizes, tensors, tied, group=None):
    """The bytes of a file."""
    layers = range(sizes[2])
    norms = {name: [tensors[f"blk.{i}.{name}"] for i in layers] for name in ("attn_norm", "ffn_norm")}
    matrices = [[tensors[f"blk.{i}.{name}"] for i in layers] for name in MATRICES]
    head = [] if tied else [tensors["output"]]

    def floats(*lists):
        return b"".join(array.astype("<f4").tobytes() for list_ in lists for array in list_)

    if version == 0:
        size, context = sizes[0] // sizes[3], sizes[6]
        header = struct.pack("<7i", *sizes[:5], sizes[5] if tied else -sizes[5], context)
        return header + floats([tensors["token_embd"]], norms["attn_norm"], *matrices[:4], norms["ffn_norm"], *matrices[4:],
                               [tensors["output_norm"], np.zeros((2, context, size // 2))], head)
    header = struct.pack("<Ii7iB", 0x616b3432, version, *sizes, tied)
    if version == 2:
        header += struct.pack("<i", group)
    body = floats(norms["attn_norm"], norms["ffn_norm"], [tensors["output_norm"]])
    for array in [tensors["token_embd"], *(array for list_ in matrices for array in list_), *head]:
        if version == 1:
            body += array.astype("<f4").tobytes()
        else:
            codes, scale = quantize(array, group)
            body += codes.tobytes() + scale.tobytes()
    return header.ljust(256, b"\0") + body


def read(path):
    """Sizes and tensors of a file of version 0 whose head is the table."""
    content = path.read_bytes()
    sizes, at, tensors = struct.unpack("<7i", content[:28]), 28, {}
    all_shapes = shapes(sizes, tied=True)
    layers = range(sizes[2])
    order = ["token_embd", *(f"blk.{i}.attn_norm" for i in layers), *(f"blk.{i}.{n}" for n in MATRICES[:4] for i in layers),
             *(f"blk.{i}.ffn_norm" for i in layers), *(f"blk.{i}.{n}" for n in MATRICES[4:] for i in layers), "output_norm"]
    for name in order:
        shape = all_shapes[name]
        tensors[name] = np.frombuffer(content, "<f4", int(np.prod(shape)), at).reshape(shape)
        at += tensors[name].nbytes
    return sizes, tensors
