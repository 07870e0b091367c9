"""Laws of the drawn pictures: what they depend on, how many are cats, that shape alone tells."""

from hashlib import sha256

import numpy as np
import pytest
from numpy.typing import NDArray

from catpipe.data.drawn.drawings import draw, look_of, picture, portrait
from catpipe.data.drawn.subjects import OTHERS, cat
from catpipe.data.examples import DataSet, Examples


@pytest.fixture(scope="module")
def drawn() -> DataSet:
    return draw(1)


def mean_colours(pictures: Examples) -> NDArray[np.float64]:
    colours: NDArray[np.float64] = pictures.inputs.mean((1, 2))
    return colours


def test_equal_seeds_give_equal_pictures() -> None:
    one, again = draw(1, 20, 20), draw(1, 20, 20)
    for first, second in zip(one[:2], again[:2], strict=True):
        np.testing.assert_array_equal(first.inputs, second.inputs)
        np.testing.assert_array_equal(first.targets, second.targets)


def test_other_seeds_give_other_pictures() -> None:
    one, other = draw(1, 20, 20), draw(2, 20, 20)
    assert not (one.train.inputs == other.train.inputs).all((1, 2, 3)).any()
    assert not (one.test.inputs == other.test.inputs).all((1, 2, 3)).any()


@pytest.mark.parametrize("count", [1, 7, 30])
def test_a_picture_depends_on_its_own_path_and_label_alone(count: int) -> None:
    for split, pictures in enumerate(draw(5, count, count)[:2]):
        for index, (image, label) in enumerate(zip(*pictures[:2], strict=True)):
            np.testing.assert_array_equal(image, picture(label, 5, split, index))


def test_seed_1_is_these_bytes_on_every_machine(drawn: DataSet) -> None:
    digests = [
        sha256(part.inputs.tobytes() + part.targets.astype("<i8").tobytes()).hexdigest()[:16]
        for part in drawn[:2]
    ]
    assert digests == ["48fb05963eb4cf75", "992889590fa8e175"]


def test_72_of_209_and_33_of_50_are_cats(drawn: DataSet) -> None:
    assert (len(drawn.train.targets), drawn.train.targets.sum()) == (209, 72)
    assert (len(drawn.test.targets), drawn.test.targets.sum()) == (50, 33)


def test_other_counts_keep_the_shares() -> None:
    smaller = draw(4, 100, 10)
    assert (smaller.train.targets.sum(), smaller.test.targets.sum()) == (34, 7)


def test_cats_and_others_are_shuffled(drawn: DataSet) -> None:
    for pictures in drawn[:2]:
        changes = np.count_nonzero(np.diff(pictures.targets))
        share = pictures.targets.mean()
        assert changes == pytest.approx(2 * share * (1 - share) * len(pictures.targets), rel=0.35)


def test_the_train_and_test_labels_of_equal_counts_differ() -> None:
    same = draw(3, 30, 30)
    assert same.train.targets.tolist() != same.test.targets.tolist()


def test_pictures_are_64_by_64_colour_bytes(drawn: DataSet) -> None:
    assert drawn.train.inputs.shape == (209, 64, 64, 3)
    assert drawn.test.inputs.shape == (50, 64, 64, 3)
    assert {part.inputs.dtype for part in drawn[:2]} == {np.dtype(np.uint8)}


def test_labels_are_0_and_1_and_1_is_a_cat(drawn: DataSet) -> None:
    assert {part.targets.dtype for part in drawn[:2]} == {np.dtype(np.int64)}
    assert drawn.classes == ("non-cat", "cat")
    np.testing.assert_array_equal(picture(1, 6, 3), portrait(cat, look_of(6, 3, 0)))


def test_no_two_pictures_are_alike(drawn: DataSet) -> None:
    images = np.concatenate([drawn.train.inputs, drawn.test.inputs])
    assert len({image.tobytes() for image in images}) == 259


def test_every_kind_of_thing_is_drawn(drawn: DataSet) -> None:
    kinds = {
        kind.__name__
        for kind in OTHERS
        for index in range(60)
        if np.array_equal(portrait(kind, look_of(1, 0, index, 0)), drawn.train.inputs[index])
    }
    assert kinds == {kind.__name__ for kind in OTHERS}


def test_no_two_kinds_look_alike() -> None:
    portraits = {portrait(kind, look_of(8)).tobytes() for kind in (cat, *OTHERS)}
    assert len(portraits) == 1 + len(OTHERS)


def test_what_lies_behind_does_not_depend_on_the_label() -> None:
    for index in range(20):
        other, a_cat = (picture(label, 9, index)[:4, [0, 1, 2, -3, -2, -1]] for label in (0, 1))
        np.testing.assert_array_equal(other, a_cat)


def test_edges_are_smooth() -> None:
    look = look_of(1)._replace(backdrop=1)
    assert len(np.unique(portrait(cat, look).reshape(-1, 3), axis=0)) > 500


@pytest.mark.parametrize("seed", [1, 2])
def test_colour_alone_does_not_tell_a_cat(drawn: DataSet, seed: int) -> None:
    train, test, _ = drawn if seed == 1 else draw(seed)
    colours = mean_colours(train)
    centres = np.stack([colours[train.targets == label].mean(0) for label in (0, 1)])
    distances = np.square(mean_colours(test)[:, np.newaxis] - centres).sum(-1)
    assert (distances.argmin(-1) == test.targets).mean() < 0.75


@pytest.mark.parametrize(
    ("arguments", "found"),
    [((1, 0), "train is 0"), ((1, 5, -2), "test is -2"), ((-1,), "seed is -1")],
)
def test_wrong_counts_and_seeds_are_refused(arguments: tuple[int, ...], found: str) -> None:
    with pytest.raises(ValueError, match=f"{found}; expected . or more: pass a larger number"):
        draw(*arguments)
