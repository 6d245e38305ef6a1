"""Folders of Hugging Face models, with and without transformers."""
import json
import struct

import numpy as np

# What a test without transformers writes: a Llama of two layers.
TINY = dict(model_type="llama", hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            intermediate_size=24, vocab_size=13, max_position_embeddings=32, rms_norm_eps=1e-5, rope_theta=10000.0,
            hidden_act="silu", tie_word_embeddings=True)


def tiny_shapes(config=TINY):
    """Names and shapes of the tensors of a Llama."""
    hidden, size = config["hidden_size"], config["hidden_size"] // config["num_attention_heads"]
    kv, inner = size * config["num_key_value_heads"], config["intermediate_size"]
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], hidden), "model.norm.weight": (hidden,)}
    for layer in range(config["num_hidden_layers"]):
        shapes |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in {
            "input_layernorm": (hidden,), "post_attention_layernorm": (hidden,), "self_attn.q_proj": (hidden, hidden),
            "self_attn.k_proj": (kv, hidden), "self_attn.v_proj": (kv, hidden), "self_attn.o_proj": (hidden, hidden),
            "mlp.gate_proj": (inner, hidden), "mlp.up_proj": (inner, hidden), "mlp.down_proj": (hidden, inner)}.items()}
    return shapes


def random_tensors(shapes, seed=0):
    random = np.random.default_rng(seed)
    return {name: (random.standard_normal(shape) * 0.3 + (len(shape) == 1)).astype(np.float32)
            for name, shape in shapes.items()}


def entries(tensors):
    """The header of a .safetensors file, and the bytes behind it."""
    header, data = {}, b""
    for name, array in tensors.items():
        dtype = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64"}[array.dtype.name]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    return header, data


def safetensors(header, data):
    """The bytes of a file; the header is JSON, as an object or as it is to be written."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def read(path):
    """The tensors of a file of f32."""
    content = path.read_bytes()
    begin = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:begin])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(content[begin + entry["data_offsets"][0]:begin + entry["data_offsets"][1]], np.float32)
            .reshape(entry["shape"]) for name, entry in header.items()}


def write(folder, config=TINY, tensors=None):
    """A folder with one file of weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    tensors = random_tensors(tiny_shapes()) if tensors is None else tensors
    (folder / "model.safetensors").write_bytes(safetensors(*entries(tensors)))
    return folder


def write_shards(folder, tensors, count=2):
    """The same weights in several files, with an index."""
    names, files = sorted(tensors), {}
    for i in range(count):
        file = f"model-{i + 1:05}-of-{count:05}.safetensors"
        part = {name: tensors[name] for name in names[i::count]}
        (folder / file).write_bytes(safetensors(*entries(part)))
        files |= {name: file for name in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    (folder / "model.safetensors").unlink(missing_ok=True)
