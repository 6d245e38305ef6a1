"""The embedded language model against what torch said of it, and torch itself."""
import json

import numpy as np
import pytest

import models
from compare import relative_error
from halftone import Library, run, run_program, run_reference
from places import STORIES

GOLDEN = STORIES / "golden"
OUTPUT = "logits"


def inputs_for(tokens):
    return {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}


@pytest.fixture(scope="module")
def golden():
    if not (GOLDEN / "golden.npz").exists():
        pytest.skip(f"no {STORIES.name}/golden in this checkout")
    with np.load(GOLDEN / "golden.npz") as arrays:
        return dict(arrays) | {"tokens": np.load(GOLDEN / "tokens.npy"),
                               "facts": json.loads((GOLDEN / "golden.json").read_text())}


@pytest.fixture(scope="module")
def program(stories, compiled):
    return compiled(stories)


@pytest.fixture(scope="module")
def library(stories, compiled):
    return Library(compiled(stories, suffix=".so"))


def test_logits_are_torchs(program, golden, tmp_path):
    got = run_program(program, inputs_for(golden["tokens"]), tmp_path)[OUTPUT]
    assert relative_error(got[0, golden["positions"]], golden["logits"]) < 1e-4


def test_losses_are_torchs(library, golden):
    with library.session() as session:
        logits = session.run(inputs_for(golden["tokens"]))[OUTPUT][0].astype(np.float64)
    top = logits.max(-1, keepdims=True)
    logp = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
    nll = -np.take_along_axis(logp[:-1], golden["tokens"][0, 1:, None], 1)[:, 0]
    assert np.abs(nll - golden["nll"]).max() < 1e-3


def perplexity(program):
    return json.loads(run([program, "--perplexity", GOLDEN / "eval_tokens.npy", "--json"]).stdout)["perplexity"]


def test_perplexity_is_torchs(program, golden):
    want = golden["facts"]["perplexity"]
    assert abs(perplexity(program) - want) < 1e-3 * want


def test_perplexity_in_bf16(stories, compiled, golden):
    want = golden["facts"]["perplexity"]
    assert abs(perplexity(compiled(stories, "--weights", "bf16")) - want) < 1e-2 * want


def test_next_token(program, golden, tmp_path):
    """The probabilities of what may come next are the logits' softmax."""
    np.save(tmp_path / "tokens.npy", golden["tokens"][:, :8])
    place = list(golden["positions"]).index(7)
    logits = golden["logits"][place].astype(np.float64)
    want = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    said = json.loads(run([program, "--next", tmp_path / "tokens.npy", "--top", "5", "--json"]).stdout)
    [row] = said["rows"]
    assert [guess["token"] for guess in row] == list(np.argsort(-want, kind="stable")[:5])
    for guess in row:
        assert abs(guess["probability"] - want[guess["token"]]) < 1e-5


def test_greedy_continuation(library, golden):
    """Sixty tokens, each the likeliest, are torch's sixty tokens."""
    facts = golden["facts"]["greedy"]
    ids = list(facts["prompt_ids"])
    with library.session() as session:
        for want in facts["new_ids"]:
            logits = session.run(inputs_for(np.array([ids], np.int64)))[OUTPUT]
            assert int(logits[0, -1].argmax()) == want
            ids.append(want)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 33), (2, 200)], ids=str)
def test_against_onnxruntime(library, stories, shape):
    tokens = np.random.default_rng(sum(shape)).integers(0, 2048, shape)
    want = models.run_onnxruntime(stories, inputs_for(tokens))[OUTPUT]
    with library.session() as session:
        assert relative_error(session.run(inputs_for(tokens))[OUTPUT], want) < 1e-4


def test_reference_interpreter(stories, golden, tmp_path):
    """The exact interpreter says what torch says, and the native program the same."""
    tokens = golden["tokens"][:, :9]
    want = run_reference(stories, inputs_for(tokens), tmp_path)[OUTPUT]
    short = [i for i, p in enumerate(golden["positions"]) if p < 9]
    assert relative_error(want[0, golden["positions"][short]], golden["logits"][short]) < 1e-5


@pytest.mark.peers
@pytest.mark.parametrize("exporter", models.EXPORTERS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 17), (3, 33), (1, 512)], ids=str)
def test_against_torch(stories, compiled, exporter, shape):
    import torch
    from transformers import AutoModelForCausalLM
    torch.set_num_threads(2)
    tokens = np.random.default_rng(7).integers(0, 2048, shape)
    model = AutoModelForCausalLM.from_pretrained(STORIES, dtype=torch.float32).eval()
    with torch.no_grad():
        want = model(torch.from_numpy(tokens), use_cache=False).logits.numpy()
    library = Library(compiled(models.stories(exporter), suffix=".so"))
    with library.session() as session:
        assert relative_error(session.run(inputs_for(tokens))[OUTPUT], want) < 1e-4


@pytest.mark.peers
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding(stories, compiled, side):
    """Padded rows give, where they are text, what torch gives."""
    import torch
    from transformers import AutoModelForCausalLM
    tokens = np.random.default_rng(8).integers(0, 2048, (3, 20))
    mask = np.ones_like(tokens)
    for row, length in ((1, 13), (2, 5)):
        mask[row, slice(length, None) if side == "right" else slice(None, -length)] = 0
    model = AutoModelForCausalLM.from_pretrained(STORIES, dtype=torch.float32).eval()
    with torch.no_grad():
        want = model(torch.from_numpy(tokens), attention_mask=torch.from_numpy(mask), use_cache=False).logits.numpy()
    with Library(compiled(stories, suffix=".so")).session() as session:
        got = session.run({"input_ids": tokens, "attention_mask": mask})[OUTPUT]
    text = mask.astype(bool)
    assert relative_error(got[text], want[text]) < 1e-4
