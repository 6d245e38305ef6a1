"""Templates as the compiler reads them are what jinja2 makes of them, set up as transformers does it."""
import functools
import json
import random

import pytest

from halftone import HALFTONE, run
from hostile_text import FIXED
from jinja_corpus import EXPRESSIONS, STATEMENTS

jinja2 = pytest.importorskip("jinja2")

SEED = random.randrange(2**32)


def environment():
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def raise_exception(message):
        raise jinja2.TemplateError(message)

    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return jinja2.nodes.Scope(body).set_lineno(line)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                         extensions=[Generation, jinja2.ext.loopcontrols])
    made.globals["raise_exception"] = raise_exception
    made.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    return made


@functools.cache
def compiled(template):
    return environment().from_string(template)


def by_jinja(template, content):
    messages = [{"role": "user", "content": content}]
    try:
        return compiled(template).render(messages=messages, add_generation_prompt=True, tools=None, documents=None,
                                         bos_token="<s>", eos_token="</s>")
    except Exception as error:  # Whatever Python raises where an operation is none.
        return error


def by_halftone(folder, template, contents):
    """What the template makes of each content; None where it is an error."""
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"chat_template": template, "bos_token": "<s>", "eos_token": "</s>"}))
    said = run([HALFTONE, "chat-template", folder, "--by-template", "--json-lines"], check=False, encoding="utf-8",
               input="".join(json.dumps([{"role": "user", "content": content}]) + "\n" for content in contents))
    if said.returncode:
        assert "line " in said.stderr, said.stderr
        return [None] * len(contents)
    answers = [json.loads(line) for line in said.stdout.split("\n")[:-1]]
    assert all(isinstance(answer, str) or "line " in answer["error"] or "raise_exception" in template for answer in answers)
    return [answer if isinstance(answer, str) else None for answer in answers]


# What jinja2 can do and is refused here; no chat template does it.
LESS = {"f(*a)"}


def test_expressions(tmp_path):
    """A template for those that can be parsed: one can be chosen by the content."""
    good, bad = [], []
    for text in EXPRESSIONS:
        try:
            environment().from_string("{{ " + text + " }}")
            (bad if text in LESS else good).append(text)
        except jinja2.TemplateSyntaxError:
            bad.append(text)
    # A filter or test that is none is a mistake of syntax there, unless it is in a branch.
    bad = [text for text in bad if "nonsense" not in text]
    assert len(good) > 300 and len(bad) > 12
    template = "".join("{% if messages[0].content == '" + str(i) + "' %}{{ " + text + " }}{% endif %}"
                       for i, text in enumerate(good))
    got = by_halftone(tmp_path, template, [str(i) for i in range(len(good))])
    failures = []
    for i, (text, answer) in enumerate(zip(good, got, strict=True)):
        want = by_jinja("{{ " + text + " }}", str(i))
        # Objects of Python have names of their own when they are written.
        if isinstance(want, str) and ("<" in want and " at 0x" in want or want.startswith(("dict_", "range("))):
            continue
        if answer != (want if isinstance(want, str) else None):
            failures.append((text, answer, want))
    assert not failures
    for text in bad:
        if by_halftone(tmp_path, "{{ " + text + " }}", ["x"]) != [None]:
            failures.append(text)
    assert not failures


def assert_equal(folder, template, contents=("some content",)):
    for content, got in zip(contents, by_halftone(folder, template, contents), strict=True):
        want = by_jinja(template, content)
        assert got == (want if isinstance(want, str) else None), f"{template!r}: {got!r}, wanted {want!r}"


@pytest.mark.parametrize("template", STATEMENTS)
def test_statements(template, tmp_path):
    assert_equal(tmp_path, template)


def test_white_space(tmp_path):
    """Around every kind of tag, at random."""
    chance = random.Random(SEED)
    tags = [("{%", "if 1", "%}"), ("{%", "endif", "%}"), ("{{", "'x\n'", "}}"), ("{#", "note\n", "#}"), ("{%", "set a = 1", "%}")]
    spaces = ["", "", " ", "  ", "\n", "\n\n", "\t", " \n ", "\n  ", "a", "b \n", "\n c", "\r\n", "\u00a0", "{", "}", "%}"]
    for _ in range(120):
        opened, template = 0, ""
        for _ in range(chance.randrange(1, 8)):
            tag = chance.randrange(len(tags))
            if tag == 1 and not opened:
                tag = 0
            opened += (tag == 0) - (tag == 1)
            begin, text, end = tags[tag]
            template += chance.choice(spaces) + begin + chance.choice(["", "", "-", "+" if begin != "{{" else ""]) + " " + text + \
                chance.choice([" ", "\n", ""]) + chance.choice(["", "", "-", "+" if end != "}}" else ""]) + end
        template += chance.choice(spaces) + "".join("{%- endif %}" + chance.choice(spaces) for _ in range(opened))
        assert_equal(tmp_path, template)


STRIPS = ("{% set c = messages[0].content %}{{ [c.strip(), c.lstrip(), c.rstrip(), c.strip('\n'), c | trim, c.split(), "
          "c.split(' '), c | length, c[::-1], c[1:-1], c[:5], c | tojson, c | replace('a', '<>'), c | list, c == c.strip(), c.split('a', 1), "
          "c | reverse, c.find('a'), c.startswith('a')] | tojson }}")


def test_texts(tmp_path):
    """What templates do with contents, whatever these are. Python's repr is asked for no odd letters."""
    texts = [text for text in FIXED if "\0" not in text] + [chr(point) + "a" + chr(point) for point in range(1, 0x3100) if
                                                           chr(point).isspace() or point < 0x100]
    assert_equal(tmp_path, STRIPS, texts)
