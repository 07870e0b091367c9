"""Whatever a file holds, each reader gives back what is right or refuses it in one sentence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from time import monotonic
from typing import Any

import h5py
import numpy as np
import pytest

from catpipe.shell.runs.run_file import load_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.hdf5 import read
from catpipe.shell.storage.streaming import stored_pictures
from tests.checksums import sealed, spans_of
from tests.victims import (
    DATA,
    READERS,
    RUNS,
    TRAIN,
    built,
    crowd,
    make_case,
    make_victims,
    reader_of,
    saved,
    trained,
)

Put = Callable[[h5py.File, str], Any]
Change = Callable[[bytes], bytes]


def right(reader: str, folder: Path) -> Path:
    """Write a file that the reader reads."""
    path = folder / TRAIN
    saved(path)
    if reader == "load_run":
        path.unlink()  # since a run does not replace a data set
        trained(path, hidden=())
    return path


def hostile(reader: str, folder: Path, put: Put) -> Path:
    """Write a file that the reader would read, were it not for what is put under a name of it."""
    path = right(reader, folder)
    name = "W1" if reader == "load_run" else "train_set_x"
    with h5py.File(path, "a") as file:
        del file[name]
        put(file, name)
    return path


def refusal(reader: str, path: Path) -> str:
    """Return the sentence with which the reader refuses the file."""
    with pytest.raises(DataError) as caught:
        READERS[reader](path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert "; expected " in sentence
    assert sentence.isprintable()
    assert len(sentence) < 1000
    return sentence


every_reader = pytest.mark.parametrize("reader", READERS)


# What stands in the place of the data.


def soft(file: h5py.File, name: str) -> None:
    file[name] = h5py.SoftLink("/elsewhere")


def external(file: h5py.File, name: str) -> None:
    file[name] = h5py.ExternalLink("test_x.h5", "test_set_x")


def outside(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (6, 4, 4, 3), "u1", external=[(file.filename, 0, 288)])


def virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout((6, 4, 4, 3), "u1")
    layout[:] = h5py.VirtualSource("test_x.h5", "test_set_x", (6, 4, 4, 3))
    file.create_virtual_dataset(name, layout)


def ring(file: h5py.File, name: str) -> None:
    group = file.create_group(name)
    group[name] = group


def the_root(file: h5py.File, name: str) -> None:
    file[name] = file["/"]


def named_type(file: h5py.File, name: str) -> None:
    file[name] = np.dtype("u1")


def terabyte(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (2**28, 64, 64, 3), "u1", chunks=(1, 64, 64, 3))


def many_axes(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (1,) * 32, "u1", data=np.zeros((1,) * 32, "u1"))


def no_size(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (2**40, 0, 2**20, 3), "u1")


def filled(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (6, 4, 4, 3), "u1", fillvalue=7)


def filled_in_chunks(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (6, 4, 4, 3), "u1", chunks=(2, 4, 4, 3), fillvalue=7)


@every_reader
@pytest.mark.parametrize(
    ("put", "told"),
    [
        (soft, "is a link to elsewhere"),
        (external, "is a link to elsewhere"),
        (outside, "is stored elsewhere"),
        (virtual, "is stored elsewhere"),
        (ring, "is no array"),
        (the_root, "is no array"),
        (named_type, "is no array"),
        (terabyte, "bytes; expected at most"),
        (many_axes, "has shape (1, 1"),
        (no_size, "has shape (1099511627776, 0, 1048576, 3)"),
        (filled, "was never written"),
        (filled_in_chunks, "was written in part"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_is_refused_in_the_place_of_the_data(
    tmp_path: Path, reader: str, put: Put, told: str
) -> None:
    if reader == "stored_pictures" and put is terabyte:
        told = "for targets of shape (6,); expected as many"  # which is what streams are for
    assert told in refusal(reader, hostile(reader, tmp_path, put))


@pytest.mark.parametrize("reader", ["load_data", "load_run"])
def test_a_chunk_that_inflates_a_thousandfold_is_refused(tmp_path: Path, reader: str) -> None:
    def bomb(file: h5py.File, name: str) -> None:
        x = file.create_dataset(name, (6, 4, 4, 3), "u1", chunks=(6, 4, 4, 3), compression="gzip")
        x.id.write_direct_chunk((0,) * 4, zlib.compress(zlib.compress(bytes(2**24))))

    assert "does not make the 288 bytes" in refusal(reader, hostile(reader, tmp_path, bomb))


@every_reader
def test_integers_that_leave_bits_of_theirs_unused_are_refused(tmp_path: Path, reader: str) -> None:
    def few_bits(file: h5py.File, name: str) -> None:
        kind = h5py.h5t.STD_U8LE.copy()
        kind.set_precision(2)
        space = h5py.h5s.create_simple((6, 4, 4, 3))
        x = h5py.h5d.create(file.id, name.encode(), kind, space)
        x.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros((6, 4, 4, 3), "u1"))

    assert "holds integers of 2 bits; expected 8" in refusal(
        reader, hostile(reader, tmp_path, few_bits)
    )


@every_reader
@pytest.mark.parametrize("block", [512, 2048])
def test_a_user_block_before_the_signature_changes_nothing(
    tmp_path: Path, reader: str, block: int
) -> None:
    path = right(reader, tmp_path)
    before = READERS[reader](path)
    path.write_bytes(b"about" + bytes(block - 5) + path.read_bytes())
    assert same(READERS[reader](path), before)


@every_reader
def test_a_block_before_the_signature_that_is_no_power_of_two_is_refused(
    tmp_path: Path, reader: str
) -> None:
    path = right(reader, tmp_path)
    path.write_bytes(bytes(600) + path.read_bytes())
    assert "is of no known kind" in refusal(reader, path)


@every_reader
@pytest.mark.parametrize("sizes", [(4, 4), (8, 4), (2, 2)])
def test_a_file_of_other_sizes_of_addresses_is_read_for_what_it_holds(
    tmp_path: Path, reader: str, sizes: tuple[int, int]
) -> None:
    path = tmp_path / TRAIN
    saved(path)
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    plist.set_sizes(*sizes)
    h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, plist).close()
    assert "is not there" in refusal(reader, path)
    path.unlink()
    with h5py.File(right(reader, tmp_path)) as file:
        arrays = {name: dataset[()] for name, dataset in file.items()}
    before = READERS[reader](path)
    with h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, plist)) as file:
        file.update(arrays)
    if min(sizes) > 2:  # which address 64 KB
        assert same(READERS[reader](path), before)


# What is beside the data is let be.


def with_attributes(file: h5py.File) -> None:
    file.attrs["about"] = np.zeros(60_000, "u1")
    for dataset in file.values():
        dataset.attrs["about"] = np.zeros(60_000, "u1")


def nested(file: h5py.File) -> None:
    group = file
    for _ in range(1000):
        group = group.create_group("g")
    group["root"] = file


def no_utf_8(file: h5py.File) -> None:
    space = h5py.h5s.create_simple((1,))
    h5py.h5d.create(file.id, b"\xff\xfe of no use", h5py.h5t.NATIVE_UINT8, space)


def every_hostility(file: h5py.File) -> None:
    for put in (soft, external, virtual, ring, the_root, named_type, terabyte, many_axes, no_size):
        put(file, put.__name__)


@every_reader
@pytest.mark.parametrize("beside", [with_attributes, nested, no_utf_8, every_hostility])
def test_it_changes_nothing_beside_the_data(
    tmp_path: Path, reader: str, beside: Callable[[h5py.File], None]
) -> None:
    path = right(reader, tmp_path)
    before = READERS[reader](path)
    with h5py.File(path, "a") as file:
        beside(file)
    assert same(READERS[reader](path), before)


def same(one: Any, other: Any) -> bool:
    """Return whether two data sets, runs or stored pictures are equal."""
    try:
        return bool(one == other)
    except ValueError:  # of arrays, which have no one truth
        return all(map(np.array_equal, [*one.train, *one.test], [*other.train, *other.test]))


@every_reader
def test_a_file_with_ten_thousand_other_datasets_is_read_before_they_could_be_looked_at(
    tmp_path: Path, reader: str
) -> None:
    path = right(reader, tmp_path)
    READERS[reader](path)  # which starts the process that reads
    crowd(path, 10_000)
    begins = monotonic()
    READERS[reader](path)
    seconds = monotonic() - begins
    with h5py.File(path) as file:
        assert all(file[name].shape is not None for name in file)
    assert seconds < (monotonic() - begins - seconds) / 2


# What every HDF5 library writes is read.


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"chunks": (2, 4, 4, 3), "compression": "gzip", "fletcher32": True},
        {"chunks": (1, 2, 2, 1)},
        {"chunks": (1, 1, 1, 1), "maxshape": (None, 4, 4, 3)},
        {"chunks": (1, 1, 1, 1), "maxshape": (None, None, 4, 3)},
        {"chunks": (1, 1, 1, 1), "maxshape": (9, 9, 9, 9)},
    ],
    ids=["plain", "packed", "fixed", "growing", "growing twice", "to grow"],
)
def test_files_of_every_layout_are_read(
    tmp_path: Path, libver: str, storage: dict[str, Any]
) -> None:
    path = tmp_path / TRAIN
    saved(path)
    before = READERS["load_data"](path)
    built(path, libver=libver, others=40, **storage)
    assert same(READERS["load_data"](path), before)
    assert stored_pictures(path).shape == before.train.inputs.shape


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_files_with_room_where_much_was_deleted_are_read(tmp_path: Path, libver: str) -> None:
    path = tmp_path / TRAIN
    saved(path)
    built(path, libver=libver, others=40)
    random = np.random.default_rng(0)
    for _ in range(30):
        with h5py.File(path, "a", libver=libver) as file:
            for name in [name for name in file if "use" in name and random.random() < 0.5]:
                del file[name]
            for number in random.integers(0, 1000, 20):
                file.require_dataset(f"of use {number} " * random.integers(1, 9), (1,), "u1")
        assert stored_pictures(path).shape == (6, 4, 4, 3)


# What only stands in the bytes: each is read in another process, which may not survive.


def at(content: bytes, mark: bytes, offset: int, value: int, size: int = 8) -> bytes:
    """Return the content with an integer put behind the first of these signatures."""
    place = content.index(mark) + offset
    return content[:place] + value.to_bytes(size, "little") + content[place + size :]


def free_blocks(*blocks: tuple[int, int], heap: int = 0) -> Change:
    """Return what makes these the free blocks of a heap, from its byte 16 on: next ones, sizes."""

    def change(content: bytes) -> bytes:
        begin = [found.start() for found in re.finditer(b"HEAP", content)][heap]
        segment = int.from_bytes(content[begin + 24 : begin + 32], "little")
        made = b"".join(number.to_bytes(8, "little") for block in blocks for number in block)
        content = content[: segment + 16] + made + content[segment + 16 + len(made) :]
        return content[:begin] + at(content[begin:], b"HEAP", 16, 16)

    return change


def elsewhere(length: int) -> Change:
    """Return what makes a heap of this length that does not follow its header."""
    return lambda content: at(at(content, b"HEAP", 8, length), b"HEAP", 24, 8)


def header_of_the_root(content: bytes) -> int:
    return int.from_bytes(content[64:72], "little")


def header_in_a_ring(content: bytes) -> bytes:
    """Return the content whose root's header goes on where it began."""
    begin = header_of_the_root(content) + 16
    ring = b"\x10\0\x10\0\0\0\0\0" + begin.to_bytes(8, "little") + (24).to_bytes(8, "little")
    return content[:begin] + ring + content[begin + 24 :]


