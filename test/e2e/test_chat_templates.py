"""Conversations as programs render them are what transformers makes of a checkpoint's chat template."""
import json
import random
import struct

import pytest

from chat_templates import CHATML_ASKS, FAMILIES, chatml_with_default
from halftone import FAILED, HALFTONE, USAGE, run
from hostile_text import corpus
from test_failures import assert_error

SEED = random.randrange(2**32)


def folder_of(folder, template, bos="<s>", eos="</s>"):
    folder.mkdir(exist_ok=True)
    tokens = {"bos_token": bos or None, "eos_token": {"content": eos}}
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template} | tokens))
    return folder


def ask(path, conversations, *options):
    """What `halftone chat-template --json-lines` answers to each."""
    said = run([HALFTONE, "chat-template", path, "--json-lines", *options], encoding="utf-8",
               input="".join(json.dumps(messages, ensure_ascii=False) + "\n" for messages in conversations))
    return [json.loads(line) for line in said.stdout.split("\n")[:-1]]


def peer(template, messages, bos, eos):
    """The text by transformers, or the exception."""
    render = pytest.importorskip("transformers.utils.chat_template_utils").render_jinja_template
    tokens = {key: value for key, value in (("bos_token", bos), ("eos_token", eos)) if value}
    try:
        return render([messages], chat_template=template, add_generation_prompt=messages[-1]["role"] == "user",
                      **tokens)[0][0]
    except Exception as error:
        return error


OPENINGS = ["plain", "empty", "system"]


def conversations(seed):
    """Of every opening and many lengths; contents are any text that is not blank."""
    chance = random.Random(seed)
    texts = [text for text in corpus(seed, 200) if text.strip() and "think>" not in text and "answer>" not in text]
    for opening in OPENINGS:
        for count in (1, 2, 3, 4, 5, 6, 7, 12, 21):
            for _ in range(3):
                system = [] if opening == "plain" else [
                    {"role": "system", "content": chance.choice(texts) if opening == "system" else ""}]
                yield opening, system + [{"role": ["user", "assistant"][i % 2], "content": chance.choice(texts)}
                                         for i in range(count)]


@pytest.mark.peers
@pytest.mark.parametrize("name", FAMILIES)
def test_families(name, tmp_path):
    template, bos, eos, refused = FAMILIES[name]
    cases = list(conversations(SEED))
    path = folder_of(tmp_path, template, bos, eos)
    messages = [messages for _, messages in cases]
    got, interpreted = ask(path, messages), ask(path, messages, "--by-template")
    for (opening, messages), text, by_template in zip(cases, got, interpreted, strict=True):
        want = peer(template, messages, bos, eos)
        if isinstance(want, str):
            assert by_template == want, f"seed {SEED}: {messages}"
        else:
            assert str(want) in by_template["error"], f"seed {SEED}: {messages}"
        if opening in refused:
            assert "no place" in text["error"], f"seed {SEED}: {messages}"
        else:
            assert text == want, f"seed {SEED}: {messages}"


def table(path):
    """The lines that `halftone chat-template` prints, by name; texts as they are."""
    lines = run([HALFTONE, "chat-template", path], encoding="utf-8").stdout.split("\n")[1:]
    found = {line[:24].strip(): line[24:] for line in lines if len(line) > 24}
    return {name: json.loads(text) if text.startswith('"') else text for name, text in found.items()}


STOPS = {"llama 2": "</s>", "llama 3": "<|eot_id|>", "mistral v3": "</s>", "qwen 3": "<|im_end|>", "gemma 3": "<end_of_turn>",
         "phi 3, 3.5": "<|end|>", "phi 4": "<|im_end|>", "tinyllama, zephyr": "</s>", "openchat": "<|end_of_turn|>",
         "stablelm 2": "<|endoftext|>", "deepseek r1": "<｜end▁of▁sentence｜>", "vicuna": "</s>", "harmony": "<|return|>",
         "glm": "<|user|>"}


