"""Every option of training: it takes effect, is said and saved, or is refused in one line."""

import json
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest

from catpipe.data.examples import Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import predictions, probabilities
from catpipe.shell.cli.main import main
from catpipe.shell.cli.options import OF_FIELDS
from catpipe.shell.runs.run_file import load_run
from catpipe.shell.storage.datasets import load_data, save_data
from tests.typed import COLOURS, refused, said, save_colours

SMALL = ("--layers", "5", "--iterations", "40", "--learning-rate", "0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_colours(tmp_path_factory.mktemp("options") / "four")


@pytest.fixture
def train(folder):
    return ("train", "--data", folder, *SMALL)


def reported(capsys, *arguments):
    return json.loads(said(capsys, *arguments, "--json"))


# Each option takes effect.


@pytest.mark.parametrize(
    ("others", "option"),
    [
        ((), ("--activation", "tanh")),
        (("--layers", "5,4", "--activation", "tanh"), ("--activation", "tanh,relu")),
        ((), ("--optimizer", "adam")),
        (("--optimizer", "adam"), ("--optimizer", "adamw")),
        (("--optimizer", "nesterov"), ("--momentum", "0.5")),
        ((), ("--schedule", "cosine")),
        (("--schedule", "cosine"), ("--schedule", "cosine:20")),
        ((), ("--warm-up", "10")),
        ((), ("--batch-size", "10")),
        (("--batch-size", "10"), ("--order", "stratified")),
        (("--batch-size", "10"), ("--order", "balanced")),
        ((), ("--l2", "0.1")),
        ((), ("--weight-decay", "0.1")),
        ((), ("--dropout", "0.5")),
        ((), ("--class-weight", "1,2,3,4")),
        ((), ("--early-stopping", "3")),
    ],
    ids=str,
)
def test_each_option_changes_what_is_learned(capsys, train, others, option):
    plain = reported(capsys, *train, *others)["final_cost"]
    assert reported(capsys, *train, *others, *option)["final_cost"] != plain


def test_balanced_class_weights_change_what_is_learned_from_unlike_numbers(capsys, tmp_path):
    data = load_data(save_colours(tmp_path / "four"))
    few = Examples(data.train.inputs[:30], data.train.targets[:30])
    save_data(tmp_path / "few", data._replace(train=few), "x")
    train = ("train", "--data", tmp_path / "few", *SMALL)
    balanced = reported(capsys, *train, "--class-weight", "balanced")
    assert balanced["final_cost"] != reported(capsys, *train)["final_cost"]


@pytest.mark.parametrize(("batch", "each"), [((), 1), (("--batch-size", "15"), 3)], ids=str)
def test_epochs_are_counted_in_batches(capsys, folder, batch, each):
    report = reported(capsys, "train", "--data", folder, "--epochs", "7", *batch)
    assert report["iterations"] == report["iteration"] == 7 * each


# Each option is reported, and saved with the run.

FIELDS = [
    (("--layers", "5,4"), {"hidden": (5, 4)}),
    (("--layers", ""), {"hidden": ()}),
    (("--activation", "silu"), {"activation": "silu"}),
    (("--activation", "gelu"), {"activation": "gelu"}),
    (("--initializer", "he"), {"initializer": "he"}),
    (("--seed", "7"), {"seed": 7}),
    (("--dtype", "float32"), {"dtype": "float32"}),
    (("--optimizer", "rmsprop"), {"optimizer": "rmsprop"}),
    (("--learning-rate", "1e-3"), {"learning_rate": 0.001}),
    (("--schedule", "constant"), {"schedule": ("constant",)}),
    (("--schedule", "step:0.5,10"), {"schedule": ("step", 0.5, 10)}),
    (("--schedule", "inverse_time:0.5"), {"schedule": ("inverse_time", 0.5)}),
    (("--schedule", "exponential:0.5"), {"schedule": ("exponential", 0.5)}),
    (("--warm-up", "3"), {"warm_up": 3}),
    (("--iterations", "3"), {"iterations": 3}),
    (("--batch-size", "8"), {"batch_size": 8}),
    (
        ("--batch-size", "10", "--order", "stratified"),
        {"batch_size": 10, "order": "stratified"},
    ),
    (("--l2", "0.5"), {"l2": 0.5}),
    (("--weight-decay", "0.5"), {"weight_decay": 0.5}),
    (("--dropout", "0.25"), {"dropout": 0.25}),
    (("--class-weight", "balanced"), {"class_weight": "balanced"}),
    (("--class-weight", "0,1,2.5,1"), {"class_weight": (0, 1, 2.5, 1)}),
    (("--early-stopping", "2"), {"early_stopping": 2}),
]


@pytest.fixture(scope="module", params=FIELDS, ids=str)
def optional(request, folder):
    """Return the fields that options ask for, the report of a run with them, and its file."""
    option, fields = request.param
    out = folder.parent / "optional.h5"
    asked = ("train", "--data", str(folder), *SMALL, *option, "--json", "--force")
    with redirect_stdout(StringIO()) as told:
        assert main([*asked, "--out", str(out)]) == 0
    return fields, json.loads(told.getvalue()), load_run(out)


def test_each_option_is_in_the_report(optional):
    fields, report, _ = optional
    told = report["experiment"]
    assert {**told, **json.loads(json.dumps(fields))} == told


def test_each_option_is_saved_with_the_run(optional):
    fields, _, saved = optional
    plain = Experiment(seed=1, hidden=(5,), iterations=40, learning_rate=0.1, classes=4)
    assert saved.result.experiment == plain._replace(**fields)


def test_options_that_need_others_are_saved_with_the_run(capsys, folder, tmp_path):
    asked = ("--layers", "5,4", "--activation", "relu, tanh", "--optimizer", "nesterov",
             "--momentum", "0.5", "--epochs", "2")  # fmt: skip
    said(capsys, "train", "--data", folder, *asked, "--out", tmp_path / "run.h5")
    saved = load_run(tmp_path / "run.h5").result.experiment
    assert saved.activation == ("relu", "tanh")
    assert (saved.optimizer, saved.momentum, saved.epochs) == ("nesterov", 0.5, 2)


# What is not the default is said before training begins.


def header(capsys, *arguments):
    return said(capsys, *arguments).splitlines()[1]


def test_the_header_of_a_plain_run_says_the_published_choices_alone(capsys, train):
    assert header(capsys, *train) == (
        "network: 27-5-4, relu; 40 iterations at learning rate 0.1, course start from seed 1, "
        "float64"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--optimizer", "adam"), "; optimizer adam"),
        (("--optimizer", "nesterov", "--momentum", "0.5"), "; optimizer nesterov; momentum 0.5"),
        (("--schedule", "step:0.5,10"), "; schedule step 0.5 10"),
        (("--warm-up", "3"), "; warm up 3"),
        (("--batch-size", "8", "--order", "balanced"), "; batch size 8; order balanced"),
        (("--l2", "0.5"), "; l2 0.5"),
        (("--weight-decay", "0"), "; weight decay 0.0"),
        (("--dropout", "0.25"), "; dropout 0.25"),
        (("--class-weight", "0,1,2.5,1"), "; class weight 0 1 2.5 1"),
        (("--early-stopping", "2"), "; early stopping 2"),
    ],
    ids=str,
)
def test_the_header_says_what_else_is_asked(capsys, train, options, words):
    assert header(capsys, *train, *options).endswith(f"float64{words}")


