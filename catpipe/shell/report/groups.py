"""Runs side by side: a row of each, and of those together that differ in their seeds alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from toolz import groupby

from catpipe.experiments.experiment import Experiment, plain_fields
from catpipe.experiments.result import seeds_of
from catpipe.nn.arrays import Array
from catpipe.shell.report.scores import Predicted, score_name, score_of_each, scores_in_words
from catpipe.shell.report.subject import Subject, field_word, value_text

Row = dict[str, str]


def groups_of(subjects: Iterable[Subject]) -> list[list[Subject]]:
    """Return those together that differ in their seeds alone, in the order in which they appear.

    >>> ran = [fit(Experiment(seed, (), l2=l2), pictures) for seed, l2 in ((1, 0), (1, 1), (2, 0))]
    >>> [len(group) for group in groups_of(Subject("", Run(of), "") for of in ran)]
    [2, 1]
    """
    groups = groupby(_all_but_seeds, subjects).values()
    return [part for group in groups for part in _with_own_seeds(group)]


def _all_but_seeds(subject: Subject) -> tuple[Any, ...]:
    result = subject.run.result
    earlier = tuple((until, of._replace(seed=0)) for until, of in result.earlier)
    return result.experiment._replace(seed=0), earlier, result.fingerprint


def _with_own_seeds(group: list[Subject]) -> list[list[Subject]]:
    """Return the group, or each of it alone where two are of one seed, as a run and its replay."""
    seeds = [seed for of in group for seed in seeds_of(of.run.result)]
    return [group] if len({*seeds}) == len(seeds) else [[one] for one in group]


def row_of(subject: Subject, names: Iterable[str]) -> Row:
    """Return the fields of these names, the last cost, and the scores of a run in words.

    >>> one = Experiment(seed=1, hidden=(), initializer="zeros", iterations=1)
    >>> row_of(Subject("", Run(fit(one, pictures)), ""), ["seed", "l2"])
    {'seed': '1', 'l2': '0.0', 'last cost': '0.693147'}
    """
    result, predicted = subject.run.result, subject.predicted
    scores = scores_in_words(predicted) if predicted else {}
    return {
        **_fields(result.experiment, names),
        **({"seed": ", ".join(map(str, result.seeds))} if result.seeds else {}),
        **({"last cost": f"{last_costs([subject]).mean():.6g}"} if result.costs else {}),
        **{f"test {name}": words for name, words in scores.items()},
    }


def group_row(group: Sequence[Subject], names: Iterable[str]) -> Row:
    """Return the fields of these names, and the last cost and the score of all networks in words.

    >>> one = Experiment(seed=1, hidden=(), initializer="zeros", iterations=1)
    >>> group_row([Subject("", Run(fit_seeds(one, (1, 2), pictures)), "")], ["l2"])
    {'l2': '0.0', 'networks': '2', 'last cost': '0.693 ± 0'}
    """
    costs, predicted = last_costs(group), group[0].predicted
    cost = {"last cost": _spread(costs, "{:.3g}")} if len(costs) else {}
    test = _scores(scores_of(group), predicted) if predicted else {}
    count = sum(len(seeds_of(of.run.result)) for of in group)
    fields = _fields(group[0].run.result.experiment, names)
    return {**fields, "networks": str(count), **cost, **test}


def _scores(scores: Array, predicted: Predicted) -> Row:
    """Return the scores of networks in words: their mean and spread, and from where to where."""
    numbers, form, unit = (
        (100 * scores, "{:.1f}", " %") if predicted.are_classes else (scores, "{:.3g}", "")
    )
    low, high = (form.format(of) for of in (numbers.min(), numbers.max()))
    return {
        f"test {score_name(predicted)}": f"{_spread(numbers, form)}{unit}",
        "lowest to highest": f"{low} to {high}{unit}" if len(numbers) > 1 else "",
    }


def last_costs(group: Iterable[Subject]) -> Array:
    """Return the last sampled cost of each network, (networks,).

    >>> last_costs([Subject("", Run(fit(Experiment(seed=1, hidden=()), pictures)), "")]).round(3)
    array([0.19])
    """
    costs = (of.run.result.costs for of in group)
    return np.concatenate([np.zeros(0), *(np.atleast_1d(of[-1][1]) for of in costs if of)])


def scores_of(group: Iterable[Subject]) -> Array:
    """Return the score of each network on the test examples, (networks,), where they are there.

    >>> scores_of([Subject("", Run(fit(Experiment(seed=1, hidden=()), pictures)), "")])
    array([], dtype=float64)
    """
    found = (of.predicted for of in group)
    return np.concatenate([np.zeros(0), *(score_of_each(of) for of in found if of)])


def _fields(experiment: Experiment, names: Iterable[str]) -> Row:
    plain = plain_fields(experiment)
    return {field_word(name): value_text(plain[name]) for name in names}


def _spread(numbers: Array, form: str) -> str:
    """Return the mean and, of several, the standard deviation in words.

    >>> _spread(np.array([1.0, 3.0]), "{:.1f}"), _spread(np.array([1.0]), "{:.1f}")
    ('2.0 ± 1.0', '1.0')
    """
    deviation = f" ± {form.format(numbers.std())}" if len(numbers) > 1 else ""
    return f"{form.format(numbers.mean())}{deviation}"