def tree_in_a_ring(content: bytes) -> bytes:
    """Return the content whose root has a tree that is its own child."""
    place = content.index(b"TREE")
    return at(at(content, b"TREE", 5, 1, 1), b"TREE", 32, place)


def setting(mark: bytes, offset: int, value: int, size: int = 8) -> Change:
    return lambda content: at(content, mark, offset, value, size)


BYTES: Mapping[str, tuple[str, Change]] = {
    "a heap with a ring of two free blocks": ("data among others", free_blocks((32, 16), (16, 16))),
    "a heap with a free block that is its own next": ("data, contiguous", free_blocks((16, 16))),
    "a heap with a ring of free blocks without a size": ("data, chunks", free_blocks((16, 0))),
    "a heap with a free block past its end": ("data, as saved", free_blocks((2**63, 16))),
    "a heap of external storage with a ring": ("external", free_blocks((16, 16), heap=1)),
    "a heap of a terabyte": ("data, as saved", elsewhere(2**40)),
    "a header in a ring": ("data, as saved", header_in_a_ring),
    "a tree in a ring": ("data, as saved", tree_in_a_ring),
    "a heap of blocks of no width": ("data among others, latest", setting(b"FRHP", 110, 0, 2)),
    "a heap of blocks that are no power": ("run, dual, newer", setting(b"FRHP", 112, 513)),
    "a heap whose direct blocks outgrow it": ("run, dual, newer", setting(b"FRHP", 128, 9, 2)),
    "a heap of more rows than it has": ("run, dual, newer", setting(b"FRHP", 140, 2**15, 2)),
    "a heap of huge objects elsewhere": ("run, dual, newer", setting(b"FRHP", 22, 64)),
    "a tree of links of another kind": ("run, subspace, newer", setting(b"BTHD", 5, 0, 1)),
    "a tree of links that are too long": ("run, subspace, newer", setting(b"BTHD", 10, 300, 2)),
    "a tree of nodes of a gigabyte": ("run, subspace, newer", setting(b"BTHD", 6, 2**30, 4)),
    "a tree of too many records": ("run, subspace, newer", setting(b"BTHD", 24, 46, 2)),
    "a tree that is too deep": ("run, subspace, newer", setting(b"BTHD", 12, 60_000, 2)),
    "a tree of chunks that are too long": (
        "data, latest, growing twice",
        setting(b"BTHD", 10, 300, 2),
    ),
    "an array with fewer elements than chunks": ("data, latest", setting(b"FAHD", 8, 1)),
    "an array of a quintillion elements": ("data, latest", setting(b"FAHD", 8, 2**60)),
    "an array that grew to a quintillion": ("data, latest, growing", setting(b"EAHD", 44, 2**60)),
    "an array that grows otherwise": ("data, latest, growing", setting(b"EAHD", 9, 0, 1)),
}

