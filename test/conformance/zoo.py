"""The transformer architectures that conformance tests export: small random-weight
configurations of Hugging Face models, one line each."""
from dataclasses import dataclass, field

import numpy as np

# ---- inputs ---------------------------------------------------------------------------

#: What an input holds, and its dimensions: a name is dynamic, and its export's size.
INPUTS = {
    "input_ids": ("ids", ("batch", "sequence")),
    "attention_mask": ("mask", ("batch", "sequence")),
    "token_type_ids": ("types", ("batch", "sequence")),
    "decoder_input_ids": ("ids", ("batch", "sequence")),
    "encoder_hidden_states": ("states", ("batch", "source", 32)),
    "encoder_attention_mask": ("mask", ("batch", "source")),
    "input_features": ("states", ("batch", 8, 48)),
    "input_values": ("states", ("batch", "samples")),
    "pixel_values": ("states", ("batch", 3, 32, 32)),
}
#: Sizes at export, and two shapes to run: one of them, and one that no exporter saw.
EXPORTED = {"batch": 2, "sequence": 12, "source": 9, "samples": 400}
SHAPES = (EXPORTED, {"batch": 3, "sequence": 19, "source": 14, "samples": 490})
LARGEST = {"batch": 4, "sequence": 32, "source": 32, "samples": 500}


def make_inputs(model, sizes, seed=0):
    """Random inputs by name. Masks are padded on the right, but for the first row."""
    random = np.random.default_rng(seed)
    inputs = {}
    for name in model.inputs:
        kind, dims = INPUTS[name]
        shape = [sizes.get(dim, dim) for dim in dims]
        if kind == "ids":
            inputs[name] = random.integers(3, VOCABULARY, shape)
        elif kind == "types":
            inputs[name] = random.integers(0, 2, shape)
        elif kind == "mask":
            lengths = random.integers(1, shape[1] + 1, shape[0])
            lengths[0] = shape[1]
            inputs[name] = (np.arange(shape[1]) < lengths[:, None]).astype(np.int64)
        else:
            inputs[name] = random.standard_normal(shape, np.float32)
    return inputs


# ---- models ---------------------------------------------------------------------------

VOCABULARY = 99
SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=VOCABULARY,
             max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)
ENCODER = ("input_ids", "attention_mask", "token_type_ids")
TEXT = ("input_ids", "attention_mask")
CACHED = ("input_ids", "attention_mask", "position_ids")
CROSS = ("decoder_input_ids", "encoder_hidden_states", "encoder_attention_mask")


@dataclass(frozen=True)
class Model:
    name: str
    inputs: tuple
    config: dict = field(default_factory=dict)  # beside SMALL
    kind: str = ""  # transformers' model_type; default: the name
    head: str = "AutoModel"
    part: str = ""  # "encoder" or "decoder" of a sequence-to-sequence model
    optimizer: str = "bert"  # ONNX Runtime's model_type
    raised: dict = field(default_factory=dict)  # how many of each operation raising must find
    variants: tuple = ()  # ways to export it; default: all

    @property
    def model_type(self):
        return self.kind or self.name


T5 = dict(d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, relative_attention_num_buckets=8,
          relative_attention_max_distance=16, decoder_start_token_id=0)
BART = dict(d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
            encoder_ffn_dim=64, decoder_ffn_dim=64, decoder_start_token_id=1, forced_eos_token_id=None)
WHISPER = BART | dict(num_mel_bins=8, max_source_positions=24, max_target_positions=64, begin_suppress_tokens=None)
VISION = dict(image_size=32, patch_size=8)
GQA = dict(num_key_value_heads=2, head_dim=8)
MOE = GQA | dict(num_local_experts=4, num_experts_per_tok=2, experts_implementation="batched_mm")
WAVES = dict(conv_dim=(16, 16), conv_kernel=(10, 3), conv_stride=(5, 2), num_feat_extract_layers=2,
             num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4)
BOTH, TORCHSCRIPT = ("torchscript", "dynamo"), ("torchscript",)

