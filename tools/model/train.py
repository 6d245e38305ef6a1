#!/usr/bin/env python3
"""Train the small Llama-style language models that Halftone ships and is tested with.

    sample_stories.py --out build/stories.txt             # once, a few minutes
    train.py --stories build/stories.txt --work build/train --out tools/model/stories-3M \\
             --preset demo --compile --minutes 65         # a 3.7M-parameter model
    train.py ... --preset proof --compile --minutes 60    # 29M parameters: wants a GPU

Running the same command again resumes from the last checkpoint in --work.

Model   LlamaForCausalLM: RMSNorm, half-split RoPE, grouped-query attention, SwiGLU,
        tied embeddings, no biases; a byte-level BPE tokenizer trained on the same
        text.  Every width is a multiple of 256, so every block format applies.
Data    DATA/text/books/train: public-domain English prose (its INDEX.md names each
        book); and stories sampled from stories260K (MIT) by sample_stories.py.  Half
        of the training windows are stories, 30 % the plainest of the books (SIMPLE),
        20 % the other books.  Every 40th story is held out; books/valid is held out.
Recipe  AdamW, cosine schedule after a short warm-up, bf16 autocast, windows of 512
        tokens; half of them start at the start of a document.  The schedule follows
        the time used out of --minutes (or the steps out of --steps, which is
        reproducible bit by bit on one machine), so a run on a busy machine ends in
        time and its learning rate still reaches the end of the cosine.
Cost    demo: 2 idle cores with AMX train 12k tokens a second with --compile (which needs
        a C++ compiler), half as many without; 2.5 GB of memory.
Output  OUT/: config.json, generation_config.json, model.safetensors (bf16),
        tokenizer.json, tokenizer_config.json, training.json (what was done, and the
        held-out perplexity of the bf16-rounded weights in non-overlapping windows).
"""
import argparse
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = Path(__file__).resolve().parent
END = "<|endoftext|>"                     # token 0: between documents, ends a text


@dataclass(frozen=True)
class Config:
    dim: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocab: int
    context: int = 512
    batch: int = 16                       # windows per step
    rate: float = 3e-3                    # peak learning rate
    theta: float = 10000.0
    eps: float = 1e-5


PRESETS = {
    "demo": Config(dim=256, layers=4, heads=8, kv_heads=4, ffn=768, vocab=2048),
    "proof": Config(dim=512, layers=8, heads=8, kv_heads=4, ffn=1536, vocab=8192,
                    batch=64, rate=1.5e-3),
    "smoke": Config(dim=64, layers=2, heads=4, kv_heads=2, ffn=128, vocab=512, batch=4),
}

# The plainest prose; the first part of the file name is the author.
SIMPLE = ("aesop", "bailey", "potter", "mcmurry", "gruelle", "perkins", "williams", "tolstoy",
          "paine", "baum", "grimm", "carroll", "lofting", "jacobs-english", "fillmore",
          "nesbit-pussy", "burnett-racketty", "burnett-good-wolf", "burnett-barty", "kipling-just")
WEIGHTS = {"stories": 0.5, "simple": 0.3, "books": 0.2}
HELD_OUT = 40                             # every so-manieth story


# --- data ---------------------------------------------------------------------

def read_documents(data, stories_file):
    """Training and held-out documents by source."""
    train, held = {"stories": [], "simple": [], "books": []}, {"stories": [], "books": []}
    for i, story in enumerate(stories_file.read_text().strip().split("\n" + END + "\n")):
        (held if i % HELD_OUT == 0 else train)["stories"].append(story)
    for path in sorted((data / "text/books/train").glob("*.txt")):
        train["simple" if path.name.startswith(SIMPLE) else "books"].append(path.read_text().strip())
    for path in sorted((data / "text/books/valid").glob("*.txt")):
        held["books"].append(path.read_text().strip())
    return train, held