@pytest.mark.parametrize("name", STOPS)
def test_what_ends_a_reply(name, tmp_path):
    template, bos, eos, _ = FAMILIES[name]
    found = table(folder_of(tmp_path, template, bos, eos))
    assert found["a reply ends with"] == STOPS[name]
    assert found["begins with bos_token"] == ("yes" if bos and name not in ("phi 3, 3.5", "phi 4", "tinyllama, zephyr",
                                                                            "stablelm 2") else "no")


def test_thoughts_of_the_past_stay(tmp_path):
    said = run([HALFTONE, "chat-template", folder_of(tmp_path, FAMILIES["qwen 3"][0])]).stdout
    assert 'replies of the past with certain contents in a way of its own ("</think>"' in said


def test_dates_are_those_of_the_day(tmp_path):
    """Unlike the compiler's: the table has the format."""
    template, bos, eos, _ = FAMILIES["llama 3.2"]
    assert "Today: |%d %b %Y|\n" in table(folder_of(tmp_path, template, bos, eos))["no system message"]


# ---- what is refused ---------------------------------------------------------------

FOR = "{% for message in messages %}"
PLAIN = FOR + "{{ message.role + ': ' + message.content + '\n' }}{% endfor %}{% if add_generation_prompt %}A:{% endif %}"
REFUSED = {
    "numbered turns": (FOR + "{{ loop.index ~ message.content }}{% endfor %}", "depends on which ones"),
    "only the last message": ("{{ messages[-1].content }}", "once, one after the other"),
    "changed contents": (FOR + "{{ message.content | upper }}{% endfor %}", "once, one after the other"),
    "backwards": (FOR.replace("messages", "messages[::-1]") + "{{ message.content }}{% endfor %}",
                  "once, one after the other"),
    "sorted contents": ("{{ messages | map(attribute='content') | sort | join(' ') }}|{{ messages[-1].role }}", "changes the white space"),
    "escaped contents": (FOR + "{{ message.content | tojson }}{% endfor %}", "white space"),
    "one new line": (FOR + "{{ message.content.removeprefix('\n') }}|{% endfor %}", "white space"),
    "long contents": (FOR + "{{ message.content[:60] }}|{% endfor %}", "plain texts"),
    "long conversations": ("{{ raise_exception('too long') if messages | length > 6 }}" + PLAIN, "too long"),
    "always raises": ("{{ raise_exception('Never ' ~ 'again') }}", "no conversation", "Never again"),
    "nothing": ("", "once, one after the other"),
    "tag": ("\n{% include 'x' %}", "line 2", "'include' is not supported"),
    "filter": ("a\n\n{{ 1 | pprint }}", "line 3", "filter 'pprint' is not supported"),
    "test": ("{{ 1 is escaped }}", "line 1", "test 'escaped' is not supported"),
    "method": ("{{ messages[0].content.encode() }}", "method 'encode' of str is not supported"),
    "change": ("{{ messages.append(1) }}", "method 'append' of list is not supported"),
    "undefined": ("{{ a.b.c }}", "'a' is undefined"),
    "no end of a tag": ("x\n{% if a", "line 2", "no end"),
    "no end of a block": ("x\n{% for a in b %}\n\n", "line 2", "no 'endfor'"),
    "no end of a string": ("{{ 'abc }}", "no end"),
    "no end of a comment": ("{# abc", "no end"),
    "brackets": ("{{ (1] }}", "unexpected ']'"),
    "letter": ("{{ 1 § 2 }}", "unexpected '§'"),
    "zero": (PLAIN + "\0", "zero byte"),
    # Hostile ones.
    "endless loop": ("{% for i in range(99999) %}" * 4 + "{% endfor %}" * 4, "too much memory"),
    "endless recursion": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "too deep"),
    "large range": ("{{ range(10**12) | length }}", "100000 numbers"),
    "large text": ("{{ 'a' * 10**12 }}", "too much memory"),
    "large list": ("{{ [1] * 10**12 }}", "too much memory"),
    "growing text": ("{% set ns = namespace(t='abcdefgh') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
                     "writes too much"),
    "growing replacement": ("{% set t = 'a' * 100000 %}{{ t.replace('', t).replace('a', t) }}", "too much memory"),
    "lists in lists": ("{% set ns = namespace(t=[]) %}{% for i in range(1000) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}"
                       "{{ ns.t }}", "cannot be written"),
    "wide lists in lists": ("{% set ns = namespace(t=[]) %}{% for i in range(40) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}"
                            "{{ ns.t | tojson }}", "writes too much"),
    "wide lists that are compared": (
        "{% set ns = namespace(t=[], u=[]) %}{% for i in range(40) %}{% set ns.t = [ns.t, ns.t] %}"
        "{% set ns.u = [ns.u, ns.u] %}{% endfor %}{{ ns.t == ns.u }}", "too many steps"),
    "deep brackets": ("{{ " + "(" * 100000 + "1" + ")" * 100000 + " }}", "too deep"),
    "deep lists": ("{{ " + "[" * 100000 + "]" * 100000 + " }}", "too deep"),
    "deep blocks": ("{% if 1 %}" * 100000, "too deep"),
    "deep minus": ("{{ " + "-" * 100000 + "1 }}", "too deep"),
    "deep not": ("{{ " + "not " * 100000 + "1 }}", "too deep"),
    "deep elif": ("{% if 1 %}" + "{% elif 1 %}" * 100000 + "{% endif %}", "too deep"),
    "many terms": ("{{ 1" + "+1" * 100000 + " }}", "too many terms"),
    "many filters": ("{{ 1" + "|string" * 100000 + " }}", "too many filters"),
    "many attributes": ("{{ a" + ".a" * 100000 + " }}", "too many parts"),
    "large power": ("{{ 9 ** 9 ** 9 }}", "too large"),
    "large indentation": ("{{ 'a' | indent(10**9) }}", "too wide"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path):
    template, *words = REFUSED[case]
    said = run([HALFTONE, "chat-template", folder_of(tmp_path, template)], check=False, timeout=60)
    assert_error(said, FAILED, "tokenizer_config.json", *words)


