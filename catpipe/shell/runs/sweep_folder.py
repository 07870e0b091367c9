"""The folder of a sweep: each trial's run is saved there as it ends, and is not trained again.

A file's name is the SHA-256 of what it holds: the trial and its examples. So whoever starts a sweep
again, with more or fewer experiments, finds what there is already; a kill loses what was under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from toolz import identity

from catpipe.data.examples import DataSet, Examples, fingerprint
from catpipe.experiments.ensembles import Map
from catpipe.experiments.experiment import Experiment, non_defaults, plain_fields
from catpipe.experiments.fitting import Watch
from catpipe.experiments.setup import weights_fingerprint
from catpipe.experiments.sweeps import Trial, run_trial
from catpipe.shell.runs.environment import environment
from catpipe.shell.runs.provenance import Source
from catpipe.shell.runs.run_file import Run, load_run, save_run
from catpipe.shell.runs.typed_json import written
from catpipe.shell.storage.atomic import DataError, StrPath
from catpipe.training.loop import Diverged

DIGITS = 16  # of a file's name


class Failed(NamedTuple):
    """A trial whose training came to no result, and why; nothing of it is saved."""

    experiment: Mapping[str, Any]
    seeds: tuple[int, ...]
    reason: str

    def __str__(self) -> str:
        rest = ", ".join(f"{k} {v}" for k, v in self.experiment.items() if k != "seed")
        seeds = ", ".join(map(str, self.seeds))
        name = f"seed{'s' * (len(self.seeds) > 1)} {seeds}{rest and f', {rest}'}"
        return f"the run of {name}: {self.reason}; or leave it out of the grid"


class SweepFolder(NamedTuple):
    """Where a sweep saves its runs, the data that it trains on, and what names these."""

    folder: Path
    data: DataSet
    validation: Examples | None
    source: Source | None
    fingerprints: tuple[str, ...]

    def path(self, trial: Trial) -> Path:
        """Return the file of this trial."""
        text = written((trial, self.fingerprints))
        return self.folder / f"{sha256(text).hexdigest()[:DIGITS]}.h5"

    def make(self) -> None:
        """Make the folder where it is not there; raise `DataError` where it cannot be made."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"{self.folder}: cannot be made ({error.strerror}); expected a folder: name another"
            ) from error


def folder_for(
    folder: StrPath,
    data: DataSet,
    validation: Examples | None = None,
    source: Source | None = None,
) -> SweepFolder:
    """Return the folder of a sweep on the training examples of these data, which is not made."""
    parts = [data.train, *([validation] if validation else [])]
    weights = (weights_fingerprint(part.weights) or "" for part in parts)
    return SweepFolder(Path(folder), data, validation, source, (*map(fingerprint, parts), *weights))


def saved_trials(place: SweepFolder, trials: Iterable[Trial]) -> Iterator[tuple[Trial, Run | None]]:
    """Give each trial with its run, or with none where it is still to be trained.

    Raises `DataError` for a file of that name which cannot be loaded.
    """
    for trial in trials:
        path = place.path(trial)
        yield trial, load_run(path) if path.is_file() else None


def train_trials(
    place: SweepFolder, trials: Iterable[Trial], map_: Map = map, watch: Watch = identity
) -> Iterator[Run | Failed]:
    """Give the run of each trial, trained and saved in whatever process `map_` calls.

    A trial that cannot be trained, because it diverges say, is `Failed`; the others go on. Raises
    `DataError` where a run cannot be saved.
    """
    return map_(partial(_train_and_save, place, watch), trials)


def runs_in(folder: StrPath) -> dict[Path, Run]:
    """Return the runs in a folder, by their files; raise `DataError` for a folder of none.

    >>> runs_in("nowhere")
    Traceback (most recent call last):
    catpipe.DataError: nowhere: is not a folder; expected that of `catpipe sweep --out`: check the \
name
    """
    if not Path(folder).is_dir():
        raise DataError(
            f"{folder}: is not a folder; expected that of `catpipe sweep --out`: check the name"
        )
    paths = sorted(Path(folder).glob("*.h5"))
    if not paths:
        raise DataError(f"{folder}: holds no runs; expected the folder of `catpipe sweep --out`")
    return {path: load_run(path) for path in paths}


def _told(experiment: Experiment) -> dict[str, Any]:
    """Return the fields that are not the default, as a file holds them."""
    plain = plain_fields(experiment)
    return {name: plain[name] for name in ("seed", *non_defaults(experiment))}


def _train_and_save(place: SweepFolder, watch: Watch, trial: Trial) -> Run | Failed:
    try:
        result = run_trial(place.data.train, place.validation, trial, watch)
    except (Diverged, ValueError) as error:
        seeds = trial.seeds or (trial.experiment.seed,)
        return Failed(_told(trial.experiment), seeds, str(error))
    made_with = environment(compiled=result.experiment.compiled)
    run = Run(result, place.data.classes, place.source, ((0, made_with),))
    save_run(place.path(trial), run)
    return run