def train_tokenizer(documents, vocab, path):
    """Byte-level BPE (GPT-2's pre-tokenizer), from a sample of the mixture."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    rng, sample = np.random.default_rng(0), []
    for source, texts in documents.items():
        budget = int(12e6 * WEIGHTS[source])
        for i in rng.permutation(len(texts)):
            text = texts[i][: max(2000, budget // 8)]
            sample.append(text)
            budget -= len(text)
            if budget <= 0:
                break
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(sample, trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    assert tokenizer.get_vocab_size() == vocab and tokenizer.token_to_id(END) == 0
    save_atomically(path, lambda p: tokenizer.save(str(p)))
    return tokenizer


def encode(tokenizer, texts):
    """One token array, each document followed by the end token."""
    out = []
    for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
        out.append(np.array(encoding.ids + [0], np.uint16))
    return np.concatenate(out)


class Batches:
    """Random windows of the mixture; batch number n is always the same."""

    def __init__(self, tokens, config, seed):
        self.tokens, self.config, self.seed = tokens, config, seed
        self.starts = {}
        for source, array in tokens.items():
            starts = np.concatenate(([0], np.flatnonzero(array == 0) + 1))
            self.starts[source] = starts[starts < len(array) - config.context - 1]

    def __getitem__(self, number):
        rng, length = np.random.default_rng((self.seed, number)), self.config.context + 1
        names = list(self.tokens)
        picks = rng.choice(len(names), self.config.batch, p=[WEIGHTS[n] for n in names])
        rows = []
        for name in (names[p] for p in picks):
            array, starts = self.tokens[name], self.starts[name]
            at = int(rng.integers(len(array) - length))
            if name == "stories" and rng.random() < 0.5:
                at = int(starts[rng.integers(len(starts))])
            rows.append(array[at : at + length])
        batch = torch.from_numpy(np.stack(rows).astype(np.int64))
        return batch[:, :-1], batch[:, 1:]


# --- model (parameters are named as in transformers) ----------------------------

class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, self.head = c, c.dim // c.heads
        self.q_proj = nn.Linear(c.dim, c.dim, bias=False)
        self.k_proj = nn.Linear(c.dim, c.kv_heads * self.head, bias=False)
        self.v_proj = nn.Linear(c.dim, c.kv_heads * self.head, bias=False)
        self.o_proj = nn.Linear(c.dim, c.dim, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape

        def heads(y, rotate):
            y = y.view(batch, length, -1, self.head).transpose(1, 2)
            if not rotate:
                return y
            a, b = y.chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(y.dtype)

        q = heads(self.q_proj(x), True)
        repeat = self.c.heads // self.c.kv_heads
        k = heads(self.k_proj(x), True).repeat_interleave(repeat, 1)
        v = heads(self.v_proj(x), False).repeat_interleave(repeat, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c.dim, c.ffn, bias=False)
        self.up_proj = nn.Linear(c.dim, c.ffn, bias=False)
        self.down_proj = nn.Linear(c.ffn, c.dim, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(c.dim, c.eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = nn.RMSNorm(c.dim, c.eps)
        self.mlp = MLP(c)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed_tokens = nn.Embedding(c.vocab, c.dim)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = nn.RMSNorm(c.dim, c.eps)
        head = c.dim // c.heads
        angle = torch.outer(torch.arange(c.context).float(),
                            c.theta ** (-torch.arange(0, head, 2).float() / head))
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        nn.init.normal_(self.embed_tokens.weight, std=0.04)
        for name, p in self.named_parameters():
            if p.ndim == 2 and "embed" not in name:
                last = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=p.shape[1] ** -0.5 / (math.sqrt(2 * c.layers) if last else 1))

    def forward(self, ids, targets=None):
        x = self.embed_tokens(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        logits = F.linear(self.norm(x), self.embed_tokens.weight)
        if targets is None:
            return logits
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


@torch.no_grad()
def perplexity(model, tokens, windows, device="cpu"):
    """exp of the mean -log p of the predicted tokens in non-overlapping windows of
    `context` tokens: the first token of a window is only context.  At most `windows`
    windows, spread evenly over the text."""
    length = model.c.context
    count = len(tokens) // length
    chosen = np.unique(np.linspace(0, count - 1, min(windows, count)).astype(int))
    total = predicted = 0
    for part in np.array_split(chosen, max(1, len(chosen) // 8)):
        ids = np.stack([tokens[i * length : (i + 1) * length] for i in part]).astype(np.int64)
        ids = torch.from_numpy(ids).to(device)
        total += model(ids[:, :-1], ids[:, 1:]).item() * len(part)
        predicted += len(part)
    return math.exp(total / predicted)


# --- files ----------------------------------------------------------------------

def save_atomically(path, write):
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    write(partial)
    os.replace(partial, path)


def write_hugging_face(model, tokenizer_file, out, facts):
    """The folder that transformers' AutoModelForCausalLM and AutoTokenizer load."""
    from safetensors.torch import save_file
    c = model.c
    weights = {"model." + name: p.detach().to("cpu", torch.bfloat16).contiguous()
               for name, p in model.named_parameters()}
    save_atomically(out / "model.safetensors",
                    lambda p: save_file(weights, p, metadata={"format": "pt"}))
    (out / "tokenizer.json").write_text(tokenizer_file.read_text())
    files = {
        "config.json": {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama",
            "attention_bias": False, "attention_dropout": 0.0, "mlp_bias": False,
            "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "silu", "hidden_size": c.dim,
            "head_dim": c.dim // c.heads, "initializer_range": 0.02, "intermediate_size": c.ffn,
            "max_position_embeddings": c.context, "num_attention_heads": c.heads,
            "num_hidden_layers": c.layers, "num_key_value_heads": c.kv_heads,
            "rms_norm_eps": c.eps, "rope_theta": c.theta, "tie_word_embeddings": True,
            "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": c.vocab},
        "generation_config.json": {"bos_token_id": 0, "eos_token_id": 0, "do_sample": True,
                                   "temperature": 0.7, "top_k": 40, "max_length": c.context},
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast",
                                  "bos_token": END, "eos_token": END, "unk_token": None,
                                  "add_prefix_space": False, "clean_up_tokenization_spaces": False,
                                  "model_max_length": c.context},
        "training.json": facts}
    for name, value in files.items():
        (out / name).write_text(json.dumps(value, indent=2) + "\n")


