"""The door: an honest variant of examples trains to the same bits, any other is refused in words.

There is nothing in between: whatever is handed in, it is taken or it is told in one sentence.
"""

from collections.abc import Callable
from functools import partial
from tempfile import mkdtemp
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import catpipe
from catpipe import experiments, metrics
from catpipe.data.conversion import examples_from, inputs_from
from catpipe.data.drawn.drawings import draw
from catpipe.data.examples import Examples
from catpipe.experiments.experiment import Experiment
from catpipe.experiments.fitting import fit
from catpipe.experiments.result import accuracy_on, cost_on, predictions, probabilities
from catpipe.shell.runs.run_file import Run
from catpipe.training.loop import Diverged

RANDOM = np.random.default_rng(1)
LABELS = np.array([0, 1, 2, 2, 1, 0, 1])
PICTURES = RANDOM.integers(0, 256, (7, 2, 3, 3)).astype(np.uint8)
WHOLE = RANDOM.integers(-9, 99, (7, 4)).astype(float)
HALVES = WHOLE / 2
WIDE = RANDOM.standard_normal((40, 4)) * 99
ASKED = Experiment(seed=1, hidden=(3,), classes=3, iterations=4, batch_size=3, learning_rate=0.01)
OF_PICTURES, OF_FEATURES = (fit(ASKED, (X, LABELS)) for X in (PICTURES, WHOLE))


def read_only(array: Any) -> Any:
    view = array.view()
    view.setflags(write=False)
    return view


def mapped(array: Any) -> Any:
    file = np.memmap(temporary("mapped"), array.dtype, "w+", shape=array.shape)
    file[...] = array
    return file


def stored(array: Any) -> Any:
    return h5py.File(temporary("stored"), "w").create_dataset("X", data=array)


def temporary(name: str) -> str:
    return f"{mkdtemp()}/{name}"


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda a: a,
    "by columns": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "read-only": read_only,
    "a list": lambda a: a.tolist(),
    "a list of arrays": list,
    "memory-mapped": mapped,
    "an h5py dataset": stored,
    "masked, nothing": np.ma.masked_array,
    "objects": lambda a: a.astype(object),
}
TYPES_OF_PICTURES = {
    **{f"{t}": partial(np.asarray, dtype=t) for t in (">u2", "<i4", ">i8", "u8", "i2")},
}
TYPES_OF_FEATURES = {
    **{f"{t}": partial(np.asarray, dtype=t) for t in (">f8", "i2", ">i4", "int64", np.longdouble)},
    "a table": pd.DataFrame,
    "a table of several types": lambda a: pd.DataFrame({"a": a[:, 0].astype(int)}).join(
        pd.DataFrame(a[:, 1:], columns=["b", "c", "d"])
    ),
    "a table that can lack": lambda a: pd.DataFrame(a.astype(int)).astype("Int64"),
}
TARGETS: dict[str, Callable[[Any], Any]] = {
    **LAYOUTS,
    **{f"{t}": partial(np.asarray, dtype=t) for t in ("u1", ">i4", "i8", "f4", ">f8", "f2")},
    "a column": lambda a: a[:, np.newaxis],
    "a row": lambda a: a[np.newaxis],
    "one-hot": lambda a: np.eye(3)[a],
    "one-hot booleans": lambda a: np.eye(3, dtype=bool)[a],
    "a table of one": lambda a: pd.DataFrame({"y": a}),
    "a series": lambda a: pd.Series(a, index=a + 7),
    "a series that can lack": lambda a: pd.Series(a, dtype="Int64"),
    "categories": lambda a: pd.Series(a).astype("category"),
    "a tuple": lambda a: tuple(a.tolist()),
}


