"""A run that carries on from where it is: to its end, or to more iterations than were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from toolz import identity

from catpipe.data.examples import Pictures
from catpipe.experiments.ensembles import Map, solve_seeds, starts
from catpipe.experiments.experiment import checked
from catpipe.experiments.fitting import Watch, solve
from catpipe.experiments.result import Result, is_last, reached_of
from catpipe.experiments.setup import Problem, problem_in, start
from catpipe.nn.network import layer_sizes
from catpipe.nn.parameters import Array, Parameters
from catpipe.training.stopping import Checkpoint


def resume(
    result: Result,
    pictures: Pictures,
    watch: Watch = identity,
    validation: Pictures | None = None,
    iterations: int | None = None,
    map_: Map = map,
) -> Result:
    """Return what the run comes to when it carries on, on the same pictures.

    Law: a run that stops at any iteration and is resumed equals one that never stopped, to the bit
    (on the same processor, libraries and threads). One that is asked for more stays in the space
    where it began. Raises `ValueError` where a run cannot carry on, and as `fit` does.

    >>> short, long = (fit(Experiment(seed=1, hidden=(), iterations=n), pictures) for n in (7, 9))
    >>> resume(short, pictures, iterations=9) == long
    True
    """
    longer = extended(result, iterations)
    reached = reached_of(longer)
    if is_last(longer.experiment, reached.end, reached.kept):
        return longer
    posed, begun = reposed(longer, pictures, validation)
    check_same(longer, posed, begun)
    if longer.seeds:
        return solve_seeds(posed, longer.seeds, map_, watch, reached.kept)
    return solve(posed, begun, watch, reached.kept)


def replay(
    result: Result,
    pictures: Pictures,
    watch: Watch = identity,
    validation: Pictures | None = None,
    map_: Map = map,
) -> Result:
    """Return what comes of the run's experiment once more, trained as far as the run is.

    Law: it is the run, to the bit, on the same pictures, processor, libraries and threads. Raises
    `ValueError` for other pictures, and as `fit` does.

    >>> run = fit(Experiment(seed=1, hidden=(), iterations=7), pictures)
    >>> replay(run, pictures) == run
    True
    """
    return retrained(result, *reposed(result, pictures, validation), watch, map_)


def retrained(
    result: Result,
    posed: Problem,
    begun: Parameters,
    watch: Watch = identity,
    map_: Map = map,
) -> Result:
    """Return what comes of the run's problem and start once more: `replay`, where they are made.

    Raises as `replay` does.
    """
    at = reached_of(result).kept.state.iteration

    def until_there(keeps: Iterator[Checkpoint]) -> Iterator[Checkpoint]:
        return watch(islice(keeps, at + 1))

    if result.seeds:
        return solve_seeds(posed, result.seeds, map_, until_there)
    return solve(posed, begun, until_there)


def extended(result: Result, iterations: int | None) -> Result:
    """Return the run as one that was asked for so many iterations, or as it is.

    Raises `ValueError` for fewer than there were, and where what was done depends on how many.
    """
    asked, reached = result.experiment, reached_of(result)
    done = reached.kept.state.iteration
    if iterations is None or iterations == reached.end:
        return result
    if iterations <= done:
        raise ValueError(
            f"iterations is {iterations} of a run that is at {done}; expected more: name a number "
            "beyond, or none"
        )
    if asked.schedule == ("cosine",):
        raise ValueError(
            f"iterations is {iterations} of a run whose rate falls along a cosine to 0 at "
            f"{reached.end}; expected {reached.end}: begin another run, whose cosine is as long as "
            "it should be"
        )
    longer = checked(asked._replace(iterations=iterations, epochs=None))
    return result._replace(experiment=longer, reached=reached._replace(end=iterations))


def reposed(
    result: Result, pictures: Pictures, validation: Pictures | None = None
) -> tuple[Problem, Parameters]:
    """Return the problem that the run solves, in the space where it does, and the run's start.

    Raises `ValueError` for pictures of another size or number, and as `problem` does.
    """
    reached = reached_of(result)
    own = len(validation.labels) if validation else 0
    found = pictures.images[0].size, len(pictures.labels), own
    if found != (expected := (layer_sizes(result.network)[0], reached.examples, reached.own)):
        raise ValueError(
            f"{_told(*found)}; expected {_told(*expected)}, as the run was trained on: take those"
        )
    kind = reached.space
    posed = problem_in(kind, result.space, result.experiment, pictures, validation)
    seeds = result.seeds
    return posed, starts(posed, seeds) if seeds else start(posed, result.experiment.seed)


def _told(features: int, examples: int, own: int) -> str:
    return f"{examples} pictures of {features} numbers, and {own} to validate on"


def check_same(result: Result, posed: Problem, begun: Parameters) -> None:
    """Raise `ValueError` for other pictures, and where the space does not lead to what was learned.

    So it is where another library draws another start, or finds another basis of columns that
    depend on each other.
    """
    reached = reached_of(result)
    if posed.pictures != reached.pictures:
        raise ValueError(
            f"pictures or labels with SHA-256 {posed.pictures[:8]}...; expected those it was "
            f"trained on, with {reached.pictures[:8]}...: take them"
        )
    kept = reached.kept
    here = next(s for s in (kept.best, kept.state) if s.iteration == result.iteration)
    left = posed.space.leave(result.network, begun, here.parameters)
    if not all(_is_near(left[name], W) for name, W in result.parameters.items()):
        raise ValueError(
            "the start or the subspace of the run is another here; expected the libraries and the "
            "processor that it was trained with: carry on there, or train again"
        )


def _is_near(left: Array, W: Array) -> bool:
    """Return whether the arrays differ by no more than rounding, which many steps may enlarge."""
    return bool(np.abs(left - W).max() <= np.cbrt(np.finfo(W.dtype).eps) * np.abs(W).max())
