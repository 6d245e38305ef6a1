"""Writes a GGUF file of a Llama of one layer, its matrices of a type: gguf_llama.py FILE TYPE."""
import sys

import gguf
import numpy as np

path, kind = sys.argv[1], gguf.GGMLQuantizationType[sys.argv[2]]
hidden, random = 64, np.random.default_rng(0)
writer = gguf.GGUFWriter(path, "llama")
for name, value in {"context_length": 32, "embedding_length": hidden, "block_count": 1, "feed_forward_length": hidden,
                    "attention.head_count": 4}.items():
    writer.add_uint32(f"llama.{name}", value)
writer.add_layer_norm_rms_eps(1e-5)
for name in "output_norm", "blk.0.attn_norm", "blk.0.ffn_norm":
    writer.add_tensor(f"{name}.weight", np.ones(hidden, np.float32))
matrices = [f"blk.0.{name}" for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")]
for name in ["token_embd", *matrices]:
    array = random.standard_normal((20 if name == "token_embd" else hidden, hidden)).astype(np.float32)
    writer.add_tensor(f"{name}.weight", gguf.quants.quantize(array, kind), raw_dtype=kind)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
