"""Whether any damaged file is read as it was, or refused in one sentence.

    python -m tests.benchmarks.fuzz [--files 10000] [--seed 1] [--minutes M] [--data FOLDER]
        [--keep FOLDER] [--million]

Damages small files of every kind that catpipe reads, and those of a data set, in every way that
`tests.damage` has, and has child processes read them, two at a time, of which each shares one
process that reads HDF5 among its files, and replaces it where it ends. The laws: what is read is
what it was (but for data files, in which nothing tells), all else is refused with a `DataError` of
one line, in less than 10 s and with less than 512 MB more than the files as they were took, and no
two readers read one file differently. Prints what became of the files and exits with 1 where a law
is broken. `--keep` is where the files that broke one are kept; `--million` reads a data set beside
a million others instead, and prints the time and the memory that each reader takes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, NamedTuple

import tests.benchmarks  # noqa: F401 - which sets the threads
from catpipe.shell.storage.atomic import DataError
from catpipe.shell.storage.child import reader
from tests.victims import (
    READERS,
    RUNS,
    SEALED,
    Disagreement,
    crowd,
    make_case,
    make_victims,
    reader_of,
)

SECONDS = 10
BOUND = 2**29  # bytes
TOGETHER = 500  # files that one process reads
MB = 2**20

MILLION = {"data, as saved": ("load_data", "stored_pictures"), "run, dual": ("load_run",)}

SAME, REFUSED, ANOTHER = "as before", "refused", "another value"
ERROR, CRASH, HANG, MEMORY, TWICE = "other error", "crash", "hang", "memory", "read in two ways"
OUTCOMES = (SAME, REFUSED, ANOTHER, ERROR, CRASH, HANG, MEMORY, TWICE)


class Told(NamedTuple):
    """What became of a file: at first, before it is read, that its reader crashed."""

    number: int
    kind: str
    way: str
    outcome: str = CRASH
    words: str = ""
    grown: int = 0  # bytes that the process has taken so far, beyond what it began with
    seconds: float = 0.0


def work(folder: Path, seed: int, numbers: range) -> None:
    """Read the files of these numbers, each told of before and after: what a child process does."""
    paths = {path.parent.name: path for path in folder.glob("*/train_*.h5")}
    victims = {kind: path.read_bytes() for kind, path in sorted(paths.items())}
    right = {kind: reader_of(kind)(path) for kind, path in paths.items()}
    begun = peak()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + BOUND + 2**28,) * 2)
    for number in numbers:
        kind, way, content = make_case(victims, seed, number)
        paths[kind].write_bytes(content)
        tell(Told(number, kind, way))
        begins = monotonic()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)  # whose signal ends the process
        outcome, words = became(paths[kind], kind, right)
        signal.setitimer(signal.ITIMER_REAL, 0)
        seconds, grown = monotonic() - begins, peak() - begun
        if grown > BOUND:
            outcome = MEMORY
        tell(Told(number, kind, way, outcome, words[:500], grown, seconds))
        if outcome == MEMORY:
            return


def became(path: Path, kind: str, right: Mapping[str, Any]) -> tuple[str, str]:
    """Return what becomes of this file when it is read, and in which words."""
    try:
        value = reader_of(kind)(path)
    except DataError as error:
        return (REFUSED if is_sentence(str(error), path) else ERROR), str(error)
    except Disagreement as error:
        return TWICE, str(error)
    except BaseException as error:
        return ERROR, repr(error)
    return (SAME if value in right.values() else ANOTHER), ""


def is_sentence(words: str, path: Path) -> bool:
    """Return whether a refusal names the file or its folder, and is one line that can be read."""
    return words.startswith(str(path.parent)) and words.isprintable() and len(words) < 2000


def peak() -> int:
    """Return the highest resident memory of this process, and of that which reads HDF5 for it."""
    children = Path("/proc/thread-self/children").read_text().split()
    return sum(map(peak_of, ("self", *children)))


def peak_of(process: str) -> int:
    """Return the highest resident memory of a process, none where it is no more."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc", process, "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
    return 0


def tell(told: NamedTuple) -> None:
    """Print it at once, so that it is out before the process can crash."""
    os.write(1, json.dumps(told).encode() + b"\n")


def in_child(folder: Path, seed: int, deadline: float, numbers: range) -> Iterator[Told]:
    """Give what became of the files of these numbers, in as many processes as it takes."""
    while numbers and monotonic() < deadline:
        with TemporaryDirectory() as copy:
            shutil.copytree(folder, copy, dirs_exist_ok=True)
            command = [sys.executable, "-m", "tests.benchmarks.fuzz", "--work", copy]
            command += ["--seed", str(seed), "--from", str(numbers[0]), "--to", str(numbers[-1])]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = {fields[0]: Told(*fields) for fields in map(json.loads, done.stdout.splitlines())}
        if not told:
            raise RuntimeError(done.stderr)
        *others, last = told.values()
        if done.returncode:
            kind = HANG if done.returncode == -signal.SIGALRM else CRASH
            last = last._replace(outcome=kind, words=f"{done.returncode} {done.stderr[-300:]}")
        yield from (*others, last)
        numbers = range(last.number + 1, numbers.stop)


