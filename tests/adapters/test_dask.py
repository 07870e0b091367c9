"""A map over Dask's workers is `map`, to the bit, also where workers are killed on the way."""

import os
import signal
import subprocess
import sys
from threading import Timer, get_ident
from time import sleep

import pytest
from threadpoolctl import threadpool_info

distributed = pytest.importorskip("distributed")

from catpipe.adapters import dask  # noqa: E402
from catpipe.adapters.dask import dask_map, local_workers, workers_of  # noqa: E402
from catpipe.data.examples import DataSet  # noqa: E402
from catpipe.experiments.sweeps import sweep  # noqa: E402
from catpipe.nn.initializers import course, initialize_parameters  # noqa: E402
from catpipe.nn.network import mlp  # noqa: E402
from catpipe.optim.optimizers import heavy_ball  # noqa: E402
from catpipe.shell.runs.environment import environment  # noqa: E402
from catpipe.shell.storage import shards  # noqa: E402
from catpipe.shell.storage.datasets import save_data  # noqa: E402
from catpipe.shell.storage.shards import sharded_batches  # noqa: E402
from catpipe.shell.storage.streaming import stored_pictures  # noqa: E402
from catpipe.training.loop import initial_state, train  # noqa: E402
from catpipe.training.sharding import make_sharded_step  # noqa: E402
from tests.experiments.test_sweeps import EXPERIMENTS, PICTURES  # noqa: E402
from tests.typed import in_colours  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as client:
        yield client


def test_a_sweep_on_workers_gives_the_same_bits(client):
    assert [*sweep(EXPERIMENTS, PICTURES, dask_map(client))] == [*sweep(EXPERIMENTS, PICTURES)]


def slow(number):
    sleep(0.2)
    return number * number


def test_results_come_in_the_order_of_the_parts_though_workers_are_killed(client):
    [first, *_] = client.run(os.getpid).values()
    Timer(0.3, os.kill, (first, signal.SIGKILL)).start()
    assert [*dask_map(client)(slow, range(12))] == [number * number for number in range(12)]
    assert has_ended(first)


def test_a_map_that_keeps_places_waits_while_no_worker_lives():
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, dashboard_address=":0", silence_logs="CRITICAL"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        map_ = dask_map(client, keeps_places=True)
        later = Timer(0.3, cluster.scale, [1])
        later.start()
        assert [*map_(abs, [-1, -2])] == [1, 2]
        later.join()


def has_ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_each_task_has_one_blas_thread(client):
    [threads] = dask_map(client)(blas_threads, [0])
    assert threads == {1}


def blas_threads(_):
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_what_a_task_raises_is_raised_here(client):
    with pytest.raises(ZeroDivisionError):
        [*dask_map(client)(reciprocal, [0])]


def reciprocal(number):
    return 1 / number


def test_workers_of_other_libraries_are_refused(client, monkeypatch):
    here = environment()
    monkeypatch.setattr(dask, "environment", OtherNumPy(here))
    with pytest.raises(ValueError, match=r"the worker at tcp.* has NumPy 1\.0\.0, here .*expected"):
        dask_map(client)


class OtherNumPy:
    """An environment function that says another NumPy where it is unpickled."""

    def __init__(self, here):
        self.here = here

    def __call__(self):
        """Return the environment that is here."""
        return self.here

    def __reduce__(self):
        return OtherNumPy, ({**self.here, "numpy": "1.0.0"},)


def test_a_cluster_is_found_by_its_schedulers_address(cluster):
    with workers_of(cluster.scheduler_address) as map_:
        assert [*map_(abs, [-1, -2])] == [1, 2]


def test_an_address_where_nobody_answers_is_refused(monkeypatch):
    monkeypatch.setattr(dask, "SECONDS", 1)
    with (
        pytest.raises(ValueError, match=r"no scheduler answers at tcp://127\.0\.0\.1:1 .*expected"),
        workers_of("tcp://127.0.0.1:1"),
    ):
        pass


def test_local_workers_are_processes_that_end():
    with local_workers(1) as map_:
        [pid] = map_(process, [0])
        assert pid != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def process(_):
    return os.getpid()


# Data-parallel training.


@pytest.fixture(scope="module")
def sharded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sharded")
    for number in range(4):
        part = in_colours(40, number, classes=2)
        save_data(folder / str(number), DataSet(part, part, ("red", "green")), "x")
    return [stored_pictures(folder / str(number) / "train_x.h5") for number in range(4)]


def trained(map_, sharded, epochs=3):
    network, descent = mlp(27, 4, 1), heavy_ball(0.1)
    start = initial_state(descent, initialize_parameters(network, 1, course))
    batches = sharded_batches(sharded, 32, seed=1, epochs=epochs)
    return train(make_sharded_step(network, descent, map_), batches, start)


def test_training_on_shards_of_workers_gives_the_same_bits(client, sharded):
    assert trained(dask_map(client, keeps_places=True), sharded) == trained(map, sharded)


def test_a_file_stays_open_at_the_worker_that_reads_it(client, sharded):
    trained(dask_map(client, keeps_places=True), sharded)
    one, other = client.run(files_open).values()
    assert not {*one} & {*other}


def files_open():
    return [str(stream.stored.path) for stream in shards._OPEN._open]


def test_a_worker_that_is_killed_changes_nothing(client, sharded):
    [first, *_] = client.run(os.getpid).values()
    Timer(0.3, os.kill, (first, signal.SIGKILL)).start()
    expected = trained(map, sharded, epochs=8)
    assert trained(dask_map(client, keeps_places=True), sharded, epochs=8) == expected
    assert has_ended(first)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_does_not_reach_processes_that_start_while_it_waits():
    asked = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    command = [sys.executable, "-c", asked]
    with dask._interrupts_wait():
        inside = subprocess.run(command, capture_output=True, check=True).stdout
    after = subprocess.run(command, capture_output=True, check=True).stdout
    assert (inside.strip(), after.strip()) == (b"True", b"False")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_that_waited_comes_when_the_context_ends():
    steps = []

    def interrupted():
        with dask._interrupts_wait():
            signal.pthread_kill(get_ident(), signal.SIGINT)  # other threads do not wait
            steps.append("after the signal")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert steps == ["after the signal"]
