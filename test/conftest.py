"""pytest's set-up for test/e2e, test/conformance and test/tools."""
import re

import pytest


def pytest_addoption(parser):
    parser.addoption("--only", default="", metavar="REGEX",
                     help="run the tests whose id matches (tools/dev test FILTER)")


def pytest_collection_modifyitems(config, items):
    only = re.compile(config.getoption("--only"))
    chosen = [item for item in items if only.search(item.nodeid)]
    dropped = [item for item in items if not only.search(item.nodeid)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = chosen


def pytest_configure(config):
    config.addinivalue_line("markers", "peers: needs torch and transformers (tools/dev test --peers)")


def pytest_runtest_setup(item):
    from places import PEERS
    if item.get_closest_marker("peers") and not PEERS:
        pytest.skip("needs torch and transformers: tools/dev test --peers")
