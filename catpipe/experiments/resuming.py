"""A run carries on from its checkpoint, to its end or beyond, or is trained again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from reprlib import repr as brief
from typing import Any, TypedDict, Unpack

import numpy as np
from toolz import identity

from catpipe.data.conversion import ExamplesLike, examples_from
from catpipe.experiments.contexts import Context, no_context, prepared_and_trained
from catpipe.experiments.ensembles import Map, run_seeds, with_seeds
from catpipe.experiments.experiment import COUNT, Experiment, checked
from catpipe.experiments.fitting import Watch, run
from catpipe.experiments.result import Result, checkpoint_of
from catpipe.experiments.setup import Setup, optimizer_for, prepare, weights_fingerprint
from catpipe.nn.arrays import Array
from catpipe.training.loop import State
from catpipe.training.stopping import Checkpoint

WHOLE_COSINE = ("cosine",)  # as long as the run


class Changes(TypedDict, total=False):
    """The fields that may change for the rest of a run, beside its number of iterations."""

    learning_rate: float
    schedule: tuple[Any, ...]
    momentum: float
    l2: float
    weight_decay: float
    early_stopping: int


CHANGEABLE = ("iterations", *Changes.__annotations__)


def resume(
    result: Result,
    examples: ExamplesLike,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
    iterations: int | None = None,
    map_: Map = map,
    *,
    context: Context = no_context,
    **changes: Unpack[Changes],
) -> Result:
    """Return the result of the run when it carries on, on the same examples.

    More iterations and other changes hold for the rest of the run; the result has what held
    before, and `replay` follows it. Law: a run that stops at any iteration and is resumed equals
    one that never stopped, to the bit (on the same processor and libraries). One of more
    iterations stays in the space where it began. Raises `ValueError` where a run cannot carry on,
    and as `fit` does.

    >>> short, long = (fit(Experiment(seed=1, hidden=(), iterations=n), pictures) for n in (7, 9))
    >>> resume(short, pictures, iterations=9) == long
    True
    >>> slower = resume(short, pictures, iterations=9, learning_rate=0.001)
    >>> slower.earlier == ((7, short.experiment),)
    True
    """
    longer = with_changes(result, {**changes, "iterations": iterations})
    if longer.is_finished:
        return longer
    return prepared_and_trained(
        context,
        lambda: prepare_again(longer, examples, validation),
        lambda setup: carry_on(longer, setup, watch, map_),
    )


def replay(
    result: Result,
    examples: ExamplesLike,
    watch: Watch = identity,
    validation: ExamplesLike | None = None,
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


def prepare_again(
    result: Result, examples: ExamplesLike, validation: ExamplesLike | None = None
) -> Setup:
    """Return the setup of the run, in the space where it is trained.

    Raises `ValueError` for examples of another shape or number, and as `prepare` does.
    """
    checkpoint_of(result)
    given = examples_from(examples)
    held_out = None if validation is None else examples_from(validation, "validation ")
    count = 0 if held_out is None else len(held_out.inputs)
    found = given.inputs.shape[1:], len(given.inputs), count
    expected = result.input_shape, result.training_examples, result.validation_examples
    if found != expected:
        raise ValueError(
            f"{_counted(*found)}; expected {_counted(*expected)}, as the run was trained on: "
            "give the same examples"
        )
    setup = prepare(
        result.experiment,
        given,
        held_out,
        network=result.network,
        optimizer=result.optimizer,
        space=(result.space, result.space_description),
    )
    setup = setup._replace(earlier=result.earlier)
    return with_seeds(setup, result.seeds) if result.seeds else setup


def carry_on(result: Result, setup: Setup, watch: Watch = identity, map_: Map = map) -> Result:
    """Return the result of the run when it carries on with this setup of it: `resume`, prepared.

    Raises `ValueError` for other examples, and as `resume` does.
    """
    check_same(result, setup)
    return _run(setup, watch, map_, checkpoint_of(result))


def run_again(result: Result, setup: Setup, watch: Watch = identity, map_: Map = map) -> Result:
    """Return the result of training with this setup of the run: `replay`, prepared."""
    done = checkpoint_of(result).state.iteration
    spans = (*result.earlier, (done, result.experiment))

    def trained(before: Result | None, span: tuple[int, Experiment]) -> Result:
        until, experiment = span

        def until_there(checkpoints: Iterator[Checkpoint]) -> Iterator[Checkpoint]:
            return watch(_until(until, checkpoints))

        checkpoint = checkpoint_of(before) if before else None
        return _run(with_experiment(setup, experiment), until_there, map_, checkpoint)

    first, *others = spans
    return reduce(trained, others, trained(None, first))


def _until(iteration: int, checkpoints: Iterable[Checkpoint]) -> Iterator[Checkpoint]:
    """Hand on the checkpoints up to that of this iteration."""
    for checkpoint in checkpoints:
        yield checkpoint
        if checkpoint.state.iteration >= iteration:
            return


def with_experiment(setup: Setup, experiment: Experiment) -> Setup:
    """Return the setup with another of the run's experiments, which differ in `CHANGEABLE`.

    >>> setup = prepare(Experiment(seed=1), pictures)
    >>> with_experiment(setup, Experiment(seed=1, iterations=7)).plan.iterations
    7
    """
    epochs, in_epoch = experiment.epochs, setup.plan.batches_in_epoch
    iterations = epochs * in_epoch if epochs else experiment.iterations
    given = setup.own.optimizer
    return setup._replace(
        experiment=experiment,
        optimizer=optimizer_for(experiment, iterations) if given is None else given,
        plan=setup.plan._replace(iterations=iterations),
    )


def with_changes(
    result: Result, changes: Mapping[str, Any], named: Callable[[str], str] = str
) -> Result:
    """Return the run with these fields of its experiment from here on; `None` changes nothing.

    `named(field)` is what an error calls a field. Raises `ValueError` for fields and values that
    the rest of a run cannot have, and where no iteration is left that they would change.

    >>> short = fit(Experiment(seed=1, hidden=(), iterations=7), pictures)
    >>> with_changes(short, {"iterations": 9, "l2": 0.5}).earlier == ((7, short.experiment),)
    True
    """
    done = checkpoint_of(result).state.iteration
    before, planned = result.experiment, result.planned_iterations
    given = {name: value for name, value in changes.items() if value is not None}
    _check_changes(result, given, named)
    others = {name: value for name, value in given.items() if name != "iterations"}
    end = given.get("iterations", planned)
    length = {} if end == planned else {"iterations": end, "epochs": None}
    after = checked(before._replace(**others, **length), named)
    if after == before:
        return result
    changed = result._replace(
        experiment=after, planned_iterations=end, earlier=_earlier(result, after)
    )
    if others and changed.is_finished:
        raise ValueError(
            f"{named(min(others))} is changed in a run that is finished at iteration {done}; "
            f"expected iterations left to train: give {named('iterations')} too"
        )
    return changed


def _earlier(result: Result, after: Experiment) -> tuple[tuple[int, Experiment], ...]:
    """Return the experiments that held before this one; one that made no step is left out."""
    spans = (*result.earlier, (result.iterations_done, result.experiment))
    begins = (0, *(until for until, _ in spans))
    held = [span for begin, span in zip(begins, spans, strict=False) if span[0] > begin]
    is_same = held and _is_same_but_for_length(held[-1][1], after)
    return tuple(held[:-1] if is_same else held)


def _is_same_but_for_length(one: Experiment, other: Experiment) -> bool:
    lengths = {one.iterations, other.iterations} if one.schedule == WHOLE_COSINE else ()
    return len(lengths) < 2 and one == other._replace(iterations=one.iterations, epochs=one.epochs)


def _check_changes(result: Result, changes: Mapping[str, Any], named: Callable[[str], str]) -> None:
    if unknown := changes.keys() - CHANGEABLE:
        raise ValueError(
            f"{min(unknown)} is changed in a run that has begun; expected one of "
            f"{', '.join(CHANGEABLE)}: begin another run"
        )
    _check_iterations(result, changes, named)
    if "early_stopping" in changes and result.experiment.early_stopping is None:
        raise ValueError(
            f"{named('early_stopping')} is changed in a run without early stopping; expected a run "
            "that began with it: leave it out"
        )
    of_optimizer = sorted(changes.keys() - {"iterations", "early_stopping"})
    if result.optimizer is not None and of_optimizer:
        raise ValueError(
            f"{named(of_optimizer[0])} is changed in a run of an optimizer of your own; expected "
            "an experiment that describes it: begin another run"
        )


def _check_iterations(
    result: Result, changes: Mapping[str, Any], named: Callable[[str], str]
) -> None:
    done, end = result.iterations_done, result.planned_iterations
    iterations = changes.get("iterations", end)
    if not COUNT.allowed(iterations):
        raise ValueError(f"{named('iterations')} is {brief(iterations)}; expected {COUNT.expected}")
    if iterations != end and iterations <= done:
        raise ValueError(
            f"{named('iterations')} is {iterations} of a run that is at {done}; expected "
            "more: give a larger number, or none"
        )
    falls_to_its_end = result.experiment.schedule == WHOLE_COSINE and "schedule" not in changes
    if falls_to_its_end and iterations != end:
        raise ValueError(
            f"{named('iterations')} is {iterations} of a run whose learning rate falls along a "
            f"cosine to 0 at {end}; expected {end}: give another {named('schedule')} too, or begin "
            "another run"
        )


def check_same(result: Result, setup: Setup) -> None:
    """Raise `ValueError` for other examples, and where the space does not lead to the parameters.

    So it is where another library draws other initial parameters, or finds another basis of
    examples that depend on each other.
    """
    if weights_fingerprint(setup.example_weights) != result.weights:
        raise ValueError(
            "examples with other weights than the run was trained on; expected the same weights"
        )
    if setup.fingerprint != result.fingerprint:
        raise ValueError(
            f"examples with SHA-256 {setup.fingerprint[:8]}...; expected those that the run "
            f"was trained on, with {result.fingerprint[:8]}...: use the same examples"
        )
    if setup.fitted != result.fitted:
        raise ValueError(
            "the transforms of the run learn something else here; expected the libraries and the "
            "processor that it was trained with: carry on there, or train again"
        )
    checkpoint = checkpoint_of(result)
    states: tuple[State, ...] = (checkpoint.chosen, checkpoint.state)
    here = next(state for state in states if state.iteration == result.iteration)
    lifted = setup.space.lift(setup.network, setup.initial_parameters, here.parameters)
    if not all(_is_near(lifted[name], W) for name, W in result.parameters.items()):
        raise ValueError(
            "the initial parameters or the subspace of the run are different here; expected the "
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
