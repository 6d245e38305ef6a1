"""The arithmetic of the benchmarks (test/bench), and its way with peers that fail. No times."""
import os
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

import measures
import tables
from harness import Failed, Remote
from task import Task

LIMITS = {"avx512_vnni": {"one": 1000.0, "all": 2000.0}, "avx512_f32": {"one": 100.0, "all": 200.0},
          "avx2_f32": {"one": 50.0, "all": 110.0}, "read_memory": {"one": 10.0, "all": 20.0}}


def test_quantiles_are_in_milliseconds():
    found = measures.quantiles([0.001 * i for i in range(11)])
    assert found == pytest.approx({"median_ms": 5, "p10_ms": 1, "p90_ms": 9, "calls": 11})


def test_best_and_speedup_go_by_medians():
    times = {"a": {"median_ms": 3.0}, "b": {"median_ms": 2.0}, "halftone": {"median_ms": 0.5}}
    assert measures.best(times, ["a", "b", "absent"]) == "b"
    assert measures.best(times, ["absent"]) is None
    assert measures.speedup(times, "halftone", "b") == 4
    assert measures.speedup(times, "a", "b") == pytest.approx(2 / 3)


def test_peak_is_the_fastest_way_of_an_arithmetic():
    assert measures.peak(LIMITS, "f32", 1) == 100e9
    assert measures.peak(LIMITS, "f32", 2) == 200e9
    assert measures.peak(LIMITS, "int8", 2) == 2000e9
    # Without instructions of its own bf16 is as fast as f32.
    assert measures.peak(LIMITS, "bf16", 1) == 100e9


def test_least_time_is_that_of_the_slower_of_arithmetic_and_memory():
    assert measures.least_seconds(LIMITS, "f32", 1, 200e9) == pytest.approx(2)
    assert measures.least_seconds(LIMITS, "f32", 1, 200e9, 30e9) == pytest.approx(3)
    assert measures.least_seconds(LIMITS, "f32", 2, 200e9, 10e9) == pytest.approx(1)


def test_percent_of_limit_counts_weights_by_their_bits():
    result = {"threads": 1, "machine": {"limits": LIMITS}, "costs": {"1": {"operations": 0, "weights": 16e9}},
              "peers": {"x": {"arithmetic": "int8", "bits": 4}}, "times": {"1": {"x": {"median_ms": 1600.0}}}}
    assert tables.percent_of_limit(result, "1", "x") == pytest.approx(50)


def test_accuracy_looks_at_text_alone():
    want = np.random.default_rng(0).standard_normal((2, 4, 8)).astype(np.float32)
    mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0]])
    got = want + 100 * (1 - mask[..., None])
    assert measures.accuracy([got], [want], [mask]) == {
        "relative_error": 0, "cosine": pytest.approx(1), "least_cosine": pytest.approx(1)}
    assert measures.accuracy([1.5 * want], [want], [mask])["relative_error"] == pytest.approx(0.5)
    assert measures.accuracy([want, got], [want, want])["relative_error"] > 1


def test_cosine_is_of_mean_embeddings():
    want = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [0.0, 4.0]]])
    got = np.array([[[1.0, 0.0], [1.0, 0.0]], [[3.0, 2.0], [3.0, 4.0]]])
    found = measures.accuracy([got], [want], [np.ones((2, 2))])
    assert found["least_cosine"] == pytest.approx(np.sqrt(0.5))
    assert found["cosine"] == pytest.approx((1 + np.sqrt(0.5)) / 2)


def test_a_busy_computer_is_told():
    def result(load, others):
        return {"load_average": load, "times": {"1": {"x": {"others": others}}}}
    assert tables.load_warning(result(0.1, 0.01)) is None
    assert "load average 3.00" in tables.load_warning(result(3, 0.0))
    assert "30 %" in tables.load_warning(result(0.1, 0.3))


def test_task_survives_its_folder(tmp_path):
    batches = {"2x3": {"ids": np.ones((2, 3), np.int64)}, "1x3": {"ids": np.zeros((1, 3), np.int64)}}
    task = Task(tmp_path, "nobody", {"plain": "m.onnx"}, {"batch": 2, "sequence": 3}, ["2x3"], ["1x3"], batches,
                [{"ids": np.full((1, 2), 7)}])
    task.save()
    again = Task.load(tmp_path)
    assert (again.timed, again.compared, again.models) == (task.timed, task.compared, task.models)
    assert list(again.batches) == ["2x3", "1x3"] and again.samples[0]["ids"].tolist() == [[7, 7]]
    assert again.sizes(again.batches["2x3"]) == {"batch": 2, "sequence": 3}


@pytest.mark.parametrize("does, cause", [
    ("import absent_package", "No module named 'absent_package'"),
    ("import os; os.abort()", "ended by SIGABRT"),
    ("raise SystemExit(3)", "ended with 3"),
    ("import time; time.sleep(60)", "no answer within"),
], ids=["missing", "crash", "exit", "hang"])
def test_a_failing_peer_is_told_and_no_more(tmp_path, monkeypatch, does, cause):
    """A worker whose peers are replaced by one that does so when it is prepared."""
    Task(tmp_path, "nobody", {}, {}, [], [], {}, []).save()
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(f"""
        import sys, types
        class Peer:
            def prepare(self, task, threads):
                {does}
        module = types.ModuleType("peers")
        module.find = lambda name: Peer()
        sys.modules["peers"] = module
    """))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    remote = Remote("bad peer", SimpleNamespace(folder=tmp_path), 1, [min(os.sched_getaffinity(0))])
    try:
        with pytest.raises(Failed, match=cause):
            remote.ask(limit=2 if "sleep" in does else 120, do="prepare")
    finally:
        remote.close()
