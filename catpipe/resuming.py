"""A run that carries on from where it is: to its end, or to more iterations than were asked for."""

from __future__ import annotations

import numpy as np
from toolz import identity

from catpipe.experiments import Experiment
from catpipe.fitting import Watch, solve
from catpipe.parameters import Array, Parameters
from catpipe.problems import Problem, iterations_of, problem_in, start
from catpipe.results import Reached, Result, is_over
from catpipe.stacks import Map, solve_seeds, starts
from catpipe.transforms import Pictures


def resume(
    result: Result,
    pictures: Pictures,
    watch: Watch = identity,
    validation: Pictures | None = None,
    iterations: int | None = None,
    mapper: Map = map,
) -> Result:
    """Return what the run comes to when it carries on, on the same pictures.

    Law: a run that stops at any iteration and is resumed equals one that never stopped, to the bit
    (on the same processor, libraries and threads). Raises `ValueError` where a run cannot carry on,
    and as `fit` does.

    >>> from catpipe.fitting import fit
    >>> images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    >>> pictures = Pictures(images, np.array([0, 1]))
    >>> short, long = (fit(Experiment(seed=1, hidden=(), iterations=n), pictures) for n in (7, 9))
    >>> resume(short, pictures, iterations=9) == long
    True
    """
    if result.reached is None:
        raise ValueError("networks that were trained one by one; expected one run: train it again")
    asked = asked_again(result, result.reached, iterations)
    posed = problem_in(result.reached.space, result.space, asked, pictures, validation)
    reached = result.reached._replace(end=iterations_of(posed))
    if is_over(asked, reached):
        return result._replace(experiment=asked, reached=reached)
    seeds = result.seeds
    begun = starts(posed, seeds) if seeds else start(posed, asked.seed)
    _check_place(posed, begun, result, reached)
    if seeds:
        return solve_seeds(posed, seeds, mapper, watch, reached.kept)
    return solve(posed, begun, watch, reached.kept)


def asked_again(result: Result, reached: Reached, iterations: int | None) -> Experiment:
    """Return the experiment that is asked when a run carries on to so many iterations.

    Raises `ValueError` for fewer than there were, and where what was done depends on how many.
    """
    asked, done = result.experiment, reached.kept.state.iteration
    if iterations is None or iterations == reached.end:
        return asked
    if iterations <= done:
        raise ValueError(f"iterations is {iterations} of a run that is at {done}; expected more")
    if asked.schedule == ("cosine",):
        raise ValueError(
            f"iterations is {iterations} of a run whose rate goes along a cosine to 0 at "
            f"{reached.end}; expected those: begin another run, with the cosine's own length"
        )
    return asked._replace(iterations=iterations, epochs=None)


def _check_place(posed: Problem, begun: Parameters, result: Result, reached: Reached) -> None:
    """Refuse to carry on where the way out of the space does not lead to what was learned.

    So it is where another library draws another start, or finds another basis of columns that
    depend on each other.
    """
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
