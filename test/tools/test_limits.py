"""test/bench/limits.cpp builds, runs, and measures what the benchmarks' arithmetic looks for."""
import json
import os

import pytest

import host_cpu
from halftone import run
from measures import PEAKS
from places import BUILD, ROOT

READS = {"read_l2", "read_l3", "read_memory"}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("limits") / "limits"
    run(["clang++-22", "-std=c++20", "-O1", "-pthread", ROOT / "test/bench/limits.cpp", "-o", path])
    return path


def measured(program, **options):
    return json.loads(run([program, 2, 0], **options).stdout)["limits"]


def test_every_limit_is_known(program):
    limits = measured(program)
    known = {name for names in PEAKS.values() for name in names} | READS | {"amx_fp16"}
    assert {"avx2_f32", "avx2_int8", "read_memory"} <= set(limits) <= known
    assert all(value[which] > 0 for value in limits.values() for which in ("one", "all"))


def test_tiles_are_used_where_they_are_permitted(program):
    variables, missing = host_cpu.amx_variables(BUILD)
    if missing:
        pytest.skip(missing)
    limits = measured(program, env=os.environ | variables)
    assert limits["amx_int8"]["one"] > 0 and limits["amx_bf16"]["all"] > 0
