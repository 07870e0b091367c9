"""Batches streamed from a file are those that the file's pictures make, in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import islice, pairwise
from pathlib import Path
from threading import Barrier, Event
from threading import enumerate as enumerate_threads
from time import sleep
from typing import Any
from weakref import ref

import h5py
import numpy as np
import pytest

from catpipe.data.batches import Batch
from catpipe.data.examples import targets
from catpipe.data.transforms.columns import pixels
from catpipe.random import ORDER, generator
from catpipe.shell.storage import _hdf5_reader, forms, hdf5, streaming
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_data
from catpipe.shell.storage.streaming import StoredPictures, stored_pictures, stream_batches
from tests.damage import damaged
from tests.patience import FOREVER

EXAMPLES, SIZE, TOGETHER = 23, 4, 3
PICTURE = 48  # bytes
WINDOW = 2 * TOGETHER * PICTURE
IMAGES = np.random.default_rng(0).integers(0, 256, (EXAMPLES, 4, 4, 3), np.uint8)
LABELS = np.random.default_rng(1).integers(0, 2, EXAMPLES)
TWO = (b"non-cat", b"cat")
MANY = (b"cat", b"dog", b"bird")
CHUNKS = (TOGETHER, 4, 4, 3)

STORAGES: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunked": {"chunks": CHUNKS},
    "gzip": {"chunks": CHUNKS, "compression": "gzip"},
    "gzip and shuffle": {"chunks": CHUNKS, "compression": "gzip", "shuffle": True},
    "chunks of parts of pictures": {"chunks": (TOGETHER, 2, 4, 1), "compression": "gzip"},
    "one chunk a picture": {"chunks": (1, 4, 4, 3)},
    "one gzip chunk a picture": {"chunks": (1, 4, 4, 3), "compression": "gzip"},
    "checksums": {"chunks": CHUNKS, "fletcher32": True},
    "gzip and checksums": {"chunks": CHUNKS, "compression": "gzip", "fletcher32": True},
}
every_storage = pytest.mark.parametrize("storage", STORAGES.values(), ids=STORAGES.keys())

Build = Callable[[h5py.File], Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "train_x.h5"


def write(
    path: Path, images: Any = IMAGES, labels: Any = LABELS, classes: Any = TWO, **storage: Any
) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("train_set_x", data=images, **storage)
        file["train_set_y"] = labels
        file["list_classes"] = np.array(classes)
    return path


def instead(path: Path, build: Build) -> Path:
    """Write a file whose pictures are what `build` puts there."""
    write(path)
    with h5py.File(path, "a") as file:
        del file["train_set_x"]
        build(file)
    return path


def stored(path: Path, **storage: Any) -> StoredPictures:
    return stored_pictures(write(path, **storage), window=WINDOW)


def streamed(pictures: StoredPictures, *, seed: int = 1, **options: Any) -> list[Batch]:
    return list(stream_batches(pictures, SIZE, seed, **options))


def columns(batches: list[Batch]) -> list[bytes]:
    """Return the bytes of each column, picture by picture."""
    return [column.tobytes() for batch in batches for column in batch.X.T]


def identical(some: list[Batch], others: list[Batch]) -> bool:
    return [(X.tobytes(), Y.tobytes()) for X, Y, _ in some] == [
        (X.tobytes(), Y.tobytes()) for X, Y, _ in others
    ]


def refusal(path: Path, window: int = WINDOW) -> str:
    """Return the sentence with which streaming from this file is refused before it begins."""
    with pytest.raises(DataError) as caught:
        stored_pictures(path, window=window)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert "; expected " in sentence
    assert sentence.isprintable()
    return sentence


# What is streamed.


@every_storage
def test_each_epoch_visits_every_picture_once(path: Path, storage: dict[str, Any]) -> None:
    batches = streamed(stored(path, **storage), epochs=2)
    once = sorted(columns([Batch(pixels(IMAGES), LABELS)]))
    assert sorted(columns(batches[:6])) == once
    assert sorted(columns(batches[6:])) == once


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_column_is_to_the_bit_its_picture_divided_by_255(path: Path, dtype: Any) -> None:
    X = IMAGES.reshape(EXAMPLES, -1).T.astype(dtype) / dtype(255)
    assert set(columns(streamed(stored(path), dtype=dtype))) == set(columns([Batch(X, LABELS)]))


FORMS: dict[str, tuple[Any, Any, Any]] = {
    "integers": (IMAGES.astype(">i4"), LABELS[np.newaxis], [0, 1]),
    "floats": ((IMAGES / 255).astype("f4"), LABELS.astype(bool), TWO),
    "grey": (IMAGES[..., 0], LABELS * 1.0, TWO),
    "two channels": (IMAGES[..., :2], np.eye(2)[LABELS], TWO),
    "channels first": (np.tile(np.moveaxis(IMAGES, -1, 1), (1, 1, 2, 2)), LABELS, TWO),
    "features": (IMAGES.reshape(EXAMPLES, -1) - 300.5, LABELS, TWO),
    "one feature": (np.arange(EXAMPLES), LABELS, TWO),
    "a regression": (IMAGES / 255, np.linspace(-1, 1, EXAMPLES), []),
    "several outputs": (IMAGES / 255, np.linspace(-1, 1, 2 * EXAMPLES).reshape(EXAMPLES, 2), []),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_streamed_as_it_is_loaded(path: Path, form: str) -> None:
    images, labels, classes = FORMS[form]
    write(path, images, labels, classes)
    with h5py.File(path.with_name("test_x.h5"), "w") as file:
        file["test_set_x"], file["test_set_y"] = images, labels
        file["list_classes"] = np.array(classes)
    train, _, names = load_data(path.parent)
    found = stored_pictures(path)
    assert (found.shape, found.classes) == (train.inputs.shape, names)
    rows = train.targets.reshape(EXAMPLES, -1)
    Y = targets(train.targets, len(names)) if names else rows.T
    expected = zip(pixels(train.inputs).T.tolist(), Y.T.tolist(), strict=True)
    batches = list(stream_batches(found, SIZE, seed=1))
    streamed = [
        pair for X, Y, _ in batches for pair in zip(X.T.tolist(), Y.T.tolist(), strict=True)
    ]
    assert sorted(streamed) == sorted(expected)


def test_integers_that_are_no_pixels_are_refused_on_the_way(path: Path) -> None:
    write(path, images=IMAGES.astype("i4") + 1)
    with pytest.raises(DataError, match=r"integers from .* expected pixels from 0 to 255"):
        list(stream_batches(stored_pictures(path), SIZE, seed=1))


def test_floats_that_are_not_finite_are_refused_on_the_way(path: Path) -> None:
    write(path, images=np.where(IMAGES.max() == IMAGES, np.nan, IMAGES))
    with pytest.raises(DataError, match="holds numbers that are not finite"):
        list(stream_batches(stored_pictures(path), SIZE, seed=1))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_targets_are_of_the_type_asked_for(path: Path, dtype: Any) -> None:
    assert streamed(stored(path), dtype=dtype)[0].Y.dtype == dtype


@pytest.mark.parametrize("classes", [TWO, MANY], ids=len)
def test_a_target_is_that_of_its_picture(path: Path, classes: tuple[bytes, ...]) -> None:
    labels = np.random.default_rng(2).integers(0, len(classes), EXAMPLES)
    for X, Y, _ in streamed(stored(path, labels=labels, classes=classes), epochs=2):
        found = (X.T[:, np.newaxis] == pixels(IMAGES).T).all(-1).argmax(-1)
        np.testing.assert_array_equal(Y, targets(labels[found], len(classes)))


def test_the_last_batch_of_an_epoch_is_short(path: Path) -> None:
    sizes = [batch.X.shape[-1] for batch in streamed(stored(path), epochs=2)]
    assert sizes == [4, 4, 4, 4, 4, 3] * 2


@pytest.mark.parametrize("size", [1, 5, 6, 22, 23, 24])
def test_batches_of_any_size_hold_the_same_pictures_in_the_same_order(
    path: Path, size: int
) -> None:
    pictures = stored(path)
    others = list(stream_batches(pictures, size, seed=1))
    assert [batch.X.shape[-1] for batch in others[:-1]] == [size] * (len(others) - 1)
    assert columns(others) == columns(streamed(pictures))


def windows_of(batches: list[Batch]) -> dict[int, list[int]]:
    """Return the windows in the order of their visit, and in each the order of its pictures."""
    place = {column: i for i, column in enumerate(columns([Batch(pixels(IMAGES), LABELS)]))}
    visited = [place[column] for column in columns(batches)]
    return {
        window: [number % 6 for number in visited if number // 6 == window]
        for window in dict.fromkeys(number // 6 for number in visited)
    }


def test_a_window_is_streamed_to_its_end_before_the_next(path: Path) -> None:
    place = {column: i for i, column in enumerate(columns([Batch(pixels(IMAGES), LABELS)]))}
    visited = [place[column] // 6 for column in columns(streamed(stored(path)))]
    assert sum(a != b for a, b in pairwise(visited)) == 3


def test_the_windows_come_in_another_order_in_each_epoch(path: Path) -> None:
    batches = streamed(stored(path), epochs=4)
    assert len({tuple(windows_of(batches[i : i + 6])) for i in range(0, 24, 6)}) > 1


def test_the_pictures_of_a_window_come_in_another_order_in_each_epoch(path: Path) -> None:
    batches = streamed(stored(path), epochs=2)
    assert windows_of(batches[:6])[0] != windows_of(batches[6:])[0]


def test_the_pictures_of_each_window_come_in_an_order_of_their_own(path: Path) -> None:
    orders = windows_of(streamed(stored(path)))
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_equal_seeds_make_equal_batches(path: Path) -> None:
    pictures = stored(path)
    assert identical(streamed(pictures, epochs=2), streamed(pictures, epochs=2))


def test_another_seed_makes_another_order(path: Path) -> None:
    pictures = stored(path)
    assert columns(streamed(pictures, seed=1)) != columns(streamed(pictures, seed=2))


@pytest.mark.parametrize("start", range(20))
def test_a_stream_from_any_batch_on_is_the_rest_of_the_whole_stream(path: Path, start: int) -> None:
    pictures = stored(path)
    assert identical(
        streamed(pictures, epochs=3, start=start), streamed(pictures, epochs=3)[start:]
    )


def test_what_comes_before_the_start_is_not_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = stored(path)
    read: list[Any] = []
    plain = _hdf5_reader.rows

    def counted(*given: Any) -> Any:
        read.append(given)
        return plain(*given)

    monkeypatch.setattr(streaming, "rows", counted)
    streamed(pictures, epochs=2, start=9)  # 12 of the second epoch's 23 are in its last 2 windows
    assert len(read) == 2


@every_storage
def test_equal_windows_make_equal_batches_however_stored(
    path: Path, storage: dict[str, Any]
) -> None:
    plain, other = path.with_name("train_plain.h5"), path
    assert identical(streamed(stored(plain)), streamed(stored(other, **storage)))


def test_windows_are_whole_chunks(path: Path) -> None:
    chunked = write(path, chunks=CHUNKS)
    wider = stored_pictures(chunked, window=WINDOW + TOGETHER * PICTURE - 1)
    assert identical(streamed(wider), streamed(stored_pictures(chunked, window=WINDOW)))


def test_pictures_in_the_header_of_the_file_are_streamed(path: Path) -> None:
    def compact(file: h5py.File) -> None:
        storage = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        storage.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(IMAGES.shape)
        x = h5py.h5d.create(file.id, b"train_set_x", h5py.h5t.NATIVE_UINT8, space, storage)
        x.write(h5py.h5s.ALL, h5py.h5s.ALL, IMAGES)

    plain = stored(path.with_name("train_plain.h5"))
    compacted = stored_pictures(instead(path, compact), window=WINDOW)
    assert identical(streamed(plain), streamed(compacted))


def test_pictures_to_test_on_are_streamed_by_their_names(path: Path) -> None:
    with h5py.File(write(path), "a") as file:
        file.move("train_set_x", "test_set_x")
        file.move("train_set_y", "test_set_y")
    assert len(streamed(stored_pictures(path, "test", WINDOW))) == 6


def test_what_is_stored_is_told(path: Path) -> None:
    pictures = stored(path, labels=LABELS, classes=MANY)
    assert (pictures.shape, pictures.classes) == (IMAGES.shape, ("cat", "dog", "bird"))


# What is refused before the stream begins.


@pytest.mark.parametrize(("size", "start", "seed"), [(0, 0, 1), (4, -1, 1), (4, 0, -1)])
def test_a_size_start_or_seed_that_cannot_be_is_refused_at_once(
    path: Path, size: int, start: int, seed: int
) -> None:
    pictures = stored(path)
    with pytest.raises(ValueError, match="expected"):
        stream_batches(pictures, size, seed, start=start)


def test_a_missing_file_is_refused(path: Path) -> None:
    assert "is not a file" in refusal(path)


def test_what_is_not_hdf5_is_refused(path: Path) -> None:
    path.write_bytes(b"<html>")
    assert "is a web page" in refusal(path)


@every_storage
def test_every_truncation_is_refused(path: Path, storage: dict[str, Any]) -> None:
    content = write(path, **storage).read_bytes()
    for length in (*range(8, len(content), 997), len(content) - 1):
        path.write_bytes(content[:length])
        assert "is damaged" in refusal(path), length


@pytest.mark.parametrize("missing", ["train_set_x", "train_set_y"])
def test_what_is_not_there_is_named(path: Path, missing: str) -> None:
    with h5py.File(write(path), "a") as file:
        del file[missing]
    assert f"{missing} is not there" in refusal(path)


@pytest.mark.parametrize("link", [h5py.SoftLink("/list_classes"), h5py.ExternalLink("y.h5", "/y")])
def test_a_link_is_refused(path: Path, link: object) -> None:
    assert "is a link to elsewhere" in refusal(
        instead(path, lambda file: file.__setitem__("train_set_x", link))
    )


def test_external_storage_is_refused(path: Path) -> None:
    outside = [(str(path.with_name("secret")), 0, IMAGES.size)]
    build = instead(
        path,
        lambda file: file.create_dataset("train_set_x", IMAGES.shape, "u1", external=outside),
    )
    assert "is stored elsewhere" in refusal(build)


def test_a_virtual_dataset_is_refused(path: Path) -> None:
    layout = h5py.VirtualLayout(IMAGES.shape, "u1")
    layout[:] = h5py.VirtualSource(str(path), "y", IMAGES.shape)
    virtual = instead(path, lambda file: file.create_virtual_dataset("train_set_x", layout))
    assert "is stored elsewhere" in refusal(virtual)


@pytest.mark.parametrize("storage", [{"compression": "lzf"}, {"scaleoffset": 8}], ids=str)
def test_other_filters_are_refused(path: Path, storage: dict[str, Any]) -> None:
    assert "is stored through the HDF5 filters (" in refusal(write(path, **storage))


def test_bytes_shuffled_as_if_they_were_longer_numbers_are_refused(path: Path) -> None:
    content = write(path, **STORAGES["gzip and shuffle"]).read_bytes()
    shuffle = b"shuffle\0" + (1).to_bytes(4, "little")
    assert content.count(shuffle) == 1
    path.write_bytes(content.replace(shuffle, b"shuffle\0" + (4).to_bytes(4, "little")))
    assert "shuffled as numbers of (4,) bytes; expected 1" in refusal(path)


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((EXAMPLES, 9, 9, 5)), "has shape (23, 9, 9, 5); expected (examples, features)"),
        (np.zeros((EXAMPLES, 1, 4, 4, 3)), "has shape (23, 1, 4, 4, 3); expected (examples"),
        (np.zeros((48, EXAMPLES)), "whose examples are columns; expected rows"),
        (IMAGES[:0], "expected one example or more"),
    ],
    ids=["channels", "axes", "columns", "none"],
)
def test_inputs_that_cannot_be_streamed_are_refused(path: Path, images: Any, found: str) -> None:
    labels = LABELS[: len(images)] if len(images) < EXAMPLES else LABELS
    assert found in refusal(write(path, images=images, labels=labels))


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (LABELS + 1, "has labels from 1 to 2; expected 0 to 1"),
        (LABELS - 1, "has labels from -1 to 0; expected 0 to 1"),
        (LABELS[1:], "for targets of shape (22,); expected as many examples as targets"),
        (LABELS / 2, "has numbers such as 0.5; expected 0 to 1"),
    ],
    ids=str,
)
def test_labels_that_do_not_fit_are_refused(path: Path, labels: Any, found: str) -> None:
    assert found in refusal(write(path, labels=labels))


@pytest.mark.parametrize("chunks", [None, CHUNKS])
def test_what_was_never_written_is_refused(path: Path, chunks: Any) -> None:
    never = instead(
        path, lambda file: file.create_dataset("train_set_x", IMAGES.shape, "u1", chunks=chunks)
    )
    assert "was never written" in refusal(never) or "was written in part" in refusal(never)


def test_what_was_written_in_part_is_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        x = file.create_dataset("train_set_x", IMAGES.shape, "u1", chunks=CHUNKS)
        x[:20] = IMAGES[:20]

    assert "was written in part" in refusal(instead(path, content))


def test_a_terabyte_that_was_never_written_is_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        file.create_dataset("train_set_x", (EXAMPLES, 2**18, 2**16, 3), "u1", chunks=CHUNKS)

    assert "was written in part" in refusal(instead(path, content))


def test_pictures_kept_together_in_more_than_a_window_are_refused(path: Path) -> None:
    write(path, chunks=(6, 4, 4, 1))
    assert "keeps 6 pictures together in 288 bytes; expected at most 287" in refusal(path, 287)
    assert stored_pictures(path, window=288)


def test_pictures_larger_than_a_window_are_refused(path: Path) -> None:
    assert "keeps 1 pictures together in 48 bytes" in refusal(write(path), window=47)


def test_labels_are_held_to_the_budget(path: Path) -> None:
    def content(file: h5py.File) -> None:
        del file["train_set_y"]
        file["train_set_x"] = IMAGES
        file.create_dataset("train_set_y", (2**30,), "i8", chunks=(2**20,))

    assert "train_set_y takes 8,589,934,592 bytes; expected at most" in refusal(
        instead(path, content)
    )


# What is refused on the way.


def chunk_replaced(path: Path, made: bytes, compression: str | None = "gzip") -> StoredPictures:
    """Return stored pictures of which a chunk in the middle is stored as these bytes."""
    with h5py.File(write(path, chunks=CHUNKS, compression=compression), "a") as file:
        file["train_set_x"].id.write_direct_chunk((9, 0, 0, 0), made)
    return stored_pictures(path, window=WINDOW)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (b"not a stream", "is damaged (Error -3"),
        (zlib.compress(bytes(TOGETHER * PICTURE - 1)), "does not make the 144 bytes"),
        (zlib.compress(bytes(10**5)), "does not make the 144 bytes"),
        (zlib.compress(bytes(TOGETHER * PICTURE))[:-2], "does not make the 144 bytes"),
        (zlib.compress(bytes(TOGETHER * PICTURE))[:-1] + b"\xff", "is damaged (Error -3"),
    ],
    ids=["no stream", "too little", "too much", "cut short", "another checksum"],
)
def test_a_damaged_chunk_in_the_middle_is_refused(path: Path, made: bytes, found: str) -> None:
    pictures = chunk_replaced(path, made)
    with pytest.raises(DataError) as caught:
        streamed(pictures)
    assert str(caught.value).startswith(f"{path}: ")
    assert found in str(caught.value)


def test_all_batches_before_a_damaged_window_are_streamed(path: Path) -> None:
    seed, damaged_window, sizes = 5, 9 // 6, (6, 6, 6, 5)
    order = generator(seed, ORDER, 0).permutation(4).tolist()
    before = sum(sizes[window] for window in order[: order.index(damaged_window)]) // SIZE
    assert before > 2
    whole = streamed(stored(path.with_name("train_whole.h5")), seed=seed)
    batches = stream_batches(chunk_replaced(path, b"not a stream"), SIZE, seed)
    assert identical([*islice(batches, before)], whole[:before])
    with pytest.raises(DataError, match="is damaged"):
        next(batches)


def test_a_chunk_stored_in_far_too_many_bytes_is_refused_at_once(path: Path) -> None:
    with pytest.raises(DataError, match="does not make the 144 bytes"):
        chunk_replaced(path, bytes(1000))


def test_chunks_that_are_as_many_as_declared_but_lie_elsewhere_are_refused(path: Path) -> None:
    declared, made = (6, 4, 4, 3), (6, 4, 12, 3)
    chunk = np.zeros((2, 4, 4, 3), np.uint8)
    write(path, images=np.zeros(declared, np.uint8), labels=np.arange(6) % 2)
    with h5py.File(path, "a", libver="earliest") as file:
        del file["train_set_x"]
        wide = file.create_dataset(
            "train_set_x", made, np.uint8, chunks=chunk.shape, compression="gzip"
        )
        for column in (0, 4, 8):
            wide.id.write_direct_chunk((0, 0, column, 0), zlib.compress(chunk.tobytes()))
    content = path.read_bytes()
    before, after = (np.array(shape, "<u8").tobytes() for shape in (made, declared))
    assert before in content
    path.write_bytes(content.replace(before, after))
    with pytest.raises(DataError, match="train_set_x"):
        streamed(stored_pictures(path))


def test_a_file_cut_short_while_it_is_streamed_is_refused(path: Path) -> None:
    batches = stream_batches(stored(path, labels=LABELS), SIZE, seed=1, epochs=3)
    next(batches)
    with path.open("r+b") as file:
        file.truncate(file.seek(0, 2) - 1)
    with pytest.raises(DataError, match="was cut short while it was read"):
        list(batches)


def test_a_file_that_changed_before_it_is_streamed_is_refused(path: Path) -> None:
    pictures = stored(path)
    write(path, images=IMAGES[:9], labels=LABELS[:9])
    with pytest.raises(DataError, match="holds other pictures than before"):
        streamed(pictures)


def test_another_process_looks_once_at_each_version_of_a_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    plain = hdf5.opened_on_disk

    def watched(at: Path) -> Any:
        looked.append(at)
        return plain(at)

    monkeypatch.setattr(streaming, "opened_on_disk", watched)
    assert len(streamed(stored(path))) == len(streamed(stored_pictures(path))) == 6
    assert looked == [path]
    content = path.read_bytes()
    path.write_bytes(content)
    assert len(streamed(stored_pictures(path))) == 6
    assert looked == [path, path]


# What is held.


def is_open(path: Path) -> bool:
    try:
        with h5py.File(path, "a"):  # HDF5 refuses to write to what is open to be read
            return False
    except OSError:
        return True


def test_the_file_is_open_while_it_is_streamed(path: Path) -> None:
    batches = stream_batches(stored(path), SIZE, seed=1)
    next(batches)
    assert is_open(path)


def test_the_file_is_closed_when_the_stream_ends(path: Path) -> None:
    batches = stream_batches(stored(path), SIZE, seed=1)
    assert len(list(batches)) == 6
    assert not is_open(path)


def test_the_file_is_closed_when_the_stream_is(path: Path) -> None:
    batches = stream_batches(stored(path), SIZE, seed=1)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert not is_open(path)


def test_the_file_is_closed_when_the_stream_is_forgotten(path: Path) -> None:
    next(stream_batches(stored(path), SIZE, seed=1))
    assert not is_open(path)


def test_the_file_is_closed_when_it_is_refused_on_the_way(path: Path) -> None:
    pictures = chunk_replaced(path, b"not a stream")
    with pytest.raises(DataError):
        streamed(pictures)
    assert not is_open(path)


def test_the_file_is_closed_once_it_was_looked_at(path: Path) -> None:
    assert stored(path)
    assert not is_open(path)


GROWTH = """
import sys
from pathlib import Path
from catpipe.shell.storage.streaming import stored_pictures, stream_batches

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

