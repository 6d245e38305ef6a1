"""Language models that write: the command and the API (language.h) against what PyTorch chose, sequences
together against each alone, files of sequences, and what is wrong with a prompt, a tokenizer or a file."""
import json
import shutil

import numpy as np
import pytest

import checkpoints
from compare import relative_error
from halftone import USAGE, Error, Library, compile_model, run
from places import PEERS, SHARED, STORIES

MAXIMA = ("--max", "batch=8,sequence=40,context=96")  # Prompts are read in several runs.


@pytest.fixture(scope="module")
def greedy():
    if not (STORIES / "golden/golden.json").exists():
        pytest.skip(f"no {STORIES.name}/golden in this checkout")
    return json.loads((STORIES / "golden/golden.json").read_text())["greedy"]


@pytest.fixture(scope="module")
def program(greedy, compiled):
    return compiled(STORIES, *MAXIMA)


@pytest.fixture(scope="module")
def library(greedy, compiled):
    return Library(compiled(STORIES, *MAXIMA, suffix=".so"))


def write(program, *options, check=True):
    return run([program, *options], check=check)


def written(program, *options):
    return json.loads(write(program, "--json", *options).stdout)


def refused(program, words, *options, code=USAGE):
    done = write(program, *options, check=False)
    assert done.returncode == code and words in done.stderr and done.stderr.count("error: ") == 1, done.stderr


# ---- the command -----------------------------------------------------------------


def test_greedy_text_is_torchs(program, greedy):
    got = written(program, "-p", greedy["prompt"], "-n", len(greedy["new_ids"]), "--greedy")
    assert got["tokens"] == greedy["new_ids"] and greedy["prompt"] + got["text"] == greedy["text"]
    assert got["prompt_tokens"] == len(greedy["prompt_ids"]) and got["finish"] == "length"
    assert got["decode_tok_s"] > 0 and got["seconds_to_first_token"] > 0


def test_text_streams_to_standard_output(program, greedy, tmp_path):
    (tmp_path / "prompt.txt").write_text(greedy["prompt"])
    options = "-n", len(greedy["new_ids"]), "--greedy", "--threads", 2
    done = write(program, "--prompt-file", tmp_path / "prompt.txt", *options)
    assert done.stdout == greedy["text"] + "\n"
    assert "13 tokens read, 60 written (length)" in done.stderr
    done = write(program, "-p", greedy["prompt"], "--no-echo", *options)
    assert greedy["prompt"] + done.stdout == greedy["text"] + "\n"


def test_writing_ends_where_it_is_asked_to(program, greedy):
    got = written(program, "-p", greedy["prompt"], "--greedy", "--stop", "never there", "--stop", " big,")
    assert got["finish"] == "stop" and got["text"] == " She loved to play outside in the park. One day, she saw a"
    assert written(program, "-p", greedy["prompt"], "--greedy")["finish"] in ("end", "context")
    got = written(program, "-p", greedy["prompt"], "--greedy", "--ignore-end")
    assert got["finish"] == "context" and got["prompt_tokens"] + len(got["tokens"]) == 96
    got = written(program, "-p", greedy["prompt"], "--greedy", "--ignore-end", "--shift", "--keep", 4, "-n", 200)
    assert got["finish"] == "length" and len(got["tokens"]) == 200


def test_seeds_decide(program):
    texts = [written(program, "-p", "One day", "-n", 24, "--seed", seed, "--temperature", 1.2)["text"]
             for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]
    first, second = (written(program, "-p", "One day", "-n", 24, "--temperature", 1.5, "--top-k", 0, "--top-p", 1)
                     for _ in range(2))
    assert first["seed"] != second["seed"] and first["text"] != second["text"]


