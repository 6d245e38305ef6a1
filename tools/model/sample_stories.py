#!/usr/bin/env python3
"""Sample training stories from stories260K, in batches with a key-value cache.

    sample_stories.py --out stories.txt --megabytes 16 [--data ../shared/data]

stories260K (MIT; after karpathy/llama2.c) is a 260K-parameter Llama trained on
TinyStories, read from DATA/hf/stories260K and DATA/llm/stories260K/tok512.bin.
It is sampled from the beginning-of-text token alone (temperature --temperature,
nucleus --top-p) until it ends a story; 128 stories at a time in each worker.  Kept are stories
that end by themselves, are 200 to 1600 characters long, use only words of the
public-domain books (DATA/text/books/train) or words that are frequent in the
samples themselves, do not get stuck in a loop, and were not sampled before.
The output holds one story after another, separated by "<|endoftext|>" lines.

Deterministic for a seed and torch version (the number of workers only decides
how many batches are under way).  About 16 MB in seven minutes on 2 cores.
"""
import argparse
import collections
import itertools
import json
import multiprocessing
import re
import struct
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
SEPARATOR = "\n<|endoftext|>\n"
BOS, EOS = 1, 2


def read_pieces(path):
    """The byte strings of a llama2.c tokenizer.bin."""
    data, pieces, at = path.read_bytes(), [], 4
    while at < len(data):
        _, size = struct.unpack_from("<fi", data, at)
        piece = data[at + 8 : at + 8 + size]
        if re.fullmatch(rb"<0x[0-9A-F]{2}>", piece):
            piece = bytes([int(piece[3:5], 16)])
        pieces.append(piece)
        at += 8 + size
    return pieces


