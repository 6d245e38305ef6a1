"""readme.py does what a page says and notices when the page is wrong."""
import pytest

from readme import Follower, PageError, blocks, check_output, commands_of


@pytest.fixture
def follow(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/list.txt").write_text("one\ntwo\n")
    (tmp_path / "build").mkdir()

    def follow(page):
        Follower(tmp_path / "source", tmp_path / "build", tmp_path / "copy").follow(page)
        return tmp_path / "copy"
    return follow


def page(*pairs):
    return "\n".join(f"text\n\n<!-- {mark} -->\n```sh\n{text}\n```\n" for mark, text in pairs)


def test_runs_marked_blocks_only(follow):
    copy = follow("```sh\ntouch no\n```\n" + page(("test", "touch yes")))
    assert (copy / "yes").exists() and not (copy / "no").exists()


def test_files(follow):
    copy = follow(page(("test: file=a/b.txt", "hello"), ("test: append=a/b.txt", "world"),
                       ("test: insert=list.txt after=one", "one and a half"),
                       ("test", "cat a/b.txt list.txt"), ("output", "hello\nworld\none\none and a half\ntwo")))
    assert (copy.parent / "source/list.txt").read_text() == "one\ntwo\n"


def test_build_folder(follow):
    copy = follow(page(("test", "test -L build"), ("test: build", "test ! -e build; mkdir build")))
    assert not (copy / "build").is_symlink()


@pytest.mark.parametrize("text, problem", [
    (page(("test", "false")), "exit code 1"),
    (page(("test", "false | true")), "exit code 1"),
    (page(("test", "echo a"), ("output", "b")), "wanted the line"),
    (page(("test", "echo a; echo c"), ("output", "a\nb\nc")), "wanted the line"),
    (page(("test: insert=list.txt after=three", "x")), "no line with 'three'"),
    (page(("test: fil=x", "x")), "unknown option"),
    ("<!-- test -->\n\n```sh\ntrue\n```\n", "no fenced block"),
    ("<!-- test -->\n```sh\ntrue\n", "never ends"),
])
def test_notices(follow, text, problem):
    with pytest.raises(PageError, match=problem):
        follow(text)


def test_output():
    check_output("a\n...\nc ... 3", "x\na\nb\nb\nc = 1, 2, 3\n")
    with pytest.raises(PageError):
        check_output("c\na", "a\nc\n")


def test_transcripts():
    assert commands_of("$ a \\\n  b\noutput\n$ c\n") == "a \\\n  b\nc"
    assert commands_of("a\nb\n") == "a\nb"


def test_blocks_in_lists():
    [block] = blocks("1. do\n\n   <!-- test -->\n   ```sh\n   a\n     b\n   ```\n")
    assert block.text == "a\n  b\n"