def test_saved_sequences_go_on(program, greedy, tmp_path):
    saved = tmp_path / "kept"
    for options in ("-p", greedy["prompt"], "-n", 20, "--save", saved), ("-p", "", "-n", 40, "--restore", saved):
        got = written(program, "--greedy", *options)
    assert got["tokens"] == greedy["new_ids"][20:] and got["prompt_tokens"] == 0
    # As does the text: a space at its beginning is not a text's.
    done = write(program, "--greedy", "-p", "", "-n", 40, "--restore", saved)
    assert greedy["text"].endswith(done.stdout[:-1])


def test_logits_of_every_token(program, greedy, tmp_path):
    tokens = np.array(greedy["prompt_ids"] + greedy["new_ids"], np.int32)
    np.save(tmp_path / "ids.npy", tokens)
    write(program, "--tokens", tmp_path / "ids.npy", "--logits", tmp_path / "logits.npy")
    logits = np.load(tmp_path / "logits.npy")
    assert logits.dtype == np.float32 and logits.shape == (len(tokens), 2048)
    begin = len(greedy["prompt_ids"]) - 1
    assert (logits.argmax(-1)[begin:-1] == tokens[begin + 1:]).all()
    refused(program, "--tokens needs --logits", "--tokens", tmp_path / "ids.npy")
    np.save(tmp_path / "bad.npy", np.array([1, -2]))
    refused(program, "token 1 of", "--tokens", tmp_path / "bad.npy", "--logits", tmp_path / "none.npy")
    np.save(tmp_path / "bad.npy", np.array([1, 2048]))
    refused(program, "vocabulary has 2048 tokens", "--tokens", tmp_path / "bad.npy", "--logits", tmp_path / "none.npy")
    assert not (tmp_path / "none.npy").exists()


def test_perplexity_of_a_text_is_that_of_its_tokens(program, library, greedy, tmp_path):
    (tmp_path / "text.txt").write_text(greedy["text"])
    with library.decoder() as decoder:
        np.save(tmp_path / "ids.npy", np.array(decoder.tokenize(greedy["text"].encode())))
    of_text, of_tokens = (json.loads(write(program, "--json", "--perplexity", tmp_path / name, "--window", 40).stdout)
                          for name in ("text.txt", "ids.npy"))
    assert of_text == of_tokens and 1 < of_text["perplexity"] < 20


def test_bench(program):
    told = json.loads(write(program, "--bench", "prefill=50,decode=20", "--json").stdout)
    for name in "prefill_tok_s", "decode_tok_s", "seconds_to_first_token", "percent_of_bandwidth", "read_bandwidth":
        assert told[name] > 0, name
    assert told["peak_memory_bytes"] > told["own_memory_bytes"] > 0 and told["weight_bytes"] > 7e6
    assert "tokens/s (median)" in write(program, "--bench", "decode=5").stdout
    refused(program, "more than the context of 96", "--bench", "prefill=90,decode=7")
    refused(program, "prefill=TOKENS", "--bench", "prefil=90")


def test_prompts_that_cannot_be_read(program, greedy, tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"Once \xff upon")
    refused(program, "UTF-8", "--prompt-file", tmp_path / "bad.txt")
    (tmp_path / "long.txt").write_text(greedy["prompt"] * 20)
    refused(program, "compiled for a context of 96", "--prompt-file", tmp_path / "long.txt")
    refused(program, "the prompt is empty", "-p", "")
    refused(program, "No such file", "--prompt-file", tmp_path / "none")
    refused(program, "-p and --prompt-file", "-p", "x", "--prompt-file", tmp_path / "long.txt")
    refused(program, "needs a number from 0 to 1", "-p", "x", "--top-p", "1.5")
    refused(program, "--greedy needs -p", "--greedy")
    refused(program, "-p TEXT lets the model write")
    refused(program, "no chat format", "--chat")
    help = write(program, "--help").stdout
    assert "-n, --max-tokens N" in help and "context of 96 tokens" in help


# ---- tokenizers ------------------------------------------------------------------


