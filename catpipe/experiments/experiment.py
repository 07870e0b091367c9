"""An experiment is a value: it describes a run, and nothing else decides what the run gives.

Each field is written once, in `Experiment`: type, default, allowed values, flag and help. The
check, the flags, the keys of a configuration file, the record in a run file, and what is printed as
different from the default come from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from itertools import chain
from reprlib import repr as brief
from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy as np
from toolz import identity

from catpipe.data import augmentation
from catpipe.data.sampling import Indices, Order, balanced, shuffled, stratified
from catpipe.data.transforms.composition import Transform
from catpipe.data.transforms.notation import read_transforms, transform_forms, write_transforms
from catpipe.nn import activations
from catpipe.nn import initializers as initialization
from catpipe.optim import schedules
from catpipe.optim.optimizers import (
    Optimizer,
    adam,
    averaged_momentum,
    gradient_descent,
    heavy_ball,
    nesterov,
    rmsprop,
)
from catpipe.optim.regularizers import adamw
from catpipe.optim.schedules import Schedule

ACTIVATIONS = {
    "relu": activations.RELU,
    "leaky_relu": activations.LEAKY_RELU,
    "elu": activations.ELU,
    "softplus": activations.SOFTPLUS,
    "gelu": activations.GELU,
    "silu": activations.SILU,
    "tanh": activations.TANH,
    "sigmoid": activations.SIGMOID,
    "identity": activations.IDENTITY,
}
INITIALIZERS = {
    "course": initialization.course,
    "course_he": initialization.course_he,
    "he": initialization.he,
    "xavier": initialization.xavier,
    "small": initialization.small,
    "large": initialization.large,
    "zeros": initialization.zeros,
}
WITH_MOMENTUM = {
    "heavy_ball": heavy_ball,
    "averaged_momentum": averaged_momentum,
    "nesterov": nesterov,
}
OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {
    "gradient_descent": gradient_descent,
    **WITH_MOMENTUM,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}

SCHEDULES: Mapping[str, tuple[Callable[..., Schedule], range, int | None]] = {
    "constant": (schedules.constant, range(1), None),
    "inverse_time": (schedules.inverse_time, range(1, 3), 1),
    "step": (schedules.step_decay, range(2, 3), 1),
    "exponential": (schedules.exponential, range(1, 2), None),
    "cosine": (schedules.cosine, range(2), 0),
}
"""Each with how many numbers it takes beside the rate, and which of them counts iterations."""

SCHEDULE_FORMS = (
    "constant, inverse_time:DECAY[,EVERY], step:FACTOR,EVERY, exponential:DECAY or "
    "cosine[:ITERATIONS]"
)


def _shuffled(labels: Indices, seed: int) -> Order:
    return shuffled(len(labels), seed)


ORDERS: Mapping[str, Callable[[Indices, int], Order]] = {
    "shuffled": _shuffled,
    "stratified": stratified,
    "balanced": balanced,
}
"""Each makes an order of the examples with these labels, from a seed."""

AUGMENTATIONS: Mapping[str, tuple[Callable[..., Any], str]] = {
    "flipped": (augmentation.flipped, "share"),
    "shifted": (augmentation.shifted, "most"),
    "cropped": (augmentation.cropped, "least"),
    "brightened": (augmentation.brightened, "most"),
}
"""Each with the name of the number that it can take."""

DTYPES = ("float64", "float32")

LOSSES = ("cross_entropy", "mean_squared_error")

SEEDS = 2**32  # a seed is below
MOST_UNITS = 2**31
MOST_STEPS = 2**53  # a float64 counts as far
LARGEST = float(np.finfo(float).max)  # an int of any size compares with it

Reader = Callable[[str], Any]


class Kind(NamedTuple):
    """Which values are allowed, in code and in words, and how to read one from text.

    `read` leaves as it is what it cannot read: the check then refuses it. `write` makes of a value
    what a file holds, and `read` reads. `names` maps what may be meant by a name to the name. A
    kind without a reader is a switch. `why` says what is wrong with a value, where it knows more.
    """

    allowed: Callable[[Any], bool]
    expected: str
    metavar: str = ""
    read: Reader | None = None
    names: Mapping[str, str] = {}
    write: Callable[[Any], Any] = identity
    why: Callable[[Any], str] | None = None


class Field(NamedTuple):
    """The facts of a field of `Experiment`, beside its name, type and default.

    `group` is where the help lists it; without one it has no flag. `flag` is given where it is not
    the name, `default` where it is not a value. It stands `in_place_of` another field, and people
    may know it `also_as`. One that `may_lack` is newer than run files of format 4.
    """

    kind: Kind
    help: str
    group: str = ""
    flag: str = ""
    default: str = ""
    in_place_of: str = ""
    also_as: tuple[str, ...] = ()
    may_lack: bool = False


def _is_integer(value: Any, low: int, high: int) -> bool:
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_whole and bool(low <= value <= high)


def _is_number(value: Any, low: float, below: float) -> bool:
    is_number = isinstance(value, float | int | np.number) and not isinstance(value, bool)
    return is_number and bool(low <= value < below)


def _is_one_of(names: Iterable[str]) -> Callable[[Any], bool]:
    return [*names].__contains__  # a list's, which takes what has no hash


def _are_sizes(value: Any) -> bool:
    return isinstance(value, tuple) and all(_is_integer(units, 1, MOST_UNITS) for units in value)


def _is_rate(value: Any) -> bool:
    return _is_number(value, 0, LARGEST) and value > 0


def _are_activations(value: Any) -> bool:
    names = value if isinstance(value, tuple) else (value,)
    return all(map(_is_one_of(ACTIVATIONS), names))


def _is_schedule(value: Any) -> bool:
    if not isinstance(value, tuple) or not value or value[0] not in [*SCHEDULES]:
        return False
    name, *numbers = value
    _, how_many, count = SCHEDULES[name]
    counts = numbers[count : count + 1] if count is not None else []
    return (
        len(numbers) in how_many
        and all(map(_is_rate, numbers))
        and all(_is_integer(number, 1, MOST_STEPS) for number in counts)
    )


def _are_transforms(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        hasattr(one, "fit") and hasattr(one, "apply") and not isinstance(one, type) for one in value
    )


def _are_augmentations(value: Any) -> bool:
    return isinstance(value, tuple) and all(map(_is_augmentation, value))


def _is_augmentation(value: Any) -> bool:
    is_form = isinstance(value, tuple) and 1 <= len(value) <= 2 and value[0] in [*AUGMENTATIONS]
    if not is_form:
        return False
    try:
        return augmentation_for(value)(np.zeros((1, 1, 1, 1)), 0, 0).size == 1
    except (TypeError, ValueError):
        return False


def augmentation_for(described: tuple[Any, ...]) -> augmentation.Augmentation:
    """Return the augmentation of this name, with its number where it has one.

    >>> augmentation_for(("flipped", 1))(np.array([[[[0.0], [1.0]]]]), 1, 0).ravel()
    array([1., 0.])
    """
    name, *number = described
    function, keyword = AUGMENTATIONS[name]
    return partial(function, **dict(zip([keyword], number, strict=False)))


def _augmentations(value: Any) -> Any:
    """Return the augmentations that a text lists, each with its number; or the value.

    >>> _augmentations("flipped; cropped:0.25")
    (('flipped',), ('cropped', 0.25))
    """
    if not isinstance(value, str):
        return value
    parts = (part.strip().partition(":") for part in value.split(";") if part.strip())
    return tuple((name, *([_number(number)] if number else [])) for name, _, number in parts)


def _written_augmentations(value: tuple[tuple[Any, ...], ...]) -> str:
    return "; ".join(":".join(map(str, part)) for part in value)


def _transforms(value: Any) -> Any:
    """Return the transforms that a text writes, or a tuple of texts and transforms; or the value.

    >>> _transforms("nothing of the kind")
    'nothing of the kind'
    """
    if isinstance(value, str):
        found = _transforms_or_error(value)
        return value if isinstance(found, ValueError) else found
    if not isinstance(value, tuple):
        return value
    parts = [part if isinstance(part, tuple) else (part,) for part in map(_transforms, value)]
    return tuple(chain.from_iterable(parts))


def _why_no_transforms(value: Any) -> str:
    """Return why a text, or the first such among several values, names no transforms.

    >>> _why_no_transforms("downscale")
    "transform 'downscale' without its settings; expected downscale:SIDE"
    """
    parts = value if isinstance(value, tuple) else (value,)
    found = (_transforms_or_error(part) for part in parts if isinstance(part, str))
    return next((str(error) for error in found if isinstance(error, ValueError)), "")


def _transforms_or_error(text: str) -> tuple[Transform, ...] | ValueError:
    try:
        return read_transforms(text)
    except ValueError as error:
        return error


def are_described(experiment: Experiment) -> bool:
    """Return whether a file can hold the experiment: none of its transforms is somebody's own.

    >>> are_described(Experiment(seed=1))
    True
    """
    try:
        return isinstance(write_transforms(experiment.transforms), str)
    except ValueError:
        return False


def _are_class_weights(value: Any) -> bool:
    if isinstance(value, str):
        return value == "balanced"
    is_list = isinstance(value, tuple) and any(value)
    return is_list and all(_is_number(one, 0, LARGEST) for one in value)


def _read(make: Callable[[str], Any], text: str) -> Any:
    """Return what `make` makes of the text, or the text where it makes nothing of it.

    Digits are plain ones: Python takes 1_0 and those of other scripts too.
    """
    try:
        return make(text) if "_" not in text and text.isascii() else text
    except ValueError:
        return text


def _integer(text: str) -> Any:
    """Return the integer, also of a number that is one.

    >>> _integer("1000"), _integer("1e3"), _integer("0.5")
    (1000, 1000, '0.5')
    """
    number = _read(int, text)
    if isinstance(number, int):
        return number
    value = _number(text)
    return value if isinstance(value, int) else text


def _real(text: str) -> Any:
    return _read(float, text)


def _number(text: str) -> Any:
    """Return the number, as an integer where it is one.

    >>> _number("10"), _number("0.5"), _number("1e300"), _number("ten")
    (10, 0.5, 1e+300, 'ten')
    """
    value = _real(text)
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= MOST_STEPS
    return int(value) if is_whole else value


def _several(read: Reader, text: str) -> tuple[Any, ...]:
    """Return the values that the text lists.

    >>> _several(_integer, "20,7,5"), _several(_integer, "")
    ((20, 7, 5), ())
    """
    return tuple(read(part.strip()) for part in text.split(",")) if text.strip() else ()


def _one_or_several(read: Reader, text: str) -> Any:
    """Return the value or, where the text lists several, all of them.

    >>> _one_or_several(str, "relu"), _one_or_several(str, "relu, tanh")
    ('relu', ('relu', 'tanh'))
    """
    values = _several(read, text)
    return values if len(values) > 1 else text


def _schedule(text: str) -> tuple[Any, ...]:
    """Return the schedule's name and its numbers.

    >>> _schedule("cosine"), _schedule("step:0.5,1000")
    (('cosine',), ('step', 0.5, 1000))
    """
    name, *numbers = text.replace(":", ",", 1).split(",")
    return (name, *map(_number, numbers))


def _class_weights(text: str) -> Any:
    """Return the weights that the text lists, or the text where it lists no numbers.

    >>> _class_weights("balanced"), _class_weights("1,2.5")
    ('balanced', (1, 2.5))
    """
    values = _several(_number, text)
    return text if values in ((), (text,)) else values


def _words(bound: int) -> str:
    """Return how a bound is written: powers of two of many digits as powers.

    >>> _words(7), _words(2**53)
    ('7', '2**53')
    """
    is_power = bound > 2**20 and bound & (bound - 1) == 0
    return f"2**{bound.bit_length() - 1}" if is_power else str(bound)


def _integers(low: int, high: int) -> Kind:
    allowed = partial(_is_integer, low=low, high=high)
    return Kind(allowed, f"an integer from {low} to {_words(high)}", "N", _integer)


def _choice(names: Iterable[str], others: Mapping[str, str] | None = None) -> Kind:
    """Return the kind of one of these names; `others` are names that people use for them."""
    known = {name: name for name in names}
    expected = f"one of {', '.join(known)}"
    return Kind(_is_one_of(known), expected, "NAME", str, {**known, **(others or {})})


SEED = _integers(0, SEEDS - 1)
COUNT = _integers(1, MOST_STEPS)
SIZES = Kind(
    _are_sizes, "layers of 1 to 2**31 units, such as 20,7,5", "N,N,...", partial(_several, _integer)
)
ACTIVATION = Kind(
    _are_activations,
    f"one of {', '.join(ACTIVATIONS)}, or one for each hidden layer",
    "NAME[,NAME...]",
    partial(_one_or_several, str),
    {**{name: name for name in ACTIVATIONS}, "swish": "silu", "linear": "identity"},
)
RATE = Kind(_is_rate, "a positive finite number", "RATE", _real)
STRENGTH = Kind(
    partial(_is_number, low=0, below=LARGEST), "a finite number of at least 0", "NUMBER", _real
)
FRACTION = Kind(
    partial(_is_number, low=0, below=1), "a number of at least 0 and below 1", "FRACTION", _real
)
SCHEDULE = Kind(
    _is_schedule, f"one of {SCHEDULE_FORMS}", "FORM", _schedule, {name: name for name in SCHEDULES}
)
CLASS_WEIGHTS = Kind(
    _are_class_weights,
    "balanced, or a number for each class, not all 0",
    "W,W,...",
    _class_weights,
    {"balanced": "balanced"},
)
AUGMENTATION = Kind(
    _are_augmentations,
    f"some of {', '.join(AUGMENTATIONS)}, as in 'flipped; cropped:0.25'",
    "NAME[:NUMBER]; ...",
    _augmentations,
    write=_written_augmentations,
)
TRANSFORMS = Kind(
    _are_transforms,
    f"transforms, such as 'downscale:16; standardize', of {', '.join(transform_forms())}",
    "NAME[:NUMBER]; ...",
    _transforms,
    write=write_transforms,
    why=_why_no_transforms,
)
SWITCH = Kind(lambda value: isinstance(value, bool), "true or false")
INITIALIZER = _choice(INITIALIZERS, {"glorot": "xavier", "kaiming": "he"})
OPTIMIZER = _choice(OPTIMIZERS, {"sgd": "gradient_descent", "momentum": "heavy_ball"})
ORDER = _choice(ORDERS)
LOSS = _choice(
    LOSSES,
    {"mse": "mean_squared_error", "squared_error": "mean_squared_error"}
    | dict.fromkeys(("log_loss", "binary_cross_entropy", "categorical_crossentropy"), LOSSES[0]),
)
DTYPE = _choice(DTYPES, {"double": "float64", "single": "float32"})


class Experiment(NamedTuple):
    """The description of a run; the defaults of all but the seed are the published run's.

    One activation is that of all hidden layers; several are one for each. The schedule is a name
    with its numbers, such as `("step", 0.5, 1000)`. Without a batch size all examples are one
    batch; `epochs`, where given, takes the place of iterations. With the mean squared error, a
    regression, there are no classes. Class weights are "balanced" or a
    number for each class. Early stopping is how many checks may pass without a lower validation
    cost.
    """

    # fmt: off
    seed: Annotated[int, Field(
        SEED, "seed of the initial parameters, the order of examples and the dropout", "training",
        also_as=("random-state",))]
    hidden: Annotated[tuple[int, ...], Field(
        SIZES, 'units of each hidden layer; "" for no hidden layer', "network", "layers",
        also_as=("units", "hidden-layers"))] = (20, 7, 5)
    activation: Annotated[str | tuple[str, ...], Field(
        ACTIVATION, "activation of the hidden layers, one for all or one for each: "
        f"{', '.join(ACTIVATIONS)}", "network")] = "relu"
    learning_rate: Annotated[float, Field(
        RATE, "factor of the gradient in each update", "training",
        also_as=("lr", "alpha", "eta", "step-size"))] = 0.0075
    iterations: Annotated[int, Field(
        COUNT, "number of updates", "training", also_as=("steps", "max-iter"))] = 2500
    initializer: Annotated[str, Field(
        INITIALIZER, f"distribution of the initial weights: {', '.join(INITIALIZERS)}", "network",
        also_as=("scheme", "init"))] = "course"
    dtype: Annotated[str, Field(
        DTYPE, f"floating-point type of all numbers: {', '.join(DTYPES)}", "network",
        also_as=("precision",))] = "float64"
    full_space: Annotated[bool, Field(
        SWITCH, "train on all input features instead of in the subspace that the examples span; "
        "the result is the same, but it is slower", "training")] = False
    classes: Annotated[int, Field(
        _integers(2, MOST_UNITS), "number of classes, which the data tell")] = 2
    loss: Annotated[str, Field(
        LOSS, "cross_entropy for classes, mean_squared_error for a regression", "training",
        also_as=("cost", "criterion", "objective"), may_lack=True)] = "cross_entropy"
    optimizer: Annotated[str, Field(
        OPTIMIZER, f"optimizer: {', '.join(OPTIMIZERS)}", "training",
        also_as=("solver",))] = "gradient_descent"
    momentum: Annotated[float | None, Field(
        FRACTION, f"momentum coefficient, only with {', '.join(WITH_MOMENTUM)}", "training",
        default="0.9", also_as=("beta",))] = None
    schedule: Annotated[tuple[Any, ...], Field(
        SCHEDULE, f"learning-rate schedule: {SCHEDULE_FORMS}; EVERY and ITERATIONS are numbers of "
        "iterations; inverse_time divides by 1 + DECAY x floor(iteration / EVERY), exponential "
        "multiplies by exp(-DECAY) in each iteration", "training",
        also_as=("decay", "lr-schedule"))] = ("constant",)
    warm_up: Annotated[int, Field(
        _integers(0, MOST_STEPS), "number of iterations in which the learning rate rises linearly "
        "to its full value", "training")] = 0
    l2: Annotated[float, Field(
        STRENGTH, "L2 regularization: adds NUMBER / 2 times the sum of squared weights to the cost",
        "regularization", also_as=("regularization", "lambda"))] = 0.0
    weight_decay: Annotated[float | None, Field(
        STRENGTH, "weight decay: each update also subtracts learning rate x NUMBER x weights",
        "regularization", default="0.01 for adamw, otherwise none")] = None
    dropout: Annotated[float, Field(
        FRACTION, "probability that a hidden unit is dropped in an iteration",
        "regularization")] = 0.0
    batch_size: Annotated[int | None, Field(
        COUNT, "examples in each mini-batch", "batches", default="all",
        also_as=("batch", "minibatch"))] = None
    order: Annotated[str, Field(
        ORDER, f"order of the examples in an epoch of mini-batches: {', '.join(ORDERS)}",
        "batches", also_as=("shuffle", "sampling"))] = "shuffled"
    epochs: Annotated[int | None, Field(
        COUNT, "number of passes through the examples, in place of iterations", "training",
        default="none", in_place_of="iterations")] = None
    class_weight: Annotated[str | tuple[float, ...] | None, Field(
        CLASS_WEIGHTS, "weight of each class in the cost; balanced gives each class the same "
        "total weight", "batches", default="1 for each")] = None
    early_stopping: Annotated[int | None, Field(
        COUNT, "stop after N validation checks in a row without a lower cost, and keep the best "
        "parameters; checks are made after each epoch of mini-batches, or every 100 iterations "
        "without them", "stopping", default="none", also_as=("patience",))] = None
    transforms: Annotated[tuple[Transform, ...], Field(
        TRANSFORMS, "what is made of the inputs, one after another, such as "
        "'downscale:16; standardize'", "data", default="the numbers as they are",
        also_as=("features", "preprocessing", "scaler"), may_lack=True)] = ()
    augmentation: Annotated[tuple[tuple[Any, ...], ...], Field(
        AUGMENTATION, "how pictures are changed by chance in each iteration, such as "
        "'flipped; cropped:0.25'", "batches", default="not at all", also_as=("augment",),
        may_lack=True)] = ()
    compiled: Annotated[bool, Field(
        SWITCH, "compile the steps by JAX (the extra jax), which takes about a second and makes "
        "small steps several times faster; the result is the same up to rounding", "training",
        also_as=("jit",), may_lack=True)] = False
    # fmt: on


FIELDS: Mapping[str, Field] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Experiment, include_extras=True).items()
}
"""The facts of each field, by its name."""


def closest(word: str, known: Mapping[str, str], cutoff: float = 0.7) -> str | None:
    """Return what is probably meant by a word, where something near it is known.

    >>> closest("adm", {"adam": "adam", "sgd": "gradient_descent"})
    'adam'
    """
    found = get_close_matches(word[:100].casefold(), known, n=1, cutoff=cutoff)
    return known[found[0]] if found else None


def is_regression(experiment: Experiment) -> bool:
    """Return whether targets are numbers, and not classes.

    >>> is_regression(Experiment(seed=1, loss="mean_squared_error"))
    True
    """
    return experiment.loss == "mean_squared_error"


def plain_fields(experiment: Experiment) -> dict[str, Any]:
    """Return each field as a file holds it.

    >>> plain_fields(Experiment(seed=1))["hidden"]
    (20, 7, 5)
    """
    return {name: FIELDS[name].kind.write(value) for name, value in experiment._asdict().items()}


def non_defaults(experiment: Experiment) -> dict[str, Any]:
    """Return the fields that are not the default; a seed has none.

    >>> non_defaults(Experiment(seed=1, l2=0.5))
    {'l2': 0.5}
    """
    defaults = Experiment._field_defaults
    values = experiment._asdict().items()
    return {name: value for name, value in values if value != defaults.get(name, value)}


def _shown(_: str, value: Any) -> str:
    return brief(value)


def checked(
    experiment: Experiment,
    named: Callable[[str], str] = str,
    shown: Callable[[str, Any], str] = _shown,
) -> Experiment:
    """Return the experiment, in Python's own values; refuse the first field that is not allowed.

    A list is taken for a tuple, a NumPy number or type for the same of Python, one for a tuple of
    one. `named(field)` is what an error calls a field, where that is not its own name, and
    `shown(field, value)` its value. Raises `TypeError` for what is no experiment, and `ValueError`.

    >>> checked(Experiment(seed=np.int64(1), hidden=[3], dtype=np.float32)) == Experiment(
    ...     seed=1, hidden=(3,), dtype="float32"
    ... )
    True

    >>> checked(Experiment(seed=-1))
    Traceback (most recent call last):
    ValueError: seed is -1; expected an integer from 0 to 4294967295
    >>> checked(Experiment(seed=1, optimizer="adm"))
    Traceback (most recent call last):
    ValueError: optimizer is 'adm'; expected one of gradient_descent, heavy_ball, \
