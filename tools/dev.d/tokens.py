#!/usr/bin/env python3
"""Token ids in the demonstration, as text; Python's standard library alone.

    tokens.py FOLDER prompt FILE.npy         write the ids of the golden prompt's beginning,
                                             up to a place where much may follow
    tokens.py FOLDER words < next.json       say in words what --next --json printed
    tokens.py FOLDER story PROGRAM COUNT     let PROGRAM go on, a run for each token

FOLDER is the model's: tokenizer.json (byte-level BPE) and golden/golden.json.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path


def letters_of_bytes():
    """The letter that byte-level BPE writes for each byte: printable ones stand for
    themselves, the others follow from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(b): b for b in plain} | {chr(0x100 + n): b for n, b in enumerate(others)}


class Tokenizer:
    def __init__(self, folder):
        model = json.loads((folder / "tokenizer.json").read_text())
        self.pieces = {number: piece for piece, number in model["model"]["vocab"].items()}
        self.pieces |= {token["id"]: token["content"] for token in model.get("added_tokens", [])}
        self.bytes = letters_of_bytes()

    def bytes_of(self, token):
        return bytes(self.bytes.get(letter, 0x3F) for letter in self.pieces.get(token, "?"))


def write_npy(path, ids):
    """int64 [1, n], as numpy.save writes it."""
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': (1, {len(ids)}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    Path(path).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                           struct.pack(f"<{len(ids)}q", *ids))


def next_tokens(program, ids, folder):
    path = os.path.join(folder, "ids.npy")
    write_npy(path, ids)
    said = subprocess.run([program, "--next", path, "--json", "--top", "1"], check=True, capture_output=True).stdout
    return json.loads(said)["rows"][0]


def story(tokenizer, program, ids, count):
    out = sys.stdout.buffer
    out.write(b"".join(map(tokenizer.bytes_of, ids)))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            ids.append(next_tokens(program, ids, folder)[0]["token"])
            if tokenizer.pieces.get(ids[-1], "").startswith("<|"):
                break  # The story is over.
            out.write(tokenizer.bytes_of(ids[-1]))
            out.flush()
    out.write(b"\n")


def main():
    folder, verb, *rest = sys.argv[1:]
    tokenizer = Tokenizer(Path(folder))
    greedy = json.loads((Path(folder) / "golden/golden.json").read_text())["greedy"]
    if verb == "prompt":
        ids = greedy["prompt_ids"][:8]
        write_npy(rest[0], ids)
        print(" ", b"".join(map(tokenizer.bytes_of, ids)).decode(errors="replace"), "…")
    elif verb == "words":
        for row in json.load(sys.stdin)["rows"]:
            for guess in row:
                text = tokenizer.bytes_of(guess["token"]).decode(errors="replace")
                print(f"  {100 * guess['probability']:5.1f} %  {text!r}")
    elif verb == "story":
        story(tokenizer, rest[0], list(greedy["prompt_ids"]), int(rest[1]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
