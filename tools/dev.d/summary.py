#!/usr/bin/env python3
"""Adds up the results of lit, GoogleTest, pytest and the fuzz targets.

    summary.py FOLDER

reads FOLDER/*.json (lit --output, gtest --gtest_output), FOLDER/*.xml (pytest
--junitxml) and FOLDER/*.tsv (an outcome and a name per line), prints what failed, one line per runner and, last and alone on its line,
`N passed, N failed, N skipped`. Exits with 1 when a test failed, when a runner
died or when no test ran.
"""
import json
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

LIT = {"PASS": "passed", "FLAKYPASS": "passed", "XFAIL": "passed", "UNSUPPORTED": "skipped",
       "SKIPPED": "skipped", "EXCLUDED": None}


def lit(results):
    for test in results["tests"]:
        yield test["name"], LIT.get(test["code"], "failed")


def gtest(results):
    for suite in results["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test["status"] == "NOTRUN":
                # Not chosen by a filter, unless its name says DISABLED.
                yield name, "skipped" if "DISABLED_" in name else None
            elif test.get("failures"):
                yield name, "failed"
            else:
                yield name, "skipped" if test.get("result") == "SKIPPED" else "passed"


def pytest(results):
    for test in results.iter("testcase"):
        name = f"{test.get('classname')}.{test.get('name')}"
        if test.find("failure") is not None or test.find("error") is not None:
            yield name, "failed"
        else:
            yield name, "skipped" if test.find("skipped") is not None else "passed"


def read(path):
    """(test, outcome) pairs of one runner."""
    text = path.read_text()
    if text.strip() == "crashed":
        return [(f"{path.stem} died before its end", "failed")]
    if path.suffix == ".xml":
        return pytest(ElementTree.fromstring(text))
    if path.suffix == ".tsv":
        return [(name, outcome) for outcome, name in (line.split("\t", 1) for line in text.splitlines())]
    results = json.loads(text)
    return lit(results) if "tests" in results and "__version__" in results else gtest(results)


def line(count):
    return f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped"


def main(folder):
    total, failed = Counter(), []
    print()
    for path in sorted(Path(folder).iterdir()):
        count = Counter()
        for name, outcome in read(path):
            count[outcome] += 1
            if outcome == "failed":
                failed.append(f"{path.stem}: {name}")
        print(f"{path.stem + ':':30} {line(count)}")
        total += count
    if failed:
        print("\nfailed:", *failed, sep="\n  ")
    print()
    if not total["passed"] + total["failed"]:
        print("no test ran")
    print(line(total))
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
