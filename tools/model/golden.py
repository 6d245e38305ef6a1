#!/usr/bin/env python3
"""Write the golden data of a model folder: FOLDER/golden/, for tests without torch.

    golden.py tools/model/stories-3M --stories build/stories.txt

Everything is computed by transformers in f32 from the folder's bf16 weights, on held-out
text: stories that train.py kept out (every 40th) and a public-domain book of
DATA/text/books/valid.

tokens.npy       int64 [1, 512]: held-out stories
golden.npz       positions [n]; logits f32 [n, vocab] of tokens.npy at those positions;
                 nll f32 [511]: -log p of tokens.npy[0, 1:]
eval_tokens.npy  int64 [16, 512]: 8 windows of held-out stories, 8 of the book
golden.json      perplexity and its definition, per-window -log p, a greedy continuation
"""
import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import train

BOOK = "bailey-tale-of-cuffy-bear.txt"
POSITIONS = [0, 1, 7, 63, 128, 255, 384, 511]
PROMPT = "Once upon a time, there was a little girl named Lily."
DEFINITION = (
    "Each row of eval_tokens.npy is a window on its own: positions 0 to 511, nothing before it. "
    "The model is run once per window; tokens 1 to 511 are predicted from those before them. "
    "perplexity = exp(mean over all predicted tokens of all windows (16 * 511) of -log p).")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stories", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=train.HERE / "../../../shared/data")
    args = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(args.folder)

    held = train.read_documents(args.data, args.stories)[1]
    stories = train.encode(tokenizer.backend_tokenizer, held["stories"]).astype(np.int64)
    text = (args.data / "text/books/valid" / BOOK).read_text().strip()
    book = train.encode(tokenizer.backend_tokenizer, [text]).astype(np.int64)
    windows = np.concatenate((stories[: 8 * 512], book[: 8 * 512])).reshape(16, 512)
    start = 8 * 512 + int(np.flatnonzero(stories[8 * 512 :] == 0)[0]) + 1
    tokens = stories[start : start + 512].reshape(1, 512)

    def losses(rows):
        with torch.no_grad():
            logits = model(torch.from_numpy(rows), use_cache=False).logits
        nll = torch.nn.functional.cross_entropy(
            logits[:, :-1].transpose(1, 2), torch.from_numpy(rows[:, 1:]), reduction="none")
        return logits.numpy(), nll.numpy()

    logits, nll = losses(tokens)
    per_window = losses(windows)[1].astype(np.float64).mean(1)

    prompt = tokenizer(PROMPT)["input_ids"]
    ids, margin = list(prompt), math.inf
    with torch.no_grad():
        for _ in range(60):
            top = model(torch.tensor([ids]), use_cache=False).logits[0, -1].topk(2)
            margin = min(margin, float(top.values[0] - top.values[1]))
            ids.append(int(top.indices[0]))

    out = args.folder / "golden"
    out.mkdir(exist_ok=True)
    np.save(out / "tokens.npy", tokens)
    np.save(out / "eval_tokens.npy", windows)
    np.savez(out / "golden.npz", positions=np.array(POSITIONS), nll=nll[0].astype(np.float32),
             logits=logits[0, POSITIONS].astype(np.float32))
    facts = {
        "definition": DEFINITION,
        "perplexity": math.exp(per_window.mean()),
        "perplexity_stories": math.exp(per_window[:8].mean()),
        "perplexity_book": math.exp(per_window[8:].mean()),
        "nll_per_window": [round(float(x), 6) for x in per_window],
        "text": {"rows 0-7": "held-out stories sampled from stories260K (MIT)",
                 "rows 8-15": "The Tale of Cuffy Bear, Arthur Scott Bailey (public domain)",
                 "tokens.npy": "held-out stories sampled from stories260K (MIT)"},
        "tokens_perplexity": math.exp(float(nll.astype(np.float64).mean())),
        "greedy": {"prompt": PROMPT, "prompt_ids": prompt, "new_ids": ids[len(prompt):],
                   "text": tokenizer.decode(ids), "smallest_margin": margin},
        "computed": "transformers, f32 arithmetic, bf16 weights of model.safetensors",
    }
    (out / "golden.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps({k: v for k, v in facts.items() if "perplexity" in k}, indent=1))
    print(facts["greedy"]["text"], f"\nsmallest margin {margin:.4f}")


if __name__ == "__main__":
    main()
