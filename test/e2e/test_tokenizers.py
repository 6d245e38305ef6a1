"""Tokenizers as programs carry them give what the `tokenizers` package gives, in both directions."""
import json
import random
from pathlib import Path

import pytest

from halftone import FAILED, HALFTONE, USAGE, run
from hostile_text import corpus
from places import ROOT, SHARED
from test_failures import assert_error
from tokenizer_kinds import KINDS, random_tokenizer, training_lines

tokenizers = pytest.importorskip("tokenizers")

SEED = random.randrange(2**32)


@pytest.fixture(scope="module")
def lines():
    return training_lines(ROOT / "README.md")


def ask(path, requests, *options):
    """What `halftone tokenize --json-lines` answers to each."""
    said = run([HALFTONE, "tokenize", path, "--json-lines", *options],
               input="".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests), encoding="utf-8")
    return [json.loads(line) for line in said.stdout.split("\n")[:-1]]


def assert_equal_to_peer(path, seed, count=800):
    peer = tokenizers.Tokenizer.from_file(str(path))
    peer.no_truncation()
    peer.no_padding()
    texts = corpus(seed, count)
    wanted = [encoding.ids for encoding in peer.encode_batch(texts)]
    for text, got, want in zip(texts, ask(path, texts), wanted, strict=True):
        assert got == want, f"seed {seed}: {text!r}"
    chance, known = random.Random(seed), sorted(peer.get_vocab().values())
    lists = wanted + [chance.choices(known, k=chance.randrange(1, 12)) for _ in range(300)]
    for ids, got, want in zip(lists, ask(path, lists), peer.decode_batch(lists), strict=True):
        assert got == want, f"seed {seed}: {[peer.id_to_token(i) for i in ids]}"


@pytest.mark.parametrize("kind", KINDS)
def test_trained(kind, lines, tmp_path):
    path = tmp_path / "tokenizer.json"
    KINDS[kind](lines).save(str(path))
    assert_equal_to_peer(path, SEED)


@pytest.mark.parametrize("kind", ["BPE", "WordPiece", "Unigram", "WordLevel"])
@pytest.mark.parametrize("number", range(3))
def test_random_steps(kind, number, lines, tmp_path):
    path = tmp_path / "tokenizer.json"
    seed = SEED + number
    print(f"seed {seed}")
    random_tokenizer(lines, random.Random(seed), kind).save(str(path))
    assert_equal_to_peer(path, seed, count=400)


@pytest.mark.parametrize("path", [ROOT / "tools/model/stories-3M/tokenizer.json",
                                  SHARED / "data/hf/prose7M/tokenizer.json"], ids=lambda path: path.parent.name)
def test_of_models(path):
    if not path.exists():
        pytest.skip(f"no {path.name} of {path.parent.name}")
    assert_equal_to_peer(path, SEED)


SENTENCEPIECE = {
    "llama2": dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
                   remove_extra_whitespaces=False),
    "bpe": dict(model_type="bpe"),
    "t5": dict(model_type="unigram"),
    "unigram-bytes": dict(model_type="unigram", byte_fallback=True, split_digits=True, add_dummy_prefix=False),
}


def assert_equal_to_sentencepiece(path):
    peer = pytest.importorskip("sentencepiece").SentencePieceProcessor(model_file=str(path))
    # Control pieces are text for it.
    texts = [text for text in corpus(SEED, 800) if not any(word in text for word in ("<s>", "</s>", "<unk>", "\0"))]
    lists = peer.encode(texts)
    for text, got, want in zip(texts, ask(path, texts, "--plain"), lists, strict=True):
        assert got == want, f"seed {SEED}: {text!r}"
    known = [ids for ids in lists if peer.unk_id() not in ids]
    for ids, got, want in zip(known, ask(path, known), peer.decode(known), strict=True):
        assert got == want, f"seed {SEED}: {peer.id_to_piece(ids)}"


@pytest.mark.parametrize("kind", SENTENCEPIECE)
def test_sentencepiece(kind, lines, tmp_path):
    peer = pytest.importorskip("sentencepiece")
    # The trainer wants room for every letter that it sees.
    few = ("".join(letter for letter in line if "\0" < letter < "\u0180") for line in lines)
    (tmp_path / "lines").write_text("\n".join(few))
    peer.SentencePieceTrainer.train(input=str(tmp_path / "lines"), model_prefix=str(tmp_path / "tokenizer"),
                                    vocab_size=1000, hard_vocab_limit=False, minloglevel=2,
                                    **SENTENCEPIECE[kind])
    assert_equal_to_sentencepiece(tmp_path / "tokenizer.model")


def test_sentencepiece_of_stories():
    path = SHARED / "data/llm/stories260K/tok512.model"
    if not path.exists():
        pytest.skip("no tok512.model")
    assert_equal_to_sentencepiece(path)