def named(variants: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("variant", list(variants.values()), ids=list(variants))


def assert_same(result: Any, expected: Any) -> None:
    facts = ("parameters", "costs", "fingerprint", "input_shape", "input_type", "class_names")
    for name in facts:
        assert getattr(result, name) == getattr(expected, name), name


@named(LAYOUTS | TYPES_OF_PICTURES)
def test_pictures_of_any_layout_and_integer_type_train_to_the_same_bits(variant):
    assert_same(fit(ASKED, (variant(PICTURES), LABELS)), OF_PICTURES)


@named(LAYOUTS | TYPES_OF_FEATURES)
def test_features_of_any_layout_and_type_train_to_the_same_bits(variant):
    assert_same(fit(ASKED, (variant(WHOLE), LABELS)), OF_FEATURES)


@named(LAYOUTS)
def test_the_layout_decides_no_bit_of_larger_products_either(variant):
    many, labels = RANDOM.standard_normal((64, 50)), np.arange(64) % 3
    wide = ASKED._replace(hidden=(30,), batch_size=None)
    assert_same(fit(wide, (variant(many), labels)), fit(wide, (many, labels)))


@named(TARGETS)
def test_targets_of_any_form_train_to_the_same_bits(variant):
    assert_same(fit(ASKED, (WHOLE, variant(LABELS))), OF_FEATURES)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.bool_])
def test_types_of_fewer_bits_train_as_the_same_numbers_in_float64(dtype):
    few = (HALVES > 3) if dtype is np.bool_ else HALVES.astype(dtype)
    plain = fit(ASKED, (few.astype(float), LABELS))
    assert fit(ASKED, (few, LABELS)).parameters == plain.parameters


@pytest.mark.parametrize(
    "form",
    [
        *(list, np.array, pd.Series, lambda a: np.array(a, "S")),
        *(lambda a: np.array(a, object), lambda a: np.array(a, np.dtypes.StringDType())),
        lambda a: pd.Series(a, dtype="category"),
    ],
)
def test_names_train_as_their_numbers_in_the_order_of_the_alphabet(form):
    names = form([("ant", "bee", "cat")[label] for label in LABELS])
    result = fit(ASKED, (WHOLE, names))
    assert result.parameters == OF_FEATURES.parameters
    assert result.class_names == ("ant", "bee", "cat")
    said, numbers = (predictions(of, WIDE) for of in (result, OF_FEATURES))
    assert {*numbers.tolist()} == {0, 1, 2}
    assert said.tolist() == [result.class_names[n] for n in numbers]
    assert accuracy_on(result, (WHOLE, names)) == accuracy_on(OF_FEATURES, (WHOLE, LABELS))


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "u2", ">i8", "f2"])
def test_a_table_of_zeros_and_ones_is_one_of_numbers(dtype):
    yes_or_no = WHOLE > 0
    found = inputs_from(yes_or_no.astype(dtype))
    assert (found.dtype.kind, found.tolist()) == ("f", yes_or_no.astype(float).tolist())


def test_columns_of_dummies_are_numbers():
    dummies = pd.get_dummies(pd.Series(["a", "b", "a"]), dtype=np.uint8)
    assert inputs_from(dummies).tolist() == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 3, 3, 3)])
def test_pictures_that_are_nearly_black_are_pixels(shape):
    assert inputs_from(np.ones(shape, np.uint8)).dtype == np.uint8


@pytest.mark.parametrize(("like", "dtype"), [("uint8", "uint8"), ("float64", "float64")])
def test_zeros_and_ones_are_what_the_network_was_trained_on(like, dtype):
    assert inputs_from(np.ones((2, 9), np.uint8), like=like).dtype == dtype


def test_booleans_are_two_classes():
    two = ASKED._replace(classes=2)
    found = [fit(two, (WHOLE, of)).parameters for of in (LABELS == 1, (LABELS == 1) * 1)]
    assert found[0] == found[1]


@pytest.mark.parametrize("form", [list, lambda w: w[:, np.newaxis], lambda w: w[np.newaxis]])
def test_weights_of_any_form_train_to_the_same_bits(form):
    weights = np.array([1, 0, 2, 1, 1, 0.5, 1])
    expected = fit(ASKED, Examples(WHOLE, LABELS, weights))
    assert_same(fit(ASKED, (WHOLE, LABELS, form(weights))), expected)


