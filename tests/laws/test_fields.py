"""A field of an experiment is written in one place, and all that speaks of fields follows."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import catpipe
from catpipe.data.transforms.pictures import downscale, grey
from catpipe.experiments.experiment import FIELDS, Experiment, checked, non_defaults
from catpipe.shell.cli.arguments import GROUPS, parse
from catpipe.shell.cli.config import completed
from catpipe.shell.cli.options import BY_FLAG, OF_FIELDS, experiment_of
from catpipe.shell.report.subject import toml_of
from catpipe.shell.runs.typed_json import read_as, to_plain
from tests.typed import save_colours

ROOT = Path(catpipe.__file__).parent
SERVED = ("cli/arguments", "cli/options", "cli/config", "runs/typed_json")
FROM_DATA = {"classes"}
TYPED = [name for name in FIELDS if name not in FROM_DATA]

every_field = pytest.mark.parametrize("name", FIELDS)
every_typed_field = pytest.mark.parametrize("name", TYPED)

OTHER: dict[str, tuple[str, Any, str]] = {
    "seed": ("7", 7, "seed = 7"),
    "hidden": ("9", (9,), "layers = [9]"),
    "activation": ("tanh", "tanh", "activation = 'tanh'"),
    "learning_rate": ("0.5", 0.5, "learning-rate = 0.5"),
    "iterations": ("9", 9, "iterations = 9"),
    "initializer": ("he", "he", "initializer = 'he'"),
    "dtype": ("float32", "float32", "dtype = 'float32'"),
    "full_space": ("", True, "full-space = true"),
    "compiled": ("", True, "compiled = true"),
    "optimizer": ("adam", "adam", "optimizer = 'adam'"),
    "momentum": ("0.5", 0.5, "momentum = 0.5\noptimizer = 'nesterov'"),
    "schedule": ("step:0.5,9", ("step", 0.5, 9), "schedule = ['step', 0.5, 9]"),
    "warm_up": ("9", 9, "warm_up = 9"),
    "l2": ("0.5", 0.5, "l2 = 0.5"),
    "weight_decay": ("0.5", 0.5, "weight_decay = 0.5"),
    "dropout": ("0.5", 0.5, "dropout = 0.5"),
    "batch_size": ("9", 9, "batch-size = 9"),
    "order": ("balanced", "balanced", "order = 'balanced'\nbatch-size = 9"),
    "epochs": ("9", 9, "epochs = 9"),
    "class_weight": ("1,2", (1, 2), "class-weight = [1, 2]"),
    "early_stopping": ("9", 9, "early-stopping = 9"),
    "transforms": ("grey; downscale:2", (grey(), downscale(2)), "transforms = 'grey; downscale:2'"),
    "augmentation": (
        "flipped; cropped:0.5",
        (("flipped",), ("cropped", 0.5)),
        "augmentation = 'flipped; cropped:0.5'",
    ),
    "loss": ("mean_squared_error", "mean_squared_error", "loss = 'mean_squared_error'"),
}
"""Of each field another value: as text of its flag, in Python, and in TOML."""
NEEDED = {"momentum": ["--optimizer", "nesterov"], "order": ["--batch-size", "9"]}


def flag_of(name: str) -> str:
    return next(option.flag for option in OF_FIELDS if option.name == name)


def test_every_field_that_can_be_typed_is_tried_here():
    assert {*OTHER} == {*TYPED}


@every_field
def test_every_field_has_a_sentence_of_help(name):
    assert len(FIELDS[name].help) > 10
    assert name in FROM_DATA or FIELDS[name].group in GROUPS


@every_typed_field
def test_every_field_has_a_flag(name):
    text, value, _ = OTHER[name]
    words = [f"--{flag_of(name)}", *([text] if text else []), *NEEDED.get(name, [])]
    _, options = parse(["train", *words])
    assert getattr(experiment_of(completed(options), classes=2), name) == value


@every_typed_field
def test_every_field_has_a_key_of_the_configuration_file(tmp_path, name):
    _, value, lines = OTHER[name]
    (tmp_path / "run.toml").write_text(lines)
    _, options = parse(["train", "--config", str(tmp_path / "run.toml")])
    assert flag_of(name) in BY_FLAG
    assert getattr(experiment_of(completed(options), classes=2), name) == value


@every_typed_field
def test_every_field_is_in_the_file_of_options_on_a_page(tmp_path, name):
    needed: dict[str, Any] = {"momentum": {"optimizer": "nesterov"}, "order": {"batch_size": 9}}
    fields: dict[str, Any] = {name: OTHER[name][1], **needed.get(name, {})}
    asked = Experiment(seed=1)._replace(**fields)
    (tmp_path / "run.toml").write_text(toml_of(asked))
    _, options = parse(["train", "--config", str(tmp_path / "run.toml")])
    assert experiment_of(completed(options), classes=2) == asked


@every_field
def test_every_field_is_in_the_record(name):
    fields: dict[str, Any] = {"optimizer": "nesterov", "batch_size": 9, "classes": 3}
    fields = {**fields, **({name: OTHER[name][1]} if name in OTHER else {})}
    if name == "class_weight":
        fields = {**fields, "classes": 2}
    plain = to_plain(Experiment(seed=1)._replace(**fields))
    assert read_as(Experiment, plain) == Experiment(seed=1)._replace(**fields)
    plain.pop(name, None)
    if FIELDS[name].may_lack:
        fields = {**fields, "seed": 1, name: Experiment._field_defaults[name]}
        assert read_as(Experiment, plain) == Experiment(**fields)
        return
    with pytest.raises(ValueError, match=f"{name} is missing"):
        read_as(Experiment, plain)


@every_typed_field
def test_every_field_is_described_where_it_is_not_the_default(name):
    fields: dict[str, Any] = {name: OTHER[name][1]}
    changed = Experiment(seed=1)._replace(**fields)
    assert non_defaults(changed) == ({} if name == "seed" else fields)


def test_the_published_experiment_is_allowed_and_all_default():
    assert non_defaults(checked(Experiment(seed=1))) == {}


def test_an_error_calls_a_field_by_its_flag_at_the_command_line_and_by_its_name_in_python():
    _, options = parse(["train", "--layers", "0"])
    with pytest.raises(ValueError, match=r"^--layers is "):
        experiment_of(completed(options), classes=2)
    with pytest.raises(ValueError, match=r"^hidden is "):
        checked(Experiment(seed=1, hidden=(0,)))


def mentioned(path: Path) -> set[str]:
    """Return the names, attributes, arguments and texts of a module that are a field's name."""
    nodes = [*ast.walk(ast.parse(path.read_text()))]
    texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return (texts | attributes) & ({*FIELDS} - {"seed", "classes"})


