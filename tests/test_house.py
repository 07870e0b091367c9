"""The house holds: imports run one way, and the core changes and touches nothing."""

import ast
from pathlib import Path

import pytest

import catpipe

ROOT = Path(catpipe.__file__).parent
ORDER = (
    "parameters",
    "streams",
    "activations",
    "losses",
    "layers",
    "initialization",
    "network",
    "optimizers",
    "batches",
    "training",
    "transforms",
    "metrics",
    "subspace",
    "experiments",
    "canvas",
    "subjects",
    "drawings",
)
CORE_MAY_IMPORT = {
    "__future__", "collections", "functools", "itertools", "math", "numbers", "operator",
    "reprlib", "typing",
    "numpy", "toolz", "catpipe",
}  # fmt: skip
EFFECTS = {
    "open",
    "print",
    "input",
    "exec",
    "eval",
    "__import__",
    "compile",
    "breakpoint",
    "globals",
}
SEEDED_GENERATORS = {"RandomState"}
FILES_OF_NUMPY = {"load", "save", "savez", "savetxt", "loadtxt", "genfromtxt", "fromfile", "tofile"}

core = pytest.mark.parametrize("module", ORDER)


def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / f"{module}.py").read_text())


def imports(parsed: ast.Module) -> list[str]:
    """Return the full names of imported modules, `from catpipe import x` as catpipe.x."""
    names = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "catpipe":
            names += [f"catpipe.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(str(node.module))
    return names


def test_every_core_module_has_its_place_in_the_order():
    assert {path.stem for path in ROOT.glob("*.py")} - {"__init__", "__main__"} == set(ORDER)


@core
def test_a_core_module_imports_only_those_above_it(module):
    above = {f"catpipe.{name}" for name in ORDER[: ORDER.index(module)]}
    assert {name for name in imports(tree(module)) if name.startswith("catpipe")} <= above


@core
def test_a_core_module_imports_nothing_that_reaches_outside(module):
    assert {name.split(".")[0] for name in imports(tree(module))} <= CORE_MAY_IMPORT


@core
def test_a_core_module_changes_nothing_in_place(module):
    changes = []
    for node in ast.walk(tree(module)):
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        flat = [t for target in targets if target is not None for t in ast.walk(target)]
        changes += [node] * (
            isinstance(node, ast.AugAssign | ast.Delete | ast.Global | ast.Nonlocal)
        )
        changes += [t for t in flat if isinstance(t, ast.Subscript | ast.Attribute)
                    and isinstance(t.ctx, ast.Store)]  # fmt: skip
        changes += [node] * (isinstance(node, ast.keyword) and node.arg == "out")
    assert not [ast.unparse(node) for node in changes]


def attributes(module: str, of: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == of
    }


@core
def test_a_core_module_has_no_effects(module):
    used = {node.id for node in ast.walk(tree(module)) if isinstance(node, ast.Name)}
    assert not used & EFFECTS
    assert not attributes(module, of="np") & FILES_OF_NUMPY
    assert attributes(module, of="np.random") <= SEEDED_GENERATORS


@pytest.mark.parametrize("path", [*ROOT.rglob("*.py")], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_in_its_docstring_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [*ROOT.rglob("__init__.py")], ids=lambda p: p.parent.name)
def test_an_init_hands_on_names_and_defines_nothing(path):
    allowed = ast.ImportFrom | ast.Expr
    for node in ast.parse(path.read_text()).body:
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert isinstance(node, allowed) or is_all, ast.unparse(node)