def test_an_example_of_weight_0_is_as_good_as_absent():
    full = ASKED._replace(batch_size=None, full_space=True)
    weights = np.array([1, 1, 1, 1, 1, 1, 0.0])
    found = fit(full, (WHOLE, LABELS, weights)).parameters
    expected = fit(full, (WHOLE[:6], LABELS[:6])).parameters
    for name, W in expected.items():
        np.testing.assert_allclose(found[name], W, rtol=1e-12, atol=1e-14)


def test_weights_count_in_cost_and_accuracy():
    weights = np.array([1, 0, 0, 0, 0, 0, 3.0])
    some = np.array([0, 6, 6, 6])
    found, expected = (WHOLE, LABELS, weights), (WHOLE[some], LABELS[some])
    for measure in (cost_on, accuracy_on):
        np.testing.assert_allclose(measure(OF_FEATURES, found), measure(OF_FEATURES, expected))


def test_a_regression_takes_numbers_of_one_output_or_several():
    regression = ASKED._replace(loss="mean_squared_error", classes=2)
    y = WHOLE @ np.array([1.0, 2.0, 0.5, -1.0]) / 99
    one = fit(regression, (WHOLE, y))
    for variant in (y[:, np.newaxis], y[np.newaxis], y.tolist(), pd.Series(y), y.astype(">f8")):
        assert_same(fit(regression, (WHOLE, variant)), one)
    assert predictions(one, WHOLE).shape == (7,)
    two = fit(regression, (WHOLE, np.stack([y, -y], 1)))
    assert predictions(two, WHOLE).shape == (7, 2)
    np.testing.assert_allclose(
        experiments.r_squared_on(two, (WHOLE, np.stack([y, -y], 1))),
        metrics.r_squared(predictions(two, WHOLE).T, np.stack([y, -y])),
    )


def told(call: Callable[[], object]) -> str:
    """Return the one sentence in which the call is refused, by an error of ours."""
    with pytest.raises((ValueError, TypeError)) as refusal:
        call()
    words = str(refusal.value)
    assert type(refusal.value) in (ValueError, TypeError), words
    assert str(refusal.traceback[-1].path).startswith(catpipe.__path__[0]), words
    assert "; expected " in words, words
    assert "\n" not in words, words
    assert len(words) < 400, words
    return words


NAN = WHOLE.copy()
NAN[3, 1] = np.nan
COLOURS = pd.DataFrame({"age": [1.0] * 7, "colour": ["red"] * 7})
DRAWN = draw(seed=1, train=2, test=2)