averaged_momentum, nesterov, rmsprop, adam, adamw: choose one (did you mean adam?)
    """
    if not isinstance(experiment, Experiment):
        raise TypeError(
            f"the experiment is {brief(experiment)}; expected an Experiment, such as "
            "Experiment(seed=1)"
        )
    experiment = Experiment(*map(_taken, experiment, FIELDS.values()))
    for name, field in FIELDS.items():
        value = getattr(experiment, name)
        is_left_out = value is None and Experiment._field_defaults.get(name, "") is None
        if not is_left_out and not field.kind.allowed(value):
            raise ValueError(
                f"{named(name)} is {shown(name, value)}{_reason(value, field.kind)}"
                f"{_suggestion(value, field.kind.names)}"
            )
    _check_agreement(experiment, named)
    return experiment


def _taken(value: Any, field: Field) -> Any:
    """Return the value of a field as one that is allowed, where it can only mean that one."""
    plain = _plain(value)
    is_whole = isinstance(plain, float) and plain.is_integer()
    read = field.kind.read
    meant = (
        plain,
        read(plain) if read and field.kind.write is not identity else plain,
        int(plain) if is_whole else plain,
        (plain,) if isinstance(plain, int | str) else plain,
    )
    return next(filter(field.kind.allowed, meant), value)


def _plain(value: Any) -> Any:
    """Return the value in Python's own types: tuples, numbers, and the names of number types."""
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | range) and not hasattr(value, "_fields"):
        return tuple(map(_plain, value))
    if isinstance(value, Mapping) and {*value} == {*range(len(value))}:
        return tuple(_plain(value[number]) for number in range(len(value)))
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).name
    return value


