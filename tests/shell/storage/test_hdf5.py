"""A hostile or damaged file is refused in one sentence; writing is all or nothing."""

from __future__ import annotations

import errno
import os
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.hdf5 import read, write, write_all
from tests.damage import damaged

Build = Callable[[h5py.File], Any]

PICTURES = np.random.default_rng(0).integers(0, 99, (6, 4, 4, 3), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.h5"


def refusal(path: Path, **budget: int) -> str:
    """Return the sentence with which reading x from this file is refused."""
    with pytest.raises(DataError) as caught:
        read(path, ["x"], **budget)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert "; expected " in sentence
    assert sentence.isprintable()
    return sentence


def build(path: Path, content: Build, **options: Any) -> Path:
    with h5py.File(path, "w", **options) as file:
        content(file)
    return path


def stored_chunk(stored: bytes, mask: int = 0, **options: Any) -> Build:
    """Return what makes x, 20 bytes in one chunk, whose stored form is given."""

    def content(file: h5py.File) -> None:
        x = file.create_dataset("x", (20,), "u1", chunks=(20,), **options)
        x.id.write_direct_chunk((0,), stored, mask)

    return content


# Files that are not HDF5 files, or not whole ones.


def test_a_missing_file_is_refused(path: Path) -> None:
    assert "is not a file" in refusal(path)


def test_a_folder_is_refused(path: Path) -> None:
    path.mkdir()
    assert "is not a file" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(path: Path) -> None:
    os.mkfifo(path)
    assert "is not a file" in refusal(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><title>404</title>", "is a web page"),
        (b"\xef\xbb\xbf<html>", "is a web page"),
        (b"height,width,label\n1.5,2,cat\n", "is text, as .csv is"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a git-lfs pointer"),
        (b"PK\x03\x04 zipped", "is a zip archive, as .npz is; expected an HDF5 file: unpack it"),
        (b"\x93NUMPY\x01", "is an array of NumPy's"),
        (b"\x1f\x8b\x08", "is packed by gzip; expected an HDF5 file: unpack it with `gunzip`"),
        (b"MATLAB 5.0 MAT-file", "save it in MATLAB with '-v7.3'"),
        (b"1.0 2.0", "is text, as .csv is; expected an HDF5 file: write its arrays"),
        (b"\x00\x01\x02", "is of no known kind; expected an HDF5 file: fetch or write it again"),
    ],
)
def test_what_is_not_hdf5_is_named(path: Path, content: bytes, found: str) -> None:
    path.write_bytes(content)
    assert found in refusal(path)


@pytest.mark.parametrize("block", [512, 1024, 4096])
def test_a_user_block_before_the_signature_is_read_over(path: Path, block: int) -> None:
    with h5py.File(path, "w", userblock_size=block) as file:
        file["x"] = np.arange(5)
    assert read(path, ["x"])["x"].tolist() == [0, 1, 2, 3, 4]


def test_a_file_that_is_open_for_writing_is_told_as_that(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(5)
        file.flush()
        assert "is open for writing in another program; expected a closed" in refusal(path)
    assert read(path, ["x"])["x"].tolist() == [0, 1, 2, 3, 4]


def test_the_mark_of_a_writer_that_was_killed_is_told_as_that(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = np.arange(5)
        file.flush()
        content = path.read_bytes()
    path.write_bytes(content)
    assert "is marked as open for writing" in refusal(path)


def test_a_file_that_was_cut_short_is_told_with_its_sizes(path: Path) -> None:
    write(path, {"x": np.arange(500.0)})
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    assert f"cut short: it has 3,000 of {len(whole):,} bytes" in refusal(path)


@pytest.mark.parametrize("storage", [{}, {"chunks": (2,), "compression": "gzip", "shuffle": True}])
def test_texts_of_variable_length_are_read_as_bytes(path: Path, storage: dict[str, Any]) -> None:
    kind, texts = h5py.string_dtype(), ["cat", "", "lièvre"]
    build(path, lambda file: file.create_dataset("x", data=texts, dtype=kind, **storage))
    assert read(path, ["x"])["x"].tolist() == [b"cat", b"", "lièvre".encode()]


def test_no_texts_of_variable_length_are_none(path: Path) -> None:
    build(path, lambda file: file.create_dataset("x", (0,), h5py.string_dtype()))
    assert read(path, ["x"])["x"].shape == (0,)


def test_booleans_are_read(path: Path) -> None:
    build(path, lambda file: file.create_dataset("x", data=[True, False], chunks=(1,)))
    assert read(path, ["x"])["x"].tolist() == [True, False]


def test_booleans_beyond_one_are_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        x = file.create_dataset("x", data=[True, False], chunks=(2,))
        x.id.write_direct_chunk((0,), b"\x01\x02")

    assert "holds booleans beyond 1" in refusal(build(path, content))


def test_every_truncation_is_refused(path: Path) -> None:
    write(path, {"x": PICTURES, "labels": np.arange(6)})
    content = path.read_bytes()
    for length in (*range(8, len(content), 97), len(content) - 1):
        path.write_bytes(content[:length])
        assert "is damaged" in refusal(path), length


def test_a_file_beyond_the_total_is_refused_unread(path: Path) -> None:
    write(path, {"x": np.zeros(1), "more": np.zeros(1000)})
    assert f"has {path.stat().st_size:,} bytes; expected at most 5,000" in refusal(path, total=5000)


def test_a_line_break_in_a_file_name_stays_on_the_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\\nb\.h5: is not a file"):
        read(tmp_path / "a\nb.h5", ["x"])


# Names.


def test_a_name_that_is_not_there_is_refused(path: Path) -> None:
    write(path, {"y": np.zeros(1)})
    assert "x is not there" in refusal(path)


@pytest.mark.parametrize("name", ["group//x", "group/../x", "/x", "", ".", "..", "x\0y"])
def test_a_name_is_a_path_of_plain_names(path: Path, name: str) -> None:
    build(
        path,
        lambda file: (file.create_dataset("x", data=1.0), file.create_dataset("group/x", data=1.0)),
    )
    with pytest.raises(DataError, match="is not there"):
        read(path, [name])
    assert read(path, ["group/x"])["group/x"] == 1


def test_a_link_on_the_way_is_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        file["group/x"] = 1.0
        file["other"] = h5py.SoftLink("/group")

    build(path, content)
    with pytest.raises(DataError, match="other/x is a link to elsewhere"):
        read(path, ["other/x"])


def test_a_group_is_refused(path: Path) -> None:
    assert "is no array" in refusal(build(path, lambda file: file.create_group("x")))


def test_a_named_type_is_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        file["x"] = np.dtype("f8")

    assert "is no array" in refusal(build(path, content))


def test_a_dataset_without_a_shape_is_refused(path: Path) -> None:
    assert "is no array" in refusal(build(path, lambda file: file.create_dataset("x", dtype="f8")))


@pytest.mark.parametrize("link", [h5py.SoftLink("/y"), h5py.ExternalLink("y.h5", "/y")])
def test_a_link_is_refused(path: Path, link: object) -> None:
    build(path.with_name("y.h5"), lambda file: file.create_dataset("y", data=1.0))

    def content(file: h5py.File) -> None:
        file["y"] = 1.0
        file["x"] = link

    assert "is a link to elsewhere" in refusal(build(path, content))


# Storage.


def test_external_storage_is_refused(path: Path) -> None:
    path.with_name("secret").write_bytes(b"secrets!")
    outside = [(str(path.with_name("secret")), 0, 8)]
    build(path, lambda file: file.create_dataset("x", (8,), "u1", external=outside))
    assert "is stored elsewhere" in refusal(path)


def test_a_virtual_dataset_is_refused(path: Path) -> None:
    layout = h5py.VirtualLayout((1,), "f8")
    layout[:] = h5py.VirtualSource(str(path.with_name("y.h5")), "y", (1,))
    build(path, lambda file: file.create_virtual_dataset("x", layout))
    assert "is stored elsewhere" in refusal(path)


@pytest.mark.parametrize(
    "options",
    [{"scaleoffset": 4}, {"scaleoffset": 4, "compression": "gzip"}],
    ids=", ".join,
)
def test_other_filters_are_refused(path: Path, options: dict[str, Any]) -> None:
    build(path, lambda file: file.create_dataset("x", data=np.arange(9), **options))
    assert "is stored through the HDF5 filters (" in refusal(path)


def test_a_filter_that_is_not_installed_is_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        storage = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        storage.set_chunk((4,))
        storage.set_filter(511, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, storage)

    assert "is stored through the HDF5 filters (511,)" in refusal(build(path, content))


def test_a_filter_twice_is_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        storage = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        storage.set_chunk((4,))
        storage.set_deflate(1)
        storage.set_deflate(1)
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, storage)

    assert "is stored through the HDF5 filters (1, 1)" in refusal(build(path, content))


@pytest.mark.parametrize("chunks", [None, (10,)])
def test_what_was_never_written_is_refused(path: Path, chunks: tuple[int] | None) -> None:
    build(path, lambda file: file.create_dataset("x", (20,), "f8", chunks=chunks))
    assert "expected data" in refusal(path) or "expected all of it" in refusal(path)


def test_a_chunk_that_was_never_written_is_refused(path: Path) -> None:
    def content(file: h5py.File) -> None:
        file.create_dataset("x", (20,), "f8", chunks=(10,))[:10] = 1.0

    assert "was written in part" in refusal(build(path, content))


# Budgets.


def terabyte(file: h5py.File) -> None:
    file.create_dataset("x", (2**37,), "f8", chunks=(2**10,))


def huge_chunk(file: h5py.File) -> None:
    file.create_dataset("x", (2,), "u1", chunks=(2**31,), maxshape=(None,))


@pytest.mark.parametrize(
    ("content", "found"), [(terabyte, "1,099,511,627,776"), (huge_chunk, "2,147,483,648")]
)
def test_what_declares_too_much_is_refused_in_no_space(
    path: Path, content: Build, found: str
) -> None:
    build(path, content)
    tracemalloc.start()
    sentence = refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"x takes {found} bytes; expected at most 1,073,741,824" in sentence
    assert peak < 2**20


def test_the_budget_holds_for_all_datasets_together(path: Path) -> None:
    build(
        path,
        lambda file: [file.create_dataset(name, (2**16,), "u1", chunks=(2**16,)) for name in "xy"],
    )
    with pytest.raises(DataError, match=r"takes 131,072 bytes; expected at most 100,000"):
        read(path, ["x", "y"], total=100_000)


def test_a_billion_chunks_are_refused_at_the_first_that_is_missing(path: Path) -> None:
    build(path, lambda file: file.create_dataset("x", (2**30,), "u1", chunks=(1,)))
    tracemalloc.start()
    assert "was written in part" in refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


# Chunks: HDF5 believes them.


def test_a_chunk_that_inflates_to_too_little_is_refused(path: Path) -> None:
    build(path, stored_chunk(zlib.compress(bytes(19)), compression="gzip"))
    assert "does not make the 20 bytes it declares" in refusal(path)


def test_a_chunk_that_inflates_to_too_much_is_refused_in_little_space(path: Path) -> None:
    def content(file: h5py.File) -> None:
        x = file.create_dataset("x", (2**14,), "u1", chunks=(2**14,), compression="gzip")
        x.id.write_direct_chunk((0,), zlib.compress(bytes(2**24)))

    build(path, content)
    tracemalloc.start()
    assert "does not make the 16,384 bytes it declares" in refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("length", [0, 19, 21, 64, 200])
def test_a_chunk_stored_in_another_length_is_refused(path: Path, length: int) -> None:
    content = bytearray(build(path, stored_chunk(bytes(20))).read_bytes())
    size_in_index = content.index(b"TREE\x01") + 24
    assert content[size_in_index] == 20
    content[size_in_index] = length
    path.write_bytes(content)
    assert "does not make the 20 bytes it declares" in refusal(path)


def test_a_chunk_stored_in_far_too_many_bytes_is_refused(path: Path) -> None:
    build(path, stored_chunk(zlib.compress(bytes(20)) + bytes(100), compression="gzip"))
    assert "does not make the 20 bytes it declares" in refusal(path)


def test_a_chunk_that_does_not_inflate_is_refused(path: Path) -> None:
    build(path, stored_chunk(b"not a stream", compression="gzip"))
    assert "is damaged (Error -3" in refusal(path)


def test_a_chunk_cut_short_is_refused(path: Path) -> None:
    build(path, stored_chunk(zlib.compress(bytes(range(20)))[:-2], compression="gzip"))
    assert "does not make the 20 bytes it declares" in refusal(path)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "gzip"},
        {"shuffle": True, "compression": 9},
        {"shuffle": True},
        {"fletcher32": True},
        {"shuffle": True, "compression": 9, "fletcher32": True},
        {"compression": "lzf"},
        {"shuffle": True, "compression": "lzf", "fletcher32": True},
        pytest.param(
            {"compression": "szip", "compression_opts": ("nn", 2)},
            marks=pytest.mark.skipif(
                not h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP), reason="this HDF5 has no szip"
            ),
        ),
    ],
    ids=str,
)
def test_chunks_of_every_kind_allowed_are_read(
    path: Path, options: dict[str, Any], libver: str
) -> None:
    x = np.random.default_rng(1).normal(size=(7, 5))
    build(
        path, lambda file: file.create_dataset("x", data=x, chunks=(3, 2), **options), libver=libver
    )
    assert np.array_equal(read(path, ["x"])["x"], x)