BAD_INPUTS: dict[str, tuple[Any, str]] = {
    "rows for columns": (WHOLE.T, "(4, 7)"),
    "too few": (WHOLE[:5], "(5, 4)"),
    "none": (WHOLE[:0], "one example or more"),
    "no features": (WHOLE[:, :0], "one example or more"),
    "NaN": (NAN, "nan in example 3, at index (3, 1)"),
    "infinite": (np.where(np.isnan(NAN), np.inf, NAN), "inf in example 3"),
    "too large": (np.full((7, 4), np.longdouble("1e400")), "inf in example 0"),
    "complex": (WHOLE + 1j, "complex"),
    "text": (WHOLE.astype(str), "text"),
    "dates": (WHOLE.astype("M8[s]"), "dates"),
    "None": (None, "None"),
    "a number": (7, "shape ()"),
    "a word": ("abc", "a str"),
    "a dict": ({"X": WHOLE}, "a dict"),
    "a generator": ((row for row in WHOLE), "a generator"),
    "ragged": ([[1, 2], [3]] * 3 + [[1]], "one shape for each"),
    "missing": ([[1.0, None]] * 7, "None"),
    "masked": (np.ma.masked_array(WHOLE, WHOLE > 5), "masked"),
    "a column of names": (COLOURS, "column 'colour' of the inputs holds 'red'"),
    "structured": (np.zeros(7, [("a", float)]), "numbers"),
    "pixels beyond 255": (np.full((7, 2, 2, 3), 256), "pixels from 0 to 255"),
    "pixels below 0": (np.full((7, 2, 2, 3), -1) + 9 * np.arange(3), "pixels from 0 to 255"),
    "a DataSet": (DRAWN, "expected"),
}
BAD_TARGETS: dict[str, tuple[Any, str]] = {
    "too few": (LABELS[1:], "as many targets as examples, 7"),
    "columns": (np.eye(3)[LABELS].T, "transpose"),
    "of three axes": (LABELS[:, None, None, None], "expected"),
    "minus one and one": (LABELS % 2 * 2 - 1, "(targets + 1) // 2"),
    "from 1": (LABELS + 1, "targets - 1"),
    "too many": (LABELS + 2, "choose classes=5"),
    "negative": (LABELS - 1, "number the classes from 0"),
    "not whole": (LABELS + 0.5, "loss='mean_squared_error'"),
    "NaN": (np.where(LABELS, LABELS, np.nan), "class numbers"),
    "shares of classes": (np.full((7, 3), 1 / 3), "single 1"),
    "one-hot of others": (np.eye(4)[LABELS], "rows of 3"),
    "two names": (["cat", "dog"] * 3 + ["cat"], "choose classes=2"),
    "mixed": (["cat", 1] * 3 + [None], "names alone"),
    "None": (None, "None"),
    "complex": (LABELS + 1j, "complex"),
    "a sparse matrix": (type("Sparse", (), {"toarray": None})(), ".toarray()"),
}


