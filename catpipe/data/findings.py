"""Findings: what makes a data set worth less than it looks, as a value and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from catpipe.data.copies import How


class Place(NamedTuple):
    """Where an example is: its part, `train` or `test`, and its number there, from 0.

    >>> print(Place("test", 17))
    test 17
    """

    part: str
    number: int

    def __str__(self) -> str:
        return f"{self.part} {self.number}"


class Copy(NamedTuple):
    """An example, the first one that it copies, in what way, how alike, and the labels of both."""

    copy: Place
    of: Place
    how: How
    likeness: float
    labels: tuple[str, str]

    @property
    def is_leaked(self) -> bool:
        """Whether an example to test on copies one to train on."""
        return self.copy.part != self.of.part

    @property
    def contradicts(self) -> bool:
        """Whether the two have different labels."""
        return self.labels[0] != self.labels[1]


class ClassShare(NamedTuple):
    """The share of a class in the examples to train on and in those to test on, in [0, 1]."""

    name: str
    train: float
    test: float


class Findings(NamedTuple):
    """What `find_problems` finds in a data set.

    `different` counts the examples that copy no other. `shares` are those of all classes where
    they differ between the parts by more than chance, else none; `untested` are the classes of
    which there is no test example, where there are some. `flat` pictures are of one
    colour, `half_flat` ones in one half. `constant_features` are the columns of a table that have
    one value in training. `not_looked_for` says what was left out, and why.
    """

    noun: str
    examples: int
    different: int
    copies: tuple[Copy, ...] = ()
    shares: tuple[ClassShare, ...] = ()
    untested: tuple[str, ...] = ()
    flat: tuple[Place, ...] = ()
    half_flat: tuple[Place, ...] = ()
    constant_features: tuple[int, ...] = ()
    not_looked_for: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        of_values = self.flat or self.half_flat or self.constant_features
        return not (self.copies or self.shares or self.untested or of_values)


class Words(NamedTuple):
    """What is said of one example, and of many; `{0}` stands for what an example is called."""

    one: str
    many: str


COPIES = {
    ("leaked", "equal"): Words(
        "test {0} is also a training {0}", "test {0}s are also training {0}s"
    ),
    ("leaked", "near"): Words(
        "test {0} is nearly a training {0}", "test {0}s are nearly training {0}s"
    ),
    ("repeated", "equal"): Words(
        "{0} repeats another of its part", "{0}s repeat others of their part"
    ),
    ("repeated", "near"): Words(
        "{0} nearly repeats another of its part", "{0}s nearly repeat others of their part"
    ),
}
CONTRADICTING = Words(
    "copy has another label than what it copies", "copies have other labels than what they copy"
)
FLAT = Words("{0} is of one colour", "{0}s are of one colour")
HALF_FLAT = Words(
    "{0} has a half of one colour and may be damaged",
    "{0}s have a half of one colour and may be damaged",
)
UNTESTED = Words("class has no test {0}", "classes have no test {0}s")
MOST_IN_SUMMARY = 2
CONSTANT = Words("feature never varies in training", "features never vary in training")


def sentences(findings: Findings, most: int = 10) -> tuple[str, ...]:
    """Return a sentence for each kind of problem, which names at most so many of the examples.

    >>> leak = Copy(Place("test", 17), Place("train", 146), "equal", 1.0, ("cat", "cat"))
    >>> sentences(Findings("picture", 259, 258, (leak,)))
    ('1 test picture is also a training picture, test 17 = train 146',)
    """
    kinds = (_of_copies, _of_shares, _of_values)
    return tuple(sentence for of_kind in kinds for sentence in of_kind(findings, most))


def summary(findings: Findings) -> str:
    """Return what was found on one short line, without the places; nothing for nothing.

    >>> leak = Copy(Place("test", 17), Place("train", 146), "equal", 1.0, ("cat", "cat"))
    >>> shares = ClassShare("no", 0.75, 0.5), ClassShare("cat", 0.25, 0.5)
    >>> summary(Findings("picture", 259, 258, (leak,), shares))
    '1 test picture is also a training picture; cat is 50.0 % of test, 25.0 % of train'
    """
    found = sentences(findings._replace(shares=()), most=0)
    shares = [
        f"{share.name} is {100 * share.test:.1f} % of test, {100 * share.train:.1f} % of train"
        for share in _from_rarer(findings.shares)[:1]
    ]
    first, others = (*found, *shares)[:MOST_IN_SUMMARY], (*found, *shares)[MOST_IN_SUMMARY:]
    return "; ".join((*first, *([f"{len(others)} more"] if others else [])))


def _of_copies(findings: Findings, most: int) -> Iterator[str]:
    for kind, words in COPIES.items():
        found = [_pair(copy) for copy in findings.copies if _kind(copy) == kind]
        yield from _sentence(found, words, findings.noun, most)
    against = [_pair(copy, *copy.labels) for copy in findings.copies if copy.contradicts]
    yield from _sentence(against, CONTRADICTING, findings.noun, most)


def _kind(copy: Copy) -> tuple[str, str]:
    """Return whether a copy is in the other part or its own, and whether it is equal or near."""
    return "leaked" if copy.is_leaked else "repeated", "equal" if copy.how == "equal" else "near"


def _of_shares(findings: Findings, most: int) -> Iterator[str]:
    shares = _from_rarer(findings.shares)
    for share in shares[:1]:
        yield f"always saying {share.name} is right in {_in_both(share, findings.noun)}"
    if len(shares) > 2 and most > 1:
        apart = sorted(shares, key=lambda share: -abs(share.train - share.test))
        found = [f"{share.name} is {_in_both(share, findings.noun)}" for share in apart]
        yield f"the shares of classes differ, {_listed(found, most)}"
    yield from _sentence(findings.untested, UNTESTED, findings.noun, most)


def _from_rarer(shares: Sequence[ClassShare]) -> list[ClassShare]:
    """Return the shares, those first that are rarer in training than in the test."""
    return sorted(shares, key=lambda share: share.train - share.test)


def _of_values(findings: Findings, most: int) -> Iterator[str]:
    columns = [f"column {number}" for number in findings.constant_features]
    for found, words in (
        ([*map(str, findings.flat)], FLAT),
        ([*map(str, findings.half_flat)], HALF_FLAT),
        (columns, CONSTANT),
    ):
        yield from _sentence(found, words, findings.noun, most)


def _sentence(found: Sequence[str], words: Words, noun: str, most: int) -> Iterator[str]:
    """Return the sentence for what was found, if anything was."""
    if found:
        what = (words.one if len(found) == 1 else words.many).format(noun)
        yield f"{len(found):,} {what}{f', {_listed(found, most)}' if most else ''}"


def _listed(found: Sequence[str], most: int) -> str:
    """Return the first of what was found, and how many more there are.

    >>> _listed(["test 1", "test 2", "test 3"], most=3), _listed(["test 1", "test 2"], most=1)
    ('test 1, test 2 and test 3', 'test 1 and 1 more')
    """
    rest = [f"{len(found) - most:,} more"] if len(found) > most else []
    *others, last = [*found[:most], *rest]
    return f"{', '.join(others)} and {last}" if others else last


def _pair(copy: Copy, label: str = "", other: str = "") -> str:
    """Return both places in words, with their labels where these are given."""
    one, two = f"{copy.copy}{label and f' ({label})'}", f"{copy.of}{other and f' ({other})'}"
    if copy.how == "equal":
        return f"{one} = {two}"
    return f"{one} is like {two}{' mirrored' * (copy.how == 'mirrored')}"


def _in_both(share: ClassShare, noun: str) -> str:
    test, train = f"{100 * share.test:.1f} %", f"{100 * share.train:.1f} %"
    return f"{test} of the test {noun}s and {train} of the training {noun}s"
