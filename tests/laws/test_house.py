"""The house holds: imports run one way, and the core changes and touches nothing."""

import ast
import inspect
import operator
import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import catpipe

ROOT = Path(catpipe.__file__).parent
INITS = sorted(ROOT.rglob("__init__.py"), key=lambda path: (len(path.parts), path))
LEVELS = (
    ("random", "values", "checks"),
    ("nn",),
    ("optim", "data", "metrics"),
    ("training",),
    ("experiments",),
    ("shell.threads",),
    ("shell.storage",),
    ("shell.runs",),
    ("shell.report",),
    ("adapters",),
    ("shell.cli",),
)
"""Each package imports only from those before it."""


@cache
def modules() -> list[str]:
    """Return the full names of all modules, except `__init__` and `__main__`."""
    paths = (path.relative_to(ROOT.parent) for path in ROOT.rglob("*.py"))
    names = (".".join(path.with_suffix("").parts) for path in paths)
    apart = ("__init__", "__main__")
    return sorted(name for name in names if name.rpartition(".")[-1] not in apart)


def package_of(module: str) -> str | None:
    """Return the package, or the single module, of `LEVELS` that holds this module."""
    packages = (package for level in LEVELS for package in level)
    within = f"{module.removeprefix('catpipe.')}."
    return next((package for package in packages if within.startswith(f"{package}.")), None)


CORE = [name for name in modules() if name.split(".")[1] not in ("shell", "adapters")]
CORE_MAY_IMPORT = {
    "__future__", "collections", "dataclasses", "difflib", "functools", "hashlib", "itertools",
    "math", "numbers", "operator", "reprlib", "statistics", "typing", "warnings",
    "numpy", "toolz", "catpipe",
    "jax",  # an extra, whose functions are as pure
}  # fmt: skip
EFFECTS = {
    "open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__",
    "globals", "locals", "vars", "setattr", "delattr",
}  # fmt: skip
SEEDED_GENERATORS = {"Generator", "SeedSequence", "default_rng"}
MAKES_GENERATORS = {
    "catpipe.random": SEEDED_GENERATORS,
    "catpipe.nn.initializers": {"RandomState"},
}
FILES_OF_NUMPY = {"load", "save", "savez", "savetxt", "loadtxt", "genfromtxt", "fromfile", "tofile"}

CHANGING = {
    "append", "clear", "copyto", "discard", "extend", "fill", "fill_diagonal", "insert", "itemset",
    "place", "pop", "popitem", "put", "put_along_axis", "putmask", "remove", "resize", "reverse",
    "setdefault", "setfield", "setflags", "setitem", "delitem", "shuffle", "sort", "at",
    "__setattr__", "__delattr__", "__setitem__", "__delitem__",
    *(name for name in dir(operator) if name.startswith("i") and hasattr(operator, name[1:])),
}  # fmt: skip
FREEZES = {
    "catpipe.nn.parameters": {  # while they are made
        *("array.setflags", "_finish", "_set_layout", "_set_vector", "_set_arrays"),
        "np.multiply",  # into an array made in the same function
    },
    "catpipe.nn.blocks": {"function"},  # into arrays made in the same function
    # once, of a run that diverged, as NumPy does in each step; and once for the C library
    "catpipe.training.loop": {"warn", "keep_freed_memory"},
    "catpipe.training.memory": {"bytes"},  # of which no page is touched
}

core = pytest.mark.parametrize("module", CORE)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT.parent / module.replace(".", "/")).with_suffix(".py").read_text())


def imports(parsed: ast.Module) -> list[str]:
    """Return the full names of imported modules, and of the names imported from catpipe's."""
    names = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "catpipe":
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(str(node.module))
    return names


@cache
def imported(module: str) -> set[str]:
    """Return the modules of catpipe that this one imports."""
    there = {*modules()}
    found = imports(tree(module))
    return {name for name in found if name in there} | {
        name.rpartition(".")[0] for name in found if name.rpartition(".")[0] in there
    }


@pytest.mark.parametrize("module", modules())
def test_every_module_is_in_a_package_of_the_plan(module):
    assert package_of(module)


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_packages_before_its_own(module):
    packages = [package for level in LEVELS for package in level]
    level = {package: number for number, of in enumerate(LEVELS) for package in of}
    own = package_of(module)
    assert own in packages
    for other in imported(module):
        package = str(package_of(other))
        assert package == own or level[package] < level[str(own)], other


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_catpipe_by_modules_and_not_by_packages(module):
    ours = {name for name in imports(tree(module)) if name.split(".")[0] == "catpipe"}
    there = {*modules()}
    assert {n for n in ours if n not in there and n.rpartition(".")[0] not in there} == set()