@pytest.mark.parametrize(("inputs", "words"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_inputs_that_cannot_be_meant_are_refused_in_one_sentence(inputs, words):
    assert words in told(lambda: fit(ASKED, (inputs, LABELS)))


@pytest.mark.parametrize(("targets", "words"), BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_targets_that_cannot_be_meant_are_refused_in_one_sentence(targets, words):
    assert words in told(lambda: fit(ASKED, (WHOLE, targets)))


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (["cat"] * 7, "text"),
        (LABELS > 0, "booleans"),
        (np.where(LABELS, 1.5, np.nan), "nan in example 0"),
        (LABELS[1:], "as many targets"),
    ],
    ids=["names", "booleans", "NaN", "too few"],
)
def test_targets_of_no_regression_are_refused_in_one_sentence(targets, words):
    regression = ASKED._replace(loss="mean_squared_error")
    assert words in told(lambda: fit(regression, (WHOLE, targets)))


BAD_EXAMPLES: dict[str, Any] = {
    "a DataSet": DRAWN,
    "inputs alone": WHOLE,
    "a list of two": [WHOLE, LABELS],
    "one": (WHOLE,),
    "four": (WHOLE, LABELS, None, None),
    "None": None,
    "a path": "cats.h5",
    "targets first": (LABELS, WHOLE),
}
CALLS: dict[str, Callable[[Any], object]] = {
    "fit": lambda given: catpipe.fit(ASKED, given),
    "experiments.fit": lambda given: fit(ASKED, given),
    "validation": lambda given: fit(
        ASKED._replace(early_stopping=1),
        (WHOLE, LABELS),
        validation=() if given is None else given,  # type: ignore[arg-type]
    ),
    "fit_seeds": lambda given: catpipe.fit_seeds(ASKED, (1, 2), given),
    "cross_validate": lambda given: catpipe.cross_validate(ASKED, given, np.arange(7) % 2),
    "prepare": lambda given: experiments.prepare(ASKED, given),
    "cost_on": lambda given: cost_on(OF_FEATURES, given),
    "accuracy_on": lambda given: accuracy_on(OF_FEATURES, given),
    "resume": lambda given: catpipe.resume(OF_FEATURES, given, iterations=9),
    "replay": lambda given: catpipe.replay(OF_FEATURES, given),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@every_call
@pytest.mark.parametrize("given", BAD_EXAMPLES.values(), ids=BAD_EXAMPLES)
def test_every_function_refuses_what_are_no_examples(call, given):
    told(lambda: call(given))


@every_call
@pytest.mark.parametrize("bad", ["rows for columns", "none", "NaN", "text", "None"])
def test_every_function_refuses_bad_inputs(call, bad):
    told(lambda: call((BAD_INPUTS[bad][0], LABELS)))


@every_call
@pytest.mark.parametrize("bad", ["too few", "columns", "too many", "not whole", "None"])
def test_every_function_refuses_bad_targets(call, bad):
    told(lambda: call((WHOLE, BAD_TARGETS[bad][0])))


SHAPES = {
    "channels first": (np.moveaxis(PICTURES, -1, 1), "np.moveaxis(inputs, 1, -1)"),
    "examples last": (np.moveaxis(PICTURES, 0, -1), "np.moveaxis(inputs, -1, 0)"),
    "flat": (PICTURES.reshape(7, -1), "inputs.reshape(7, 2, 3, 3)"),
    "one picture": (PICTURES[0], "inputs[np.newaxis]"),
    "another size": (np.zeros((7, 4, 3, 3), np.uint8), "resize"),
    "grey": (PICTURES[..., 0], "resize"),
}


@pytest.mark.parametrize("ask", [predictions, probabilities])
@pytest.mark.parametrize(("inputs", "words"), SHAPES.values(), ids=SHAPES)
def test_pictures_of_another_shape_are_refused_with_the_likely_mend(ask, inputs, words):
    said = told(lambda: ask(OF_PICTURES, inputs))
    assert f"{inputs.shape}; expected (examples, 2, 3, 3)" in said
    assert words in said


@pytest.mark.parametrize(
    ("result", "inputs", "words"),
    [
        (OF_PICTURES, PICTURES.astype(float), "divide by 255"),
        (OF_PICTURES, PICTURES / 255 - 0.5, "floats in [0, 1]"),
        (fit(ASKED, (PICTURES / 255, LABELS)), PICTURES, "inputs / 255"),
        (OF_FEATURES, WHOLE.astype(np.uint8), "uint8 for a network that was trained on float64"),
    ],
    ids=["not divided", "centred", "not divided too", "bytes for numbers"],
)
def test_inputs_of_a_type_that_cannot_be_meant_are_refused(result, inputs, words):
    assert words in told(lambda: predictions(result, inputs))


@pytest.mark.parametrize(
    "inputs",
    [PICTURES.astype(np.int64), PICTURES.tolist(), PICTURES / 255, np.asfortranarray(PICTURES)],
    ids=["integers", "a list", "divided by 255", "by columns"],
)
def test_inputs_of_a_type_that_can_be_meant_are_taken(inputs):
    np.testing.assert_allclose(
        probabilities(OF_PICTURES, inputs), probabilities(OF_PICTURES, PICTURES), rtol=1e-12
    )


def test_floats_in_0_to_1_are_as_good_as_the_bytes_that_they_were():
    found = fit(ASKED, (PICTURES / 255, LABELS))
    assert found.parameters == OF_PICTURES.parameters


CALLED_WRONGLY: dict[str, Callable[[], object]] = {
    "a run for a result": lambda: predictions(Run(OF_FEATURES), WHOLE),  # type: ignore[arg-type]
    "no result": lambda: cost_on(None, (WHOLE, LABELS)),  # type: ignore[arg-type]
    "resume of no result": lambda: catpipe.resume("run.h5", (WHOLE, LABELS)),  # type: ignore[arg-type]
    "replay of no result": lambda: catpipe.replay(None, (WHOLE, LABELS)),  # type: ignore[arg-type]
    "resume to a word": lambda: catpipe.resume(OF_FEATURES, (WHOLE, LABELS), iterations="9"),  # type: ignore[arg-type]
    "no network": lambda: fit(ASKED, (WHOLE, LABELS), network="mlp"),  # type: ignore[arg-type]
    "sizes for a network": lambda: fit(ASKED, (WHOLE, LABELS), network=(4, 3)),  # type: ignore[arg-type]
    "a network of other inputs": lambda: fit(ASKED, (WHOLE, LABELS), network=catpipe.mlp(5, 3)),
    "a network of other outputs": lambda: fit(
        ASKED, (WHOLE, LABELS), network=catpipe.mlp(4, 2, loss=OF_FEATURES.network.loss)
    ),
    "no optimizer": lambda: fit(ASKED, (WHOLE, LABELS), optimizer=0.1),  # type: ignore[arg-type]
    "a function for an optimizer": lambda: fit(
        ASKED,
        (WHOLE, LABELS),
        optimizer=catpipe.optim.adam,  # type: ignore[arg-type]
    ),
    "targets apart": lambda: fit(ASKED, WHOLE, LABELS),  # type: ignore[arg-type]
    "a watch that is none": lambda: fit(ASKED, (WHOLE, LABELS), LABELS),  # type: ignore[arg-type]
    "one seed": lambda: catpipe.fit_seeds(ASKED, 3, (WHOLE, LABELS)),  # type: ignore[arg-type]
    "no seeds": lambda: catpipe.fit_seeds(ASKED, [], (WHOLE, LABELS)),
    "seeds of floats": lambda: catpipe.fit_seeds(ASKED, [0.5], (WHOLE, LABELS)),  # type: ignore[list-item]
    "seeds in a word": lambda: catpipe.fit_seeds(ASKED, "12", (WHOLE, LABELS)),  # type: ignore[arg-type]
    "a number of folds": lambda: catpipe.cross_validate(ASKED, (WHOLE, LABELS), 5),  # type: ignore[arg-type]
    "folds of others": lambda: catpipe.cross_validate(ASKED, (WHOLE, LABELS), np.arange(3)),
    "folds of floats": lambda: catpipe.cross_validate(ASKED, (WHOLE, LABELS), np.arange(7) / 2),  # type: ignore[arg-type]
    "accuracy of a regression": lambda: accuracy_on(
        fit(ASKED._replace(loss="mean_squared_error"), (WHOLE, LABELS)), (WHOLE, LABELS)
    ),
    "R squared of classes": lambda: experiments.r_squared_on(OF_FEATURES, (WHOLE, LABELS)),
    "names for a run of numbers": lambda: cost_on(OF_FEATURES, (WHOLE, ["ant"] * 7)),
    "a dict for an experiment": lambda: fit({"seed": 1}, (WHOLE, LABELS)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("call", CALLED_WRONGLY.values(), ids=CALLED_WRONGLY)
def test_a_wrong_kind_of_argument_is_refused_in_one_sentence(call):
    told(call)


anything = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=3),
    st.floats(),
    st.lists(st.integers(-3, 3), max_size=8),
    st.lists(st.lists(st.floats(-2, 2), max_size=3), max_size=8),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.sampled_from("bB?ihfdeFUSOMV").flatmap(
        lambda kind: array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7).map(
            partial(np.zeros, dtype=kind)
        )
    ),
    arrays(np.float64, array_shapes(max_dims=3, max_side=7)),
    arrays(np.int64, array_shapes(max_dims=2, max_side=7), elements=st.integers(-1, 3)),
)


def is_taken(call: Callable[[], object]) -> bool:
    """Return whether the call gives something; where it is refused, it is so in one sentence."""
    try:
        call()
    except Diverged:  # numbers beyond all measure
        return True
    except (ValueError, TypeError):
        told(call)
        return False
    return True


@settings(max_examples=150)
@given(anything, anything)
def test_whatever_is_handed_in_is_taken_or_told(inputs, targets):
    if is_taken(lambda: examples_from((inputs, targets))):
        with np.errstate(all="ignore"):
            is_taken(lambda: catpipe.fit(ASKED._replace(iterations=1), (inputs, targets)))


@settings(max_examples=150)
@given(anything)
def test_whatever_is_to_be_predicted_is_taken_or_told(inputs):
    with np.errstate(all="ignore"):
        if is_taken(lambda: predictions(OF_FEATURES, inputs)):
            assert inputs_from(inputs).shape[1:] == (4,)