def test_tokenizer_of_another_model(tmp_path):
    folder = checkpoints.write(tmp_path / "tiny")
    done = compile_model(folder, tmp_path / "tiny.so", "--tokenizer", STORIES / "tokenizer.json", check=False)
    assert done.returncode == USAGE and "2048 tokens, but the model only 13" in done.stderr
    done = compile_model(folder, tmp_path / "tiny.so", "--tokenizer", tmp_path / "none.json", check=False)
    assert done.returncode == USAGE and "no such file" in done.stderr
    (folder / "tokenizer.json").write_text("{}")
    done = compile_model(folder, tmp_path / "tiny.so", check=False)
    assert done.returncode == USAGE and "tokenizer.json" in done.stderr and not (tmp_path / "tiny.so").exists()


def test_programs_without_tokenizer_write_tokens(tmp_path):
    folder = checkpoints.write(tmp_path / "tiny")
    (folder / "tokenizer.json").write_text("{}")
    compile_model(folder, tmp_path / "program", "--tokenizer", "none")
    refused(tmp_path / "program", "has no tokenizer", "-p", "x")
    compile_model(folder, tmp_path / "tiny.so", "--tokenizer", "none")
    with Library(tmp_path / "tiny.so").decoder() as decoder:
        tokens, text, finish = decoder.generate([1, 2, 3], max_tokens=5)
        assert len(tokens) == 5 and text == b"" and finish == "length"
        with pytest.raises(Error, match="has no tokenizer"):
            decoder.tokenize(b"x")


def test_ends_come_from_the_checkpoint(tmp_path):
    """generation_config.json may name several; the program ends at any."""
    folder = tmp_path / "stories"
    shutil.copytree(STORIES, folder)
    options = "-p", "Once upon a time", "--greedy", "--json", "-n", 60
    compile_model(folder, tmp_path / "one")
    tokens = json.loads(run([tmp_path / "one", *options]).stdout)["tokens"]
    last = tokens[20]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, last]}))
    compile_model(folder, tmp_path / "two")
    got = json.loads(run([tmp_path / "two", *options]).stdout)
    end = tokens.index(last)
    assert got["finish"] == "end" and got["tokens"] == tokens[:end + 1]


# ---- the API ---------------------------------------------------------------------


def test_tokens_and_texts(library, greedy):
    with library.decoder() as decoder:
        assert decoder.tokenize(greedy["prompt"].encode()) == greedy["prompt_ids"]
        assert decoder.detokenize(greedy["prompt_ids"] + greedy["new_ids"]).decode() == greedy["text"]
        assert decoder.detokenize([0]) == b"" and decoder.detokenize([0], special=True) == b"<|endoftext|>"
        with pytest.raises(Error, match="no token 4000"):
            decoder.detokenize([1, 4000])


def test_sequences_together_are_each_alone(library):
    """Ragged lengths, tokens that come one at a time for some of them, forgetting."""
    random = np.random.default_rng()
    texts = random.integers(0, 2048, (8, 60))
    with library.decoder(threads=2) as decoder:
        alone = []
        for text in texts:
            decoder.truncate(0)
            alone.append(decoder.append(text))
        decoder.truncate(0)
        lengths = random.integers(1, 50, 8)
        for row, length in enumerate(lengths):
            assert relative_error(decoder.append(texts[row, :length], row), alone[row][:length]) < 1e-5
        for turn in range(10):
            rows = [row for row in range(8) if turn % (row + 1) == 0]
            got = decoder.step({row: texts[row, lengths[row]] for row in rows})
            for row in rows:
                assert relative_error(got[row], alone[row][lengths[row]]) < 1e-5
                lengths[row] += 1
        decoder.truncate(3, 5)
        assert decoder.tokens(5) == texts[5, :3].tolist()
        assert relative_error(decoder.append(texts[5, 3:9], 5, wanted=2), alone[5][7:9]) < 1e-5


