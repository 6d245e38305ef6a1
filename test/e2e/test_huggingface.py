"""Folders of Hugging Face models: logits of compiled programs against PyTorch's, whole and token by token
through the caches; real models against what PyTorch said of them; what is wrong with a folder."""
import json

import numpy as np
import pytest

import checkpoints
from compare import relative_error
from decoders import CONTEXT, TOLERANCE, Sequence, check_logits, make_random, run_torch
from halftone import FAILED, HALFTONE, USAGE, Library, compile_model, run, run_reference
from places import SHARED


def compile_folder(folder, *options):
    compile_model(folder, folder / "model.so", "--max", f"batch=3,sequence={CONTEXT},context={CONTEXT}", *options)
    return Library(folder / "model.so")


# ---- random weights against transformers ----------------------------------------------------

SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, vocab_size=99,
             max_position_embeddings=CONTEXT, pad_token_id=0, bos_token_id=1, eos_token_id=2)
GQA = dict(num_key_value_heads=2)
HEAD = GQA | dict(head_dim=12)
GPT2 = dict(vocab_size=99, n_embd=32, n_layer=2, n_head=4, n_positions=CONTEXT)
GEMMA = SMALL | HEAD | dict(query_pre_attn_scalar=20)

#: A name, transformers' model_type and configuration.
MODELS = {
    "llama": ("llama", SMALL | GQA),
    "llama-tied-biased": ("llama", SMALL | HEAD | dict(tie_word_embeddings=True, attention_bias=True, mlp_bias=True)),
    "llama3": ("llama", SMALL | GQA | dict(rope_parameters=dict(
        rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32))),
    "llama-linear": ("llama", SMALL | dict(rope_parameters=dict(rope_type="linear", rope_theta=100.0, factor=4.0))),
    "llama-yarn": ("llama", SMALL | GQA | dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16))),
    "smollm3": ("smollm3", SMALL | GQA | dict(no_rope_layer_interval=2)),
    "smollm3-window": ("smollm3", SMALL | GQA | dict(no_rope_layers=[0, 1], use_sliding_window=True, sliding_window=5)),
    "mistral": ("mistral", SMALL | GQA | dict(sliding_window=5)),
    "mistral-whole": ("mistral", SMALL | GQA | dict(sliding_window=None)),
    "mixtral": ("mixtral", SMALL | GQA | dict(num_local_experts=5, num_experts_per_tok=2, sliding_window=None)),
    "qwen2_moe": ("qwen2_moe", SMALL | GQA | dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=20,
                                                  shared_expert_intermediate_size=28, decoder_sparse_step=2)),
    "qwen3_moe": ("qwen3_moe", SMALL | HEAD | dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24,
                                                   norm_topk_prob=True, mlp_only_layers=[0])),
    "qwen2": ("qwen2", SMALL | GQA),
    "qwen2-window": ("qwen2", SMALL | GQA | dict(use_sliding_window=True, sliding_window=6, max_window_layers=1)),
    "qwen3": ("qwen3", SMALL | HEAD),
    "gemma": ("gemma", SMALL | HEAD),
    "gemma2": ("gemma2", GEMMA | dict(sliding_window=5, attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    "gemma3": ("gemma3_text", GEMMA | dict(sliding_window=5, layer_types=["sliding_attention", "full_attention"])),
    "phi3": ("phi3", SMALL | GQA),
    "phi3-window": ("phi3", SMALL | GQA | dict(sliding_window=7)),
    "phi3-long": ("phi3", SMALL | GQA | dict(
        max_position_embeddings=4 * CONTEXT, original_max_position_embeddings=CONTEXT, rope_parameters=dict(
            rope_type="longrope", rope_theta=1000.0, short_factor=[1.0, 1.5, 2.0, 2.5], long_factor=[4.0] * 4))),
    "gpt2": ("gpt2", GPT2),
    "gpt2-scaled": ("gpt2", GPT2 | dict(scale_attn_by_inverse_layer_idx=True, n_inner=40)),
    "gpt_neox": ("gpt_neox", SMALL),
    "gpt_neox-serial": ("gpt_neox", SMALL | dict(use_parallel_residual=False, attention_bias=False)),
    "opt": ("opt", SMALL | dict(ffn_dim=48, word_embed_proj_dim=32)),
    "opt-post-norm": ("opt", SMALL | dict(ffn_dim=48, word_embed_proj_dim=32, do_layer_norm_before=False)),
    "stablelm": ("stablelm", SMALL | GQA | dict(use_qkv_bias=True, hidden_size=64)),
    "stablelm-parallel": ("stablelm", SMALL | GQA | dict(use_parallel_residual=True, hidden_size=64)),
}


def make_model(name, folder):
    """The same of the table, saved."""
    model = make_random(*MODELS[name], "AutoModelForCausalLM")
    model.save_pretrained(folder)
    return model


@pytest.mark.peers
@pytest.mark.parametrize("name", MODELS)
def test_logits(name, tmp_path):
    model = make_model(name, tmp_path)
    tokens = np.random.default_rng().integers(3, 99, CONTEXT - 7).tolist()
    check_logits(compile_folder(tmp_path), tokens, run_torch(model, tokens))


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_weights_in_shards(dtype, tmp_path):
    """Stored narrower and in several files: the same numbers, widened."""
    import torch
    import transformers
    make_random(*MODELS["qwen3"], "AutoModelForCausalLM").to(getattr(torch, dtype)).save_pretrained(
        tmp_path / "narrow", max_shard_size="20KB")
    assert len(list((tmp_path / "narrow").glob("*.safetensors"))) > 1
    tokens = list(range(3, 40))
    # Read again: what the first one computed from its configuration became narrow as well.
    want = run_torch(transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "narrow", dtype=torch.float32), tokens)
    for weights in "f32", "model":
        check_logits(compile_folder(tmp_path / "narrow", "--weights", weights), tokens, want)


