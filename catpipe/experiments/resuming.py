"""A run carries on from its checkpoint, to its end or beyond, or is trained again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from toolz import identity

from catpipe.data.examples import Examples
from catpipe.experiments.contexts import Context, no_context, prepared_and_trained
from catpipe.experiments.ensembles import Map, run_seeds, with_seeds
from catpipe.experiments.experiment import checked
from catpipe.experiments.fitting import Watch, run
from catpipe.experiments.result import Result, checkpoint_of
from catpipe.experiments.setup import Setup, prepare, weights_fingerprint
from catpipe.nn.parameters import Array
from catpipe.training.loop import State
from catpipe.training.stopping import Checkpoint


def resume(
    result: Result,
    examples: Examples,
    watch: Watch = identity,
    validation: Examples | None = None,
    iterations: int | None = None,
    map_: Map = map,
    *,
    context: Context = no_context,
) -> Result:
    """Return the result of the run when it carries on, on the same examples.

    Law: a run that stops at any iteration and is resumed equals one that never stopped, to the bit
    (on the same processor and libraries). One of more iterations stays in the space where it began.
    Raises `ValueError` where a run cannot carry on, and as `fit` does.

    >>> short, long = (fit(Experiment(seed=1, hidden=(), iterations=n), pictures) for n in (7, 9))
    >>> resume(short, pictures, iterations=9) == long
    True
    """
    longer = extended(result, iterations)
    if longer.is_finished:
        return longer
    return prepared_and_trained(
        context,
        lambda: prepare_again(longer, examples, validation),
        lambda setup: carry_on(longer, setup, watch, map_),
    )


def replay(
    result: Result,
    examples: Examples,
    watch: Watch = identity,
    validation: Examples | None = None,
    map_: Map = map,
    *,
    context: Context = no_context,
) -> Result:
    """Return the result of training the run's experiment again, as far as the run is.

    Law: it is the run, to the bit, on the same examples, processor and libraries. Raises
    `ValueError` for examples of another shape or number, and as `fit` does.

    >>> first = fit(Experiment(seed=1, hidden=(), iterations=7), pictures)
    >>> replay(first, pictures) == first
    True
    """
    return prepared_and_trained(
        context,
        lambda: prepare_again(result, examples, validation),
        lambda setup: run_again(result, setup, watch, map_),
    )


def prepare_again(result: Result, examples: Examples, validation: Examples | None = None) -> Setup:
    """Return the setup of the run, in the space where it is trained.

    Raises `ValueError` for examples of another shape or number, and as `prepare` does.
    """
    checkpoint_of(result)
    own = 0 if validation is None else len(validation.targets)
    found = examples.inputs.shape[1:], len(examples.targets), own
    expected = result.input_shape, result.training_examples, result.validation_examples
    if found != expected:
        raise ValueError(
            f"{_counted(*found)}; expected {_counted(*expected)}, as the run was trained on: "
            "take those"
        )
    setup = prepare(
        result.experiment,
        examples,
        validation,
        network=result.network,
        optimizer=result.optimizer,
        space=(result.space, result.space_description),
    )
    return with_seeds(setup, result.seeds) if result.seeds else setup


def carry_on(result: Result, setup: Setup, watch: Watch = identity, map_: Map = map) -> Result:
    """Return the result of the run when it carries on with this setup of it: `resume`, prepared.

    Raises `ValueError` for other examples, and as `resume` does.
    """
    check_same(result, setup)
    return _run(setup, watch, map_, checkpoint_of(result))


def run_again(result: Result, setup: Setup, watch: Watch = identity, map_: Map = map) -> Result:
    """Return the result of training with this setup of the run: `replay`, prepared."""
    done = result.iterations_done

    def until_there(checkpoints: Iterator[Checkpoint]) -> Iterator[Checkpoint]:
        return watch(islice(checkpoints, done + 1))

    return _run(setup, until_there, map_)


def extended(result: Result, iterations: int | None) -> Result:
    """Return the run with so many planned iterations, or as it is.

    Raises `ValueError` for fewer than it has, and where its past depends on how many there are.
    """
    experiment, done = result.experiment, result.iterations_done
    if iterations is None or iterations == result.planned_iterations:
        return result
    if iterations <= done:
        raise ValueError(
            f"iterations is {iterations} of a run that is at {done}; expected more: name a number "
            "beyond, or none"
        )
    if experiment.schedule == ("cosine",):
        end = result.planned_iterations
        raise ValueError(
            f"iterations is {iterations} of a run whose rate falls along a cosine to 0 at {end}; "
            f"expected {end}: begin another run, whose cosine is as long as it should be"
        )
    longer = checked(experiment._replace(iterations=iterations, epochs=None))
    return result._replace(experiment=longer, planned_iterations=iterations)


def check_same(result: Result, setup: Setup) -> None:
    """Raise `ValueError` for other examples, and where the space does not lead to the parameters.

    So it is where another library draws other initial parameters, or finds another basis of
    examples that depend on each other.
    """
    if weights_fingerprint(setup.example_weights) != result.weights:
        raise ValueError(
            "examples with other weights than the run was trained on; expected those: take them"
        )
    if setup.fingerprint != result.fingerprint:
        raise ValueError(
            f"examples with SHA-256 {setup.fingerprint[:8]}...; expected those it was trained on, "
            f"with {result.fingerprint[:8]}...: take them"
        )
    checkpoint = checkpoint_of(result)
    states: tuple[State, ...] = (checkpoint.chosen, checkpoint.state)
    here = next(state for state in states if state.iteration == result.iteration)
    lifted = setup.space.lift(setup.network, setup.initial_parameters, here.parameters)
    if not all(_is_near(lifted[name], W) for name, W in result.parameters.items()):
        raise ValueError(
            "the initial parameters or the subspace of the run are others here; expected the "
            "libraries and the processor that it was trained with: carry on there, or train again"
        )


def _run(setup: Setup, watch: Watch, map_: Map, checkpoint: Checkpoint | None = None) -> Result:
    if setup.seeds:
        return run_seeds(setup, setup.seeds, map_, watch, checkpoint)
    return run(setup, watch, checkpoint)


def _is_near(lifted: Array, W: Array) -> bool:
    """Return whether the arrays differ by no more than rounding, which many steps may enlarge."""
    return bool(np.abs(lifted - W).max() <= np.cbrt(np.finfo(W.dtype).eps) * np.abs(W).max())


def _counted(shape: tuple[int, ...], examples: int, validation: int) -> str:
    size = " x ".join(map(str, shape))
    return f"{examples} examples of {size} numbers, and {validation} to validate on"
