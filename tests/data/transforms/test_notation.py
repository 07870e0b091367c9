"""Pipelines as text: what is read is what was written, and what is no such text is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catpipe.data.transforms.codebooks import codebook
from catpipe.data.transforms.components import principal_components
from catpipe.data.transforms.composition import beside, chain
from catpipe.data.transforms.descriptors import colour_histogram, oriented_gradients
from catpipe.data.transforms.notation import (
    TRANSFORMS,
    read_transforms,
    transform_forms,
    write_transforms,
)
from catpipe.data.transforms.pictures import crop_views, downscale, grey, mirror_views
from catpipe.data.transforms.scaling import (
    logarithm,
    scale_groups,
    square_root,
    standardize,
)

whole = st.integers(1, 10**6)
singles = st.one_of(
    st.builds(grey),
    st.builds(mirror_views),
    st.builds(crop_views, whole, whole, st.floats(0, 1, exclude_min=True)),
    st.builds(standardize),
    st.builds(square_root),
    st.builds(downscale, whole),
    st.builds(colour_histogram, whole, whole),
    st.builds(oriented_gradients, whole, whole.filter(lambda count: count > 1)),
    st.builds(codebook, whole, whole, whole, whole),
    st.lists(whole, max_size=3).map(lambda sizes: scale_groups(*sizes)),
    st.builds(logarithm, st.floats(1e-300, 1e300) | whole),
    st.builds(principal_components, whole, st.booleans()),
)
transforms = st.recursive(
    singles,
    lambda of: st.builds(
        lambda combine, parts: combine(*parts),
        st.sampled_from([chain, beside]),
        st.lists(of, min_size=2, max_size=3),
    ),
    max_leaves=6,
)


@given(st.lists(transforms, max_size=3).map(tuple))
def test_what_is_written_reads_back_equal(several):
    assert read_transforms(write_transforms(several)) == several


@given(st.lists(transforms, max_size=3).map(tuple))
def test_spaces_mean_nothing(several):
    text = write_transforms(several)
    assert read_transforms(text.replace(" ", "")) == several
    assert read_transforms(f" {text.replace(' ', '  ')} ") == several


def test_beside_binds_closer_than_after():
    assert read_transforms("grey + downscale:4; standardize") == (
        beside(grey(), downscale(4)),
        standardize(),
    )


def test_parentheses_group():
    assert read_transforms("(grey; downscale:4) + mirror_views") == (
        beside(chain(grey(), downscale(4)), mirror_views()),
    )


def test_a_setting_that_is_its_default_is_left_out():
    assert write_transforms([oriented_gradients(8), codebook(800, 6)]) == (
        "oriented_gradients:8; codebook:800,6"
    )


def test_numbers_of_numpy_are_written_as_those_of_python():
    side, tenth, two = np.array([8])[0], np.float64(0.1), np.array([2], np.float32)[0]
    several = (downscale(side), logarithm(tenth), logarithm(two))
    assert write_transforms(several) == "downscale:8; logarithm:0.1; logarithm:2.0"


def test_an_empty_text_names_none():
    assert read_transforms("") == read_transforms("  ") == ()
    assert write_transforms(()) == ""


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_name_is_that_of_the_factory(name):
    assert TRANSFORMS[name].make.__name__ == name


def test_forms_say_what_may_be_left_out():
    assert {
        "principal_components:COUNT[,whiten]", "oriented_gradients:CELL[,ORIENTATIONS]",
        "logarithm[:FACTOR]", "codebook:WORDS,PATCH[,POOLS][,STRIDE]", "standardize",
    } <= {*transform_forms()}  # fmt: skip


REFUSED = {
    "standardise": r"'standardise'; expected one of grey, .* \(did you mean standardize\?\)",
    "Grey": r"did you mean grey",
    "xyzzy": r"transform 'xyzzy'; expected one of .*: choose one$",
    "grey;": r"transform ''; expected one of",
    "grey + ; grey": r"transform ''; expected one of",
    "()": r"transform ''; expected one of",
    "(grey": r"expected a closing parenthesis for each open",
    "grey)(": r"expected a closing parenthesis for each open",
    "(grey)(grey)": r"expected one of",
    "downscale": r"'downscale' without its settings; expected downscale:SIDE$",
    "downscale:": r"'downscale:' without its settings; expected downscale:SIDE$",
    "downscale:1,2": r"expected downscale:SIDE$",
    "downscale:x": r"side of downscale 'x'; expected an integer",
    "downscale:0": r"side of downscale 0; expected an integer of at least 1",
    "downscale:1_0": r"side of downscale '1_0'",
    "downscale:٣": r"side of downscale '٣'",
    "downscale:2.5": r"side of downscale 2.5",
    "downscale:1,,": r"expected downscale:SIDE$",
    "grey:3": r"'grey:3' without other settings; expected grey$",
    "logarithm:nan": r"factor nan of logarithm",
    "logarithm:inf": r"factor inf of logarithm",
    "principal_components:whiten": r"expected principal_components:COUNT\[,whiten\]$",
    "(" * 999 + "grey" + ")" * 999: r"999 parentheses inside each other; expected at most 20",
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items(), ids=lambda text: text[:30])
def test_what_is_no_such_text_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence) as refusal:
        read_transforms(text)
    assert len(str(refusal.value)) < 400


def test_a_transform_without_a_name_cannot_be_written():
    class Own:
        def fit(self, inputs, seed):
            raise NotImplementedError

        def apply(self, fitted, inputs):  # noqa: ARG002
            return np.asarray(inputs)

    with pytest.raises(ValueError, match="has no name that text can hold"):
        write_transforms([chain(grey(), Own())])