@pytest.mark.peers
def test_without_a_head(tmp_path):
    """A base model's file has names without the prefix of the whole."""
    model = make_model("gpt2", tmp_path)
    model.transformer.save_pretrained(tmp_path)
    tokens = list(range(3, 40))
    check_logits(compile_folder(tmp_path), tokens, run_torch(model, tokens))


# ---- encoders ------------------------------------------------------------------------------

DISTILBERT = dict(vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=CONTEXT)
ENCODERS = {
    "bert": ("bert", SMALL | dict(hidden_act="gelu_new"), ["last_hidden_state", "pooler_output"]),
    "roberta": ("roberta", SMALL | dict(type_vocab_size=1, pad_token_id=1), ["last_hidden_state", "pooler_output"]),
    "distilbert": ("distilbert", DISTILBERT, ["last_hidden_state"]),
}


@pytest.mark.peers
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("head", ["AutoModel", "AutoModelForMaskedLM"])
def test_encoders(name, head, tmp_path):
    """Texts of different lengths; a head for a task is left out, with a warning."""
    import torch
    kind, settings, outputs = ENCODERS[name]
    model = make_random(kind, settings, head)
    model.save_pretrained(tmp_path)
    said = compile_model(tmp_path, tmp_path / "model.so", "--max", "batch=3,sequence=60").stderr
    assert ("of a head for a task are left out" in said) == (head != "AutoModel")
    base = getattr(model, model.base_model_prefix, model)
    outputs = outputs if getattr(base, "pooler", None) is not None else outputs[:1]
    random = np.random.default_rng()
    mask = (np.arange(41) < np.array([[41], [17], [30]])).astype(np.int64)
    inputs = {"input_ids": np.where(mask, random.integers(3, 99, mask.shape), settings.get("pad_token_id", 0)),
              "attention_mask": mask}
    if kind != "distilbert":
        inputs["token_type_ids"] = random.integers(0, settings.get("type_vocab_size", 2), mask.shape)
    with torch.no_grad():
        want = base(**{key: torch.tensor(value) for key, value in inputs.items()})
    with Library(tmp_path / "model.so").session(threads=2) as session:
        got = session.run(inputs)
    assert sorted(got) == sorted(outputs)
    for output in outputs:
        assert relative_error(got[output], want[output].numpy()) < TOLERANCE


# ---- a model of numpy's, where there is no torch ----------------------------------------------

