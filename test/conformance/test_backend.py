"""onnx.backend.test through native code: what becomes of each case is what the manifest says."""
import time

import pytest

import backend
import manifest
import report
from backend_cases import all_cases

# Not of the suite itself, which takes seconds to load.
GROUPS = list(dict.fromkeys(entry.group for entry in manifest.read().values()))


@pytest.fixture(scope="session")
def results(request):
    """Of all chosen tests at once, so that the workers share them."""
    chosen = {item.callspec.params["group"] for item in request.session.items
              if getattr(item, "originalname", "") == "test_operator"}
    start = time.monotonic()
    results = backend.run([name for name, case in all_cases().items() if case.group in chosen])
    if len(results) == len(all_cases()):
        report.write(results, backend.REPORTS, time.monotonic() - start)
        report.print_summary(results)
    return results


def test_manifest_names_every_case():
    entries = manifest.read()
    assert list(entries) == list(all_cases()), "run test/conformance/backend.py --update"


@pytest.mark.parametrize("group", GROUPS)
def test_operator(group, results):
    mine = {name: result for name, result in results.items() if result.case.group == group}
    differences = list(backend.compare(mine, manifest.read()))
    assert not differences, "\n".join(differences)
