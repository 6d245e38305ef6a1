"""Without the compiler nothing here can run: say so once a test, plainly."""
import pytest

from halftone import HALFTONE


def pytest_collection_modifyitems(items):
    if not HALFTONE.exists():
        for item in items:
            if "test/conformance/" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=f"no compiler at {HALFTONE}: tools/dev build"))
