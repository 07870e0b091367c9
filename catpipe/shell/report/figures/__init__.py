"""Figures of runs: values in, a matplotlib `Figure` out; the bytes of one, and nothing written."""

from catpipe.shell.report.figures.canvas import FORMATS, Format, to_bytes
from catpipe.shell.report.figures.examples import (
    described,
    predictions_figure,
    regression_figure,
    saliency_figure,
    weights_figure,
)
from catpipe.shell.report.figures.overview import overview_figure
from catpipe.shell.report.figures.scores import calibration_figure, confusion_figure
from catpipe.shell.report.figures.training import cost_figure, curves_figure

__all__ = [
    "FORMATS",
    "Format",
    "calibration_figure",
    "confusion_figure",
    "cost_figure",
    "curves_figure",
    "described",
    "overview_figure",
    "predictions_figure",
    "regression_figure",
    "saliency_figure",
    "to_bytes",
    "weights_figure",
]