def test_plain_form_is_none_of_these(tmp_path):
    assert ask(folder_of(tmp_path, PLAIN), [[{"role": "user", "content": "Hi"}]]) == ["user: Hi\nA:"]


REFUSED_CONVERSATIONS = {
    "[]": "list of messages",
    "{}": "list of messages",
    "[1]": "a \"role\" and a \"content\"",
    '[{"role": "user"}]': "a \"role\" and a \"content\"",
    '[{"role": "tool", "content": ""}]': '"tool" is none of',
    '[{"role": "system", "content": "x"}]': "a user message at least",
    '[{"role": "assistant", "content": "x"}]': "message 1 of the conversation is not the user's",
    '[{"role": "user", "content": "x"}, {"role": "user", "content": "x"}]': "message 2 of the conversation is not the assistant's",
    '[{"role": "user", "content": "x"}, {"role": "system", "content": "x"}]': "message 2",
    "[[[": "expected",
}


def test_conversations_that_are_refused(tmp_path):
    said = run([HALFTONE, "chat-template", folder_of(tmp_path, PLAIN), "--json-lines"],
               input="".join(line + "\n" for line in REFUSED_CONVERSATIONS)).stdout
    for line, words, answer in zip(REFUSED_CONVERSATIONS, REFUSED_CONVERSATIONS.values(), said.split("\n")[:-1], strict=True):
        assert words.lower() in json.loads(answer)["error"].lower(), line


def test_blank_contents_that_change_a_template(tmp_path):
    path = folder_of(tmp_path, FOR + "{% if message.content | trim %}{{ message.role ~ message.content }}{% endif %}{% endfor %}")
    got = ask(path, [[{"role": "user", "content": content}] for content in ("x", "", " \n")] +
              [[{"role": "system", "content": " "}, {"role": "user", "content": "x"}]])
    assert got[0] == "userx"
    assert all("blank user message" in answer["error"] for answer in got[1:3])
    assert "blank system message" in got[3]["error"]


# ---- where templates are -------------------------------------------------------------

