"""A disk that is full or lost: whichever call it fails, a file is the earlier or the new one."""

import errno
import fcntl
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.runs.environment import environment
from catpipe.shell.runs.run_file import Run, save_run
from catpipe.shell.storage.atomic import DataError, check_writable, write_files
from tests.disk import disk
from tests.patience import FOREVER
from tests.processes import running, wait_for
from tests.typed import in_colours

FORGIVEN = {"flock", "unlink"}  # a file is whole without a lock, and without tidying
EXPECTED = "expected the name of a file in a folder with room and the right to write: name another"
ALL = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOENT, errno.EIO)
numbers = pytest.mark.parametrize("number", ALL, ids=errno.errorcode.get)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Run, bytes, bytes]:
    """Return a run to save, its file, and that of an earlier one."""
    path, pictures = tmp_path_factory.mktemp("made") / "run.h5", in_colours(12, 1, 2, side=8)
    files = []
    for seed in (2, 1):
        result = fit(Experiment(seed=seed, hidden=(6,), iterations=3), pictures)
        run = Run(result, ("red", "green"), environments=((0, environment()),))
        save_run(path, run)
        files.append(path.read_bytes())
    return run, files[1], files[0]


@pytest.fixture
def path(tmp_path, made) -> Path:
    """Return the path of the earlier run."""
    (tmp_path / "run.h5").write_bytes(made[2])
    return tmp_path / "run.h5"


def fails_to_save(path: Path, run: Run, number: int) -> bool:
    """Save the run; return whether that failed, and check that it said so in one sentence."""
    told = None
    try:
        save_run(path, run)
    except DataError as error:
        told = str(error)
    assert told in {None, f"{path}: cannot be written ({os.strerror(number)}); {EXPECTED}"}
    return told is not None


def at(k: int) -> Callable[[list[str]], bool]:
    """Return what fails the k-th call alone."""
    return lambda calls: len(calls) == k


def since(k: int) -> Callable[[list[str]], bool]:
    """Return what fails the k-th call and all after it."""
    return lambda calls: len(calls) >= k


def alone(path: Path) -> bytes:
    """Return what is in the file; check that nothing is beside it."""
    assert [*path.parent.iterdir()] == [path]
    return path.read_bytes()


def failures(
    path: Path,
    made: tuple[Run, bytes, bytes],
    number: int,
    fails: Callable[[int], Callable[[list[str]], bool]],
) -> Iterator[tuple[int, list[str], bool]]:
    """Save over an earlier run while calls fail from the k-th on, or that one, until none does."""
    run, _, earlier = made
    for k in count(1):
        path.write_bytes(earlier)
        with disk(fails(k), number) as calls:
            failed = fails_to_save(path, run, number)
        yield k, calls, failed
        if k > len(calls):
            return


@numbers
def test_whichever_call_fails_the_earlier_file_is_as_it_was(path, made, number):
    _, *files = made
    for k, calls, failed in failures(path, made, number, at):
        assert alone(path) == files[failed]
        if k <= len(calls):
            told = "replace" not in calls[: k - 1] and calls[k - 1] not in FORGIVEN
            assert failed == told, calls


@numbers
def test_what_a_disk_leaves_that_is_lost_at_any_call_is_swept_by_the_next_save(path, made, number):
    run, *files = made
    for _, _, failed in failures(path, made, number, since):
        assert path.read_bytes() == files[failed]
        save_run(path, run)
        assert alone(path) == files[0]


def test_a_file_is_on_the_disk_and_read_back_before_it_is_named_and_its_name_is_after(path, made):
    with disk() as calls:
        save_run(path, made[0])
    in_order = [name for name in calls if name not in {*FORGIVEN, "look", "realpath"}]
    assert in_order[in_order.index("write") :] == [
        "write", "fsync", "read_bytes", "replace", "open", "fsync", "close",
    ]  # fmt: skip


def test_of_two_files_none_is_named_before_both_are_on_the_disk(tmp_path):
    files = [tmp_path / "a", tmp_path / "b"]
    with disk() as calls:
        write_files(dict.fromkeys(files, b"old"))
    both_are_there = len(calls) - calls[::-1].index("read_bytes")
    for k in range(1, both_are_there + 1):
        with disk(at(k)), suppress(DataError):
            write_files(dict.fromkeys(files, b"%d" % k))
        assert files[0].read_bytes() == files[1].read_bytes()
        assert {*tmp_path.iterdir()} == {*files}


