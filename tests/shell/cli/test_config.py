"""A configuration file: what it may say, what overrides it, and how it is refused."""

import json

import pytest

from catpipe.shell.runs.run_file import load_run
from tests.typed import refused, said, save_colours


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_colours(tmp_path_factory.mktemp("configs") / "four")


@pytest.fixture
def file(tmp_path, folder):
    """Return what writes a file that names the data, and these lines."""

    def write(*lines: str):
        path = tmp_path / "run.toml"
        path.write_text("\n".join((f"data = '{folder}'", *lines)), "utf-8")
        return path

    return write


def asked(capsys, path, *flags):
    """Return the experiment that is trained with this file and these flags."""
    return json.loads(said(capsys, "train", "--config", path, *flags, "--json"))["experiment"]


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("layers = [20, 7]", "hidden", [20, 7]),
        ("layers = 20", "hidden", [20]),
        ("layers = []", "hidden", []),
        ("layers = '20,7'", "hidden", [20, 7]),
        ("activation = 'tanh'", "activation", "tanh"),
        ("activation = ['relu', 'tanh', 'silu']", "activation", ["relu", "tanh", "silu"]),
        ("initializer = 'he'", "initializer", "he"),
        ("seed = 7", "seed", 7),
        ("dtype = 'float32'", "dtype", "float32"),
        ("optimizer = 'adam'", "optimizer", "adam"),
        ("learning-rate = 0.5", "learning_rate", 0.5),
        ("learning_rate = 1e-2", "learning_rate", 0.01),
        ("learning_rate = 1", "learning_rate", 1.0),
        ("schedule = 'step:0.5,10'", "schedule", ["step", 0.5, 10]),
        ("schedule = ['step', 0.5, 10]", "schedule", ["step", 0.5, 10]),
        ("warm-up = 3", "warm_up", 3),
        ("warm_up = 3", "warm_up", 3),
        ("epochs = 2", "epochs", 2),
        ("batch_size = 0x10", "batch_size", 16),
        ("batch-size = 3\norder = 'balanced'", "order", "balanced"),
        ("l2 = 0.5", "l2", 0.5),
        ("weight_decay = 0", "weight_decay", 0.0),
        ("dropout = 0.5", "dropout", 0.5),
        ("class-weight = [1, 3, 0.5, 1]", "class_weight", [1, 3, 0.5, 1]),
        ("class_weight = 'balanced'", "class_weight", "balanced"),
        ("early-stopping = 2", "early_stopping", 2),
        ("full-space = true", "full_space", True),
        ("full_space = false", "full_space", False),
    ],
)
def test_each_key_is_the_option_of_its_name(capsys, file, line, field, value):
    short = () if line.startswith("epochs") else ("--iterations", "2")
    assert asked(capsys, file(line), *short)[field] == value


def test_a_momentum_joins_its_optimizer(capsys, file):
    path = file("momentum = 0.5", "optimizer = 'nesterov'", "iterations = 2")
    assert asked(capsys, path)["momentum"] == 0.5


def test_an_empty_file_asks_for_nothing(capsys, folder, tmp_path):
    (tmp_path / "empty.toml").touch()
    train = ("train", "--data", folder, "--iterations", 2)
    assert (
        asked(capsys, tmp_path / "empty.toml", *train[1:])
        == (json.loads(said(capsys, *train, "--json"))["experiment"])
    )


def test_a_switch_that_is_on_prints_json(capsys, file):
    assert json.loads(said(capsys, "train", "--config", file("json = true", "epochs = 2")))