def gguf(**keys):
    def text(value):
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def value(item):
        if isinstance(item, str):
            return struct.pack("<I", 8) + text(item)
        if isinstance(item, int):
            return struct.pack("<II", 4, item)
        return struct.pack("<IIQ", 9, 8, len(item)) + b"".join(map(text, item))
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + b"".join(
        text("tokenizer." + key.replace("__", ".")) + value(item) for key, item in keys.items())


HI = [{"role": "user", "content": "Hi"}]
WITH_TOKENS = "{{ bos_token }}" + FOR + "{{ message.content ~ eos_token }}{% endfor %}"


def test_places(tmp_path):
    path = folder_of(tmp_path / "a", [{"name": "tools", "template": "x"}, {"name": "default", "template": WITH_TOKENS}])
    assert ask(path, [HI]) == ask(path / "tokenizer_config.json", [HI]) == ["<s>Hi</s>"]
    # A file of its own comes first, and takes the tokens from the configuration.
    (path / "chat_template.json").write_text(json.dumps({"chat_template": "1" + WITH_TOKENS}))
    assert ask(path, [HI]) == ["1<s>Hi</s>"]
    (path / "chat_template.jinja").write_text("2" + WITH_TOKENS)
    assert ask(path, [HI]) == ask(path / "chat_template.jinja", [HI]) == ["2<s>Hi</s>"]
    file = tmp_path / "model.gguf"
    file.write_bytes(gguf(chat_template=WITH_TOKENS, ggml__tokens=["<unk>", "<B>", "<E>"], ggml__bos_token_id=1,
                          ggml__eos_token_id=2))
    assert ask(file, [HI]) == ["<B>Hi<E>"]


def test_tokens_of_a_special_tokens_map(tmp_path):
    (tmp_path / "chat_template.jinja").write_text(WITH_TOKENS)
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"bos_token": {"content": "[B]"}, "eos_token": "[E]"}))
    assert ask(tmp_path, [HI]) == ["[B]Hi[E]"]


DAMAGED = {
    "nothing there": (None, FAILED, "no chat template"),
    "no template": ({"bos_token": "<s>"}, FAILED, "no chat template"),
    "null": ({"chat_template": None}, FAILED, "no chat template"),
    "number": ({"chat_template": 5}, USAGE, "is no text"),
    "no default": ({"chat_template": [{"name": "tools", "template": "x"}]}, USAGE, '"default"'),
    "no object": ([], USAGE, "no JSON object"),
    "not json": ("{", USAGE, "expected"),
    "deep": ('{"a":' + "[" * 100000, USAGE, "too deep"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged(case, tmp_path):
    content, code, words = DAMAGED[case]
    if content is not None:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "tokenizer_config.json").write_text(text)
    assert_error(run([HALFTONE, "chat-template", tmp_path], check=False), code, words)


def test_usage(tmp_path):
    path = folder_of(tmp_path, PLAIN)
    assert_error(run([HALFTONE, "chat-template"], check=False), USAGE, "no chat template given")
    assert_error(run([HALFTONE, "chat-template", tmp_path / "x"], check=False), USAGE, "cannot be read")
    assert_error(run([HALFTONE, "chat-template", path, "--by-template"], check=False), USAGE, "--messages")
    assert_error(run([HALFTONE, "chat-template", path, "--messages", tmp_path / "x"], check=False), USAGE, "cannot be read")
    (tmp_path / "m.json").write_text(json.dumps(HI))
    assert run([HALFTONE, "chat-template", path, "--messages", tmp_path / "m.json"]).stdout == "user: Hi\nA:"
    help_text = run([HALFTONE, "chat-template", "--help"]).stdout
    assert "--by-template" in help_text and "Examples" in help_text


def test_compiled_form_is_reproducible(tmp_path):
    path = folder_of(tmp_path, chatml_with_default("x") + CHATML_ASKS)
    forms = []
    for name in "one", "two":
        run([HALFTONE, "chat-template", path, "-o", tmp_path / name])
        forms.append((tmp_path / name).read_bytes())
    assert forms[0] == forms[1] and forms[0].startswith(b"HTCHATF\n")