def test_a_draft_that_is_swept_away_before_it_is_locked_is_written_anew(path, made):
    def swept(calls):
        if calls[-1] == "flock" and calls.count("create") == 1:
            for draft in {*path.parent.iterdir()} - {path}:
                draft.unlink()

    with disk(swept) as calls:
        save_run(path, made[0])
    assert calls.count("create") == 2
    assert alone(path) == made[1]


def test_a_draft_that_a_killed_writer_left_is_written_over(path, made):
    path.with_name(".run.h5.partial").write_bytes(b"left" * 10**5)
    save_run(path, made[0])
    assert alone(path) == made[1]


def test_a_link_in_the_place_of_the_draft_is_not_followed(path, made, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "precious"
    other.write_bytes(b"precious")
    path.with_name(".run.h5.partial").symlink_to(other)
    save_run(path, made[0])
    assert alone(path) == made[1]
    assert other.read_bytes() == b"precious"


@pytest.mark.parametrize("length", [1, 200, *range(240, 260)])
def test_a_name_of_any_length_is_written_or_refused_in_one_sentence(tmp_path, length):
    path, told = tmp_path / ("x" * length), None
    try:
        write_files({path: b"content"})
    except DataError as error:
        told = str(error)
    if length > 240 and told:
        assert told == f"{path}: cannot be written (File name too long); {EXPECTED}"
        assert not [*tmp_path.iterdir()]
    else:
        assert alone(path) == b"content"


def test_a_file_without_write_permission_is_not_replaced(path, made):
    save_run(path, made[0])
    path.chmod(0o444)
    for write in (partial(save_run, path, made[0]), partial(check_writable, path)):
        with pytest.raises(
            DataError, match=r"cannot be written \(is a file without write permission\)"
        ):
            write()
    assert alone(path) == made[1]


def test_two_names_of_one_file_are_written_once(path):
    path.with_name("link").symlink_to(path)
    write_files({path: b"1", path.with_name("link"): b"2"})
    assert path.read_bytes() == b"2"


def test_a_writer_waits_for_another_and_leaves_its_draft_alone(path):
    draft = path.with_name(".run.h5.partial")
    with draft.open("wb") as held, ThreadPoolExecutor(1) as other:
        fcntl.flock(held, fcntl.LOCK_EX)
        writing = other.submit(write_files, {path: b"second"})
        held.write(b"first")
        held.flush()
        assert not wait([writing], timeout=0.2).done
        assert draft.read_bytes() == b"first"
        draft.replace(path)
        fcntl.flock(held, fcntl.LOCK_UN)
        writing.result(timeout=FOREVER)
    assert alone(path) == b"second"


def test_a_disk_on_which_an_open_file_and_its_name_never_seem_the_same_is_written_to(
    path, monkeypatch
):
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    write_files({path: b"whole"})
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize("most", [1000, 4096, 20_000])
def test_a_disk_that_takes_less_than_it_is_given_is_given_the_rest(path, made, most):
    with disk(most=most):
        save_run(path, made[0])
    assert alone(path) == made[1]


@pytest.mark.parametrize("stored", [lambda x: x[:-1] + b"?", lambda x: bytes(len(x))])
def test_a_disk_that_stores_something_else_is_found_out(path, made, stored):
    with disk(stored=stored), pytest.raises(DataError, match="is not what can be read"):
        save_run(path, made[0])
    assert alone(path) == made[2]


def test_a_file_that_the_system_lets_grow_to_no_more_than_this_is_not_cut_short(path, made):
    size, (soft, hard) = len(made[1]), resource.getrlimit(resource.RLIMIT_FSIZE)
    for most in (*range(0, size, 1777), 4096, 8192, size - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            assert fails_to_save(path, made[0], errno.EFBIG), most
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert alone(path) == made[2]


SAVING = """
import sys
from catpipe.shell.runs.run_file import load_run, save_run
run = load_run(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(5):
    save_run(sys.argv[2], run)
"""


def test_two_processes_that_save_to_one_name_at_once_leave_one_whole_file(path, made, tmp_path):
    out = tmp_path / "saved" / "run.h5"
    out.parent.mkdir()
    (tmp_path / "other.h5").write_bytes(made[1])
    first, second = (
        running((sys.executable, "-c", SAVING, run, out), stdin=subprocess.PIPE)
        for run in (path, tmp_path / "other.h5")
    )
    with first as one, second as other:
        for process in (one, other):
            wait_for(process, "ready")
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        ended = [(process.communicate()[1], process.returncode) for process in (one, other)]
    assert ended == [("", 0)] * 2
    assert alone(out) in made[1:]