class Sampler:
    """Llama with half-split RoPE, one token per step for a whole batch."""

    def __init__(self, folder):
        self.c = json.loads((folder / "config.json").read_text())
        self.w = {k.removeprefix("model."): v.float()
                  for k, v in load_file(folder / "model.safetensors").items()}
        self.head = self.c["hidden_size"] // self.c["num_attention_heads"]
        self.length = self.c["max_position_embeddings"]
        angle = torch.outer(torch.arange(self.length).float(), self.c["rope_theta"] **
                            (-torch.arange(0, self.head, 2).float() / self.head))
        self.cos, self.sin = angle.cos(), angle.sin()

    def norm(self, x, name):
        return F.rms_norm(x, (x.shape[-1],), self.w[name], self.c["rms_norm_eps"])

    def rope(self, x, at):
        a, b = x.chunk(2, -1)
        cos, sin = self.cos[at], self.sin[at]
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def step(self, token, at, cache):
        """Logits of the next token; cache[layer] = (keys, values) [B, KV, length, head]."""
        w, heads, kv = self.w, self.c["num_attention_heads"], self.c["num_key_value_heads"]
        x, n = w["embed_tokens.weight"][token], len(token)
        for layer, (keys, values) in enumerate(cache):
            p = f"layers.{layer}."
            h = self.norm(x, p + "input_layernorm.weight")
            q = F.linear(h, w[p + "self_attn.q_proj.weight"]).view(n, heads, self.head)
            k = F.linear(h, w[p + "self_attn.k_proj.weight"]).view(n, kv, self.head)
            v = F.linear(h, w[p + "self_attn.v_proj.weight"]).view(n, kv, self.head)
            keys[:, :, at], values[:, :, at] = self.rope(k, at), v
            # The query heads of one KV head are the rows of one small matrix.
            q = self.rope(q, at).view(n, kv, heads // kv, self.head)
            a = F.scaled_dot_product_attention(q, keys[:, :, : at + 1], values[:, :, : at + 1])
            x = x + F.linear(a.reshape(n, -1), w[p + "self_attn.o_proj.weight"])
            h = self.norm(x, p + "post_attention_layernorm.weight")
            h = F.silu(F.linear(h, w[p + "mlp.gate_proj.weight"])) * F.linear(h, w[p + "mlp.up_proj.weight"])
            x = x + F.linear(h, w[p + "mlp.down_proj.weight"])
        return F.linear(self.norm(x, "norm.weight"), w["embed_tokens.weight"])

    def stories(self, batch, temperature, top_p, generator):
        """One batch of token lists, those that ended within the context."""
        kv, ended = self.c["num_key_value_heads"], []
        cache = [tuple(torch.zeros(batch, kv, self.length, self.head) for _ in range(2))
                 for _ in range(self.c["num_hidden_layers"])]
        token, text = torch.full((batch,), BOS), torch.zeros(batch, self.length, dtype=torch.long)
        live = torch.ones(batch, dtype=torch.bool)
        for at in range(self.length):
            probability = (self.step(token, at, cache) / temperature).softmax(-1)
            ordered, index = probability.topk(64)      # the nucleus is never larger
            ordered[ordered.cumsum(-1) - ordered > top_p] = 0
            token = index.gather(1, torch.multinomial(ordered, 1, generator=generator))[:, 0]
            text[:, at] = token
            done = live & ((token == BOS) | (token == EOS))
            ended += [row[:at].tolist() for row in text[done]]
            live &= ~done
            if live.sum() < 0.8 * len(live):           # drop the rows that are done
                token, text = token[live], text[live]
                for i, pair in enumerate(cache):
                    cache[i] = tuple(F.pad(c[live, :, : at + 1], (0, 0, 0, self.length - at - 1))
                                     for c in pair)
                live = live[live]
            if len(token) == 0:
                break
        return ended


def words(text):
    return re.findall(r"[A-Za-z]+(?:'[a-z]+)?", text)


def looping(text):
    """Whether a sentence returns three times or a word follows itself twice."""
    sentences = collections.Counter(s.strip() for s in re.split(r"[.!?\n]", text) if len(s) > 12)
    return (sentences.most_common(1)[0][1] > 2 if sentences else True) or bool(
        re.search(r"\b(\w+)(?: \1){2}\b", text))


def begin(args):
    """What each worker process keeps."""
    global worker
    torch.set_num_threads(1)
    worker = (args, Sampler(args.data / "hf/stories260K"),
              read_pieces(args.data / "llm/stories260K/tok512.bin"))


def sample(seed):
    """The texts of one batch; they depend on the seed only, not on the worker."""
    args, sampler, pieces = worker
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        batch = sampler.stories(args.batch, args.temperature, args.top_p, generator)
    return [b"".join(pieces[i] for i in ids).decode("utf8", "replace").strip() for ids in batch]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=HERE / "../../../shared/data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=16)
    parser.add_argument("--minutes", type=float, default=15, help="stop sampling after this time")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    raw, size, start = {}, 0, time.time()
    with multiprocessing.Pool(args.workers, begin, (args,)) as pool:
        for batch in pool.imap(sample, itertools.count(args.seed * 1_000_000)):
            for text in batch:
                if 200 <= len(text) <= 1600 and text.isascii() and text not in raw:
                    raw[text] = True
                    size += len(text)
            print(f"{time.time() - start:6.0f} s  {len(raw)} stories  {size / 1e6:.1f} MB", flush=True)
            if size > args.megabytes * 1.2e6 or time.time() - start > args.minutes * 60:
                break

    known = collections.Counter()
    for book in sorted((args.data / "text/books/train").glob("*.txt")):
        known.update(w.lower() for w in set(words(book.read_text())))
    sampled = collections.Counter(w.lower() for text in raw for w in set(words(text)))
    allowed = {w for w, n in known.items() if n >= 2} | {
        w for w, n in sampled.items() if n >= max(3, len(raw) // 500)}
    kept = [t for t in raw if not looping(t) and all(w.lower() in allowed for w in words(t))]
    args.out.write_text(SEPARATOR.join(kept) + "\n")
    print(f"kept {len(kept)} of {len(raw)} stories, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