def test_the_header_says_epochs_in_place_of_iterations(capsys, folder):
    assert "; 3 epochs at" in header(capsys, "train", "--data", folder, "--epochs", "3")


def test_the_header_says_the_activation_of_each_layer(capsys, folder):
    asked = ("--layers", "5,3", "--activation", "relu,tanh", "--epochs", "3")
    assert "27-5-3-4, relu tanh;" in header(capsys, "train", "--data", folder, *asked)


# What an option cannot be.


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--optimizer", "sgd"), "--optimizer is 'sgd'"),
        (("--optimizer", ""), "--optimizer is ''"),
        (("--momentum", "1", "--optimizer", "nesterov"), "--momentum is 1.0"),
        (("--momentum", "-0.1", "--optimizer", "nesterov"), "--momentum is -0.1"),
        (("--momentum", "nan", "--optimizer", "nesterov"), "--momentum is nan"),
        (("--momentum", "fast"), "--momentum is 'fast'; expected a number"),
        (("--schedule", "linear"), "--schedule is 'linear'"),
        (("--schedule", ""), "--schedule is ''"),
        (("--schedule", "step"), "--schedule is 'step'"),
        (("--schedule", "step:0.5"), "--schedule is 'step,0.5'"),
        (("--schedule", "step:0.5,x"), "--schedule is 'step,0.5,x'"),
        (("--schedule", "step:0.5,"), "--schedule is 'step,0.5,'"),
        (("--schedule", "step:0.5,0"), "--schedule is 'step,0.5,0'"),
        (("--schedule", "cosine:-1"), "--schedule is 'cosine,-1'"),
        (("--schedule", "cosine:nan"), "--schedule is 'cosine,nan'"),
        (("--schedule", f"cosine:{'9' * 400}"), "--schedule is 'cosine,inf'"),
        (("--schedule", "constant:1"), "--schedule is 'constant,1'"),
        (("--warm-up", "-1"), "--warm-up is -1"),
        (("--warm-up", "1.5"), "--warm-up is '1.5'; expected an integer"),
        (("--epochs", "0"), "--epochs is 0"),
        (("--epochs", "0.5"), "--epochs is '0.5'; expected an integer"),
        (("--batch-size", "0"), "--batch-size is 0"),
        (("--batch-size", "all"), "--batch-size is 'all'; expected an integer"),
        (("--order", "sorted"), "--order is 'sorted'"),
        (("--l2", "-1"), "--l2 is -1.0"),
        (("--l2", "inf"), "--l2 is inf"),
        (("--l2", "much"), "--l2 is 'much'; expected a finite number"),
        (("--weight-decay", "-1"), "--weight-decay is -1.0"),
        (("--weight-decay", "nan"), "--weight-decay is nan"),
        (("--dropout", "1"), "--dropout is 1.0"),
        (("--dropout", "-0.5"), "--dropout is -0.5"),
        (("--dropout", "half"), "--dropout is 'half'; expected a number"),
        (("--class-weight", "even"), "--class-weight is 'even'; expected balanced"),
        (("--class-weight", ""), "--class-weight is ''; expected balanced"),
        (("--class-weight", "1,,1,1"), "--class-weight is '1,,1,1'"),
        (("--class-weight", "1,-1,1,1"), "--class-weight is '1,-1,1,1'"),
        (("--class-weight", "0,0,0,0"), "--class-weight is '0,0,0,0'"),
        (("--class-weight", "1,nan,1,1"), "--class-weight is '1,nan,1,1'"),
        (("--class-weight", f"1,{'9' * 400},1,1"), "--class-weight is '1,inf,1,1'"),
        (("--early-stopping", "0"), "--early-stopping is 0"),
        (("--early-stopping", "soon"), "--early-stopping is 'soon'; expected an integer"),
        (("--activation", "relu,,tanh"), "--activation is 'relu,,tanh'"),
        (("--seeds", "1..99999"), "--seeds"),
        (("--epoch", "3"), "--epoch is no option (did you mean --epochs?)"),
        (("--optim\nizer", "adam"), "--optim izer is no option (did you mean --optimizer?)"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_what_an_option_cannot_be_is_refused_by_its_name(
    capsys, folder, tmp_path, monkeypatch, options, told
):
    monkeypatch.chdir(tmp_path)
    assert told in refused(capsys, "train", "--data", folder, *options, "--out", "run.h5")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--momentum", "0.5"), "--momentum is 0.5 with gradient_descent"),
        (("--momentum", "0.5", "--optimizer", "adam"), "--momentum is 0.5 with adam"),
        (("--epochs", "3", "--iterations", "3"), "not allowed with argument --epochs"),
        (("--iterations", "2500", "--epochs", "3"), "not allowed with argument --iterations"),
        (("--seed", "2", "--seeds", "1..2"), "not allowed with argument --seed"),
        (("--seed", "1", "--seeds", "1..2"), "not allowed with argument --seed"),
        (("--seeds", "1..2", "--seed", "1"), "not allowed with argument --seeds"),
        (("--class-weight", "1,3"), "--class-weight has 2 class weights for 4 classes"),
        (("--class-weight", "1"), "--class-weight has 1 class weights for 4 classes"),
        (("--activation", "relu,tanh"), "--activation names 2 activations for 3 hidden layers"),
        (("--validation", "x.h5"), "--early-stopping"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_disagree_are_refused(capsys, folder, tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    assert told in refused(capsys, "train", "--data", folder, *options)


def test_a_report_that_json_cannot_say_is_refused_of_a_run_that_is_saved(capsys, folder, tmp_path):
    asked = ("--layers", "", "--iterations", "1", "--learning-rate", "1e200", "--l2", "1e-3")
    out = tmp_path / "run.h5"
    refused(capsys, "train", "--data", folder, *asked, "--json", "--out", out)
    assert load_run(out).result.iteration == 1


# Help.

OF_TRAIN = (*(option.flag for option in OF_FIELDS), "seeds", "config", "data", "validation",
            "full-space", "no-full-space", "out", "json", "no-json")  # fmt: skip


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("train", [f"--{flag} " for flag in OF_TRAIN]),
        ("evaluate", ["FILE", "--data", "--json"]),
        ("predict", ["FILE", "--data", "--index"]),
        ("draw", ["FOLDER", "--seed", "--train", "--test"]),
        ("plot", ["FILE", "--what", "--out", "--data"]),
    ],
)
def test_help_names_every_option_and_what_it_takes(capsys, command, names):
    with pytest.raises(SystemExit) as exited:
        main([command, "--help"])
    shown = " ".join(capsys.readouterr().out.replace(",", " ").split())
    assert exited.value.code == 0
    for name in names:
        assert name in shown.partition("options:")[2] or name in shown.partition("arguments:")[2]


def test_help_says_the_published_defaults(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for default in ("20,7,5", "relu", "0.0075", "2500", "gradient_descent", "constant", "all"):
        assert f"(default: {default})" in shown


# Early stopping.


@pytest.fixture
def misled(tmp_path):
    """Return a file of validation pictures that each bear another class than their colour's."""
    data = load_data(save_colours(tmp_path / "four"))
    wrong = Examples(data.test.inputs, (data.test.targets + 1) % 4)
    save_data(tmp_path / "misled", data._replace(test=wrong), "x")
    return tmp_path / "misled" / "test_x.h5"


LONGER = ("--iterations", "300", "--early-stopping")


def test_what_validates_ever_better_is_never_stopped(capsys, train, folder):
    itself = folder / "train_colours.h5"
    report = reported(capsys, *train, *LONGER, "1", "--validation", itself)
    assert (report["iterations"], report["iteration"]) == (300, 300)


@pytest.mark.parametrize("patience", [1, 2])
def test_what_validates_ever_worse_is_stopped_and_the_start_kept(capsys, train, misled, patience):
    report = reported(capsys, *train, *LONGER, patience, "--validation", misled)
    assert (report["iterations"], report["iteration"]) == (100 * patience, 0)


def test_mini_batches_are_checked_once_an_epoch(capsys, train, misled):
    batch = ("--batch-size", "15")  # three in an epoch
    report = reported(capsys, *train, *LONGER, "2", "--validation", misled, *batch)
    assert (report["iterations"], report["iteration"]) == (6, 0)


def test_it_says_when_it_stopped_and_what_it_kept(capsys, train, misled):
    words = said(capsys, *train, *LONGER, "1", "--validation", misled)
    assert "early stopping: after 100 iterations; the parameters are those of iteration 0," in words


def test_it_says_that_a_run_was_not_stopped(capsys, train, folder):
    itself = folder / "train_colours.h5"
    words = said(capsys, *train, *LONGER, "1", "--validation", itself)
    kept = "the parameters are those of iteration 300"
    assert f"early stopping: none in 300 iterations; {kept}, where" in words


def test_the_final_cost_and_the_saved_parameters_are_of_what_was_kept(
    capsys, train, misled, tmp_path
):
    out = tmp_path / "run.h5"
    report = reported(capsys, *train, *LONGER, "1", "--validation", misled, "--out", out)
    assert load_run(out).result.iteration == 0
    assert report["final_cost"] == pytest.approx(report["costs"]["0"])
    assert report["final_cost"] > 2 * report["costs"]["99"]


def test_without_a_file_it_learns_from_the_other_four_fifths(capsys, train, folder):
    train_itself = load_data(folder).train
    report = reported(capsys, *train, "--early-stopping", "3")
    experiment = Experiment(seed=1, hidden=(5,), iterations=40, learning_rate=0.1, classes=4)
    assert report["costs"]["0"] != fit(experiment, train_itself).costs[0][1]
    by_hand = fit(experiment._replace(early_stopping=3), train_itself)
    assert report["costs"]["39"] == dict(by_hand.costs)[39]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (
            {"side": 4},
            "test_set_x has inputs of 4 x 4 x 3; expected 3 x 3 x 3 as in the training set",
        ),
        ({"classes": 3}, "list_classes is ('red', 'green', 'blue'); expected"),
    ],
    ids=str,
)
def test_validation_pictures_unlike_the_others_are_refused(capsys, train, tmp_path, made, told):
    other = save_colours(tmp_path / "other", **made) / "test_colours.h5"
    line = refused(capsys, *train, "--early-stopping", "2", "--validation", other)
    assert f"{other}: {told}" in line