def test_generating_keeps_the_sequence(library, greedy):
    with library.decoder() as decoder:
        tokens, text, finish = decoder.generate(greedy["prompt_ids"], max_tokens=10)
        assert (tokens, finish) == (greedy["new_ids"][:10], "length")
        assert decoder.tokens() == greedy["prompt_ids"] + tokens
        more, rest, finish = decoder.generate([], stop_after=7)
        assert (more, finish) == (greedy["new_ids"][10:17], "asked")
        assert greedy["text"].startswith(greedy["prompt"] + (text + rest).decode())
        # A penalty that forbids what was there.
        decoder.truncate(0)
        tokens, _, _ = decoder.generate(greedy["prompt_ids"], max_tokens=40, penalty=1000.0, penalty_last=96)
        assert len(set(tokens)) == len(tokens) and not set(tokens) & set(greedy["prompt_ids"])


def test_saved_files(library, greedy, tmp_path):
    path = tmp_path / "saved"
    with library.decoder() as decoder:
        decoder.generate(greedy["prompt_ids"], max_tokens=10)
        decoder.append([7, 8, 9], 3)
        decoder.save(path)
    with library.decoder() as decoder:
        decoder.append([1, 2], 6)
        decoder.restore(path)
        assert decoder.tokens(3) == [7, 8, 9] and decoder.tokens(6) == []
        assert decoder.generate([], max_tokens=10)[0] == greedy["new_ids"][10:20]
        before = decoder.tokens()
        whole = path.read_bytes()
        for damaged in whole[:-1], whole + b"x", whole[:30], b"", b"HALF" + whole[4:], whole[:24] + b"\xff" + whole[25:]:
            path.write_bytes(damaged)
            with pytest.raises(Error):
                decoder.restore(path)
            assert decoder.tokens() == before
        with pytest.raises(Error, match="No such file"):
            decoder.restore(tmp_path / "none")
        with pytest.raises(Error, match="No such file"):
            decoder.save(tmp_path / "none" / "saved")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["saved"]


def test_saved_by_another_program(library, tmp_path):
    compile_model(STORIES, tmp_path / "other.so", *MAXIMA, "--weights", "int8")
    with Library(tmp_path / "other.so").decoder() as other:
        other.append([1, 2, 3])
        other.save(tmp_path / "saved")
    with library.decoder() as decoder:
        with pytest.raises(Error, match="another program"):
            decoder.restore(tmp_path / "saved")


def test_misuse(library):
    with library.decoder() as decoder:
        assert (decoder.vocabulary, decoder.context, decoder.sequences) == (2048, 96, 8)
        for words, call in {
                "there is no sequence 8": lambda: decoder.append([1], 8),
                "more than the context of 96": lambda: decoder.append([1] * 97),
                "token 1 is 2048": lambda: decoder.append([1, 2048]),
                "nothing to go on from": lambda: decoder.generate([]),
                "from 0 to 1": lambda: decoder.generate([1], top_p=2.0),
                "at least 0": lambda: decoder.generate([1], temperature=float("nan"))}.items():
            with pytest.raises(Error, match=words):
                call()
            assert decoder.tokens() == []
        decoder.append([1] * 96)
        with pytest.raises(Error, match="more than the context"):
            decoder.step({0: 1})
        with pytest.raises(Error, match="leave no room"):
            decoder.generate([], shift=1, keep=200)
        assert len(decoder.tokens()) == 96


# ---- real models -----------------------------------------------------------------


def test_prose_is_torchs(compiled):
    folder = SHARED / "data/hf/prose7M"
    if not folder.exists():
        pytest.skip("needs ../shared/data/hf/prose7M")
    golden = json.loads((folder / "golden.json").read_text())
    count = len(golden["prompt_ids"])
    with Library(compiled(folder, suffix=".so")).decoder() as decoder:
        got, _, _ = decoder.generate(golden["prompt_ids"], max_tokens=len(golden["greedy_ids"]) - count)
    assert got == golden["greedy_ids"][count:]
    text = SHARED / "data" / golden["text"]
    told = json.loads(write(compiled(folder), "--perplexity", text, "--window", golden["window"], "--json").stdout)
    assert abs(told["perplexity"] / golden["perplexity"] - 1) < 2e-3  # Of a few more tokens, at the end.


