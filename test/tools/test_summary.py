"""tools/dev.d/summary.py adds up what every runner left."""
import json
import subprocess
import sys
from pathlib import Path

SUMMARY = Path(__file__).parents[2] / "tools/dev.d/summary.py"


def summarize(folder, **files):
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    done = subprocess.run([sys.executable, SUMMARY, folder], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_all_runners(tmp_path):
    code, lines = summarize(
        tmp_path,
        lit_json=json.dumps({"__version__": [], "tests": [{"name": "a", "code": "PASS"}, {"name": "b", "code": "XFAIL"}]}),
        gtest_json=json.dumps({"testsuites": [{"name": "S", "testsuite": [{"name": "T", "status": "RUN"}]}]}),
        pytest_xml='<testsuites><testsuite><testcase name="t"><skipped/></testcase></testsuite></testsuites>',
        fuzz_tsv="passed\tfuzz.npy\npassed\tfuzz.ir\n")
    assert (code, lines[-1]) == (0, "5 passed, 0 failed, 1 skipped")


def test_finding(tmp_path):
    code, lines = summarize(tmp_path, fuzz_tsv="passed\tfuzz.npy\nfailed\tfuzz.onnx: build/fuzz/findings/onnx-crash-0\n")
    assert (code, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped")
    assert "  fuzz: fuzz.onnx: build/fuzz/findings/onnx-crash-0" in lines


def test_runner_that_died(tmp_path):
    code, lines = summarize(tmp_path, fuzz_tsv="crashed\n")
    assert (code, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")