def test_a_validation_file_that_is_none_is_refused(capsys, train, folder, tmp_path):
    (tmp_path / "page.h5").write_text("<html>")
    for path, told in (
        (tmp_path / "nowhere.h5", "is not a file"),
        (tmp_path, "is not a file"),
        (tmp_path / "page.h5", "is a web page"),
    ):
        asked = ("--early-stopping", "2", "--validation", path)
        assert f"{path}: {told}" in refused(capsys, *train, *asked)


# Several classes.

WELL = ("--layers", "6", "--iterations", "300", "--learning-rate", "0.1")


@pytest.fixture(scope="module", params=[3, 4])
def classes(request):
    return request.param


@pytest.fixture(scope="module")
def colours(tmp_path_factory, classes):
    """Return the folder of a data set of so many classes, with a trained run beside it."""
    folder = save_colours(tmp_path_factory.mktemp("several") / "data", classes)
    assert main(["train", "--data", str(folder), *WELL, "--out", f"{folder}/../run.h5"]) == 0
    return folder


@pytest.fixture
def run(colours):
    return colours.parent / "run.h5"


def test_several_classes_are_learned(capsys, colours, classes):
    report = reported(capsys, "train", "--data", colours, *WELL)
    assert report["network"] == [27, 6, classes]
    assert report["train_accuracy"] > 0.9
    assert report["test_accuracy"] > 0.9