# --- training -------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", choices=PRESETS, default="demo")
    parser.add_argument("--data", type=Path, default=HERE / "../../../shared/data")
    parser.add_argument("--stories", type=Path, required=True, help="output of sample_stories.py")
    parser.add_argument("--work", type=Path, required=True, help="tokenizer, tokens, checkpoint")
    parser.add_argument("--out", type=Path, help="Hugging Face folder to write at the end")
    parser.add_argument("--minutes", type=float, default=65)
    parser.add_argument("--steps", type=int, help="train so many steps instead of --minutes")
    parser.add_argument("--save-minutes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="torch.compile the model")
    args = parser.parse_args()
    c, work = PRESETS[args.preset], args.work
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(args.seed)
    work.mkdir(parents=True, exist_ok=True)

    def log(text):
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        with open(work / "log.txt", "a") as file:
            file.write(line + "\n")

    # Tokenizer and tokens are made once.
    from tokenizers import Tokenizer
    documents, held_documents = read_documents(args.data, args.stories)
    tokenizer_file, tokens_file = work / "tokenizer.json", work / "tokens.npz"
    if not tokens_file.exists():
        tokenizer = train_tokenizer(documents, c.vocab, tokenizer_file)
        arrays = {"train_" + k: encode(tokenizer, v) for k, v in documents.items()}
        arrays |= {"held_" + k: encode(tokenizer, v) for k, v in held_documents.items()}
        np.savez(work / "tokens.partial.npz", **arrays)
        os.replace(work / "tokens.partial.npz", tokens_file)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    arrays = dict(np.load(tokens_file))
    train_tokens = {k: arrays["train_" + k] for k in documents}
    held = {k: arrays["held_" + k] for k in held_documents}
    log("tokens: " + ", ".join(f"{k} {len(v)}" for k, v in arrays.items()))

    model = Llama(c).to(device)
    parameters = sum(p.numel() for p in model.parameters())
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1},
                                   {"params": vectors, "weight_decay": 0.0}],
                                  lr=c.rate, betas=(0.9, 0.97), fused=True)
    step, used = 0, 0.0
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, used = state["step"], state["seconds"]
        log(f"resumed at step {step}, {used / 60:.1f} minutes used")
    log(f"preset {args.preset}: {parameters} parameters, {device}, {torch.get_num_threads()} threads")

    def save():
        save_atomically(checkpoint, lambda p: torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
             "step": step, "seconds": used}, p))

    run = torch.compile(model) if args.compile else model
    batches, before = Batches(train_tokens, c, args.seed), used
    start = saved = shown = time.time()
    loss_sum, loss_count = 0.0, 0
    while True:
        used = before + time.time() - start
        progress = step / args.steps if args.steps else used / (60 * args.minutes)
        if progress >= 1:
            break
        warm = min(1.0, (step + 1) / 200)
        rate = c.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        ids, targets = (t.to(device) for t in batches[step])
        with torch.autocast(device, torch.bfloat16):
            loss = run(ids, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        loss_sum, loss_count = loss_sum + loss.item(), loss_count + 1
        now = time.time()
        if now - shown > 30:
            speed = loss_count * c.batch * c.context / (now - shown)
            log(f"step {step}  {used / 60:5.1f} min  loss {loss_sum / loss_count:.4f}  "
                f"rate {rate:.2e}  {speed:.0f} tokens/s")
            loss_sum, loss_count, shown = 0.0, 0, now
        if now - saved > 60 * args.save_minutes:
            save()
            log("saved; perplexity " + ", ".join(
                f"{k} {perplexity(model, v, 24, device):.2f}" for k, v in held.items()))
            saved = time.time()
    save()

    # Evaluate what is shipped: the weights rounded to bf16, computed in f32.
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.to(torch.bfloat16).float())
    facts = {"preset": args.preset, "parameters": parameters, "steps": step,
             "tokens": step * c.batch * c.context, "minutes": round(used / 60, 1),
             "device": device, "seed": args.seed,
             "training_tokens": {k: len(v) for k, v in train_tokens.items()},
             "weights": WEIGHTS,
             "perplexity": {k: round(perplexity(model, v, 600, device), 3) for k, v in held.items()},
             "perplexity_tokens": {k: min(600, len(v) // c.context) * (c.context - 1)
                                   for k, v in held.items()}}
    log(json.dumps(facts))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        write_hugging_face(model, tokenizer_file, args.out, facts)
        log(f"wrote {args.out}")


if __name__ == "__main__":
    main()
