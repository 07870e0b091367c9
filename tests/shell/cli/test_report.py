"""Pages about runs, as a person asks for them."""

from html import unescape
from pathlib import Path
from re import DOTALL, findall, search

import numpy as np
import pytest

from catpipe.data.examples import DataSet, Examples
from catpipe.experiments.result import accuracy_on, cost_on
from catpipe.shell.runs.run_file import load_run
from catpipe.shell.storage.datasets import load_data, save_data
from tests.typed import refused, said


def save_pictures(folder: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (12, 4, 5, 3)).astype(np.uint8)
    examples = Examples(images, np.arange(12) % 2)
    save_data(folder, DataSet(examples, examples, ("dog", "cat")), "made")


@pytest.fixture
def run(capsys, tmp_path) -> Path:
    save_pictures(tmp_path / "data")
    options = ("--data", tmp_path / "data", "--iterations", 3, "--layers", 3)
    said(capsys, "train", *options, "--out", tmp_path / "run.h5")
    return tmp_path / "run.h5"


def test_a_report_is_one_page(capsys, run, tmp_path):
    assert said(capsys, "report", run, "--out", tmp_path / "page.html") == (
        f"report: {tmp_path / 'page.html'}\n"
    )
    assert "<h1>run.h5</h1>" in (tmp_path / "page.html").read_text()


WAYS = {
    "layers": ("--layers", "3,2", "--activation", "relu,tanh", "--seed", 5, "--l2", 0.1),
    "batches": ("--batch-size", 4, "--order", "balanced", "--dropout", 0.5, "--optimizer", "adam"),
    "pictures": ("--transforms", "grey; standardize", "--augmentation", "flipped"),
    "stops early": ("--early-stopping", 1, "--schedule", "step:0.5,2", "--class-weight", "1,2"),
    "seeds": ("--seeds", "2..4", "--dtype", "float32"),
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_the_options_on_a_page_train_the_same_parameters_to_the_bit(capsys, tmp_path, options):
    folder, first, again = (tmp_path / name for name in ("data", "first.h5", "again.h5"))
    save_pictures(folder)
    said(capsys, "train", "--data", folder, "--iterations", 3, *options, "--out", first)
    said(capsys, "report", first, "--out", tmp_path / "page.html")
    shown = search(r"<pre[^>]*><code>(.*?)</code>", (tmp_path / "page.html").read_text(), DOTALL)
    assert shown is not None
    (tmp_path / "experiment.toml").write_text(unescape(shown[1]))
    said(capsys, "train", "--config", tmp_path / "experiment.toml", "--data", folder,
         "--out", again)  # fmt: skip
    assert load_run(again).result.parameters == load_run(first).result.parameters


def test_curves_are_of_the_examples_that_train_and_that_test(capsys, run, tmp_path):
    said(capsys, "report", run, "--curves", "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Accuracy on training and test examples" in page
    assert page.count("<polyline") == 4


def test_curves_without_the_data_are_refused(capsys, run, tmp_path):
    (tmp_path / "data").rename(tmp_path / "moved")
    asked = ("report", run, "--curves", "--out", tmp_path / "page.html")
    assert "--data" in refused(capsys, *asked)
    assert not (tmp_path / "page.html").exists()


def test_a_report_replaces_a_report_in_the_same_bytes(capsys, run, tmp_path):
    page = tmp_path / "page.html"
    said(capsys, "report", run, "--out", page)
    before = page.read_bytes()
    said(capsys, "report", run, "--out", page)
    assert page.read_bytes() == before


def test_another_file_is_not_replaced(capsys, run, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>mine</p>")
    assert "did not make" in refused(capsys, "report", run, "--out", page)
    assert page.read_text() == "<p>mine</p>"


def test_what_is_no_name_of_a_page_is_refused(capsys, run, tmp_path):
    told = refused(capsys, "report", run, "--out", tmp_path / "page.pdf")
    assert "expected one that ends with .html" in told


def test_a_report_without_data_says_so(capsys, run, tmp_path):
    (tmp_path / "data").rename(tmp_path / "moved")
    page = tmp_path / "page.html"
    assert "without data" in said(capsys, "report", run, "--out", page)
    said(capsys, "report", run, "--out", page, "--data", tmp_path / "moved")
    assert "labelled cat" in page.read_text()


def test_data_that_are_named_and_not_there_are_refused(capsys, run, tmp_path):
    asked = ("report", run, "--out", tmp_path / "page.html", "--data", tmp_path / "nowhere")
    assert "nowhere" in refused(capsys, *asked)
    assert not (tmp_path / "page.html").exists()


def test_a_sweep_is_one_page_with_the_best_run_first_and_in_full(capsys, run, tmp_path):
    grid, runs, page = (tmp_path / name for name in ("grid.toml", "runs", "page.html"))
    grid.write_text(
        "iterations = 20\nlayers = []\n[grid]\nlearning-rate = [0.001, 0.1, 0.4, 0.2]\n"
    )
    said(capsys, "sweep", "--config", grid, "--data", tmp_path / "data", "--out", runs)
    said(capsys, "report", runs, "--out", page)
    test = load_data(tmp_path / "data").test
    results = {path.name: load_run(path).result for path in runs.iterdir()}
    goodness = {name: (float(accuracy_on(of, test)), -float(cost_on(of, test)))
                for name, of in results.items()}  # fmt: skip
    ordered = sorted(goodness, key=lambda name: goodness[name], reverse=True)
    assert len({score for score, _ in goodness.values()}) == 3  # two are equal, but for their cost
    text = page.read_text()
    assert findall(r'<th scope="row">(\w+\.h5)</th>', text) == ordered
    assert "Sweep runs: 4 runs, the best first" in text
    assert findall(r"<h2>Run (.*?)</h2>", text) == ordered[:1]


def test_runs_that_differ_in_their_seeds_are_one_row_above_the_single_runs(capsys, run, tmp_path):
    grid = tmp_path / "grid.toml"
    grid.write_text(
        "epochs = 1\nbatch-size = 6\nlayers = [3]\n[grid]\nl2 = [0, 1]\nseed = [1, 2]\n"
    )
    said(capsys, "sweep", "--config", grid, "--data", tmp_path / "data", "--out", tmp_path / "runs")
    said(capsys, "report", tmp_path / "runs", "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    above, details = page[: page.index("</details>")].split("<details>")
    assert above.count("<td>2</td>") == 2  # networks of each experiment
    assert details.startswith("<summary>The 4 runs one by one</summary>")
    assert details.count(".h5</th>") == 4


def test_a_folder_beside_other_runs_is_refused(capsys, run, tmp_path):
    told = refused(capsys, "report", tmp_path, run, "--out", tmp_path / "page.html")
    assert "is a folder beside other runs" in told


def test_a_run_named_twice_is_refused(capsys, run, tmp_path):
    told = refused(capsys, "report", run, run, "--out", tmp_path / "page.html")
    assert "run.h5: is named twice" in told
