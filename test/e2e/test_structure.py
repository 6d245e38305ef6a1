"""Both exports of one model reach the same IR after raising."""
import difflib
import re

import pytest

import models
from halftone import HALFTONE, HALFTONE_OPT, run


def raised(model, folder):
    """The module after `raise`, names made canonical and files forgotten, as lines."""
    path = folder / "raised.mlir"
    run([HALFTONE, "compile", model, "--compile-to=raise", "-o", path])
    text = run([HALFTONE_OPT, "--ht-canonical-names=forget-files=true", path]).stdout
    # Dynamo masks by a finite number, TorchScript by -inf: they differ where a row may attend nowhere.
    return [line.replace(" uniform :", " :") for line in text.splitlines() if not line.startswith("#loc")]


def assert_same(one, other):
    if one != other:
        difference = list(difflib.unified_diff(one, other, *models.EXPORTERS, lineterm="", n=1))
        raise AssertionError("the exports differ after raising:\n" + "\n".join(difference[:60]))


@pytest.mark.peers
def test_minilm(minilm, tmp_path):
    dynamo, torchscript = (raised(minilm(exporter), tmp_path) for exporter in models.EXPORTERS)
    text = "\n".join(dynamo)
    assert len(re.findall(r"\bht\.attention\b", text)) == 6
    assert len(re.findall(r"\bht\.layer_norm\b", text)) == 13
    assert_same(dynamo, torchscript)


@pytest.mark.peers
def test_stories(stories, tmp_path):
    dynamo, torchscript = (raised(models.stories(exporter), tmp_path) for exporter in models.EXPORTERS)
    text = "\n".join(dynamo)
    for op in "attention", "rms_norm", "rope", "linear", "embedding":
        assert re.search(rf"\bht\.{op}\b", text), f"nothing was raised to ht.{op}"
    assert_same(dynamo, torchscript)


@pytest.mark.parametrize("primitive", ["softmax", "matmul"])
def test_nothing_is_left_to_raise(stories, tmp_path, primitive):
    """The checked-in export: attention's and the linears' parts are gone."""
    assert not re.search(rf"\bht\.{primitive}\b", "\n".join(raised(stories, tmp_path)))