def test_out_names_the_file_to_save(capsys, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said(capsys, "train", "--config", file("out = 'run.h5'", "epochs = 2"))
    assert load_run(tmp_path / "run.h5").result.experiment.epochs == 2


def test_paths_in_it_are_from_where_the_command_runs(capsys, folder, tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "run.toml").write_text("data = 'four'\nout = 'run.h5'\nepochs = 2")
    (tmp_path / "four").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    said(capsys, "train", "--config", "deep/run.toml")
    assert (tmp_path / "run.h5").is_file()


def test_a_validation_file_is_used(capsys, file, folder):
    path = file(f"validation = '{folder}/train_colours.h5'", "early-stopping = 1", "epochs = 2")
    assert asked(capsys, path)["early_stopping"] == 1


def test_a_byte_order_mark_before_it_is_passed_over(capsys, folder, tmp_path):
    path = tmp_path / "run.toml"
    path.write_bytes(b"\xef\xbb\xbf" + f"data = '{folder}'\nepochs = 2".encode())
    assert asked(capsys, path)["epochs"] == 2


def test_text_in_it_is_utf_8(capsys, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said(capsys, "train", "--config", file("out = 'lièvre.h5'", "epochs = 2"))
    assert (tmp_path / "lièvre.h5").is_file()


# Flags override it.


@pytest.mark.parametrize(
    ("line", "flags", "expected"),
    [
        ("seed = 2", ("--seed", "3"), {"seed": 3}),
        ("seed = 2", ("--seed=3",), {"seed": 3}),
        ("seed = 2", ("--seed", "1"), {"seed": 1}),
        ("epochs = 2", ("--epochs", "3"), {"epochs": 3}),
        ("epochs = 2", ("--iterations", "3"), {"epochs": None, "iterations": 3}),
        ("epochs = 2", ("--iterations=3",), {"epochs": None, "iterations": 3}),
        ("iterations = 2", ("--epochs", "3"), {"epochs": 3, "iterations": 2500}),
        ("seeds = '1..2'", ("--seed", "3"), {"seed": 3}),
        ("layers = [20, 7]", ("--layers", ""), {"hidden": []}),
        ("class-weight = [1, 3]", ("--class-weight", "balanced"), {"class_weight": "balanced"}),
        ("full-space = true", ("--no-full-space",), {"full_space": False}),
        ("full-space = false", ("--full-space",), {"full_space": True}),
        ("data = 'nowhere'", (), {}),
    ],
)
def test_a_flag_overrides_its_key_and_its_rival(capsys, folder, tmp_path, line, flags, expected):
    short = () if "epochs" in line or "--epochs" in flags else ("iterations = 2",)
    (tmp_path / "run.toml").write_text("\n".join((line, *short)))
    told = asked(capsys, tmp_path / "run.toml", "--data", folder, *flags)
    assert {**told, **expected} == told


def test_flags_before_the_file_override_it_too(capsys, file):
    report = said(capsys, "train", "--seed", 3, "--json", "--config", file("seed=2", "epochs=2"))
    assert json.loads(report)["seed"] == 3


def test_seeds_override_the_seed_of_the_file(capsys, file):
    report = said(capsys, "train", "--config", file("seed=2", "epochs=2"), "--seeds=4..5", "--json")
    assert json.loads(report)["seeds"] == [4, 5]


def test_seeds_in_the_file_train_many(capsys, file):
    report = said(capsys, "train", "--config", file("seeds='4..5'", "epochs=2", "json = true"))
    assert json.loads(report)["seeds"] == [4, 5]


def test_json_in_the_file_is_switched_off(capsys, file):
    words = said(capsys, "train", "--config", file("json = true", "epochs = 2"), "--no-json")
    assert words.startswith("data: ")


def test_the_last_of_two_files_is_read(capsys, file, tmp_path):
    (tmp_path / "other.toml").write_text("nonsense = 1")
    path = file("seed = 2", "epochs = 2")
    assert asked(capsys, tmp_path / "other.toml", f"--config={path}")["seed"] == 2


def test_the_file_is_named_behind_an_equals_sign_too(capsys, file):
    path = file("seed = 2", "epochs = 2")
    assert json.loads(said(capsys, "train", f"--config={path}", "--json"))["seed"] == 2


def test_other_commands_take_no_file(capsys, file):
    assert "--config" in refused(capsys, "draw", "x", "--config", file("epochs = 2"))


# What is refused.


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("epoch", "epochs"),
        ("learning-rat", "learning-rate"),
        ("learningRate", "learning-rate"),
        ("optimiser", "optimizer"),
        ("batchsize", "batch-size"),
        ("class_weights", "class-weight"),
        ("drop_out", "dropout"),
        ("full", "full-space"),
        ("L2", "l2"),
        ("lr", "learning-rate"),
        ("learnng_rate", "learning-rate"),
        ("patience", "early-stopping"),
        ("hidden", "layers"),
        ("scheme", "initializer"),
        ("'l 2'", "l2"),
    ],
)
def test_an_unknown_key_suggests_the_nearest_name(capsys, file, key, nearest):
    path = file(f"{key} = 1")
    line = refused(capsys, "train", "--config", path)
    assert f"{path}: has the key " in line
    assert f"did you mean {nearest}?" in line


