"""GGUF files of transformers' models, written by the gguf package as llama.cpp's converter names and lays things out."""
import numpy as np

#: transformers' model_type -> GGUF's architecture.
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "mixtral": "llama", "qwen2": "qwen2", "qwen3": "qwen3",
                 "gemma": "gemma", "gemma2": "gemma2", "gemma3_text": "gemma3", "phi3": "phi3", "gpt2": "gpt2",
                 "gpt_neox": "gptneox", "stablelm": "stablelm"}


def get(config, *names, default=None):
    return next((value for name in names if (value := getattr(config, name, None)) is not None), default)


def interleave(array, heads):
    """Rows of heads so that the two of a pair that is rotated are neighbours."""
    return array.reshape(heads, 2, array.shape[0] // heads // 2, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def rope_frequencies(scaling, size):
    """What Llama 3 divides each frequency by."""
    factor, low, high = (scaling[key] for key in ("factor", "low_freq_factor", "high_freq_factor"))
    length = scaling["original_max_position_embeddings"]
    waves = 2 * np.pi * scaling["rope_theta"] ** (np.arange(0, size, 2) / size)
    smooth = np.clip((length / waves - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)


def convert(kind, config, tensors):
    """The tensors under the names of GGUF."""
    import gguf
    architecture = ARCHITECTURES[kind]
    layers = get(config, "num_hidden_layers", "n_layer")
    heads = get(config, "num_attention_heads", "n_head")
    kv_heads = get(config, "num_key_value_heads", default=heads)
    arch = next(arch for arch, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(arch, layers)
    converted, experts = {}, {}
    for name, array in tensors.items():
        if name.endswith((".attn.bias", ".masked_bias", "inv_freq")) or \
                (name.startswith("lm_head") and config.tie_word_embeddings):
            continue
        if kind == "gpt2" and array.ndim == 2 and (".c_" in name):
            array = array.T
        if architecture == "llama" and ".q_proj." in name:
            array = interleave(array, heads)
        if architecture == "llama" and ".k_proj." in name:
            array = interleave(array, kv_heads)
        if architecture.startswith("gemma") and name.endswith("norm.weight"):
            array = array + 1
        if kind == "gpt_neox" and ".query_key_value." in name:
            parts = array.reshape(heads, 3, -1, *array.shape[1:])
            array = np.concatenate([parts[:, i].reshape(-1, *array.shape[1:]) for i in range(3)])
        if ".experts." in name:
            before, after = name.split(".experts.")
            number, part = after.split(".", 1)
            experts.setdefault(f"{before}.experts.{part}", {})[int(number)] = array
            continue
        converted[names.get_name(name, try_suffixes=(".weight", ".bias"))] = array
    for name, parts in experts.items():
        stacked = np.stack([parts[i] for i in range(len(parts))])
        converted[names.get_name(name, try_suffixes=(".weight",))] = stacked
    assert None not in converted
    return converted


def add_rope(writer, config, size, converted):
    parameters = get(config, "rope_parameters", default={})
    local = parameters.get("sliding_attention")
    parameters = parameters.get("full_attention", parameters)
    writer.add_rope_freq_base(parameters["rope_theta"])
    if local:
        writer.add_rope_freq_base_swa(local["rope_theta"])
    share = parameters.get("partial_rotary_factor", get(config, "partial_rotary_factor", default=1))
    writer.add_rope_dimension_count(int(size * share))
    kind = parameters.get("rope_type", "default")
    import gguf
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(parameters["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
    if kind == "llama3":
        converted["rope_freqs.weight"] = rope_frequencies(parameters, size)
    if kind == "longrope":
        length, original = config.max_position_embeddings, config.original_max_position_embeddings
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(np.sqrt(1 + np.log(length / original) / np.log(original)))
        for which in "long", "short":
            converted[f"rope_factors_{which}.weight"] = np.array(parameters[f"{which}_factor"], np.float32)


def write(path, kind, config, tensors, quantize=lambda name, array: None, extra={}):
    """A file of these tensors of transformers. `quantize` gives a type for a tensor of the file, or None for f32."""
    import gguf
    converted = convert(kind, config, tensors)
    writer = gguf.GGUFWriter(path, ARCHITECTURES[kind])
    hidden, heads = get(config, "hidden_size", "n_embd"), get(config, "num_attention_heads", "n_head")
    size = get(config, "head_dim", default=hidden // heads)
    writer.add_context_length(get(config, "max_position_embeddings", "n_positions"))
    writer.add_embedding_length(hidden)
    writer.add_block_count(get(config, "num_hidden_layers", "n_layer"))
    writer.add_feed_forward_length(get(config, "intermediate_size", "n_inner", default=4 * hidden))
    writer.add_head_count(heads)
    writer.add_head_count_kv(get(config, "num_key_value_heads", default=heads))
    writer.add_vocab_size(config.vocab_size)
    if kind in ("gpt2", "gpt_neox", "stablelm"):
        writer.add_layer_norm_eps(get(config, "layer_norm_eps", "layer_norm_epsilon"))
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if get(config, "head_dim"):
        writer.add_key_length(size)
        writer.add_value_length(size)
    if kind != "gpt2":
        add_rope(writer, config, size, converted)
    if kind in ("gpt_neox", "stablelm"):
        writer.add_parallel_residual(config.use_parallel_residual)
    if kind == "mixtral":
        writer.add_expert_count(config.num_local_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
    if kind in ("mistral", "gemma2", "gemma3_text", "phi3") and get(config, "sliding_window"):
        writer.add_sliding_window(config.sliding_window)
    if get(config, "attn_logit_softcapping"):
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
    if get(config, "final_logit_softcapping"):
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    for key, value in extra.items():
        writer.add_key_value(key, *value)
    for name, array in converted.items():
        array = np.ascontiguousarray(array, np.float32)
        kind_of = quantize(name, array)
        if kind_of is None:
            writer.add_tensor(name, array)
        else:
            writer.add_tensor(name, gguf.quants.quantize(array, kind_of), raw_dtype=kind_of)
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def dequantize(path):
    """All tensors of a file as f32, by the gguf package."""
    import gguf
    return {tensor.name: np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)
            .reshape(tensor.shape[::-1]) for tensor in gguf.GGUFReader(path).tensors}
