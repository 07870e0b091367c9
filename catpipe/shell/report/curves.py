"""Charts of training: sampled costs, and cost and score on several sets of examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from catpipe.experiments.curves import LearningCurves
from catpipe.experiments.result import Result
from catpipe.nn.arrays import Array
from catpipe.shell.report.html import Markup, element
from catpipe.shell.report.svg import Curve, chart


def cost_curve(name: str, results: Sequence[Result]) -> Curve:
    """Return the sampled training costs: of several networks the mean, within lowest and highest.

    They go as far as all of the runs do.

    >>> one = fit(Experiment(seed=1, hidden=(), initializer="zeros", iterations=1), pictures)
    >>> [(iteration, round(cost, 3)) for iteration, cost in cost_curve("a", [one]).points]
    [(0.0, 0.693)]
    """
    of_runs = [dict(result.costs) for result in results]
    iterations = sorted(set(of_runs[0]).intersection(*of_runs[1:]))
    costs = [np.hstack([np.atleast_1d(costs[at]) for costs in of_runs]) for at in iterations]
    return _curve(name, iterations, costs)


def learning_charts(curves: LearningCurves, score: str) -> Markup:
    """Return two charts side by side, of the costs and of the scores of each set of examples.

    >>> found = LearningCurves(np.array([0, 9]), {"test": np.ones(2)}, {"test": np.ones(2)})
    >>> learning_charts(found, "accuracy").count("<polyline")
    2
    """
    is_share = score == "accuracy"
    scores = {name: 100 * of if is_share else of for name, of in curves.scores.items()}
    *others, last = curves.costs
    of = f"on {', '.join(others)}{' and ' * bool(others)}{last} examples"
    charts = (
        _chart(f"Cost {of}", "cost", curves.iterations, curves.costs, None),
        _chart(f"{score[0].upper()}{score[1:]} {of}", f"{score}{', %' * is_share}",
               curves.iterations, scores, 100.0 if is_share else 1.0),
    )  # fmt: skip
    return element("div", *charts, class_="charts")


def _chart(
    title: str, y: str, iterations: Iterable[int], values: Mapping[str, Array], top: float | None
) -> Markup:
    lines = [_curve(name, iterations, np.reshape(of, (len(of), -1))) for name, of in values.items()]
    return chart(title, "iteration", y, lines, top)


def _curve(name: str, iterations: Iterable[int], values: Sequence[Array] | Array) -> Curve:
    """Return the curve of values, (samples, networks): their mean, within lowest and highest."""
    points = [(float(at), float(of.mean())) for at, of in zip(iterations, values, strict=True)]
    has_several = len(values) > 0 and len(values[0]) > 1
    band = [(float(of.min()), float(of.max())) for of in values] if has_several else []
    return Curve(name, points, band)