def test_a_wrong_value_is_told_with_its_file_and_that_of_a_flag_with_the_flag(capsys, file):
    path = file("epochs = 0")
    assert f"{path}: epochs is 0; expected" in refused(capsys, "train", "--config", path)
    overridden = refused(capsys, "train", "--config", path, "--epochs", "-1")
    assert "catpipe: --epochs is -1; expected" in overridden


def test_a_key_of_any_length_is_told_shortly(capsys, file):
    assert len(refused(capsys, "train", "--config", file(f"{'k' * 10**5} = 1"))) < 500


@pytest.mark.parametrize("key", ["config", "help", "command", "train", "x", "''", "'a\\nb'"])
def test_what_is_near_no_option_is_refused_without_a_suggestion(capsys, file, key):
    told = refused(capsys, "train", "--config", file(f"{key} = 1"))
    assert "has the key" in told
    assert "did you mean" not in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("epochs = 2.5", "epochs is 2.5; expected an integer from 1"),
        ("epochs = 1e-3", "epochs is 0.001; expected an integer from 1"),
        ("epochs = [1, 2]", "epochs is [1, 2]; expected an integer from 1"),
        ("epochs = 'many'", "epochs is \"many\"; expected an integer from 1"),
        ("epochs = true", "epochs is true; expected an integer from 1"),
        ("epochs = 2020-01-01", "epochs is 2020-01-01; expected an integer"),
        ("epochs = 12:00:00", "epochs is 12:00:00; expected an integer"),
        ("epochs = {a = 1}", "epochs is a table; expected an integer"),
        ("[epochs]", "epochs is a table; expected an integer"),
        ("[[epochs]]\na = 1", "epochs is [a table]; expected an integer"),
        ("[train]\nepochs = 2", "has the table [train]"),
        ("train.epochs = 2", "has the table [train]"),
        ("layers = [20, [7]]", "layers is [20, [7]]; expected layers of 1"),
        ("layers = [true]", "layers is [true]; expected layers of 1"),
        ("layers = [2.5]", "layers is [2.5]; expected layers of 1"),
        ("layers = ['20']", "layers is [\"20\"]; expected layers of 1"),
        ("layers = [[20, 7]]", "layers is [[20, 7]]; expected layers of 1"),
        ("class-weight = [1, {}]", "class-weight is [1, a table]; expected balanced"),
        ("l2 = inf", "l2 is inf"),
        ("l2 = nan", "l2 is nan"),
        ("dropout = -nan", "dropout is nan"),
        ("seed = -1", "seed is -1"),
        (f"seed = {2**63}", f"seed is {2**63}"),
        ("seeds = '2..1'", "seeds: '2..1' is no range of seeds"),
        ("seeds = 3", "seeds is 3; expected text"),
        ("out = 7", "out is 7; expected text"),
        ("save-every = true\nout = 'a.h5'", "save-every is true; expected an integer"),
        ("save-every = 2.5\nout = 'a.h5'", "save-every is 2.5; expected an integer"),
        ("optimizer = 'adm'", "did you mean adam?"),
        ("optimizer = 7", "optimizer is 7; expected one of"),
        ("full-space = 1", "full-space is 1; expected true or false"),
        ("json = 'yes'", "json is \"yes\"; expected true or false"),
        ("initializer = \"a\\nb\"", "initializer is \"a\\nb\""),
        ("initializer = \"\\u001b[2J\"", "initializer is \"\\u001b[2J\""),
        ("out = \"a\\u0000b\"", "out: 'a\\x00b' is given; expected the name of a file"),
        ("validation = \"a\\u0000b\"", "validation: 'a\\x00b' is given; expected the name"),
        ("out = 7\nepochs = 2\nepochs = 3", "is no TOML"),
        ("seed = 1\nseeds = '1..2'", "seeds is not allowed with seed"),
        ("epochs = 1\niterations = 2", "epochs is not allowed with iterations"),
        ("learning-rate = 1\nlearning_rate = 1", "has learning-rate twice"),
        ("full_space = true\nfull-space = true", "has full-space twice"),
        ("momentum = 0.5", "momentum is 0.5 with gradient_descent"),
        ("class-weight = [1, 3]", "2 class weights for 4 classes"),
        ("out = 'nowhere/run.h5'", "nowhere/run.h5: cannot be written"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_name(capsys, file, monkeypatch, line, told):
    path = file(line)
    monkeypatch.chdir(path.parent)
    assert told in refused(capsys, "train", "--config", path)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [
        b"epochs",
        b"epochs =",
        b"epochs: 2",
        b"{'epochs': 2}",
        b"initializer = he",
        b"initializer = 'h\xe9'",
        b"\xff\xfee\x00",
        b"\xff\xfee",
        b"a = " + b"[" * 10**5,
        b"seed = " + b"9" * 10**4,
    ],
    ids=lambda content: content[:12],
)
def test_what_is_no_toml_is_refused(capsys, tmp_path, content):
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    assert f"{path}: is no TOML (" in refused(capsys, "train", "--config", path)


