"""Writes folders of a Llama of two layers: llama.py FOLDER [KEY=VALUE…], values as JSON."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "e2e"))
import checkpoints

folder, *changes = sys.argv[1:]
config = checkpoints.TINY | {key: json.loads(value) for key, value in (change.split("=", 1) for change in changes)}
tensors = checkpoints.random_tensors(checkpoints.tiny_shapes(config))
if not config["tie_word_embeddings"]:
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
checkpoints.write(Path(folder), config, tensors)
