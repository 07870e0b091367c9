"""What is wrong with a data set is found, and nothing is found in a data set that is right."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from catpipe.data.drawn.drawings import draw
from catpipe.data.examples import DataSet, Examples
from catpipe.data.findings import ClassShare, Copy, Findings, Place, sentences, summary
from catpipe.data.inspection import _differ, find_problems

CLASSES = ("non-cat", "cat")
NOISE = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
LABELS = np.arange(12) % 2


def data_set(train, test, labels=LABELS, other_labels=LABELS, classes=CLASSES):
    return DataSet(
        Examples(train, labels[: len(train)]), Examples(test, other_labels[: len(test)]), classes
    )


def copies_in(data, most=100):
    return [(str(of.copy), str(of.of), of.how) for of in find_problems(data, most).copies]


def test_a_data_set_that_is_right_is_clean():
    findings = find_problems(data_set(NOISE[:8], NOISE[8:]))
    assert findings == Findings("picture", examples=12, different=12)
    assert findings.is_clean
    assert summary(findings) == ""


def test_the_arrays_of_a_data_set_without_a_test_part_are_inspected():
    assert find_problems(data_set(NOISE, NOISE[:0])).is_clean


def test_a_test_picture_that_is_a_training_picture_is_found():
    data = data_set(NOISE[:8], NOISE[[8, 9, 2]])
    (copy,) = find_problems(data).copies
    assert copy == Copy(Place("test", 2), Place("train", 2), "equal", 1.0, ("non-cat", "non-cat"))
    assert copy.is_leaked
    assert not copy.contradicts


def test_copies_in_a_part_are_found_in_each():
    data = data_set(NOISE[[0, 1, 0]], NOISE[[3, 3, 4]])
    expected = [("train 2", "train 0", "equal"), ("test 1", "test 0", "equal")]
    assert copies_in(data) == expected


def test_a_mirrored_and_a_near_copy_are_found_beside_an_equal_one():
    near = NOISE[1].astype(int).clip(10, 250).astype(np.uint8)
    data = data_set(NOISE[:8], np.stack([NOISE[0], near, NOISE[2][:, ::-1]]))
    assert copies_in(data) == [
        ("test 0", "train 0", "equal"),
        ("test 1", "train 1", "near"),
        ("test 2", "train 2", "mirrored"),
    ]
    assert find_problems(data).different == 10


def test_a_near_copy_of_a_picture_that_comes_after_an_equal_copy_is_named_by_its_place():
    data = data_set(NOISE[[0, 0, 1]], NOISE[1:2, :, ::-1])
    assert copies_in(data)[-1] == ("test 0", "train 2", "mirrored")


def test_pictures_of_other_types_in_both_parts_are_compared_as_they_are_seen():
    fractions = (NOISE[:2] / 255).astype(np.float32)
    assert copies_in(data_set(NOISE[:8], fractions))[0] == ("test 0", "train 0", "equal")


def test_grey_pictures_without_a_channel_are_compared():
    grey = NOISE[..., 0]
    assert copies_in(data_set(grey[:8], grey[:1, :, ::-1])) == [("test 0", "train 0", "mirrored")]


def test_among_too_many_pictures_equal_copies_alone_are_found_and_it_is_said():
    data = data_set(NOISE[:8], np.stack([NOISE[0], NOISE[2][:, ::-1]]))
    assert copies_in(data, most=8) == [("test 0", "train 0", "equal")]
    assert find_problems(data, most=8).not_looked_for == (
        "near copies, among 9 pictures: more than 8",
    )


def test_of_small_pictures_it_is_said_that_near_copies_are_not_looked_for():
    small = NOISE[:, :28, :28]
    findings = find_problems(data_set(small[:8], small[8:]))
    assert findings.not_looked_for == (
        "near copies, in inputs of 28 x 28 x 3: less than 32 x 32 pixels",
    )
    assert findings.is_clean


def test_a_copy_with_another_label_contradicts():
    data = data_set(NOISE[[0, 1, 0, 1]], NOISE[4:6], labels=np.array([0, 1, 1, 1]))
    assert [copy.contradicts for copy in find_problems(data).copies] == [True, False]
    assert sentences(find_problems(data))[-1] == (
        "1 copy has another label than what it copies, train 2 (cat) = train 0 (non-cat)"
    )


def test_equal_rows_of_a_regression_with_other_targets_contradict():
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])
    data = DataSet(
        Examples(rows, np.array([0.5, 1.0, 0.75])), Examples(rows[:0], np.zeros(0)), classes=()
    )
    assert find_problems(data).copies[0].labels == ("0.75", "0.5")


def test_a_feature_with_one_value_is_named_by_its_column():
    rows = np.random.default_rng(0).normal(size=(12, 3)) * [1, 0, 1]
    findings = find_problems(data_set(rows[:8], rows[8:]))
    assert findings.constant_features == (1,)
    assert summary(findings) == "1 feature never varies in training"
    assert sentences(findings) == ("1 feature never varies in training, column 1",)
    assert findings.not_looked_for == ()


def test_a_table_of_yes_and_no_in_bytes_has_features_and_no_pixels():
    rows = np.random.default_rng(0).integers(0, 2, (12, 30), np.uint8) * (np.arange(30) != 4)
    findings = find_problems(data_set(rows[:8], rows[8:]))
    assert findings.constant_features == (4,)
    assert findings.not_looked_for == ()


def test_rows_of_pixels_may_have_a_pixel_that_never_varies():
    rows = NOISE.reshape(12, -1) * (np.arange(3072) > 5).astype(np.uint8)
    assert find_problems(data_set(rows[:8], rows[8:])).is_clean


def test_a_picture_of_one_colour_is_found():
    green = np.broadcast_to(np.array([0, 255, 0], np.uint8), (1, 32, 32, 3))
    findings = find_problems(data_set(NOISE[:8], np.concatenate([NOISE[8:9], green])))
    assert findings.flat == (Place("test", 1),)
    assert findings.half_flat == ()


@pytest.mark.parametrize("half", [np.s_[16:], np.s_[:16], np.s_[:, 16:], np.s_[:, :16]])
def test_a_picture_with_a_half_of_one_colour_is_found(half):
    damaged = NOISE[:8].copy()
    damaged[(5, *(half if isinstance(half, tuple) else (half,)))] = 128
    assert find_problems(data_set(damaged, NOISE[8:])).half_flat == (Place("train", 5),)


def test_a_picture_with_less_than_a_half_of_one_colour_is_not_damaged():
    borders = NOISE[:8].copy()
    borders[5, 17:] = 128
    assert find_problems(data_set(borders, NOISE[8:])).half_flat == ()


def test_where_many_pictures_have_a_half_of_one_colour_that_is_their_background():
    plain = NOISE[:8].copy()
    plain[:2, :16] = 255
    assert find_problems(data_set(plain, NOISE[8:])).half_flat == ()


def test_shares_that_differ_by_more_than_chance_are_found():
    rows = np.random.default_rng(0).normal(size=(259, 2))
    labels, other = np.repeat([0, 1], [137, 72]), np.repeat([0, 1], [17, 33])
    findings = find_problems(data_set(rows[:209], rows[209:], labels, other))
    assert findings.shares == (
        ClassShare("non-cat", 137 / 209, 17 / 50),
        ClassShare("cat", 72 / 209, 33 / 50),
    )
    assert summary(findings) == "cat is 66.0 % of test, 34.4 % of train"
    assert sentences(findings) == (
        "always saying cat is right in 66.0 % of the test examples and 34.4 % of the training "
        "examples",
    )


def test_a_class_without_test_pictures_is_found_and_told():
    drawn = draw(1, 6, 4)
    inputs, _, _ = drawn.test
    test = Examples(inputs, np.array([0, 0, 1, 1]))
    train = Examples(drawn.train.inputs, np.array([0, 1, 2, 0, 1, 2]))
    findings = find_problems(DataSet(train, test, ("a", "b", "c")))
    assert findings.untested == ("c",)
    assert "1 class has no test picture, c" in sentences(findings)


def test_without_test_pictures_no_class_is_untested():
    drawn = draw(1, 6, 4)
    empty = Examples(drawn.test.inputs[:0], drawn.test.targets[:0])
    assert find_problems(drawn._replace(test=empty)).untested == ()


def test_of_several_classes_the_shares_that_differ_most_come_first():
    findings = Findings(
        "picture", 9, 9,
        shares=(ClassShare("a", 0.5, 0.4), ClassShare("b", 0.2, 0.55), ClassShare("c", 0.3, 0.05)),
    )  # fmt: skip
    always, listed = sentences(findings, most=2)
    assert always.startswith("always saying b is right in 55.0 % of the test pictures")
    assert listed.startswith("the shares of classes differ, b is 55.0 %")
    assert listed.endswith("c is 5.0 % of the test pictures and 30.0 % of the training pictures "
                           "and 1 more")  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_shares_differ_where_chance_would_make_them_so_in_one_of_a_thousand(seed):
    rng = np.random.default_rng(seed)
    classes = rng.integers(2, 8)
    counts = rng.multinomial(rng.integers(100, 1000), rng.dirichlet(np.full(classes, 20)), 2) + 1
    counts = np.stack([counts[0], rng.permutation(counts[1])]) if seed % 2 else counts
    p = chi2_contingency(counts, correction=False).pvalue
    if not 0.0005 < p < 0.002:  # where an approximation may be off
        assert _differ(counts) == (p < 0.001)


def test_a_class_that_is_in_the_test_alone_is_found():
    assert _differ(np.array([[50, 50, 0], [50, 50, 1]]))
    assert not _differ(np.array([[50, 50, 1], [50, 50, 0]]))


def test_the_drawn_pictures_have_other_shares_and_nothing_else():
    findings = find_problems(draw(seed=1, train=209, test=50))
    assert [share.name for share in findings.shares] == ["non-cat", "cat"]
    assert findings._replace(shares=()).is_clean


def test_the_photographs_are_as_they_are_known(photographs):
    findings = find_problems(photographs)
    assert findings.different == 258
    assert sentences(findings) == (
        "1 test picture is also a training picture, test 17 = train 146",
        "always saying cat is right in 66.0 % of the test pictures and 34.4 % of the training "
        "pictures",
    )
