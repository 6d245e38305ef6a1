#!/usr/bin/env python3
"""onnx.backend.test through compiled programs. See README.md here.

    backend.py                   every case; compares with manifest.tsv
    backend.py 'test_resize_.*'  those whose name matches, or whose operator is the word
"""
import argparse
import re
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "e2e")]

import manifest
import report
from attempt import BAD, CRASH, FIXED, PASS, Attempt, Outcome, differs, run_onnxruntime
from backend_cases import Case, all_cases
from batch import Batch, limit_memory
from places import BUILD
from workers import run_tasks

REPORTS = BUILD / "test" / "conformance"


@dataclass
class Result:
    case: Case
    static: Outcome
    dynamic: Outcome | None

    @property
    def entry(self):
        return manifest.entry(self.case, self.static, self.dynamic)


def serve(connection, dynamic, explain, keep):
    """A worker: its own compiler, and the programs in its own memory."""
    limit_memory()
    warnings.simplefilter("ignore")
    with Batch() as batch, tempfile.TemporaryDirectory() as scratch:
        for case in tasks(connection):
            attempt = Attempt(batch, Path(scratch))
            if keep:
                attempt.folder = keep / case.name
                attempt.folder.mkdir(parents=True, exist_ok=True)
                attempt.save(case)
            static = attempt.static(case)
            if explain and static.status in BAD:
                static.reason += f"; {attempt.explain(case, static)}"
            connection.send(("static", static))
            tried = attempt.dynamic(case, static) if dynamic and static.passed else None
            if explain and tried is not None and tried.status in BAD:
                tried.reason += f"; {attempt.explain(case, tried)}"
            connection.send(("done", (static, tried)))


def tasks(connection):
    while True:
        try:
            yield all_cases()[connection.recv()]
        except EOFError:
            return


def serve_onnxruntime(connection):
    limit_memory()
    warnings.simplefilter("ignore")
    for case in tasks(connection):
        model, sets = case.load()
        passed = all((got := run_onnxruntime(model, given, exact=True)) is not None and
                     not any(differs(got[name], want, case, Outcome("")) for name, want in wanted.items())
                     for given, wanted in sets)
        connection.send(("done", passed))


def died(_, static, why):
    crash = Outcome(CRASH, reason=why)
    return (crash, None) if static is None else (static, crash)


def run(names, dynamic=True, workers=2, explain=False, keep=None, tell=lambda result: None):
    """Results by name; `tell` hears of each as it comes."""
    cases, results = all_cases(), {}
    for name, outcomes in run_tasks(names, serve, died, workers, (dynamic, explain, keep)):
        results[name] = Result(cases[name], *outcomes)
        tell(results[name])
    return {name: results[name] for name in names}


def show(result, failures):
    good = result.static.passed and (result.dynamic is None or result.dynamic.passed or
                                     result.dynamic.status == FIXED)
    if not (failures and good):
        entry = result.entry
        error = max(outcome.error for outcome in (result.static, result.dynamic) if outcome is not None)
        print(f"{result.case.name:60} {entry.static:16} {entry.dynamic:16} {error:8.1e}  {entry.reason}", flush=True)


def choose(pattern):
    return [name for name, case in all_cases().items() if case.group == pattern or re.search(pattern, name)]


def compare(results, entries, dynamic=True):
    """Sentences: where reality and the manifest differ."""
    for name, result in results.items():
        is_, was = result.entry, entries.get(name)
        if was is None:
            yield f"{name} is not in the manifest: {is_.static} / {is_.dynamic}"
        elif is_.fate()[:1 + dynamic] != was.fate()[:1 + dynamic]:
            yield f"{name} is {is_.static} / {is_.dynamic}, but in the manifest {was.static} / {was.dynamic}" \
                  + (f": {is_.reason}" if is_.reason else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="regular expression on case names, or an operator")
    parser.add_argument("--static-only", action="store_true", help="leave out dynamic dimensions")
    parser.add_argument("--failures", action="store_true", help="show only what is not a pass")
    parser.add_argument("--refused", action="store_true", help="run only what the manifest does not call a pass")
    parser.add_argument("--update", action="store_true", help="write what is found into the manifest")
    parser.add_argument("--explain", action="store_true", help="ask the interpreter about what is wrong")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave models and inputs there, by case")
    parser.add_argument("--onnxruntime", action="store_true", help="count what ONNX Runtime passes, and nothing else")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    arguments = parser.parse_args()
    if arguments.update and arguments.static_only:
        parser.error("--update needs the dynamic runs too")
    names, start, dynamic = choose(arguments.pattern), time.monotonic(), not arguments.static_only
    if arguments.refused:
        entries = manifest.read()
        names = [name for name in names if name not in entries or not entries[name].static.startswith(PASS)]
    if not names:
        parser.error(f"no case matches '{arguments.pattern}'")
    if arguments.onnxruntime:
        passed = [name for name, good in run_tasks(names, serve_onnxruntime, lambda *_: False, arguments.workers) if good]
        print(f"ONNX Runtime passes {len(passed)} of {len(names)}")
        return 0
    results = run(names, dynamic, arguments.workers, arguments.explain, arguments.keep,
                  lambda result: show(result, arguments.failures))
    report.print_summary(results)
    seconds = time.monotonic() - start
    print(f"{len(names)} cases in {seconds:.0f} seconds")
    if len(names) == len(all_cases()):
        report.write(results, REPORTS, seconds)
    entries = manifest.read()
    if arguments.update:
        entries |= {name: result.entry for name, result in results.items()}
        manifest.write(entries, all_cases())
        return 0
    differences = list(compare(results, entries, dynamic))
    print(*differences, sep="\n")
    bad = [r for r in results.values() for o in (r.static, r.dynamic) if o is not None and o.status in BAD]
    return 1 if differences or bad else 0


if __name__ == "__main__":
    sys.exit(main())