def _reason(value: Any, kind: Kind) -> str:
    """Return what is wrong with the value, where its kind knows, or else what was expected."""
    why = kind.why(value) if kind.why else ""
    return f": {why}" if why else f"; expected {kind.expected}"


def _suggestion(value: Any, known: Mapping[str, str]) -> str:
    if not known:
        return ""
    values = value if isinstance(value, tuple) else (value,)
    meant = (closest(v, known) for v in values if isinstance(v, str) and v not in known.values())
    name = next(filter(None, meant), None)
    return f": choose one{f' (did you mean {name}?)' if name else ''}"


def _check_agreement(experiment: Experiment, named: Callable[[str], str]) -> None:
    """Refuse fields that are each allowed, but not with each other."""
    hidden, activation = experiment.hidden, experiment.activation
    if isinstance(activation, tuple) and len(activation) != len(hidden):
        raise ValueError(
            f"{named('activation')} names {len(activation)} activations for {len(hidden)} hidden "
            "layers; expected one for all, or one for each: name as many"
        )
    if experiment.momentum is not None and experiment.optimizer not in WITH_MOMENTUM:
        raise ValueError(
            f"{named('momentum')} is {experiment.momentum} with {experiment.optimizer}; expected "
            f"one of {', '.join(WITH_MOMENTUM)}: choose another optimizer, or leave it out"
        )
    if experiment.order != "shuffled" and experiment.batch_size is None:
        raise ValueError(
            f"{named('order')} is {experiment.order} without mini-batches; expected "
            f"{named('batch_size')} with it: give a size"
        )
    if experiment.dropout and not experiment.hidden:
        raise ValueError(
            f"{named('dropout')} is {experiment.dropout} without hidden layers; expected some, "
            "whose units are dropped: leave it out"
        )
    if experiment.compiled and experiment.augmentation:
        raise ValueError(
            f"{named('compiled')} is true with {named('augmentation')}, which changes pictures in "
            "each step outside of the program; expected one of them: leave out the other"
        )
    weights = experiment.class_weight
    if is_regression(experiment):
        _check_regression(experiment, named)
    if isinstance(weights, tuple) and len(weights) != experiment.classes:
        raise ValueError(
            f"{named('class_weight')} has {len(weights)} class weights for {experiment.classes} "
            "classes; expected as many: give one for each"
        )


def _check_regression(experiment: Experiment, named: Callable[[str], str]) -> None:
    of_classes = {"class_weight": None, "order": "shuffled"}
    for name, without_classes in of_classes.items():
        value = getattr(experiment, name)
        if value != without_classes:
            raise ValueError(
                f"{named(name)} is {brief(value)} with {experiment.loss}; expected none with a "
                "regression, which has no classes: leave it out"
            )