MODELS = {model.name: model for model in (
    Model("bert", ENCODER, raised=dict(attention=2, layer_norm=5, gelu=2, linear=12)),
    Model("distilbert", TEXT, dict(hidden_dim=64), raised=dict(attention=2, layer_norm=5, gelu=2, linear=12)),
    Model("roberta", TEXT, raised=dict(attention=2, layer_norm=5, gelu=2, linear=12)),
    Model("albert", ENCODER, dict(embedding_size=16), raised=dict(attention=2, layer_norm=5, gelu=2, linear=13)),
    Model("electra", ENCODER, dict(embedding_size=16), raised=dict(attention=2, layer_norm=5, gelu=2, linear=13)),
    Model("deberta-v2", TEXT, dict(relative_attention=True, position_buckets=8, pos_att_type=["p2c", "c2p"],
                                   norm_rel_ebd="layer_norm", share_att_key=True, position_biased_input=False),
          # ONNX Runtime folds the norm and the projections of relative positions, which are constants.
          raised=dict(attention=2, gelu=2)),
    Model("gpt2", TEXT, dict(n_positions=64), optimizer="gpt2",
          raised=dict(attention=2, layer_norm=5, gelu=2, linear=8)),
    Model("gpt_neox", TEXT, optimizer="gpt_neox", raised=dict(attention=2, rope=4, layer_norm=5, gelu=2, linear=8)),
    Model("opt", TEXT, dict(ffn_dim=64, word_embed_proj_dim=32), optimizer="gpt2",
          raised=dict(attention=2, layer_norm=5, linear=12)),
    Model("llama", TEXT, GQA, optimizer="gpt2", raised=dict(attention=2, rope=4, rms_norm=5, glu=2, linear=14)),
    Model("qwen2", TEXT, GQA, optimizer="gpt2", raised=dict(attention=2, rope=4, rms_norm=5, glu=2, linear=14)),
    Model("qwen3", TEXT, GQA, optimizer="gpt2", raised=dict(attention=2, rope=4, rms_norm=9, glu=2, linear=14)),
    Model("mistral", TEXT, GQA | dict(sliding_window=5), optimizer="gpt2",
          raised=dict(attention=2, rope=4, rms_norm=5, glu=2, linear=14)),
    Model("phi3", TEXT, GQA, optimizer="gpt2", raised=dict(attention=2, rope=4, rms_norm=5, glu=2, linear=8)),
    Model("gemma2", TEXT, GQA | dict(sliding_window=5, query_pre_attn_scalar=16), optimizer="gpt2",
          raised=dict(attention=2, rope=4, rms_norm=9, glu=2, linear=14)),
    Model("t5-encoder", TEXT, T5, kind="t5", part="encoder", optimizer="t5",
          raised=dict(attention=2, rms_norm=5, linear=12)),
    Model("t5-decoder", CROSS, T5, kind="t5", part="decoder", optimizer="t5",
          raised=dict(attention=4, rms_norm=7, linear=20)),
    Model("bart-encoder", TEXT, BART, kind="bart", part="encoder", optimizer="bart",
          raised=dict(attention=2, layer_norm=5, gelu=2, linear=12)),
    Model("bart-decoder", CROSS, BART, kind="bart", part="decoder", optimizer="bart",
          raised=dict(attention=4, layer_norm=7, gelu=2, linear=20)),
    Model("whisper-encoder", ("input_features",), WHISPER, kind="whisper", part="encoder", optimizer="bart",
          raised=dict(attention=2, layer_norm=5, linear=14)),
    Model("whisper-decoder", ("decoder_input_ids", "attention_mask", "encoder_hidden_states"), WHISPER,
          kind="whisper", part="decoder", optimizer="bart", raised=dict(attention=4, layer_norm=7, gelu=2, linear=20)),
    Model("vit", ("pixel_values",), VISION, optimizer="vit",
          raised=dict(attention=2, layer_norm=5, gelu=2, linear=13)),
    Model("clip-text", TEXT, kind="clip_text_model", optimizer="clip",
          raised=dict(attention=2, layer_norm=5, glu=2, linear=12)),
    Model("clip-vision", ("pixel_values",), VISION, kind="clip_vision_model", optimizer="clip",
          raised=dict(attention=2, layer_norm=5, glu=2, linear=13)),

    # Each for one thing that the others do not have, so in fewer ways.
    # Sines and cosines gathered from a table, each repeated beside itself.
    Model("gptj", TEXT, dict(n_embd=32, n_head=4, n_layer=2, n_positions=64, rotary_dim=4), variants=BOTH,
          raised=dict(attention=2, rope=4, layer_norm=3, gelu=2)),
    # Linear biases, added before the scaled scores.
    Model("bloom", TEXT, dict(n_layer=2, n_head=4), variants=BOTH,
          raised=dict(attention=2, layer_norm=6, gelu=2)),
    # The same, read from the end of a table.
    Model("mpt", TEXT, dict(d_model=32, n_heads=4, n_layers=2, max_seq_len=64), variants=TORCHSCRIPT,
          raised=dict(attention=2, layer_norm=5, gelu=2)),
    # Two masks of finite numbers: a window of 5 tokens and the padding.
    Model("gpt_neo", TEXT, dict(num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=5),
          variants=TORCHSCRIPT, raised=dict(attention=2, layer_norm=5, gelu=2)),
    # Lengths behind convolutions with strides; group norm; gelu between transposes.
    Model("wav2vec2", ("input_values",), WAVES, variants=BOTH, raised=dict(attention=2, gelu=5)),
    # Windows of an image, shifted.
    Model("swin", ("pixel_values",), dict(image_size=32, patch_size=4, embed_dim=16, depths=[2, 1], window_size=4,
                                          num_attention_heads=[2, 4]),
          variants=TORCHSCRIPT, raised=dict(attention=3, gelu=3)),
    # Angles of rows and columns, tiled.
    Model("dinov3", ("pixel_values",), VISION, kind="dinov3_vit", variants=TORCHSCRIPT,
          raised=dict(attention=2, rope=4, layer_norm=5, gelu=2)),
    # Experts, chosen by operations: weights gathered for each token.
    Model("mixtral", TEXT, MOE, variants=BOTH, raised=dict(attention=2, rope=4, rms_norm=5)),
)}

#: Decoders with past keys and values, as optimum exports them.
DECODERS = {model.name: model for model in (
    Model("llama", CACHED, GQA, head="AutoModelForCausalLM"),
    Model("qwen2", CACHED, GQA, head="AutoModelForCausalLM"),
    Model("gpt2", CACHED, dict(n_positions=64), head="AutoModelForCausalLM"),
    Model("gpt_neox", CACHED, head="AutoModelForCausalLM"),
    Model("phi3", CACHED, GQA, head="AutoModelForCausalLM"),
)}
LAYERS, HEAD_SIZE = 2, 8


def past_names(stem):
    return [f"{stem}.{layer}.{kind}" for layer in range(LAYERS) for kind in ("key", "value")]


@dataclass(frozen=True)
class Variant:
    """How a model becomes a file."""
    dynamo: bool
    opset: int
    optimized: bool = False  # by ONNX Runtime's transformer optimizer, which writes com.microsoft operators


VARIANTS = {"torchscript": Variant(False, 18), "torchscript-optimized": Variant(False, 18, optimized=True),
            "dynamo": Variant(True, 18), "dynamo23": Variant(True, 23)}
