"""onnx.backend.test through native code: what becomes of each case is what the manifest says."""
import time

import pytest

import backend
import manifest
import report
from attempt import BAD, REFUSED
from backend_cases import all_cases
from tier_a import EXCEPT, TIER_A

# Not of the suite itself, which takes seconds to load.
GROUPS = list(dict.fromkeys(entry.group for entry in manifest.read().values()))


def in_tier_a(case):
    """A node's own cases; of the whole models, those that have no other operator."""
    return case.group in TIER_A or (case.kind != "node" and case.operators() <= TIER_A)


@pytest.fixture(scope="session")
def results(request):
    """Of all chosen tests at once, so that the workers share them."""
    chosen = {item.callspec.params["group"] for item in request.session.items
              if getattr(item, "function", None) is test_operator}
    start = time.monotonic()
    results = backend.run([name for name, case in all_cases().items() if case.group in chosen])
    if len(results) == len(all_cases()):
        report.write(results, backend.REPORTS, time.monotonic() - start)
        report.print_summary(results)
    return results


def test_manifest_names_every_case():
    entries = manifest.read()
    assert list(entries) == list(all_cases()), "run test/conformance/backend.py --update"


def test_manifest_has_no_failures():
    bad = [name for name, entry in manifest.read().items() if {cell.split(" ")[0] for cell in entry.fate()} & set(BAD)]
    assert not bad


def test_tier_a_passes():
    """But for the exceptions, and each of these is one."""
    entries = manifest.read()
    refused = {name for name, case in all_cases().items() if entries[name].static == REFUSED and in_tier_a(case)}
    assert refused == set(EXCEPT)


@pytest.mark.parametrize("group", GROUPS)
def test_operator(group, results):
    mine = {name: result for name, result in results.items() if result.case.group == group}
    differences = list(backend.compare(mine, manifest.read()))
    assert not differences, "\n".join(differences)
