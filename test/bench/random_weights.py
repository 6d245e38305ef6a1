#!/usr/bin/env python3
"""Checkpoints of known shapes with random weights, as Hugging Face folders.

    python test/bench/random_weights.py llama-2-7b FOLDER

Only shapes matter to what is measured on them: every weight is a piece of one pool of random numbers. Layers
are shards of their own, so that a few hundred megabytes are in memory at a time."""
import json
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

COMMON = {"model_type": "llama", "rms_norm_eps": 1e-5, "hidden_act": "silu", "torch_dtype": "bfloat16"}
SHAPES = {
    "llama-1.1b": {"hidden_size": 2048, "num_hidden_layers": 22, "intermediate_size": 5632, "num_attention_heads": 32,
                   "num_key_value_heads": 4, "vocab_size": 32000, "max_position_embeddings": 2048, "rope_theta": 10000.0,
                   "tie_word_embeddings": False},
    "llama-3.2-3b": {"hidden_size": 3072, "num_hidden_layers": 28, "intermediate_size": 8192, "num_attention_heads": 24,
                     "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
                     "rope_theta": 500000.0, "tie_word_embeddings": True},
    "llama-2-7b": {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 11008, "num_attention_heads": 32,
                   "num_key_value_heads": 32, "vocab_size": 32000, "max_position_embeddings": 4096, "rope_theta": 10000.0,
                   "tie_word_embeddings": False},
}


def shape(name):
    """The config of one of the shapes."""
    return COMMON | SHAPES[name]


def linears(config):
    """{weight: (rows, columns)} of a layer."""
    width, hidden = config["hidden_size"], config["intermediate_size"]
    keys = width // config["num_attention_heads"] * config["num_key_value_heads"]
    return {"self_attn.q_proj": (width, width), "self_attn.k_proj": (keys, width), "self_attn.v_proj": (keys, width),
            "self_attn.o_proj": (width, width), "mlp.gate_proj": (hidden, width), "mlp.up_proj": (hidden, width),
            "mlp.down_proj": (width, hidden)}


def write(config, folder):
    """Writes the checkpoint; config.json last, so that a folder with one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    random, width, vocabulary = np.random.default_rng(0), config["hidden_size"], config["vocab_size"]
    pool = (0.02 * random.standard_normal(1 << 24, np.float32)).astype(ml_dtypes.bfloat16)
    files = {}

    def values(size):
        return np.resize(np.roll(pool, random.integers(len(pool))), size)

    def save(name, tensors):
        save_file(tensors, folder / name)
        files.update(dict.fromkeys(tensors, name))

    ones = np.ones(width, ml_dtypes.bfloat16)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        save(f"layer-{layer:03}.safetensors",
             {f"{prefix}{name}.weight": ones for name in ("input_layernorm", "post_attention_layernorm")} |
             {f"{prefix}{name}.weight": values(size) for name, size in linears(config).items()})
    save("outside.safetensors", {"model.embed_tokens.weight": values((vocabulary, width)), "model.norm.weight": ones} |
         ({} if config["tie_word_embeddings"] else {"lm_head.weight": values((vocabulary, width))}))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    (folder / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(f"usage: random_weights.py {'|'.join(SHAPES)} FOLDER")
    write(shape(sys.argv[1]), Path(sys.argv[2]))