def test_training_on_several_classes_says_what_its_report_says(capsys, colours):
    report = reported(capsys, "train", "--data", colours, *WELL)
    words = said(capsys, "train", "--data", colours, *WELL)
    assert f"train accuracy: {100 * report['train_accuracy']:.3f} %" in words
    assert f"cost at iteration   300: {report['final_cost']:.6g} " in words


def test_the_first_cost_of_several_classes_is_about_that_of_a_guess(capsys, colours, classes):
    report = reported(capsys, "train", "--data", colours, *WELL)
    assert report["costs"]["0"] == pytest.approx(np.log(classes), rel=0.2)


def test_the_confusion_of_several_classes_counts_each_truth_and_what_was_said(
    capsys, colours, run, classes
):
    report = reported(capsys, "evaluate", run, "--data", colours)
    truth, result = load_data(colours).test, load_run(run).result
    predicted = predictions(result, truth.inputs)
    assert report["confusion"] == [
        [int(((truth.targets == row) & (predicted == column)).sum()) for column in range(classes)]
        for row in range(classes)
    ]
    assert report["classes"] == list(COLOURS[:classes])


def test_the_confusion_of_several_classes_is_a_table_by_name(capsys, colours, run, classes):
    report = reported(capsys, "evaluate", run, "--data", colours)
    _, _, heads, *rows = said(capsys, "evaluate", run, "--data", colours).splitlines()
    assert heads.split() == [word for name in COLOURS[:classes] for word in ("predicted", name)]
    assert [row.split() for row in rows] == [
        [name, *map(str, counts)]
        for name, counts in zip(COLOURS, report["confusion"], strict=False)
    ]
    assert len({len(line) for line in (heads, *rows)}) == 1


