#!/usr/bin/env python3
"""Finds test directives that FileCheck and lit would silently ignore.

    check_lines.py FOLDER...

looks at every lit test below the folders and prints file:line: what is wrong. The
rules:

  1. a directive ends in a colon            // CHECK-LABEL @x
  2. its suffix is one that FileCheck has   // CHECK-NXT: foo
  3. its prefix is one that a RUN line names (or CHECK, when a FileCheck has none)
  4. a file with directives runs FileCheck
  5. a test has a RUN line
  6. expected-error and its like need --verify-diagnostics
"""
import re
import sys
from pathlib import Path

SUFFIXES = ("NEXT", "SAME", "EMPTY", "NOT", "DAG", "LABEL", r"COUNT-\d+")
TEST_FILES = (".mlir", ".test", ".onnxtxt", ".ll")
SKIPPED_FOLDERS = ("Inputs", "e2e", "conformance", "bench", "runtime", "evaluate", "fuzz")
LIT_WORDS = ("RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "DEFINE", "REDEFINE", "END")
# A comment that begins with a word in capitals: `// CHECK-NEXT: x`, `# FOO: y`.
COMMENT = re.compile(r"^\s*(?://|#|;)\s*(?P<word>[A-Z][A-Z0-9_]*(?:-[A-Za-z0-9_]+)*)(?P<rest>.*)")
SUFFIX = re.compile(rf"-(?:{'|'.join(SUFFIXES)})$")


def run_lines(lines):
    """The commands of the RUN lines, continued ones joined."""
    text = "\n".join(found.group(1) for line in lines if (found := re.search(r"\bRUN:(.*)", line)))
    return re.sub(r"\\\n", " ", text)


def prefixes_of(commands):
    """The prefixes that the FileChecks of the RUN lines look for."""
    prefixes = set()
    for command in re.split(r"[|\n;]|&&", commands):
        if not re.search(r"\bFileCheck\b", command):
            continue
        named = re.findall(r"--?check-prefix(?:es)?[= ](\S+)", command)
        prefixes.update(prefix for names in named for prefix in names.strip("'\"").split(","))
        if not named:
            prefixes.add("CHECK")
    return prefixes


def edits(a, b):
    """How many letters differ (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def problem_with(word, rest, prefixes):
    """What is wrong with the comment `// word rest`, or None."""
    if word in LIT_WORDS:
        return None if rest.lstrip().startswith((":", ".")) else f"'{word}' without a colon is ignored"
    rest = re.sub(r"^\{[A-Z,]*\}", "", rest)  # CHECK-DAG{LITERAL}:
    colon = rest.startswith(":")
    stem = SUFFIX.sub("", word)
    if stem in prefixes:
        return None if colon else f"'{word}' without a colon is ignored"
    near = next((p for p in sorted(prefixes) if word.startswith(p + "-")), None)
    if near and (colon or word[len(near) + 1:].isupper()):
        return f"FileCheck knows no suffix '{word[len(near) + 1:]}'"
    if stem == "CHECK" or stem != word and colon:
        return f"no RUN line gives FileCheck the prefix '{stem}'" if prefixes else \
            f"'{word}' is there, but no RUN line runs FileCheck"
    if colon:
        words = [w for p in prefixes | {"RUN", "REQUIRES"} for w in (p, *(f"{p}-{s}" for s in SUFFIXES))]
        near = next((w for w in sorted(words) if len(w) > 2 and edits(word, w) <= (2 if len(w) >= 5 else 1)), None)
        if near:
            return f"'{word}' is ignored; '{near}'?"
    return None


def check(text):
    """(line number, problem) pairs of one test file."""
    lines = text.splitlines()
    commands = run_lines(lines)
    if not commands.strip():
        yield 1, "no RUN line"
    prefixes = prefixes_of(commands)
    for number, line in enumerate(lines, 1):
        found = COMMENT.match(line)
        if found and (problem := problem_with(found["word"], found["rest"], prefixes)):
            yield number, problem
        if re.search(r"\bexpected-(error|warning|remark|note)(-re)?\b.*\{\{", line) and \
                not re.search(r"-verify-diagnostics|-verify\b", commands):
            yield number, "expected-… is ignored without --verify-diagnostics"


def main(folders):
    bad = 0
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix not in TEST_FILES or set(path.relative_to(folder).parts) & set(SKIPPED_FOLDERS):
                continue
            for number, problem in check(path.read_text(errors="replace")):
                print(f"{path}:{number}: {problem}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["."]))
