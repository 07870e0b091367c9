"""Saving to a real file system that is full: a small one, filled so that each byte is the last.

    python -m tests.benchmarks.full_disk [--step 4096] [--megabytes 5]

Mounts a tmpfs and, where there is a loop device for it, an ext4; keeps a run there, and saves
another over it, with less and less room: every `--step` bytes of it, from enough to none. Then with
no inode left, and on a disk that has become read-only. Each time the file must be the earlier run
with one sentence said or the new one with none, must load, and have no draft beside it. Exits with
1 if not; with 0 where mounting is refused, as it is to all but root.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from time import perf_counter

from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.datasets import load_data

KINDS = ("tmpfs", "ext4")


def ran(*command: object) -> None:
    """Run a command; raise `CalledProcessError` with what it said if it fails."""
    words = [*map(str, command)]
    try:
        subprocess.run(words, check=True, capture_output=True, text=True)
    except FileNotFoundError as missing:
        raise CalledProcessError(127, words, stderr=str(missing)) from None


@contextmanager
def mounted(kind: str, megabytes: int) -> Iterator[Path]:
    """Give the folder of a new file system of this kind and size."""
    with TemporaryDirectory() as made:
        folder, image = Path(made, "disk"), Path(made, "image")
        folder.mkdir()
        if kind == "tmpfs":
            ran("mount", "-t", kind, "-o", f"size={megabytes}m,nr_inodes=64", kind, folder)
        else:
            image.write_bytes(bytes(megabytes * 2**20))
            ran(f"mkfs.{kind}", "-q", "-N", 64, "-m", 0, image)
            ran("mount", "-o", "loop", image, folder)
        try:
            yield folder
        finally:
            ran("umount", folder)


def room_in(folder: Path) -> int:
    """Return how many bytes can be written there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


@contextmanager
def filled(folder: Path, room: int) -> Iterator[None]:
    """Leave so many bytes of room, or fewer, in the folder."""
    filler = folder / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while (excess := room_in(folder) - room) > 0:
                file.write(bytes(min(excess, 2**16)))
            os.fsync(file.fileno())
        yield
    finally:
        filler.unlink()


@contextmanager
def without_inodes(folder: Path) -> Iterator[None]:
    """Leave no inode in the folder."""
    fillers = [folder / f"filler{i}" for i in range(os.statvfs(folder).f_ffree)]
    with suppress(OSError):
        for filler in fillers:
            filler.touch()
    yield
    for filler in fillers:
        filler.unlink(missing_ok=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written to the file system of the folder."""
    ran("mount", "-o", "remount,ro", folder)
    yield
    ran("mount", "-o", "remount,rw", folder)


def laws_broken(path: Path, run: Run, earlier: bytes, new: bytes) -> tuple[str, list[str]]:
    """Save the run; return how that went, and which laws it broke."""
    try:
        save_run(path, run)
        went = "saved"
    except DataError as error:
        went = str(error).partition("(")[2].partition(")")[0]
    except OSError as error:
        return "raised", [f"{error!r} is no sentence"]
    broken = []
    if path.read_bytes() != (new if went == "saved" else earlier):
        broken.append("the file is neither the earlier nor the new one")
    if drafts := [*path.parent.glob(".*.partial")]:
        broken.append(f"{len(drafts)} drafts were left")
    try:
        load_run(path)
    except DataError as error:
        broken.append(f"{error}")
    return went, broken


def tried(kind: str, megabytes: int, step: int, runs: list[Run]) -> int:
    """Save on a new file system of this kind in all states of it; return how many broke a law."""
    found: Counter[str] = Counter()
    broken_in = 0
    with mounted(kind, megabytes) as folder:
        path = folder / "run.h5"
        files = []
        for run in runs:
            save_run(path, run)
            files.append(path.read_bytes())
        size = len(files[1])
        states = {f"{room:,} bytes of room": filled(folder, room)
                  for room in range(size + 2 * step, -1, -step)}  # fmt: skip
        others = {"no inode": without_inodes(folder), "read-only": read_only(folder)}
        for name, state in (states | others).items():
            path.write_bytes(files[0])
            with state:
                went, broken = laws_broken(path, runs[1], *files)
            found[went] += 1
            broken_in += bool(broken)
            for law in broken:
                print(f"{kind}, {name}: {law}")
        save_run(path, runs[1])
        broken_in += path.read_bytes() != files[1]
    told = ", ".join(f"{went} {number}" for went, number in found.items())
    print(f"{kind}: a file of {size:,} bytes, {found.total()} states: {told}", flush=True)
    return broken_in


def main() -> int:
    """Try each kind of file system; return whether a law is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=int, default=4096)
    parser.add_argument("--megabytes", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path("data/drawn"))
    asked, since, broken = parser.parse_args(), perf_counter(), 0
    data = load_data(asked.data)
    experiment = Experiment(seed=1, hidden=(8,), iterations=3, optimizer="nesterov")
    runs = [Run(fit(experiment._replace(seed=i), data.train), data.classes) for i in (1, 2)]
    for kind in KINDS:
        try:
            broken += tried(kind, asked.megabytes, asked.step, runs)
        except CalledProcessError as refused:
            print(f"{kind}: not tried ({' '.join(refused.stderr.split())})", flush=True)
    print(f"states that broke a law: {broken}; {perf_counter() - since:.0f} s")
    return int(broken > 0)


if __name__ == "__main__":
    raise SystemExit(main())