def test_an_integer_beyond_all_digits_is_refused(capsys, file):
    refused(capsys, "train", "--config", file(f"seed = 0x{'f' * 10**4}"))


def test_what_is_no_file_of_toml_is_told_as_what_it_is(capsys, tmp_path):
    (tmp_path / "large.toml").write_bytes(b"#" * (2**20 + 1))
    (tmp_path / "broken.toml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "binary.toml").write_bytes(b"\x89HDF\r\n\x1a\n\x00\x00")
    expected = {
        "nowhere.toml": "cannot be read (No such file or directory)",
        "broken.toml": "cannot be read (No such file or directory)",
        "large.toml": "has 1,048,577 bytes; expected a file of TOML, of at most 1,048,576",
        "binary.toml": "is a binary file; expected a text of TOML",
        ".": "is a folder; expected a file of TOML",
    }
    for name, told in expected.items():
        line = refused(capsys, "train", "--config", tmp_path / name)
        assert f"{tmp_path / name}: {told}" in line


def test_a_device_is_not_read(capsys):
    for device in ("/dev/null", "/dev/zero"):
        assert f"{device}: is a device" in refused(capsys, "train", "--config", device)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_says_what_the_text_is(capsys, folder, tmp_path, encoding):
    path = tmp_path / "run.toml"
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""
    path.write_bytes(f"{mark}data = '{folder}'\nepochs = 2".encode(encoding))
    assert asked(capsys, path)["epochs"] == 2


def test_a_name_too_long_is_refused(capsys):
    assert "File name too long" in refused(capsys, "train", "--config", "x" * 300)


@pytest.mark.parametrize("after", [(), ("--json",)])
def test_a_file_that_is_not_named_is_refused(capsys, after):
    assert "--config: expected one argument" in refused(capsys, "train", "--config", *after)