def run_numpy(config, w, tokens):
    """Logits of a Llama, in f64."""
    w = {name: array.astype(np.float64) for name, array in w.items()}
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    size, count = config["hidden_size"] // heads, len(tokens)

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]) * w[name + ".weight"]

    def linear(x, name):
        return x @ w[name + ".weight"].T

    angles = np.arange(count)[:, None, None] * config["rope_theta"] ** (-np.arange(0, size, 2) / size)

    def rotate(x):
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], -1)

    x = w["model.embed_tokens.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        y = norm(x, at + "input_layernorm")
        q, k, v = (linear(y, f"{at}self_attn.{n}_proj").reshape(count, -1, size) for n in "qkv")
        q, k = rotate(q), rotate(k)
        k, v = (np.repeat(a, heads // kv_heads, axis=1) for a in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(size)
        scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        y = np.einsum("hij,jhd->ihd", scores / scores.sum(-1, keepdims=True), v).reshape(count, -1)
        x = x + linear(y, at + "self_attn.o_proj")
        y = norm(x, at + "post_attention_layernorm")
        gate = linear(y, at + "mlp.gate_proj")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(y, at + "mlp.up_proj"), at + "mlp.down_proj")
    return norm(x, "model.norm") @ w["model.embed_tokens.weight"].T


@pytest.mark.parametrize("shards", [1, 3])
def test_llama_of_numpy(shards, tmp_path):
    tensors = checkpoints.random_tensors(checkpoints.tiny_shapes(), seed=None)
    folder = checkpoints.write(tmp_path, tensors=tensors)
    if shards > 1:
        checkpoints.write_shards(folder, tensors, shards)
    tokens = np.random.default_rng().integers(0, 13, 30).tolist()
    compile_model(folder, folder / "model.so", "--max", "batch=3")
    check_logits(Library(folder / "model.so"), tokens, run_numpy(checkpoints.TINY, tensors, tokens))


def test_reference(tmp_path):
    """The interpreter, on two sequences at once."""
    tensors = checkpoints.random_tensors(checkpoints.tiny_shapes(), seed=None)
    folder = checkpoints.write(tmp_path / "tiny", tensors=tensors)
    tokens = np.random.default_rng().integers(0, 13, (2, 9))
    got = run_reference(folder, {"input_ids": tokens, "sequences": np.array([1, 0]), "start": np.zeros(2, np.int64),
                                 "wanted": np.arange(18)}, tmp_path, "--max", "batch=2,sequence=9,context=16")
    want = np.concatenate([run_numpy(checkpoints.TINY, tensors, row) for row in tokens])
    assert list(got) == ["logits"] and relative_error(got["logits"], want) < TOLERANCE


def test_perplexity_and_next(tmp_path):
    """The program knows a language model by its inputs, and runs windows in one sequence's cache."""
    tensors = checkpoints.random_tensors(checkpoints.tiny_shapes(), seed=None)
    folder = checkpoints.write(tmp_path / "tiny", tensors=tensors)
    compile_model(folder, tmp_path / "tiny.bin", "--max", "batch=2,sequence=16")
    tokens = np.random.default_rng().integers(0, 13, 48)
    np.save(tmp_path / "tokens.npy", tokens)
    logits = np.stack([run_numpy(checkpoints.TINY, tensors, window) for window in tokens.reshape(3, 16)])
    shifted = logits - logits.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    picked = np.take_along_axis(log_p[:, :-1], tokens.reshape(3, 16)[:, 1:, None], axis=-1)
    said = json.loads(run([tmp_path / "tiny.bin", "--perplexity", tmp_path / "tokens.npy", "--window", "16",
                           "--json"]).stdout)
    assert said["perplexity"] == pytest.approx(np.exp(-picked.mean()), rel=1e-4)
    best = json.loads(run([tmp_path / "tiny.bin", "--next", tmp_path / "tokens.npy", "--json"]).stdout)["rows"][0][0]
    assert best["token"] == logits[-1, -1].argmax()


def test_inspect_and_phases(tmp_path):
    folder = checkpoints.write(tmp_path)
    found = json.loads(run([HALFTONE, "inspect", folder, "--json"]).stdout)
    assert {name: found["operations"][name] for name in ("attention", "rms_norm", "rope", "glu", "linear", "update",
                                                         "embedding")} == \
        dict(attention=2, rms_norm=5, rope=4, glu=2, linear=15, update=4, embedding=1)
    assert [symbol["name"] for symbol in found["symbols"]] == ["batch", "sequence", "wanted"]
    assert found["parameters"] == sum(np.prod(shape) for shape in checkpoints.tiny_shapes().values())
    compile_model(folder, tmp_path / "model", "--verify-each-phase", "--max", "batch=2,sequence=4,context=8")


# ---- real models -------------------------------------------------------------------------------

def shared(path):
    folder = SHARED / "data" / path
    if not folder.exists():
        pytest.skip(f"no {folder}")
    return folder


def test_stories260k(tmp_path):
    """A trained Llama against numpy, far into its context."""
    folder = shared("hf/stories260K")
    compile_model(folder, tmp_path / "stories.so", "--max", "batch=3")
    config = json.loads((folder / "config.json").read_text())
    tokens = [1] + np.random.default_rng().integers(3, 512, 299).tolist()
    want = run_numpy(config, checkpoints.read(folder / "model.safetensors"), tokens)
    check_logits(Library(tmp_path / "stories.so"), tokens, want)


def test_prose_greedy(tmp_path):
    """What PyTorch wrote in f32, token by token."""
    folder = shared("hf/prose7M")
    compile_model(folder, tmp_path / "prose.so", "--max", "batch=2,sequence=256,context=512")
    golden = json.loads((folder / "golden.json").read_text())
    ids = list(golden["prompt_ids"])
    with Library(tmp_path / "prose.so").session() as session:
        sequence, fed = Sequence(session, 1), 0
        while len(ids) < len(golden["greedy_ids"]):
            logits = sequence.feed(ids[fed:])[-1]
            fed = len(ids)
            ids.append(int(logits.argmax()))
    assert ids == golden["greedy_ids"]


@pytest.mark.peers
def test_prose_perplexity(tmp_path):
    """PyTorch's of a whole book, in f32."""
    import tokenizers
    folder = shared("hf/prose7M")
    golden = json.loads((folder / "golden.json").read_text())
    text = (SHARED / "data" / golden["text"]).read_text()
    ids = np.array(tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False).ids)
    window = golden["window"]
    np.save(tmp_path / "ids.npy", ids[:len(ids) // window * window])
    compile_model(folder, tmp_path / "prose", "--max", f"batch=1,sequence={window}")
    said = json.loads(run([tmp_path / "prose", "--perplexity", tmp_path / "ids.npy", "--window", window, "--json"]).stdout)
    assert said["perplexity"] == pytest.approx(golden["perplexity"], rel=1e-5)


@pytest.mark.peers
def test_minilm(minilm, tmp_path):
    """A real encoder's folder gives what PyTorch gives."""
    import torch
    import transformers
    import models
    folder = models.minilm_folder()
    compile_model(folder, tmp_path / "minilm.so", "--max", "batch=2,sequence=64")
    mask = (np.arange(50) < np.array([[50], [33]])).astype(np.int64)
    ids = np.random.default_rng().integers(1000, 30000, mask.shape) * mask
    model = transformers.AutoModel.from_pretrained(folder).float().eval()
    with torch.no_grad():
        want = model(torch.tensor(ids), torch.tensor(mask)).last_hidden_state.numpy()
    with Library(tmp_path / "minilm.so").session() as session:
        got = session.run({"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})
    assert relative_error(got["last_hidden_state"], want) < TOLERANCE


# ---- folders with something wrong ----------------------------------------------------------------

def refused(folder, code, *words, options=()):
    done = compile_model(folder, folder / "out.so", *options, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("error: ") == 1 and not (folder / "out.so").exists()
    for word in words:
        assert word in done.stderr, done.stderr


def changed(folder, drop=(), **values):
    """A folder whose config.json has other values."""
    config = {key: value for key, value in (checkpoints.TINY | values).items() if key not in drop}
    return checkpoints.write(folder, config)


def test_folders_that_are_none(tmp_path):
    refused(tmp_path, USAGE, "config.json: no such file: a model's folder has config.json and model.safetensors")
    checkpoints.write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    refused(tmp_path, USAGE, "model.safetensors: no such file, and no model.safetensors.index.json")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    refused(tmp_path, USAGE, "save the model again with safe_serialization=True")


def test_configurations(tmp_path):
    refused(changed(tmp_path, model_type="rwkv"), FAILED, "the model_type 'rwkv' is not supported; known are bert, ",
            "llama, mistral")
    refused(changed(tmp_path, drop=["model_type"]), USAGE, 'has no "model_type": expected a string')
    refused(changed(tmp_path, drop=["hidden_size"]), USAGE, 'has no "hidden_size": expected a whole number from 1')
    refused(changed(tmp_path, hidden_size="16"), USAGE, "\"hidden_size\" is '\\2216\\22': expected a whole number")
    refused(changed(tmp_path, num_hidden_layers=10**6), FAILED, "at most 4096 layers")
    refused(changed(tmp_path, num_key_value_heads=3), USAGE, 'a multiple of "num_key_value_heads"')
    refused(changed(tmp_path, hidden_act="mish"), FAILED, '"hidden_act" is', "expected silu, gelu")
    refused(changed(tmp_path, rope_scaling=dict(rope_type="dynamic", factor=2.0)), FAILED, '"rope_scaling.rope_type"')
    refused(changed(tmp_path, quantization_config=dict(bits=4)), FAILED, "quantization_config")
    refused(changed(tmp_path), USAGE, "--max: 'tokens' names no dimension of this model; it has batch, sequence, context",
            options=["--max", "tokens=3"])
    refused(changed(tmp_path), USAGE, "context=33 is more than the 32 tokens", options=["--max", "context=33"])
    (tmp_path / "config.json").write_text("{")
    refused(tmp_path, USAGE, "config.json: is no JSON")


def test_tensors(tmp_path):
    tensors = checkpoints.random_tensors(checkpoints.tiny_shapes())
    name = "model.layers.1.mlp.up_proj.weight"

    def with_tensor(array):
        changed = {key: value for key, value in tensors.items() if key != name}
        return checkpoints.write(tmp_path, tensors=changed | ({} if array is None else {name: array}))

    refused(with_tensor(None), USAGE, f"has no tensor '{name}': expected floats of shape [24, 16]")
    refused(with_tensor(np.zeros((16, 24), np.float32)), USAGE,
            f"tensor '{name}' is 'f32' of shape [16, 24]: expected f32, f16 or bf16 of shape [24, 16]")
    refused(with_tensor(np.zeros((24, 16), np.int64)), USAGE, "is 'i64' of shape [24, 16]")
    extra = checkpoints.write(tmp_path, tensors=tensors | {"model.layers.0.self_attn.q_proj.bias": np.zeros(16, np.float32)})
    refused(extra, USAGE, "tensor 'model.layers.0.self_attn.q_proj.bias' of shape [16] has no place in the model "
            "that config.json describes")


def test_shards(tmp_path):
    tensors = checkpoints.random_tensors(checkpoints.tiny_shapes())
    checkpoints.write(tmp_path, tensors=tensors)
    checkpoints.write_shards(tmp_path, tensors, 3)
    index = tmp_path / "model.safetensors.index.json"
    written = json.loads(index.read_text())
    name, file = sorted(written["weight_map"].items())[0]

    def rewrite(**map):
        index.write_text(json.dumps({"weight_map": written["weight_map"] | map}))

    rewrite(**{name: "../model.safetensors"})
    refused(tmp_path, USAGE, "expected the name of a .safetensors file in the same folder, got '../model.safetensors'")
    rewrite(**{name: "model-00002-of-00003.safetensors"})
    refused(tmp_path, USAGE, f"says that tensor '{name}' is in 'model-00002-of-00003.safetensors', which does not have it")
    rewrite()
    (tmp_path / "model-00003-of-00003.safetensors").unlink()
    refused(tmp_path, USAGE, "names the file 'model-00003-of-00003.safetensors', which is missing")