def test_a_chunk_that_was_left_uncompressed_is_read(path: Path) -> None:
    build(path, stored_chunk(bytes(range(20)), compression="gzip", mask=1))
    assert read(path, ["x"])["x"].tolist() == list(range(20))


# Types and numbers.


@pytest.mark.parametrize(
    "data",
    [
        np.array([(1, 2.0)], "i4, f8"),
        np.array([1j]),
        np.array([b"raw"], "V3"),
    ],
    ids=["compound", "complex", "opaque"],
)
def test_other_types_are_refused(path: Path, data: Any) -> None:
    build(path, lambda file: file.create_dataset("x", data=data))
    assert "expected integers, floats or fixed-length bytes" in refusal(path)


@pytest.mark.parametrize(
    "dtype", [h5py.ref_dtype, h5py.regionref_dtype, h5py.vlen_dtype("i4"), np.dtype("(2,)i4")]
)
def test_references_lists_and_arrays_of_arrays_are_refused(path: Path, dtype: Any) -> None:
    def content(file: h5py.File) -> None:
        space = h5py.h5s.create_simple((1,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.py_create(dtype, logical=True), space)

    assert "expected integers, floats or fixed-length bytes" in refusal(build(path, content))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(path: Path, number: float) -> None:
    build(path, lambda file: file.create_dataset("x", data=[[0.0, number]]))
    told = f"holds numbers that are not finite, the first, {number}, at index (0, 1); expected"
    assert told in refusal(path)


def test_arrays_are_read_only(path: Path) -> None:
    write(path, {"x": PICTURES, "text": b"a", "one": 1.0})
    assert not any(array.flags.writeable for array in read(path, ["x", "text", "one"]).values())


def test_numbers_are_read_in_this_machine_s_byte_order(path: Path) -> None:
    build(path, lambda file: file.create_dataset("x", data=np.array([1, 2], ">i8")))
    x = read(path, ["x"])["x"]
    assert x.dtype.isnative
    assert x.tolist() == [1, 2]


# Writing.

plain = st.sampled_from(["<i8", "<f8", "<f4", "<f2", "u1", "<u4", "S3"]).flatmap(
    lambda dtype: arrays.arrays(
        dtype,
        arrays.array_shapes(min_dims=0, min_side=0),
        elements={"allow_nan": False, "allow_infinity": False} if "f" in dtype else None,
    )
)


@given(array=plain)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, array: Any) -> None:
    path = tmp_path_factory.mktemp("written") / "x.h5"
    write(path, {"x": array})
    x = read(path, ["x"])["x"]
    assert (x.dtype, x.shape, x.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_a_text_is_read_as_it_was_written(path: Path) -> None:
    text = '{"name": "kött"}' * 10_000
    write(path, {"text": text.encode()})
    assert read(path, ["text"])["text"].item().decode() == text


def test_equal_arrays_make_equal_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for path in paths:
        write(path, {"x": PICTURES.copy(), "text": b"{}", "W1": np.ones((2, 3))})
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_no_time_is_kept_in_a_file(path: Path) -> None:
    before = int(time.time())
    write(path, {"x": PICTURES})
    stamps = range(before, int(time.time()) + 1)
    assert not any(stamp.to_bytes(4, "little") in path.read_bytes() for stamp in stamps)


def test_pictures_are_compressed(path: Path) -> None:
    write(path, {"x": np.zeros((100, 64, 64, 3), np.uint8)})
    assert path.stat().st_size < 20_000


def test_writing_leaves_the_caller_s_array_writeable(path: Path) -> None:
    x = np.zeros(3)
    write(path, {"x": x})
    assert x.flags.writeable


@pytest.fixture
def no_space() -> Callable[..., NoReturn]:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fail


@pytest.mark.parametrize(("module", "call"), [(os, "fsync"), (Path, "replace"), (Path, "open")])
def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(
    path: Path, module: Any, call: str, no_space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, {"x": np.zeros(3)})
    before = path.read_bytes()
    monkeypatch.setattr(module, call, no_space)
    with pytest.raises(DataError, match=r"x\.h5: cannot be written \(No space left on device\)"):
        write(path, {"x": np.ones(3)})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_of_two_files_neither_is_written_when_one_cannot_be(tmp_path: Path) -> None:
    paths = [tmp_path / "a.h5", tmp_path / "b.h5"]
    paths[1].mkdir()
    with pytest.raises(DataError, match=r"b\.h5: cannot be written \(is a folder\)"):
        write_all({path: {"x": np.zeros(3)} for path in paths})
    assert list(tmp_path.iterdir()) == [paths[1]]


@pytest.mark.parametrize("place", ["missing/x.h5", "file/x.h5", "n" * 300])
def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write(tmp_path / place, {"x": np.zeros(3)})
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("x", np.nan),
        ("x", "text"),
        ("x", [None]),
        ("x", [True]),
        ("x", 1j),
        ("a/b", 1.0),
        (".", 1.0),
    ],
)
def test_what_could_not_be_read_is_not_written(path: Path, name: str, array: Any) -> None:
    with pytest.raises(DataError, match="expected"):
        write(path, {name: array})
    assert not path.exists()


def test_more_than_the_budget_is_not_written(path: Path) -> None:
    with pytest.raises(DataError, match="x takes 2,147,483,648 bytes"):
        write(path, {"x": np.broadcast_to(np.float64(1), 2**28)})


# Chance.


def test_a_damaged_file_is_read_or_refused(path: Path) -> None:
    write(path, {"x": PICTURES, "y": np.arange(6)})
    for changed in damaged(path.read_bytes(), times=500):
        path.write_bytes(changed)
        with suppress(DataError):
            read(path, ["x", "y"])
