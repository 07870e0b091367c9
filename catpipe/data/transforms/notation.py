"""Pipelines of transforms as one line of text, which people write and files hold.

    mirror_views; downscale:16 + colour_histogram:4,3; principal_components:100,whiten

`;` comes between transforms that follow each other, `+` between those beside each other, which
binds closer; parentheses group; a colon begins the settings of a transform.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from functools import partial
from itertools import accumulate, pairwise
from reprlib import repr as brief
from typing import Any, NamedTuple

from catpipe.data.transforms.codebooks import Codebook, codebook
from catpipe.data.transforms.components import PrincipalComponents, principal_components
from catpipe.data.transforms.composition import (
    Beside,
    Chain,
    Transform,
    beside,
    chain,
    check_transforms,
)
from catpipe.data.transforms.descriptors import (
    ColourHistogram,
    OrientedGradients,
    colour_histogram,
    oriented_gradients,
)
from catpipe.data.transforms.pictures import (
    CropViews,
    Downscale,
    Grey,
    MirrorViews,
    crop_views,
    downscale,
    grey,
    mirror_views,
)
from catpipe.data.transforms.scaling import (
    Logarithm,
    ScaleGroups,
    SquareRoot,
    Standardize,
    logarithm,
    scale_groups,
    square_root,
    standardize,
)


class Kind(NamedTuple):
    """How a transform is made from its settings, and the class whose fields they are."""

    make: Callable[..., Transform]
    of: type


TRANSFORMS: Mapping[str, Kind] = {
    "grey": Kind(grey, Grey),
    "downscale": Kind(downscale, Downscale),
    "mirror_views": Kind(mirror_views, MirrorViews),
    "crop_views": Kind(crop_views, CropViews),
    "colour_histogram": Kind(colour_histogram, ColourHistogram),
    "oriented_gradients": Kind(oriented_gradients, OrientedGradients),
    "codebook": Kind(codebook, Codebook),
    "standardize": Kind(standardize, Standardize),
    "scale_groups": Kind(scale_groups, ScaleGroups),
    "logarithm": Kind(logarithm, Logarithm),
    "square_root": Kind(square_root, SquareRoot),
    "principal_components": Kind(principal_components, PrincipalComponents),
}
"""The transforms that text can name; each of its numbers is a field of the class, in order."""

DEEPEST = 20
"""How deep parentheses may be nested."""


def read_transforms(text: str) -> tuple[Transform, ...]:
    """Return the transforms that the text names, none for an empty text.

    Raises `ValueError` for what is no such text, with what was probably meant where that is near.

    >>> read_transforms("downscale:16; standardize")
    (Downscale(side=16), Standardize())
    >>> read_transforms("downscale; standardise")
    Traceback (most recent call last):
    ValueError: transform 'downscale' without its settings; expected downscale:SIDE
    """
    _check_parentheses(text)
    return tuple(map(_read_beside, _split(text, ";"))) if text.strip() else ()


def write_transforms(transforms: Sequence[Transform]) -> str:
    """Return the text that names these transforms: `read_transforms` gives them back, equal.

    Raises `ValueError` for a transform of the user's own, which has no name, and `TypeError` for
    what is no transform.

    >>> write_transforms([chain(grey(), downscale(8)), beside(downscale(8), grey())])
    '(grey; downscale:8); downscale:8 + grey'
    """
    check_transforms(transforms)
    return "; ".join(map(_written, transforms))


def transform_forms() -> tuple[str, ...]:
    """Return how each transform that has a name is written.

    >>> transform_forms()[:4]
    ('grey', 'downscale:SIDE', 'mirror_views', 'crop_views:COUNT,SIDE[,LEAST]')
    """
    return tuple(map(_form, TRANSFORMS))


def _read_beside(text: str) -> Transform:
    return beside(*map(_read_one, _split(text, "+")))


def _read_one(text: str) -> Transform:
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        return chain(*map(_read_beside, _split(text[1:-1], ";")))
    name, _, settings = text.partition(":")
    if name not in TRANSFORMS:
        raise ValueError(f"transform {brief(name)}; expected {_expected(name)}")
    return _made(text, name, [word.strip() for word in settings.split(",") if settings.strip()])


def _made(text: str, name: str, words: list[str]) -> Transform:
    """Return the transform of this name; words among its settings switch fields on."""
    switches = {word for word in words if word in _switches(name)}
    numbers = [_number(word) for word in words if word not in switches]
    if len(numbers) not in _how_many(name):
        found = "other settings" if words else "its settings"
        raise ValueError(f"transform {brief(text)} without {found}; expected {_form(name)}")
    return TRANSFORMS[name].make(*numbers, **dict.fromkeys(switches, True))


def _number(word: str) -> Any:
    """Return the integer or the number that the word is, or the word, which no setting can be."""
    for make in (int, float):
        try:
            return make(word) if "_" not in word and word.isascii() else word
        except ValueError:
            continue
    return word


def _written(transform: Transform) -> str:
    if isinstance(transform, Chain):
        return f"({'; '.join(map(_written, transform.transforms))})"
    if isinstance(transform, Beside):
        return " + ".join(map(_written_within, transform.transforms))
    name = next((name for name, kind in TRANSFORMS.items() if kind.of is type(transform)), None)
    if name is None:
        raise ValueError(
            f"transform {brief(transform)} has no name that text can hold; expected those of "
            f"{', '.join(TRANSFORMS)}: leave it out"
        )
    settings = ",".join(map(partial(_setting, transform), _changed(transform)))
    return f"{name}:{settings}" if settings else name


def _written_within(transform: Transform) -> str:
    """Return the text of a transform beside others, in parentheses where it has a `+` itself."""
    text = _written(transform)
    return f"({text})" if isinstance(transform, Beside) else text


def _changed(transform: Any) -> list[Field[Any]]:
    """Return the fields that are written: numbers up to the last that is not its default."""
    changed = [of for of in fields(transform) if getattr(transform, of.name) != of.default]
    numbers = [of for of in fields(transform) if of.type != "bool"]
    last = max((place for place, of in enumerate(numbers) if of in changed), default=-1)
    return [*numbers[: last + 1], *(of for of in changed if of.type == "bool")]


def _setting(transform: Transform, field: Field[Any]) -> str:
    value = getattr(transform, field.name)
    if field.type == "bool":
        return field.name
    numbers = value if isinstance(value, tuple) else (value,)
    return ",".join(repr(number).replace("e+", "e") for number in numbers)  # a `+` would split it


def _numbers(name: str) -> list[Field[Any]]:
    return [field for field in fields(TRANSFORMS[name].of) if field.type != "bool"]


def _switches(name: str) -> list[str]:
    return [field.name for field in fields(TRANSFORMS[name].of) if field.type == "bool"]


def _how_many(name: str) -> range:
    """Return how many numbers a transform of this name takes."""
    numbers = _numbers(name)
    needed = sum(field.default is MISSING for field in numbers)
    takes_any = any(field.type.startswith("tuple") for field in numbers)
    return range(needed, 2**31 if takes_any else len(numbers) + 1)


def _form(name: str) -> str:
    needed = [f.name.upper() for f in _numbers(name) if f.default is MISSING]
    others = [f.name.upper() for f in _numbers(name) if f.default is not MISSING]
    optional = [*others, *_switches(name)]
    settings = ",".join(needed) + "".join(
        f"[,{word}]" if needed or number else f"[:{word}]" for number, word in enumerate(optional)
    )
    return f"{name}:{settings}" if needed else f"{name}{settings}"


def _expected(name: str) -> str:
    near = get_close_matches(name[:100].casefold(), TRANSFORMS, n=1, cutoff=0.7)
    meant = f": choose one (did you mean {near[0]}?)" if near else ": choose one"
    return f"one of {', '.join(TRANSFORMS)}{meant}"


def _split(text: str, separator: str) -> list[str]:
    """Return the parts of the text between the separators that are in no parentheses.

    >>> _split("a + (b + c)", "+")
    ['a ', ' (b + c)']
    """
    depths = _depths(text)
    cuts = [at for at, character in enumerate(text) if character == separator and not depths[at]]
    return [text[start + 1 : end] for start, end in pairwise([-1, *cuts, len(text)])]


def _depths(text: str) -> list[int]:
    return [*accumulate((character == "(") - (character == ")") for character in text)]


def _check_parentheses(text: str) -> None:
    depths = _depths(text) or [0]
    if min(depths) < 0 or depths[-1]:
        raise ValueError(f"transforms {brief(text)}; expected a closing parenthesis for each open")
    if max(depths) > DEEPEST:
        raise ValueError(
            f"transforms with {max(depths)} parentheses inside each other; expected at most "
            f"{DEEPEST}: write fewer"
        )