def test_what_is_predicted_of_several_classes_is_the_most_probable(capsys, colours, run, classes):
    test, result = load_data(colours).test, load_run(run).result
    each = probabilities(result, test.inputs)
    assert each.shape == (classes, 16)
    assert said(capsys, "predict", run, "--data", colours).splitlines() == [
        f"picture {i}: {COLOURS[column.argmax()]} (probability {column.max():.4f}; "
        f"labelled {COLOURS[label]})"
        for i, (column, label) in enumerate(zip(each.T, test.targets, strict=True))
    ]


def test_a_figure_of_several_classes_is_a_png(capsys, colours, run, tmp_path):
    pytest.importorskip("matplotlib")
    said(capsys, "plot", run, "--out", tmp_path / "run.png", "--data", colours)
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_many_seeds_of_several_classes_are_each_its_own_run(capsys, colours):
    many = reported(capsys, "train", "--data", colours, *SMALL, "--seeds", "1..3")
    for seed, accuracy in zip((1, 2, 3), many["test_accuracies"], strict=True):
        one = reported(capsys, "train", "--data", colours, *SMALL, "--seed", seed)
        assert accuracy == one["test_accuracy"]


def test_an_ensemble_of_several_classes_says_the_most_probable_on_average(capsys, colours, classes):
    asked = ("train", "--data", colours, *SMALL, "--seeds", "1..3")
    data = load_data(colours)
    plain = Experiment(seed=1, hidden=(5,), iterations=40, learning_rate=0.1, classes=classes)
    each = [
        probabilities(fit(plain._replace(seed=seed), data.train), data.test.inputs)
        for seed in (1, 2, 3)
    ]
    right = np.mean(each, axis=0).argmax(0) == data.test.targets
    assert reported(capsys, *asked)["ensemble_test_accuracy"] == right.mean()


def test_a_run_of_several_classes_is_not_tested_on_fewer(capsys, run, classes, tmp_path):
    fewer = save_colours(tmp_path / "fewer", classes - 1)
    for command in ("evaluate", "predict"):
        assert str(fewer) in refused(capsys, command, run, "--data", fewer)


def test_two_classes_are_still_told_apart_by_one_logit(capsys, tmp_path):
    two = save_colours(tmp_path / "two", classes=2)
    assert reported(capsys, "train", "--data", two, *SMALL)["network"] == [27, 5, 1]
