"""Several sessions of one shared library at once."""
import threading

import numpy as np
import pytest

import models
from compare import relative_error
from halftone import Error, Library


@pytest.fixture
def library(mlp, compiled):
    return Library(compiled(mlp, "--max", "batch=8,sequence=64", suffix=".so"))


def inputs(seed):
    random = np.random.default_rng(seed)
    return {"x": random.standard_normal((1 + seed % 8, 1 + seed * 7 % 64, 64), np.float32)}


def in_threads(count, work):
    """work(0) … work(count - 1) at once; the first exception is raised."""
    errors = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "stuck"
    if errors:
        raise errors[0]


def test_each_thread_its_session(library, mlp):
    want = {seed: models.run_onnxruntime(mlp, inputs(seed))["y"] for seed in range(12)}

    def work(number):
        with library.session(threads=1 + number % 3) as session:
            for turn in range(20):
                seed = (number + turn) % 12
                assert relative_error(session.run(inputs(seed))["y"], want[seed]) < 1e-5
    in_threads(4, work)


def test_one_session_of_two_threads_is_busy_or_right(library, mlp):
    """A session runs one step at a time: whoever comes second is told, and no harm is done."""
    want = models.run_onnxruntime(mlp, inputs(15))["y"]
    busy = []
    with library.session(threads=2) as session:
        def work(number):
            call, outputs = session.bind(inputs(15))
            for _ in range(300):
                try:
                    call()
                    assert relative_error(outputs["y"], want) < 1e-5
                except Error as error:
                    assert error.status == "BUSY", error
                    busy.append(number)
        in_threads(3, work)
        assert relative_error(session.run(inputs(15))["y"], want) < 1e-5


def test_sessions_come_and_go(library):
    """Hundreds of sessions leave no thread behind."""
    before = threads_of_process()
    for turn in range(300):
        with library.session(threads=1 + turn % 4) as session:
            if turn % 10 == 0:
                session.run(inputs(turn % 12))
    assert threads_of_process() <= before


def threads_of_process():
    import os
    return len(os.listdir("/proc/self/task"))


def test_the_model_goes_first(library):
    """halftone_model_destroy with a session open: the session goes on."""
    session = library.session(threads=2)
    before = session.run(inputs(3))["y"].copy()
    call, outputs = session.bind(inputs(3))
    library.c.halftone_model_destroy(library.model)
    call()
    assert np.array_equal(outputs["y"], before)
    library.c.halftone_session_destroy(session.handle)


def test_describes_itself(library):
    import json
    [x], [y] = library.infos("input"), library.infos("output")
    assert (x.name, x.rank, x.dims[2], x.dim_text[0]) == (b"x", 3, 64, b"batch")
    assert (y.name, y.rank, y.dims[2], y.dim_text[1]) == (b"y", 3, 64, b"sequence")
    bounds = {s.name.decode(): (s.min, s.max) for s in library.infos("symbol")}
    assert {name: top for name, (_, top) in bounds.items()} == {"batch": 8, "sequence": 64}
    assert json.loads(library.c.halftone_model_build_info(library.model))
    assert library.c.halftone_model_arena_bytes(library.model) > 0