CHILD = """
import resource, signal, sys
from pathlib import Path
from catpipe.shell.storage.atomic import DataError
from tests.patience import FOREVER
from tests.victims import READERS
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**29,) * 2)
for reader, path in (word.split(":", 1) for word in sys.argv[1:]):
    signal.alarm(FOREVER)
    try:
        READERS[reader](Path(path))
        print("was read", flush=True)
    except DataError as error:
        print(error, flush=True)
"""


def told_by_children(folder: Path) -> dict[str, str]:
    """Return what each of these files is refused with, by the child that reads it.

    Those of a data set are loaded and streamed in turn, which ask HDF5 for the same.
    """
    victims = make_victims(folder / "right")
    (folder / "external").mkdir()
    victims["external"] = hostile("load_data", folder / "external", outside)
    words, readers = {}, cycle(("load_data", "stored_pictures"))
    for name, (kind, change) in BYTES.items():
        path = folder / f"{name}: {kind}" / TRAIN
        path.parent.mkdir()
        saved(path)
        content = victims[kind].read_bytes()
        path.write_bytes(sealed(change(content), spans_of(content)))
        words[name] = f"{'load_run' if kind in RUNS else next(readers)}:{path}"
    return dict(zip(words, in_children([*words.values()]), strict=True))


def in_children(words: list[str]) -> Iterator[str]:
    """Give what is printed of each file, from one child after another where one dies of it."""
    while words:
        command = [sys.executable, "-c", CHILD, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        yield from lines
        if len(lines) < len(words):
            yield f"ended the process with {done.returncode}: {done.stderr}"
        words = words[len(lines) + 1 :]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_what_hdf5_takes_on_trust_is_refused(tmp_path: Path) -> None:
    told = told_by_children(tmp_path)
    assert {name: said for name, said in told.items() if "is damaged (" not in said} == {}
    assert told.keys() == BYTES.keys()


# Run files.


@pytest.fixture
def run(tmp_path: Path) -> Path:
    trained(tmp_path / TRAIN, hidden=(2,), optimizer="adam")
    return tmp_path / TRAIN


def replaced(path: Path, **arrays: Any) -> Path:
    """Write the run file with h5py, which writes what `write` would refuse, with these arrays."""
    with h5py.File(path) as file:
        before = {name: dataset[()] for name, dataset in file.items()}
    with h5py.File(path, "w") as file:
        for name, array in (before | arrays).items():
            file[name] = array
    return path


@pytest.mark.parametrize("name", ["costs", "W1", "moment1.W1", "moment2.b2"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_refused(run: Path, name: str, number: float) -> None:
    array = read(run, [name])[name].copy()
    array.flat[-1] = number
    assert "not finite" in refusal("load_run", replaced(run, **{name: array}))


@pytest.mark.parametrize(
    "value", ["[" * 10**5 + "]" * 10**5, '{"a":' * 10**5 + "1" + "}" * 10**5, "9" * 10**5],
    ids=["lists", "objects", "digits"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["experiment", "seeds", "iteration", "source", "format"])
def test_a_record_nested_or_long_beyond_measure_is_refused(
    run: Path, field: str, value: str
) -> None:
    record = json.loads(read(run, ["record"])["record"].item())
    text = json.dumps({**record, field: "HERE"}).replace('"HERE"', value).encode()
    assert "record" in refusal("load_run", replaced(run, record=np.array([text])))


@pytest.mark.parametrize("length", [64, 512, 4096])
@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_a_stretch_of_one_byte_is_refused_or_changes_nothing(
    run: Path, length: int, byte: bytes
) -> None:
    content, before = run.read_bytes(), load_run(run)
    for begin in range(0, len(content), max(length // 2, 512)):
        blank = byte * len(content[begin : begin + length])
        run.write_bytes(content[:begin] + blank + content[begin + length :])
        assert read_or_refused(load_run, run) in (before, None), begin


def test_ones_in_the_place_of_zeros_are_refused_or_change_nothing(run: Path) -> None:
    content, before = run.read_bytes(), load_run(run)
    zeros = [i for i in range(0, len(content) - 2, 2) if content[i : i + 2] == b"\0\0"]
    for place in zeros[:: max(len(zeros) // 40, 1)]:
        run.write_bytes(content[:place] + b"\xff\xff" + content[place + 2 :])
        assert read_or_refused(load_run, run) in (before, None), place


def read_or_refused(reader: Callable[[Path], Any], path: Path) -> Any:
    """Return what is read, or none where it is refused."""
    with suppress(DataError):
        return reader(path)
    return None


# Chance: `tests.benchmarks.fuzz` takes more of it.


def test_damaged_files_are_read_as_they_were_or_refused(tmp_path: Path) -> None:
    paths = make_victims(tmp_path)
    contents = {kind: path.read_bytes() for kind, path in sorted(paths.items())}
    values = {kind: reader_of(kind)(path) for kind, path in paths.items()}
    runs = [values[kind] for kind in RUNS]
    for number in range(60):
        kind, way, content = make_case(contents, seed=0, number=number)
        paths[kind].write_bytes(content)
        value = read_or_refused(reader_of(kind), paths[kind])
        assert kind in DATA or value is None or value in runs, (number, way)
