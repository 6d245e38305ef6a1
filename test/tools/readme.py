#!/usr/bin/env python3
"""Follows a Markdown page literally, as a reader would, in a copy of the repository.

    readme.py PAGE --source ROOT --build BUILD --scratch FOLDER

A fenced block takes part when an HTML comment stands on the line before it:

    <!-- test -->                      run the block's commands (bash, stop at the first
                                       failure); a leading "$ " is dropped
    <!-- test: peers -->               the same, where torch and transformers are there
    <!-- test: build -->               the same, with a build folder of the copy's own
                                       (from here on), for `tools/dev build` after changes;
                                       it begins as a copy of the build's where it can
    <!-- test: file=PATH -->           write the block to PATH
    <!-- test: append=PATH -->         append it to PATH
    <!-- test: insert=PATH after=TEXT --> insert it after the first line with TEXT (to the
                                       comment's end)
    <!-- output -->                    what the commands before it print, these lines in
                                       this order; "..." in a line stands for anything,
                                       alone on a line for any lines

The commands run at the copy's root with the build's programs on PATH; `build` there is
the build folder.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MARK = re.compile(r"^\s*<!--\s*(test|output)(?::\s*(.*?))?\s*-->\s*$")
FENCE = re.compile(r"^(\s*)(```+|~~~+)\s*(\S*)")


# A mount namespace of our own; as a user, through a user namespace.
UNSHARE = ["unshare", "-m" if os.getuid() == 0 else "-rm"]


def can_mount():
    return subprocess.run([*UNSHARE, "mount", "--bind", "/tmp", "/tmp"], capture_output=True).returncode == 0


class Block:
    def __init__(self, line, kind, options, text):
        self.line, self.kind, self.options, self.text = line, kind, options, text

    def __repr__(self):
        return f"Block({self.line}, {self.kind}, {self.options})"


class PageError(Exception):
    """What the page says does not hold; the message names the line."""


def options_of(text):
    """`peers`, `file=a/b.cpp`, `insert=a after=some words` as a dictionary."""
    found = {}
    text = (text or "").strip()
    if " after=" in text:
        text, found["after"] = text.split(" after=", 1)
    for word in text.split():
        key, _, value = word.partition("=")
        if key not in ("peers", "build", "file", "append", "insert"):
            raise PageError(f"unknown option '{key}'")
        found[key] = value
    return found


def blocks(page):
    """The marked fenced blocks of a page."""
    lines = page.splitlines()
    at = 0
    while at < len(lines):
        mark = MARK.match(lines[at])
        fence = FENCE.match(lines[at])
        if mark:
            number = at + 1
            fence = FENCE.match(lines[number]) if number < len(lines) else None
            if not fence:
                raise PageError(f"line {number}: no fenced block follows the comment")
            text, at = fenced(lines, number, fence)
            try:
                yield Block(number + 1, mark[1], options_of(mark[2]), text)
            except PageError as error:
                raise PageError(f"line {number}: {error}") from None
        elif fence:
            at = fenced(lines, at, fence)[1]
        else:
            at += 1


def fenced(lines, at, fence):
    """The text of the block that opens at lines[at] and the line after its end."""
    indent, mark = len(fence[1]), fence[2]
    for end in range(at + 1, len(lines)):
        if lines[end].strip() == mark:
            return "".join(line[indent:] + "\n" for line in lines[at + 1:end]), end + 1
    raise PageError(f"line {at + 1}: the fenced block never ends")


def check_output(wanted, got):
    """Lines of `wanted` appear in `got` in order. "..." alone: any lines between; else
    each line follows the one before it directly. Raises PageError."""
    lines, at, skip = [line.rstrip() for line in got.splitlines()], 0, True
    for want in (line.rstrip() for line in wanted.splitlines()):
        if want.strip() == "...":
            skip = True
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in want.split("...")) + r"\Z")
        places = range(at, len(lines)) if skip else range(at, min(at + 1, len(lines)))
        found = next((place for place in places if pattern.match(lines[place])), None)
        if found is None:
            raise PageError(f"wanted the line\n  {want}\nin what was printed:\n{got}")
        at, skip = found + 1, False


def commands_of(text):
    """Shell lines: of a block with prompts only those after one, else all."""
    lines = text.splitlines()
    if any(line.startswith("$ ") for line in lines):
        # A transcript: what is not after a prompt (or continues it) is output.
        kept, goes_on = [], False
        for line in lines:
            if line.startswith("$ ") or goes_on:
                kept.append(line.removeprefix("$ "))
                goes_on = line.endswith("\\")
        lines = kept
    return "\n".join(lines)


class Follower:
    def __init__(self, source, build, scratch):
        self.source, self.scratch, self.build, self.said = Path(source), Path(scratch), Path(build), ""
        shutil.rmtree(self.scratch, ignore_errors=True)
        copy_repository(self.source, self.scratch)
        (self.scratch / "build").symlink_to(self.build)
        venv = Path(os.environ.get("HALFTONE_VENV") or Path(source) / ".venv")
        if venv.exists():
            (self.scratch / ".venv").symlink_to(venv)
        self.environment = {**os.environ, "PATH": f"{self.build}/bin:{os.environ['PATH']}"}
        for name in "HALFTONE_BUILD_DIR", "HALFTONE_VENV":
            self.environment.pop(name, None)

    def follow(self, page):
        for block in blocks(page):
            try:
                self.step(block)
            except PageError as error:
                raise PageError(f"line {block.line}: {error}") from None

    def step(self, block):
        if block.kind == "output":
            check_output(block.text, self.said)
            return
        options = block.options
        for how in "file", "append", "insert":
            if how in options:
                self.write(how, self.scratch / options[how], block.text, options.get("after"))
                return
        if "peers" in options and os.environ.get("HALFTONE_PEERS", "1") == "0":
            print(f"line {block.line}: skipped, needs peers")
            return
        if "build" in options and (self.scratch / "build").is_symlink():
            self.begin_build()
        builds = not (self.scratch / "build").is_symlink()
        self.run(commands_of(block.text), in_place=builds and can_mount())

    def begin_build(self):
        """A build folder of the copy's own. Where the copy can be mounted in the repository's place, that one's
        objects are good for all that was not changed."""
        (self.scratch / "build").unlink()
        if can_mount() and self.build == self.source / "build":
            shutil.copytree(self.build, self.scratch / "build", symlinks=True,
                            ignore=shutil.ignore_patterns("fuzz", "demo", "test", "test-roundtrip"))

    def write(self, how, path, text, after):
        path.parent.mkdir(parents=True, exist_ok=True)
        if how == "file":
            path.write_text(text)
        elif how == "append":
            path.write_text(path.read_text() + text)
        else:
            lines = path.read_text().splitlines(keepends=True)
            place = next((n for n, line in enumerate(lines) if after in line), None)
            if place is None:
                raise PageError(f"{path.name} has no line with '{after}'")
            path.write_text("".join(lines[:place + 1]) + text + "".join(lines[place + 1:]))

    def run(self, commands, in_place=False):
        """In the copy. in_place: with the copy mounted where the repository is, unseen by
        others, so that the compiler cache knows every file that was not changed."""
        print(commands, flush=True)
        command = ["bash", "-euo", "pipefail", "-c", commands]
        if in_place:
            command = [*UNSHARE, "bash", "-c", 'mount --bind . "$0" && cd "$0" && exec "$@"', self.source, *command]
        done = subprocess.run(command, cwd=self.scratch, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = done.stdout
        print(self.said, flush=True)
        if done.returncode:
            raise PageError(f"the commands failed with exit code {done.returncode}:\n{self.said[-4000:]}")


def copy_repository(source, to):
    """What git tracks or would track; of a plain folder, all but builds."""
    listed = subprocess.run(["git", "-C", source, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True)
    if listed.returncode:
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("build*", ".venv", ".git"))
        return
    for name in filter(None, listed.stdout.split("\0")):
        if (source / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, to / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    options = parser.parse_args()
    try:
        Follower(options.source.resolve(), options.build.resolve(), options.scratch.absolute()).follow(
            options.page.read_text())
    except PageError as error:
        sys.exit(f"{options.page}: {error}")
    shutil.rmtree(options.scratch)  # It may hold a whole build.


if __name__ == "__main__":
    main()
