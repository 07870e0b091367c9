"""BLAS has one thread where what is trained is small, however many threads of Python train."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from inspect import signature
from pathlib import Path
from threading import Barrier, Event, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import catpipe
from catpipe import experiments
from catpipe.experiments.experiment import Experiment
from catpipe.shell import cli, threads
from catpipe.shell.threads import one_blas_thread
from tests.typed import in_colours

PICTURES = in_colours(40, seed=1, classes=2, side=16)
EXPERIMENT = Experiment(seed=1, hidden=(8,), iterations=60)


def blas_threads() -> set[int]:
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


ALL = {2}


def set_blas_threads(number: int) -> None:
    """Set the number in a thread that ends: threadpoolctl would let no other thread change it."""
    thread = Thread(target=threadpool_limits, args=(number, "blas"))
    thread.start()
    thread.join()


@pytest.fixture(autouse=True)
def _two_threads():
    (before,) = blas_threads()
    set_blas_threads(2)
    yield
    set_blas_threads(before)


def test_inside_blas_has_one_thread_and_outside_as_many_as_before():
    with one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == ALL


def test_the_last_to_leave_restores_what_was():
    with one_blas_thread():
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == ALL


def test_an_error_inside_restores_what_was():
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert blas_threads() == ALL


def test_threads_that_are_inside_at_once_share_the_limit():
    inside = Barrier(4)

    def enter(_: int) -> set[int]:
        with one_blas_thread():
            inside.wait()
            seen = blas_threads()
            inside.wait()
            return seen

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(enter, range(4))] == [{1}] * 4
    assert blas_threads() == ALL


def test_eight_threads_that_train_at_once_get_eight_equal_results():
    expected = catpipe.fit(EXPERIMENT, PICTURES)
    with ThreadPoolExecutor(8) as pool:
        results = [*pool.map(lambda _: catpipe.fit(EXPERIMENT, PICTURES), range(8))]
    assert results == [expected] * 8
    assert blas_threads() == ALL


def test_a_thread_that_leaves_last_restores_what_another_took():
    first_is_in, second_is_in = Event(), Event()

    def first() -> None:
        with one_blas_thread():
            first_is_in.set()
            second_is_in.wait()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(first)
        first_is_in.wait()
        with one_blas_thread():
            second_is_in.set()
            done.result()
            assert blas_threads() == {1}
        assert blas_threads() == ALL


@pytest.mark.parametrize(
    "train",
    [
        lambda watch: catpipe.fit(EXPERIMENT, PICTURES, watch),
        lambda watch: catpipe.fit_seeds(EXPERIMENT, (1, 2), PICTURES, watch=watch),
        lambda watch: catpipe.resume(
            experiments.fit(EXPERIMENT, PICTURES), PICTURES, watch, iterations=70
        ),
        lambda watch: catpipe.replay(experiments.fit(EXPERIMENT, PICTURES), PICTURES, watch),
    ],
    ids=["fit", "fit_seeds", "resume", "replay"],
)
def test_what_is_small_is_trained_on_one_thread(train):
    seen = []

    def watch(checkpoints):
        for checkpoint in checkpoints:
            seen.append(blas_threads())
            yield checkpoint

    train(watch)
    assert len(seen) >= 10
    assert all(number == {1} for number in seen)


def threads_in(fit):
    """Return how many BLAS threads there are when training begins."""
    seen = []

    def watch(checkpoints):
        seen.append(blas_threads())
        return checkpoints

    fit(EXPERIMENT, PICTURES, watch)
    return seen


def test_what_is_large_is_prepared_on_one_thread_and_trained_on_all(monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 1)
    assert threads_in(catpipe.fit) == [ALL]


def test_experiments_leave_the_threads_alone():
    assert threads_in(experiments.fit) == [ALL]


def test_cross_validation_is_that_of_experiments():
    folds = np.arange(40) % 4
    with one_blas_thread():
        expected = experiments.cross_validate(EXPERIMENT, PICTURES, folds)
    np.testing.assert_array_equal(catpipe.cross_validate(EXPERIMENT, PICTURES, folds), expected)


def test_python_and_the_command_line_give_the_same_bits_on_any_number_of_threads(tmp_path):
    data = catpipe.DataSet(PICTURES, PICTURES, ("red", "green"))
    catpipe.save_data(tmp_path / "data", data, "colours")
    digests = set()
    for number in ("1", "2"):
        out = tmp_path / f"{number}.h5"
        subprocess.run(
            [sys.executable, "-m", "catpipe", "train", "--layers", "8", "--iterations", "60",
             "--data", tmp_path / "data", "--out", out],
            env={**os.environ, "OPENBLAS_NUM_THREADS": number}, check=True, capture_output=True,
        )  # fmt: skip
        digests.add(str(catpipe.load_run(out).result))
        assert catpipe.load_run(out).result == catpipe.fit(EXPERIMENT, PICTURES)
    assert len(digests) == 1


def threads_of(_: object) -> set[int]:
    return blas_threads()


def test_parts_in_other_processes_have_one_thread_each():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        seen = [*threads.on_one_thread(pool.map)(threads_of, [1, 2])]
    assert seen == [{1}, {1}]


def test_an_error_of_the_library_that_limits_threads_reaches_the_caller(monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise OSError("no such library")

    monkeypatch.setattr("threadpoolctl.ThreadpoolController.limit", broken)
    with pytest.raises(OSError, match="no such library"), one_blas_thread():
        pass
    monkeypatch.undo()
    with one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == ALL


TRAINS = (*("fit", "fit_seeds", "cross_validate", "resume", "replay"),)


@pytest.mark.parametrize("name", TRAINS)
def test_what_trains_has_the_docstring_and_the_parameters_of_its_function_in_experiments(name):
    ours, theirs = getattr(catpipe, name), getattr(experiments, name)
    assert ours.__doc__ == theirs.__doc__
    assert signature(ours) == signature(theirs)


@pytest.mark.parametrize("name", TRAINS)
def test_what_trains_goes_to_another_process(name):
    ours = getattr(catpipe, name)
    assert pickle.loads(pickle.dumps(ours)) is ours


def test_no_module_of_the_command_line_has_threads_of_its_own():
    texts = {path.name: path.read_text() for path in Path(cli.__file__).parent.glob("*.py")}
    assert [name for name, text in texts.items() if "one_blas_thread" in text] == []
