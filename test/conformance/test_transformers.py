"""Transformer architectures, exported by each exporter, compiled, against ONNX Runtime
running the same file: at the exported shape and at one that the exporter did not see."""
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest

import models
import zoo
from compare import relative_error
from halftone import HALFTONE, run, run_program
from places import BUILD, CACHE

pytestmark = pytest.mark.peers

TOLERANCE = 1e-4
CASES = [(name, variant) for name, model in zoo.MODELS.items() for variant in model.variants or zoo.VARIANTS]
WORKERS = 2


@dataclass
class Outcome:
    """What became of one model: seconds to compile, errors per shape, operations after raising."""
    seconds: float = 0
    errors: list = field(default_factory=list)
    raised: dict = field(default_factory=dict)
    failure: str = ""


def export(cases, also=("torchscript",)):
    """The files of `cases` and those variants of their models, made by few processes and kept until
    an exporter changes."""
    here = Path(__file__).parent
    made_by = " ".join(version(name) for name in ("torch", "transformers", "onnx", "onnxscript", "onnxruntime"))
    sources = b"".join((here / name).read_bytes() for name in ("zoo.py", "export_zoo.py"))
    folder = CACHE / f"zoo-{sha256(made_by.encode() + sources).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = dict.fromkeys([*cases, *((model, variant) for model, _ in cases for variant in also)])
    files = {case: folder / f"{'-'.join(case)}.onnx" for case in wanted}
    missing = ["/".join(case) for case, file in files.items() if not file.exists()]

    def export_some(part):
        if part:
            run([sys.executable, here / "export_zoo.py", folder, *part], timeout=1800)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(export_some, (missing[i::WORKERS] for i in range(WORKERS))))
    return files


def expected(file, inputs):
    """ONNX Runtime's outputs. Of a file that it refuses, those of the same model from the other exporter:
    its RotaryEmbedding does not broadcast angles along the batch, as torch's exporter writes them."""
    try:
        return models.run_onnxruntime(file, inputs)
    except Exception as error:
        if "RotaryEmbedding" not in str(error):
            raise
        return models.run_onnxruntime(file.with_name(file.name.replace("dynamo23", "torchscript")), inputs)


def run_case(model, file, folder):
    folder.mkdir(parents=True)
    outcome = Outcome()
    if not file.exists():
        outcome.failure = file.with_suffix(".txt").read_text()
        return outcome
    try:
        begin = time.monotonic()
        run([HALFTONE, "compile", file, "-o", folder / "raised.mlir", "--compile-to=raise"])
        run([HALFTONE, "compile", folder / "raised.mlir", "-o", folder / "program", "--compile-from=raise"])
        outcome.seconds = time.monotonic() - begin
        text = (folder / "raised.mlir").read_text()
        outcome.raised = {op: len(re.findall(rf"\bht\.{op}\b", text)) for op in model.raised}
        for seed, sizes in enumerate(zoo.SHAPES):
            inputs = zoo.make_inputs(model, sizes, seed)
            want, got = expected(file, inputs), run_program(folder / "program", inputs, folder)
            assert want.keys() == got.keys()
            outcome.errors.append(max(relative_error(got[name], want[name]) for name in want))
    except Exception as error:
        outcome.failure = str(error)
    return outcome


def report(outcomes):
    """The table models x variants, for readers: build/test/conformance/transformers.md."""
    def cell(outcome):
        if outcome is None:
            return ""
        if outcome.failure:
            return "failed"
        return f"{max(outcome.errors):.0e}, {outcome.seconds:.1f} s"
    names = sorted({name for name, _ in outcomes})
    lines = ["| model | raised | " + " | ".join(zoo.VARIANTS) + " |", "|---" * (len(zoo.VARIANTS) + 2) + "|"]
    for name in names:
        row = [outcomes.get((name, variant)) for variant in zoo.VARIANTS]
        raised = ", ".join(f"{count} {op}" for op, count in zoo.MODELS[name].raised.items())
        lines.append(f"| {name} | {raised} | " + " | ".join(map(cell, row)) + " |")
    path = BUILD / "test" / "conformance" / "transformers.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """All chosen cases at once: two at a time, each exported, compiled and run."""
    cases = [item.callspec.params["case"] for item in request.session.items
             if item.module is request.module and item.originalname == "test_agrees"]
    folder = tmp_path_factory.mktemp("zoo")
    files = export(cases)
    with ThreadPoolExecutor(WORKERS) as pool:
        done = dict(zip(cases, pool.map(
            lambda case: run_case(zoo.MODELS[case[0]], files[case], folder / "-".join(case)), cases)))
    report(done)
    return done


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_agrees(case, outcomes):
    outcome = outcomes[case]
    assert not outcome.failure, outcome.failure
    assert max(outcome.errors) < TOLERANCE
    # Whatever the exporter wrote, the operations of the architecture are found in it.
    assert outcome.raised == zoo.MODELS[case[0]].raised