def fuzz(folder: Path, seed: int, files: int, seconds: float) -> Iterator[Told]:
    """Give what became of so many files, or of those that there is time for."""
    parts = [range(i, min(i + TOGETHER, files)) for i in range(0, files, TOGETHER)]
    through = partial(in_child, folder, seed, monotonic() + seconds)
    with ThreadPoolExecutor(2) as two:
        for told in two.map(lambda numbers: [*through(numbers)], parts):
            yield from told


def is_lawful(told: Told) -> bool:
    """Return whether this may become of a damaged file.

    What tells in a run file is its checksums: where they are made anew, nothing does.
    """
    another = told.outcome == ANOTHER and (told.kind not in RUNS or told.way == SEALED)
    return another or told.outcome in (SAME, REFUSED)


def show(all_told: Sequence[Told]) -> None:
    """Print how many files became what, by their kinds and by the ways to damage them."""
    for heading, by in (("kind of file", itemgetter(1)), ("damage", itemgetter(2))):
        print(f"{heading:28}{'files':>7}" + "".join(f"{outcome:>17}" for outcome in OUTCOMES))
        counts = Counter((by(told), told.outcome) for told in all_told)
        for name in sorted({by(told) for told in all_told}):
            found = [counts[name, outcome] for outcome in OUTCOMES]
            print(f"{name:28}{sum(found):7,}" + "".join(f"{count:17,}" for count in found))
        print()


def keep(folder: Path, told: Told, victims: Mapping[str, bytes], seed: int) -> None:
    """Keep the file, and what became of it."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{seed}-{told.number}.h5"
    place.write_bytes(make_case(victims, seed, told.number).content)
    place.with_suffix(".json").write_text(json.dumps(told._asdict(), indent=1))


def read_million(others: int) -> None:
    """Print the seconds and the memory that each reader takes where so much else is in the file."""
    with TemporaryDirectory() as folder:
        paths = make_victims(Path(folder))
        for kind, readers in MILLION.items():
            begins = monotonic()
            crowd(paths[kind], others)
            size, seconds = paths[kind].stat().st_size / MB, monotonic() - begins
            print(f"{kind}, beside {others:,} others: {size:,.0f} MB, made in {seconds:.0f} s")
            for name in readers:
                command = [sys.executable, "-m", "tests.benchmarks.fuzz", "--reader", name]
                command += ["--work", str(paths[kind])]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                print(f"  {name:17}{done.stdout}", end="", flush=True)


def read_once(name: str, path: Path) -> None:
    """Print the seconds and the memory that a reader takes: what a child process does."""
    before, begins = peak(), monotonic()
    READERS[name](path)
    print(f"{monotonic() - begins:6.2f} s and {(peak() - before) / MB:7,.0f} MB")


def main() -> int:
    """Damage, read, count; return 1 where a law is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--data", type=Path, help="the folder of a data set, to damage it as well")
    parser.add_argument("--keep", type=Path, help="where to keep the files that broke a law")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--from", type=int, dest="begin", help=argparse.SUPPRESS)
    parser.add_argument("--to", type=int, dest="end", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.million:
        read_million(10**6)
        return 0
    if asked.reader:
        with reader():
            read_once(asked.reader, asked.work)
        return 0
    if asked.work:
        with reader():
            work(asked.work, asked.seed, range(asked.begin, asked.end + 1))
        return 0
    begins = monotonic()
    with TemporaryDirectory() as folder:
        paths = make_victims(Path(folder), asked.data)
        victims = {kind: path.read_bytes() for kind, path in sorted(paths.items())}
        all_told = [*fuzz(Path(folder), asked.seed, asked.files, 60 * asked.minutes)]
    broken = [told for told in all_told if not is_lawful(told)]
    show(all_told)
    for told in broken[:20]:
        print("BROKEN", *told, sep="  ")
    for told in broken if asked.keep else []:
        keep(asked.keep, told, victims, asked.seed)
    most, longest = max(told.grown for told in all_told), max(told.seconds for told in all_told)
    print(
        f"{len(all_told):,} files, {len(broken)} broke a law; at most {most / MB:.0f} MB more and "
        f"{longest:.1f} s a file; {monotonic() - begins:.0f} s in all"
    )
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
