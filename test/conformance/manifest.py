"""manifest.tsv: what becomes of every case of the suite.

One line a case: its group, its name, its fate with static and with dynamic dimensions,
and why it is no better. The reason is for readers: no test compares it."""
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).with_name("manifest.tsv")
HEADER = "# group\tcase\tstatic\tdynamic\treason (test/conformance/README.md says how to read and update this)\n"


@dataclass(frozen=True)
class Entry:
    group: str
    static: str
    dynamic: str
    reason: str = ""

    def fate(self):
        return self.static, self.dynamic


def describe(outcome):
    """`pass`, `pass with axes`, `pass with axes, converted`: a cell of the table."""
    if outcome is None:
        return "-"
    extra = list(outcome.constants) if outcome.passed or outcome.status == "fixed" else []
    if outcome.converted:
        extra.append("converted")
    return outcome.status + (f" with {','.join(extra)}" if extra else "")


def entry(case, static, dynamic):
    reason = static.reason if not static.passed or dynamic is None else dynamic.reason
    return Entry(case.group, describe(static), describe(dynamic), " ".join(reason.split()))


def read(path=PATH):
    entries = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            group, name, static, dynamic, reason = (line + "\t").split("\t")[:5]
            entries[name] = Entry(group, static, dynamic, reason)
    return entries


def write(entries, order, path=PATH):
    """`order`: the names of all cases; others are dropped."""
    path.write_text(HEADER + "".join("\t".join((e.group, name, e.static, e.dynamic, e.reason)).rstrip() + "\n"
                                     for name in order if (e := entries.get(name))))