def test_200_greedy_tokens_are_transformers(compiled, tmp_path):
    folder = SHARED / "data/hf/prose7M"
    if not PEERS or not folder.exists():
        pytest.skip("needs torch, transformers and ../shared/data/hf/prose7M")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompt = "The king and his daughter went into the dark forest"
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        want = model.generate(ids, max_new_tokens=200, do_sample=False, eos_token_id=None)[0, ids.shape[1]:].tolist()
    got = written(compiled(folder), "-p", prompt, "--greedy", "--ignore-end", "-n", 200)
    assert got["prompt_tokens"] == ids.shape[1] and got["tokens"] == want
    assert prompt + got["text"] == tokenizer.decode(ids[0].tolist() + want, skip_special_tokens=True)


# ---- chats -----------------------------------------------------------------------

TEMPLATE = ("{% for m in messages %}{% if m.role == 'system' %}Rules: {{ m.content | trim }}\n"
            "{% elif m.role == 'user' %}Q: {{ m.content | trim }}\n{% else %}A: {{ m.content }}{{ eos_token }}{% endif %}"
            "{% endfor %}{% if add_generation_prompt %}A: {% endif %}")


@pytest.fixture(scope="module")
def chatty(greedy, tmp_path_factory):
    """The embedded model with a chat template, which it knows nothing of."""
    folder = tmp_path_factory.mktemp("chatty") / "stories"
    shutil.copytree(STORIES, folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": TEMPLATE}))
    for suffix in "", ".so":
        compile_model(folder, folder / f"chat{suffix}", *MAXIMA)
    return folder / "chat"


def chat(program, *options, said):
    return run([program, "--chat", "--greedy", *options], input=said).stdout


def test_chat_feeds_what_the_template_renders(chatty):
    said = ["Hello  there", "Who was Lily?"]
    replies = []
    with Library(chatty.with_suffix(".so")).decoder() as decoder:
        texts = "Rules: Be kind.\nQ: Hello  there\nA: ", "<|endoftext|>Q: Who was Lily?\nA: "
        for text in texts:
            tokens = decoder.tokenize(text.encode(), whole=False)
            replies.append(decoder.generate(tokens, max_tokens=9, anew=1)[1].decode())
    options = "--system", " Be kind.", "-n", 9
    assert chat(chatty, *options, said="\n".join(said)) == "".join(reply + "\n" for reply in replies)
    # Forgotten: the same question has the same answer.
    assert chat(chatty, *options, said=f"{said[0]}\n/new\n\n{said[0]}\n/quit\n{said[1]}") == f"{replies[0]}\n" * 2


def test_chats_end_with_the_context(chatty, greedy):
    done = run([chatty, "--chat", "--greedy"], input=greedy["prompt"] * 6 + "\n")
    assert done.stdout.strip() and "the context of 96 tokens is full" in done.stderr
    refused(chatty, "--system has no meaning with -p", "-p", "x", "--system", "y")
    done = run([chatty, "--chat"], input="Once \udcff\n", errors="surrogateescape", check=False)
    assert done.returncode == USAGE and "UTF-8" in done.stderr


def test_templates_that_cannot_be_compiled(tmp_path):
    folder = checkpoints.write(tmp_path / "tiny")
    shutil.copy(STORIES / "tokenizer.json", folder)
    (folder / "chat_template.jinja").write_text("{{ messages | shuffle }}")
    config = checkpoints.TINY | {"vocab_size": 2048}
    checkpoints.write(folder, config, checkpoints.random_tensors(checkpoints.tiny_shapes(config)))
    done = compile_model(folder, tmp_path / "program")
    assert "the program will not chat" in done.stderr and "shuffle" in done.stderr
    refused(tmp_path / "program", "no chat format", "--chat")