def test_imports_inside_a_package_run_in_no_circle():
    waiting = {module: imported(module) for module in modules()}
    while free := {module for module, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {module: needs for module, needs in waiting.items() if module not in free}
    assert waiting == {}


@core
def test_a_core_module_imports_only_modules_without_effects(module):
    assert {name.split(".")[0] for name in imports(tree(module))} <= CORE_MAY_IMPORT


def changes(parsed: ast.Module, allowed: frozenset[str] | set[str] = frozenset()) -> list[str]:
    """Return the code that changes something in place, except for the allowed calls."""
    found: list[ast.AST] = []
    for node in ast.walk(parsed):
        found += [node] * isinstance(node, ast.AugAssign | ast.Delete | ast.Global | ast.Nonlocal)
        if isinstance(node, ast.Subscript | ast.Attribute):
            found += [node] * isinstance(node.ctx, ast.Store)
        if isinstance(node, ast.Call) and ast.unparse(node.func) not in allowed:
            found += [node] * (_name(node.func) in CHANGING or _has_out(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found += [node] * _is_called_for_an_effect(node.value, allowed)
    return [ast.unparse(node) for node in found]


def _name(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[-1]


def _has_out(call: ast.Call) -> bool:
    """Return whether an argument, mostly the last one, is the array that NumPy writes to."""
    if "out" in [keyword.arg for keyword in call.keywords]:
        return True
    if not ast.unparse(call.func).startswith("np."):
        return False
    if not callable(function := getattr(np, _name(call.func), None)):
        return False
    if isinstance(function, np.ufunc):
        return len(call.args) > function.nin
    try:
        names = [*inspect.signature(function).parameters]
    except ValueError:  # a few have no signature
        return False
    return "out" in names and len(call.args) > names.index("out")


def _is_called_for_an_effect(call: ast.Call, allowed: frozenset[str] | set[str]) -> bool:
    """Return whether this call, whose value is dropped, acts: all do but checks, which raise."""
    return ast.unparse(call.func) not in allowed and not re.match("_?check", _name(call.func))


@core
def test_a_core_module_changes_nothing_in_place(module):
    assert not changes(tree(module), FREEZES.get(module, frozenset()))


@pytest.mark.parametrize(
    "code",
    [
        "x[0] = 1", "x.a = 1", "x[0], y = z", "x += 1", "del x", "for x[0] in y: z",
        "with f() as x.a: y", "global x", "y = np.exp(x, out=x)", "y = np.exp(x, x)",
        "y = np.add(x, z, x)", "y = np.clip(x, 0, 1, x)", "y = np.cumsum(x, 0, None, x)",
        "y = np.matmul(x, z, x)", "x.sort()", "y = x.sort()", "y = x.fill(0) or x",
        "y = x.put(0, 1)", "y = x.resize(3)", "y = [x.append(z) for z in x]", "y = x.pop()",
        "x.update(y)", "x.add(y)", "x.write(y)", "np.copyto(x, y)", "y = np.put(x, 0, 1)",
        "y = np.add.at(x, 0, 1)", "y = x.setflags(write=True)", "y = x.setdefault(z, 1)",
        "y = operator.setitem(x, 0, 1)", "y = operator.iadd(x, 1)", "y = iadd(x, 1)",
        "object.__setattr__(x, 'a', 1)", "y = rng.shuffle(x)", "f(x)",
    ],
)  # fmt: skip
def test_a_change_in_place_is_seen(code):
    assert changes(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "x = y", "x, y = z", "x: int = 1", "y = np.exp(x)", "y = np.add(x, z)", "y = sorted(x)",
        "y = np.clip(x, 0, 1)", "y = np.concatenate([x, z], -1)", "y = x.sum(-1)", "yield x",
        "y = optimizer.update(i, p, m, g)", "check_finite(x)", "_check_shape(x)", "'words'",
        "y = reduce(np.add, x, z)",
    ],
)  # fmt: skip
def test_code_that_changes_nothing_passes(code):
    assert not changes(ast.parse(code))


def attributes(parsed: ast.Module, of: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(parsed)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == of
    }


@core
def test_a_core_module_has_no_effects(module):
    used = {node.id for node in ast.walk(tree(module)) if isinstance(node, ast.Name)}
    assert not used & EFFECTS
    assert not attributes(tree(module), of="np") & FILES_OF_NUMPY


def randomness(parsed: ast.Module) -> set[str]:
    """Return the names that the code takes from `numpy.random`; `""` is the whole module."""
    taken = attributes(parsed, of="np.random") | attributes(parsed, of="numpy.random")
    for node in ast.walk(parsed):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            continue
        parts = [name.split(".", 2) for name in names]
        taken |= {"".join(part[2:]) for part in parts if part[:2] == ["numpy", "random"]}
    return taken


@core
def test_a_core_module_makes_only_the_generators_that_it_may_make(module):
    assert randomness(tree(module)) <= MAKES_GENERATORS.get(module, set())


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("from numpy.random import default_rng", {"default_rng"}),
        ("from numpy.random import normal as n", {"normal"}),
        ("from numpy.random import mtrand", {"mtrand"}),
        ("from numpy import random", {""}),
        ("import numpy.random", {""}),
        ("import numpy.random as r", {""}),
        ("x = np.random.rand()", {"rand"}),
        ("import numpy as np", set()),
        ("from numpy import linalg", set()),
    ],
)
def test_every_way_to_import_randomness_is_seen(code, taken):
    assert randomness(ast.parse(code)) == taken


@pytest.mark.parametrize("path", [*ROOT.rglob("*.py")], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_has_a_docstring(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def hands_on(parsed: ast.Module) -> bool:
    """Return whether this code is nothing but words, imports from modules, and `__all__`."""
    return all(
        isinstance(node, ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
        for node in parsed.body
    )


@pytest.mark.parametrize("path", INITS[1:], ids=lambda p: p.parent.name)
def test_an_init_hands_on_names_and_defines_nothing(path):
    assert hands_on(ast.parse(path.read_text()))


def lazy_branches(path: Path) -> tuple[list[ast.stmt], list[ast.stmt], list[ast.stmt]]:
    """Return the code outside of `if TYPE_CHECKING:`, inside it, and in its `else:`."""
    body = ast.parse(path.read_text()).body
    typed = [node for node in body if ast.unparse(node).startswith("if TYPE_CHECKING:")]
    assert len(typed) == 1
    assert isinstance(typed[0], ast.If)
    return [node for node in body if node not in typed], typed[0].body, typed[0].orelse


def test_the_package_hands_on_names_when_they_are_first_used_and_defines_nothing_else():
    outside, typed, lazy = lazy_branches(INITS[0])
    assert hands_on(ast.Module([*outside, *typed], []))
    assert all(isinstance(node, ast.ImportFrom) for node in typed)
    defined = {node.name for node in lazy if isinstance(node, ast.FunctionDef)}
    assigned = [node for node in lazy if isinstance(node, ast.Assign)]
    imported = [node for node in lazy if isinstance(node, ast.ImportFrom)]
    assert defined == {"__getattr__", "__dir__"}
    assert [ast.unparse(node) for node in imported] == ["from importlib import import_module"]
    assert {ast.unparse(node.targets[0]) for node in assigned} == {"_MODULES", "_MODULE_OF"}
    assert len(defined) + len(assigned) + len(imported) == len(lazy)


def test_a_name_of_the_package_is_what_type_checkers_take_it_for():
    _, typed, _ = lazy_branches(INITS[0])
    names = {
        alias.name: str(node.module)
        for node in typed
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {*names} == {*catpipe.__all__}
    for name, module in names.items():
        expected = (
            import_module(f"catpipe.{name}")
            if module == "catpipe"
            else getattr(import_module(module), name)
        )
        assert getattr(catpipe, name) is expected


def test_to_import_the_package_imports_nothing_else_of_it():
    code = "import sys, catpipe; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    modules_there = done.stdout.split()
    assert "catpipe" in modules_there
    assert "numpy" not in modules_there
    assert not [name for name in modules_there if name.startswith("catpipe.")]


def test_a_name_that_the_package_lacks_is_an_error_that_names_it():
    with pytest.raises(AttributeError, match="'sigmoids'"):
        getattr(catpipe, "sigmoids")  # noqa: B009


NAMESPACES = ("nn", "optim", "data", "metrics", "training", "experiments")


def test_about_forty_public_names_are_flat_and_all_others_in_six_namespaces():
    flat = {*catpipe.__all__} - {*NAMESPACES}
    assert 35 <= len(flat) <= 40
    assert {*catpipe.__all__} - flat == {*NAMESPACES}
    assert {*dir(catpipe)} >= {*catpipe.__all__}


@pytest.mark.parametrize("namespace", [getattr(catpipe, name) for name in NAMESPACES])
def test_a_namespace_has_the_names_that_it_lists(namespace):
    assert all(hasattr(namespace, name) for name in namespace.__all__)


BEARS_ITS_MODULES_NAME = {
    *("catpipe.shell.cli.main", "catpipe.shell.cli.predict", "catpipe.shell.cli.sweep"),
    "catpipe.shell.cli.train",
    "catpipe.shell.runs.environment",
}


@pytest.mark.parametrize("module", sorted({*modules()} - BEARS_ITS_MODULES_NAME))
def test_no_public_function_bears_its_modules_name(module):
    defined = {node.name for node in tree(module).body if isinstance(node, ast.FunctionDef)}
    assert module.rpartition(".")[-1] not in defined


def test_examples_may_use_the_names_that_the_packages_docstring_defines(names_of_examples):
    assert {*names_of_examples} == {*catpipe.__all__, "np", "images", "pictures"}
    assert names_of_examples["pictures"].targets.tolist() == [0, 1]


MAKERS = {
    "mlp",
    "network_for",
    "initialize_parameters",
    "optimizer_for",
    "schedule_for",
    "make_step",
}


@pytest.mark.parametrize("module", [name for name in modules() if ".shell.cli." in name])
def test_the_command_line_makes_no_network_and_no_optimizer(module):
    taken = {name.rpartition(".")[2] for name in imports(tree(module))}
    assert not taken & MAKERS
    assert not any(name.startswith("catpipe.optim.optimizers") for name in imports(tree(module)))
