"""llama.cpp, through llama-cpp-python."""
import json
from pathlib import Path

import numpy as np

from peers.peer import Peer


class LlamaCpp(Peer):
    """A Q4_0 file of the shape that the task's checkpoint has, with random weights; keys and values in f16."""
    packages = ("llama-cpp-python",)
    state_bits = 16

    def prepare(self, task, threads):
        import llama_cpp
        path = Path(task.models["plain"]) / "q4_0.gguf"
        if not path.exists():
            write_gguf(path, json.loads((Path(task.models["plain"]) / "config.json").read_text()))
        self.model = llama_cpp.Llama(str(path), n_ctx=task.maxima["context"], n_batch=task.maxima["sequence"],
                                     n_threads=threads, n_threads_batch=threads, verbose=False)

    def bind(self, inputs):
        """Calls of one binding are of one batch: what is before `start` is computed here."""
        start, tokens = int(inputs["start"][0]), inputs["input_ids"][0].tolist()
        self.model.reset()
        self.model.eval([1] * start)

        def call():
            self.model.n_tokens = start
            self.model.eval(tokens)
        return call, lambda: np.asarray(self.model.scores[start + len(tokens) - 1])


def write_gguf(path, config):
    import gguf
    from gguf.quants import quantize
    width, vocabulary, hidden = config["hidden_size"], config["vocab_size"], config["intermediate_size"]
    heads, shared = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(str(path.with_suffix(".part")), "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(shared)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(vocabulary)
    special = [(b"<unk>", 2), (b"<s>", 3), (b"</s>", 3)] + [(f"<0x{byte:02X}>".encode(), 6) for byte in range(256)]
    tokens = special + [(f"\u2581t{i}".encode(), 1) for i in range(vocabulary - len(special))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _ in tokens])
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([kind for _, kind in tokens])
    random, q4_0 = np.random.default_rng(0), gguf.GGMLQuantizationType.Q4_0

    def add(name, *shape):
        values = 0.02 * random.standard_normal(shape, np.float32)
        writer.add_tensor(f"{name}.weight", quantize(values, q4_0), raw_dtype=q4_0)

    def add_norm(name):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    add("token_embd", vocabulary, width)
    for layer in range(config["num_hidden_layers"]):
        prefix, keys = f"blk.{layer}.", width // heads * shared
        add_norm(prefix + "attn_norm")
        add_norm(prefix + "ffn_norm")
        for name, rows, columns in (("attn_q", width, width), ("attn_k", keys, width), ("attn_v", keys, width),
                                    ("attn_output", width, width), ("ffn_gate", hidden, width),
                                    ("ffn_up", hidden, width), ("ffn_down", width, hidden)):
            add(prefix + name, rows, columns)
    add_norm("output_norm")
    add("output", vocabulary, width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path.with_suffix(".part").rename(path)


PEERS = [LlamaCpp("llamacpp q4_0", "int8", 4 + 16 / 32)]
