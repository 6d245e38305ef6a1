"""Keys and values kept in fewer bits (--kv): what is kept, against the f32 of the same tokens; logits whole, in
chunks and token by token; perplexity of a real model."""
import json

import ml_dtypes
import numpy as np
import pytest

import checkpoints
from compare import relative_error
from decoders import CONTEXT, Sequence, step
from halftone import FAILED, USAGE, Library, compile_model, run
from places import PEERS, SHARED
from test_huggingface import make_model

FORMATS = {"bf16": (ml_dtypes.bfloat16, 0.03), "f16": (np.float16, 0.005), "int8": (np.int8, 0.05)}
# The head's size is no multiple of a vector, or several; keys are shared by heads or are not. What attention
# multiplies in.
SHAPES = {"odd": (dict(hidden_size=40, num_attention_heads=4, num_key_value_heads=4), "f32"),
          "wide": (dict(hidden_size=160, num_attention_heads=2, num_key_value_heads=1), "bf16")}


def compile_folder(folder, name, *options):
    compile_model(folder, folder / f"{name}.so", "--max", f"batch=3,sequence={CONTEXT},context={CONTEXT}", *options)
    return Library(folder / f"{name}.so")


def rounded(values, kind):
    """(kept, scale): of f32 rows, as the format keeps them."""
    if kind != np.int8:
        return values.astype(kind), None
    scale = np.abs(values).max(-1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale != 0)
    return np.clip(np.rint(values * inverse), -127, 127).astype(np.int8), scale


@pytest.fixture(scope="module", params=SHAPES)
def wide(request, tmp_path_factory):
    """A model whose states are f32: its folder, library, and what attention is to multiply in."""
    shape, attention = SHAPES[request.param]
    config = checkpoints.TINY | shape | {"max_position_embeddings": CONTEXT}
    folder = tmp_path_factory.mktemp("kept")
    tensors = checkpoints.random_tensors(checkpoints.tiny_shapes(config))
    # Scores of a usual size: wide rows of such weights make large ones, which lose what they are kept in.
    tensors |= {name: array * np.float32(3 / np.sqrt(array.shape[1])) for name, array in tensors.items()
                if array.ndim == 2}
    checkpoints.write(folder, config, tensors)
    return folder, compile_folder(folder, "wide"), attention


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_kept(wide, format):
    folder, wide, attention = wide
    narrow = compile_folder(folder, format, "--kv", format, "--attention", attention)
    kind, tolerance = FORMATS[format]
    tolerance = max(tolerance, FORMATS["bf16"][1] if attention == "bf16" else 0)
    tokens = np.random.default_rng().integers(0, checkpoints.TINY["vocab_size"], (2, 40))
    with wide.session(threads=2) as f32, narrow.session(threads=2) as session:
        want, got = step(f32, tokens, [2, 0], [0, 0]), step(session, tokens, [2, 0], [0, 0])
        assert relative_error(got, want) < tolerance
        # The first layer's are of equal inputs: equal, but for a code or a last place that another order of sums moves.
        for what in "keys", "values":
            rows = f32.states()[f"layers.0.{what}"][[2, 0], :40]
            kept, scale = rounded(rows, kind)
            states = session.states()
            found = states[f"layers.0.{what}"]
            assert found.dtype == kind and not found[1].astype(np.float32).any()
            difference = np.abs(found[[2, 0], :40].astype(np.float32) - kept.astype(np.float32))
            limit = 1 if kind == np.int8 else np.abs(kept.astype(np.float32)) * float(ml_dtypes.finfo(kind).eps)
            assert (difference <= limit).all() and (difference > 0).mean() < 0.01
            if scale is not None:
                assert relative_error(states[f"layers.0.{what}.scale"][[2, 0], :40], scale) < 1e-5
        # The next tokens, by one, by few and by many, of one sequence and of both.
        row, other = Sequence(session, 1), Sequence(f32, 1)
        for part in np.split(tokens[0], [1, 2, 20, 24]):
            assert relative_error(row.feed(part), other.feed(part)) < tolerance
        more = tokens[:, :5]
        assert relative_error(step(session, more, [0, 2], [40, 40]), step(f32, more, [0, 2], [40, 40])) < tolerance


@pytest.mark.parametrize("format", FORMATS)
def test_few_queries_and_many(wide, format):
    """Both read what is kept, by other code: what few queries multiply as codes many do as numbers. A code of each
    row of keys that is wrong by one shows (0.4 % where attention is f32)."""
    folder, _, attention = wide
    narrow = compile_folder(folder, f"both-{format}", "--kv", format, "--attention", attention)
    tokens = np.random.default_rng().integers(0, checkpoints.TINY["vocab_size"], 40)
    with narrow.session(threads=2) as session:
        many, few = Sequence(session, 0), Sequence(session, 1)
        want = many.feed(tokens)
        got = np.concatenate([few.feed([token]) for token in tokens])
        assert relative_error(got, want) < (0.002 if attention == "f32" else 0.03)


@pytest.mark.parametrize("name", ["gemma2", "mistral"])
def test_families(name, tmp_path):
    """Windows and caps: by int8, against transformers, roughly: random weights make sharp scores."""
    if not PEERS:
        pytest.skip("needs torch and transformers: tools/dev test --peers")
    import torch
    model = make_model(name, tmp_path)
    tokens = np.random.default_rng().integers(3, 99, 40)
    with torch.no_grad():
        want = model(torch.tensor(tokens)[None]).logits[0].numpy()
    library = compile_folder(tmp_path, "narrow", "--kv", "int8")
    with library.session() as session:
        assert relative_error(Sequence(session).feed(tokens), want) < 0.15
        single = Sequence(session, 1)
        assert relative_error(np.concatenate([single.feed([token]) for token in tokens]), want) < 0.15


def test_layers_share_code(tmp_path):
    """Attention of kept codes is one function, whatever the depth."""
    folder = checkpoints.write(tmp_path / "model")
    text = compile_model(folder, "-", "--kv", "int8", "--compile-to", "lower").stdout
    kernels = {line.split("@")[1].split("(")[0] for line in text.splitlines()
               if "llvm.func" in line and "attention" in line}
    assert len(kernels) == 1, kernels


def test_perplexity(tmp_path):
    folder, text = SHARED / "data/hf/prose7M", SHARED / "data/text/books/valid/perkins-dutch-twins.txt"
    if not folder.exists() or not text.exists():
        pytest.skip("needs ../shared/data/hf/prose7M")
    perplexity = {}
    for format in "f32", *FORMATS:
        compile_model(folder, tmp_path / format, "--kv", format)
        told = run([tmp_path / format, "--perplexity", text, "--window", 512, "--json"]).stdout
        perplexity[format] = json.loads(told)["perplexity"]
    for format in FORMATS:
        assert abs(perplexity[format] / perplexity["f32"] - 1) < 1e-3, perplexity


def test_formats_that_cannot_be_kept(tmp_path):
    folder = checkpoints.write(tmp_path / "model")
    for format, words in ("int4", "states are kept as"), ("int9", "int9"), ("nf4", "states are kept as"):
        done = compile_model(folder, tmp_path / "x", "--kv", format, check=False)
        assert done.returncode in (FAILED, USAGE) and words in done.stderr and not (tmp_path / "x").exists()