path, window, size, dtype = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
for _ in stream_batches(stored_pictures(path, window=2**18), 1, 1, dtype=dtype, start=8190): pass
before = peak()
for _ in stream_batches(stored_pictures(path, window=window), size, 1, dtype=dtype): pass
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_three_windows_and_four_batches_are_in_memory(path: Path) -> None:
    window, size, features, examples = 2**22, 64, 64 * 64 * 3, 4096
    images = np.broadcast_to(np.uint8(1), (examples, 64, 64, 3))
    storage = {"chunks": (16, 64, 64, 3), "compression": "gzip", "compression_opts": 1}
    write(path, images=images, labels=np.arange(examples) % 2, **storage)
    code = [sys.executable, "-c", GROWTH, str(path), str(window), str(size), "float32"]
    # Freed arrays go back to the system, so that what is held is what is measured.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
    done = subprocess.run(code, check=True, capture_output=True, text=True, env=environment)
    grown = int(done.stdout)
    bound = 3 * window + 4 * size * features * (4 + 1) + 16 * examples
    assert grown < bound + 4 * 2**20
    assert images.size > 1.5 * bound


@pytest.mark.parametrize(("size", "most"), [(1, 3), (2, 3), (6, 5), (12, 8)])
@pytest.mark.parametrize("storage", ["contiguous", "gzip"])
def test_windows_are_those_of_three_batches_and_two_more(
    path: Path, storage: str, size: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows: list[ref[Any]] = []
    there: list[int] = []
    plain = forms.inputs_from_rows

    def watched(*given: Any) -> Any:
        found = plain(*given)
        windows.append(ref(found))
        there.append(sum(window() is not None for window in windows))
        return found

    monkeypatch.setattr(streaming, "inputs_from_rows", watched)
    delayed(monkeypatch, 1e-2)  # so that windows are read as early as may be
    whole = list(stream_batches(stored(path, **STORAGES[storage]), size, seed=1, epochs=3))
    assert sum(batch.X.shape[1] for batch in whole) == 3 * EXAMPLES
    assert len(there) == 12
    # A thread may still hold what it has just made a batch of.
    assert max(there) <= most + 1


# What threads do beside it.


def delayed(monkeypatch: pytest.MonkeyPatch, most: float = 2e-3) -> None:
    """Let each batch take a while to be made, up to so many seconds."""
    random = np.random.default_rng(1)

    def slow(*given: Any) -> Any:
        sleep(random.uniform(0, most))
        return pixels(*given)

    monkeypatch.setattr(streaming, "pixels", slow)


def test_batches_do_not_depend_on_which_is_made_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = streamed(stored(path), epochs=4)
    delayed(monkeypatch)
    assert identical(streamed(stored(path), epochs=4), expected)


def test_two_batches_are_made_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = Barrier(2)

    def together(*given: Any) -> Any:
        both.wait(FOREVER)
        return pixels(*given)

    monkeypatch.setattr(streaming, "pixels", together)
    assert len(streamed(stored(path))) == 6


def test_a_stream_that_is_closed_reads_no_window_that_nobody_waits_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def slow(dataset: Any, begin: int, end: int, map_: Any) -> Any:
        begun.append(begin)
        sleep(0.05)
        return _hdf5_reader.rows(dataset, begin, end, map_)

    monkeypatch.setattr(streaming, "rows", slow)
    batches = stream_batches(stored(path), 3 * 6, seed=1, epochs=9)
    next(batches)
    before = len(begun)
    batches.close()  # type: ignore[attr-defined]
    assert len(begun) <= before + 1


@pytest.fixture
def each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let threads unpack small chunks one by one."""
    monkeypatch.setattr(_hdf5_reader, "RUN", 1)


def unpacking(monkeypatch: pytest.MonkeyPatch, before: Callable[[Any], Any], cores: int) -> None:
    """Call this before a chunk is unpacked from its bytes, on a machine of so many cores."""
    plain = _hdf5_reader._unpacked

    def unpacked(dataset: Any, content: Any, used: Any) -> Any:
        before(content)
        return plain(dataset, content, used)

    monkeypatch.setattr(_hdf5_reader, "_unpacked", unpacked)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)


@every_storage
def test_a_window_does_not_depend_on_which_chunk_is_unpacked_first(
    path: Path, storage: dict[str, Any], each_alone: None
) -> None:
    def backwards(fill: Any, runs: Any) -> Any:
        return map(fill, reversed([*runs]))

    # Others than those of any other test, which may still be in the memory that is filled.
    others = IMAGES ^ np.uint8(1 + [*STORAGES.values()].index(storage))
    with h5py.File(write(path, others, **storage)) as file:
        found = _hdf5_reader.rows(file["train_set_x"], 6, EXAMPLES, backwards)
    assert found.tobytes() == others[6:].tobytes()


def test_batches_do_not_depend_on_how_long_chunks_take(
    path: Path, each_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = streamed(stored(path), epochs=2)
    random = np.random.default_rng(1)
    unpacking(monkeypatch, lambda _: sleep(random.exponential(1e-3)), cores=3)
    assert identical(streamed(stored(path, **STORAGES["gzip"]), epochs=2), expected)


def test_of_damaged_chunks_the_first_is_refused_even_if_it_is_unpacked_last(
    path: Path, each_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, none = zlib.compress(b"short"), b"not a stream"
    pictures = chunk_replaced(path, short)
    with h5py.File(path, "a") as file:
        file["train_set_x"].id.write_direct_chunk((12, 0, 0, 0), none)
    later = Event()

    def before(content: bytes) -> None:
        if content == none:
            later.set()
        if content == short:
            assert later.wait(FOREVER)
            sleep(0.02)  # the time to refuse the other

    unpacking(monkeypatch, before, cores=2)
    with pytest.raises(DataError, match="does not make the 144 bytes"):
        streamed(pictures._replace(window=EXAMPLES * PICTURE))


def test_a_stream_that_is_closed_leaves_no_thread_and_the_rest_of_a_window_unread(
    path: Path, each_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    is_in_second = Event()

    def before(content: bytes) -> None:
        begun.append(content)
        if len(begun) > 6:
            is_in_second.set()
            sleep(0.1)

    unpacking(monkeypatch, before, cores=1)
    threads = {*enumerate_threads()}
    batches = stream_batches(stored(path, **STORAGES["one gzip chunk a picture"]), 1, seed=1)
    next(batches)
    assert is_in_second.wait(FOREVER)
    batches.close()  # type: ignore[attr-defined]
    assert len(begun) < 12
    assert {*enumerate_threads()} == threads


# Chance.


@pytest.mark.parametrize("storage", ["contiguous", "chunked", "gzip"])
def test_a_damaged_file_is_streamed_or_refused(path: Path, storage: str) -> None:
    content = write(path, **STORAGES[storage]).read_bytes()
    for changed in damaged(content, times=40):
        path.write_bytes(changed)
        with suppress(DataError):
            streamed(stored_pictures(path, window=WINDOW))