@pytest.mark.parametrize("module", SERVED)
def test_what_serves_all_fields_names_none(module):
    assert mentioned(ROOT / "shell" / f"{module}.py") == set()


NEW_FIELD = """
import sys
from importlib.util import spec_from_loader, module_from_spec, find_spec

spec = find_spec("catpipe.experiments.experiment")
source = open(spec.origin).read()
place = "FIELDS: Mapping[str, Field] = {"
head, tail = source.split(place)
line = '    cats: Annotated[int, Field(COUNT, "number of cats beside the keyboard", "network")] = 2'
module = module_from_spec(spec)
for name in [name for name in sys.modules if name.startswith("catpipe")]:
    del sys.modules[name]  # they know the class without the field
sys.modules[spec.name] = module
exec(compile(head.rstrip() + chr(10) + line + chr(10) * 3 + place + tail, spec.origin, "exec"),
     module.__dict__)

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from catpipe.shell.cli.main import main
told = []
for command in json.loads(sys.argv[1]):
    with redirect_stdout(StringIO()) as printed, redirect_stderr(printed):
        try:
            main(command)
        except SystemExit:
            pass
    told.append(printed.getvalue())
print(json.dumps(told))
"""


def with_a_new_field(*commands: tuple[object, ...]) -> list[str]:
    """Return what these commands print after one line was added to the class of experiments."""
    words = json.dumps([[*map(str, command)] for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", NEW_FIELD, words], capture_output=True, text=True, check=True
    )
    told: list[str] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_colours(tmp_path_factory.mktemp("fields") / "four")


def test_one_line_adds_a_field_to_help_flags_file_check_record_and_description(folder, tmp_path):
    train, run = ("train", "--data", folder, "--iterations", "2"), tmp_path / "run.h5"
    (tmp_path / "run.toml").write_text("cats = 4")
    helped, by_flag, record, shown, by_file, refused, misspelt = with_a_new_field(
        ("train", "--help"),
        (*train, "--cats", "3", "--out", run),
        ("show", run, "--json"),
        ("show", run),
        (*train, "--config", tmp_path / "run.toml"),
        (*train, "--cats", "0"),
        ("train", "--cat", "3"),
    )
    assert "--cats N" in helped
    assert "number of cats beside the keyboard" in helped
    assert "; cats 3\n" in by_flag
    assert '"cats": 3' in record
    assert "; cats 3\n" in shown
    assert "; cats 4\n" in by_file
    assert refused == "catpipe: --cats is 0; expected an integer from 1 to 2**53\n"
    assert "did you mean --cats?" in misspelt