@pytest.mark.parametrize("name", ["llama-spm", "gpt-2", "bert-bge"])
def test_gguf(name):
    """The texts and ids that llama.cpp tests its tokenizers with."""
    path = SHARED / f"data/gguf/llama.cpp-vocab/ggml-vocab-{name}.gguf"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    texts = Path(f"{path}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
    wanted = [[int(number) for number in line.split()] for line in Path(f"{path}.out").read_text().split("\n")]
    for text, got, want in zip(texts, ask(path, texts, "--plain"), wanted, strict=True):
        assert got == want, repr(text)


def test_text_and_ids(tmp_path):
    """As people use it: text in, ids out, and back."""
    path = ROOT / "tools/model/stories-3M/tokenizer.json"
    text = "Once upon a time, 日本\n\n  there was"
    ids = run([HALFTONE, "tokenize", path], input=text).stdout
    assert [int(number) for number in ids.split()] == tokenizers.Tokenizer.from_file(str(path)).encode(text).ids
    assert run([HALFTONE, "tokenize", path, "--decode"], input=ids).stdout == text


def test_bytes_that_are_no_text():
    done = run([HALFTONE, "tokenize", ROOT / "tools/model/stories-3M/tokenizer.json"], check=False, text=False,
               input=b"abc\xff")
    assert done.returncode == FAILED
    assert b"byte 3 of 4 (0xff)" in done.stderr


def test_ids_that_are_no_tokens():
    path = ROOT / "tools/model/stories-3M/tokenizer.json"
    assert_error(run([HALFTONE, "tokenize", path, "--decode"], check=False, input="5 2048"), FAILED, "no token 2048")
    assert_error(run([HALFTONE, "tokenize", path, "--decode"], check=False, input="5 x"), USAGE, "'x'")


def minimal(**parts):
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
    return {"model": model, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
            "decoder": None} | parts


REFUSED = {
    "not json": ("{", "expected"),
    "deep": ('{"model":' + "[" * 100000, "nested too deep"),
    "no model": ({}, 'no object "model"'),
    "model type": (minimal(model={"type": "Magic"}), '"Magic" is not supported'),
    "merge of nothing": (minimal(model={"type": "BPE", "vocab": {"a": 0}, "merges": ["a c"]}), "merge 0"),
    "huge id": (minimal(model={"type": "BPE", "vocab": {"a": 4000000000}, "merges": []}), "at most"),
    "two of one id": (minimal(model={"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}), "same id 0"),
    "no unknown": (minimal(model={"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "x"}), "unk_token"),
    "random": (minimal(model={"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": 0.1}), "dropout"),
    "normalizer": (minimal(normalizer={"type": "Translate"}), "normalizer Translate is not supported"),
    "pre-tokenizer": (minimal(pre_tokenizer={"type": "UnicodeScripts"}), "pre-tokenizer UnicodeScripts"),
    "decoder": (minimal(decoder={"type": "CTC"}), "decoder CTC is not supported"),
    "post-processor": (minimal(post_processor={"type": "Stamp"}), "post-processor Stamp"),
    "property": (minimal(pre_tokenizer={"type": "Split", "pattern": {"Regex": r"\p{Klingon}"}, "behavior": "Isolated"}),
                 "Klingon"),
    "back reference": (minimal(pre_tokenizer={"type": "Split", "pattern": {"Regex": r"(a)\1"}, "behavior": "Isolated"}),
                       r"escape \1"),
    "huge repetition": (minimal(normalizer={"type": "Replace", "pattern": {"Regex": "((((a{999}b){999}){999}c){999})"},
                                            "content": ""}), "too large"),
    "map": (minimal(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAAAAAAAAA="}), "precompiled map"),
}


DAMAGED = {
    "gguf": (b"GGUF\3\0\0\0" + bytes(8) + b"\1" + bytes(7) + b"\xff" * 8, "ends in its key 0"),
    "gguf without tokens": (b"GGUF\3\0\0\0" + bytes(16), "tokenizer.ggml.tokens"),
    "gguf of another version": (b"GGUF\7\0\0\0" + bytes(16), "version 7"),
    "model without pieces": (b"\n\0\n\0", "no unknown piece"),
    "model that ends early": (b"\n\x05\n\x03ab", "damaged"),
    "model of odd type": (b"\n\x05\n\x01a\x18\x09\x12\0", "unknown type"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged(case, tmp_path):
    content, words = DAMAGED[case]
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content)
    assert_error(run([HALFTONE, "tokenize", path], check=False, input="ab"), USAGE, "tokenizer.model", words)


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path):
    content, words = REFUSED[case]
    path = tmp_path / "tokenizer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    assert_error(run([HALFTONE, "tokenize", path], check=False, input="ab"), USAGE, "tokenizer.json", words)


def test_pattern_that_never_ends(tmp_path):
    """It would take longer than the universe lasts; the search is given up."""
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(minimal(pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a|aa)+$"},
                                                      "behavior": "Isolated"})))
    assert_error(run([HALFTONE, "tokenize", path], check=False, input="a" * 80 + "b"), FAILED, "never ends")


def test_long_words_take_time_in_proportion(tmp_path):
    """A quadratic encoder would need hours for this."""
    path = ROOT / "tools/model/stories-3M/tokenizer.json"
    text = "ab" * (1 << 20)
    ids = run([HALFTONE, "tokenize", path], input=text).stdout
    assert run([HALFTONE, "tokenize", path, "--decode"], input=ids).stdout == text


def test_compiled_form_is_reproducible(tmp_path):
    path = ROOT / "tools/model/stories-3M/tokenizer.json"
    forms = []
    for name in "one", "two":
        run([HALFTONE, "tokenize", path, "-o", tmp_path / name])
        forms.append((tmp_path / name).read_bytes())
    assert forms[0] == forms[1] and forms[0].startswith(b"HTTOKEN\n")
