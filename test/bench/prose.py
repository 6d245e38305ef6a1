"""Real sentences as tokens of MiniLM's WordPiece vocabulary."""
import re

import numpy as np

import models
from places import SHARED

CLS, SEP = 101, 102


def sentences(split, count):
    """`count` sentences from all books of a split of the shared data ("train", "valid"),
    evenly spaced; those that the tests carry where the data is absent."""
    found = []
    for book in sorted((SHARED / "data/text/books" / split).glob("*.txt")):
        text = " ".join(book.read_text().split())
        found += [s for s in re.split(r"(?<=[.!?])\s+", text) if 30 <= len(s) <= 500]
    found = found or models.SENTENCES
    return [found[i * len(found) // count] for i in range(count)]


def tokenizer():
    from tokenizers import Tokenizer
    made = Tokenizer.from_file(str(models.minilm_folder() / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    return made


def token_rows(split, count):
    """The tokens of each sentence, without special ones."""
    made = tokenizer()
    return [made.encode(text, add_special_tokens=False).ids for text in sentences(split, count)]


def batch(rows, length):
    """Rows of tokens between [CLS] and [SEP], cut or padded on the right to a length."""
    ids, mask = np.zeros((len(rows), length), np.int64), np.zeros((len(rows), length), np.int64)
    for row, tokens in enumerate(rows):
        tokens = [CLS, *tokens[:length - 2], SEP]
        ids[row, :len(tokens)], mask[row, :len(tokens)] = tokens, 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def full_batch(rows, count, length):
    """The same from continuous text without padding: what a server that sorts by length sees."""
    stream = [token for tokens in rows for token in tokens]
    need = count * (length - 2)
    stream *= -(-need // len(stream))
    return batch([stream[i * (length - 2):(i + 1) * (length - 2)] for i in range(count)], length)
