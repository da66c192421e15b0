"""Agreement against published tables, independent packages, and what may never matter: order and names."""

import math
import random
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import krippendorff
import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from irrCAC.raw import CAC

from scoring import gwet_ac2, icc, krippendorff_alpha

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: 4 observers, 12 units, 5 values.
# Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition, works on the same ratings (`raw_4raters` of irrCAC).
OBSERVERS = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 ."""
UNITS = [
    [None if value == "." else int(value) for value in unit]
    for unit in zip(*(line.split() for line in OBSERVERS.strip().splitlines()), strict=True)
]
# Shrout and Fleiss (1979), Intraclass correlations: uses in assessing rater reliability, table 2.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

METRICS: tuple[Literal["nominal", "ordinal", "interval", "ratio"], ...] = ("nominal", "ordinal", "interval", "ratio")
NAMES = ("icc1_1", "icc2_1", "icc3_1", "icc1_k", "icc2_k", "icc3_k")

ratings = st.one_of(st.none(), st.integers(1, 5))
units = st.lists(st.lists(ratings, min_size=3, max_size=3), min_size=2, max_size=8)


@pytest.fixture(autouse=True)
def _numpy_is_strict() -> Iterator[None]:
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(seed: int, *, units: int = 60, raters: int = 5, gaps: float = 0.25) -> np.ndarray:
    """Ratings from 1 to 5 around a true level, with gaps as NaN."""
    rng = np.random.default_rng(seed)
    table = np.clip(rng.integers(1, 6, (units, 1)) + rng.integers(-1, 2, (units, raters)), 1, 5).astype(float)
    table[rng.random(table.shape) < gaps] = np.nan
    return table


@pytest.mark.parametrize(
    ("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_is_krippendorffs_own(metric: Any, published: float) -> None:
    assert round(krippendorff_alpha(UNITS, metric), 3) == published


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_alpha_is_that_of_the_package(metric: Any, seed: int) -> None:
    table = drawn(seed)

    expected = krippendorff.alpha(reliability_data=table.T, level_of_measurement=metric)

    assert krippendorff_alpha(table, metric) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_alpha_of_values_between_whole_numbers_is_that_of_the_package(metric: Any) -> None:
    table = np.round(drawn(4) * 20.3 / 7, 2)

    expected = krippendorff.alpha(reliability_data=table.T, level_of_measurement=metric)

    assert krippendorff_alpha(table.tolist(), metric) == pytest.approx(expected, abs=1e-12)


def test_labels_agree_as_their_numbers_do() -> None:
    words = [[None if value is None else "abcde"[value - 1] for value in unit] for unit in UNITS]

    assert krippendorff_alpha(words, "nominal") == krippendorff_alpha(UNITS, "nominal")


@pytest.mark.parametrize("metric", METRICS)
@given(table=units, order=st.randoms())
def test_alpha_does_not_depend_on_the_order_of_units_or_raters(metric: Any, table: Any, order: random.Random) -> None:
    columns = order.sample(range(3), 3)
    shuffled = [[unit[column] for column in columns] for unit in order.sample(table, len(table))]

    assert _or_sentence(krippendorff_alpha, shuffled, metric) == _or_sentence(krippendorff_alpha, table, metric)


@given(table=units, names=st.permutations([1, 2, 3, 4, 5]))
def test_nominal_coefficients_do_not_depend_on_names(table: Any, names: list[int]) -> None:
    renamed = [[None if value is None else names[value - 1] for value in unit] for unit in table]
    categories = [1, 2, 3, 4, 5]

    assert _or_sentence(krippendorff_alpha, renamed, "nominal") == _or_sentence(krippendorff_alpha, table, "nominal")
    assert _or_sentence(lambda t: gwet_ac2(t, categories).value, renamed) == _or_sentence(
        lambda t: gwet_ac2(t, categories).value, table
    )


def test_interval_alpha_does_not_depend_on_unit_or_zero_of_the_scale() -> None:
    moved = [[None if value is None else 1000 - 3 * value for value in unit] for unit in UNITS]

    assert krippendorff_alpha(moved, "interval") == pytest.approx(krippendorff_alpha(UNITS, "interval"), abs=1e-12)


@pytest.mark.parametrize(
    ("table", "metric", "sentence"),
    [
        ([], "interval", "two ratings"),
        ([[1], [2, None], [float("nan"), 3]], "interval", "rated by two evaluators"),
        ([[3, 3], [3, 3, None]], "ordinal", "all ratings are the same"),
        ([[1, "two"]], "interval", "must be numbers"),
        ([[1, float("inf")]], "interval", "infinite"),
        ([[1, 10**400]], "ratio", "too large"),
        ([[1, 1e308], [-1e308, 2]], "interval", "too large"),
        ([[-1, 2]], "ratio", "from 0"),
        ([[[1], 2]], "nominal", "lists of ratings"),
        ([[1, 2]], "cardinal", "choose nominal"),
    ],
)
def test_alpha_without_an_answer_says_why(table: Any, metric: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        krippendorff_alpha(table, metric)


def test_tiny_and_huge_numbers_are_compared_like_any() -> None:
    table = [[1, 2, None], [2, 2, 4], [5, 3, 3]]
    expected = krippendorff_alpha(table, "ratio")

    for size in (1e-90, 1e90):
        scaled = [[None if value is None else value * size for value in unit] for unit in table]
        assert krippendorff_alpha(scaled, "ratio") == pytest.approx(expected, abs=1e-12)


def test_ac1_is_gwets_own() -> None:
    found = gwet_ac2(UNITS, [1, 2, 3, 4, 5])

    # Gwet (2014): AC1 .7754 with a standard error of .1429, from .8182 observed and .1903 by chance.
    assert (round(found.value, 4), round(found.se or 0, 4)) == (0.7754, 0.1429)
    assert (round(found.observed, 4), round(found.expected, 4)) == (0.8182, 0.1903)
    assert (found.units, found.paired) == (12, 11)
    assert found.interval() == pytest.approx((0.46081, 1.0), abs=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("unweighted", "identity"), ("ordinal", "ordinal"), ("linear", "linear"), ("quadratic", "quadratic")],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_ac2_is_that_of_the_package(ours: Any, theirs: str, seed: int) -> None:
    table = drawn(seed)
    categories = [0, 1, 2, 3, 4, 5, 8]  # two that nobody used, and a wider step
    expected = CAC(pd.DataFrame(table), weights=theirs, categories=categories, digits=12).gwet()["est"]

    found = gwet_ac2(table, categories, ours)

    assert found.value == pytest.approx(expected["coefficient_value"], abs=1e-11)
    assert found.se == pytest.approx(expected["se"], abs=1e-11)
    assert found.interval() == pytest.approx(expected["confidence_interval"], abs=1e-8)


def test_a_matrix_of_weights_serves_as_its_name() -> None:
    matrix = [[1 - abs(a - b) / 4 for b in range(5)] for a in range(5)]

    assert gwet_ac2(UNITS, [1, 2, 3, 4, 5], matrix).value == pytest.approx(
        gwet_ac2(UNITS, [5, 4, 3, 2, 1], "linear").value, abs=1e-12
    )


def test_an_unused_category_counts_in_chance() -> None:
    """By hand: shares 3/4 and 1/4, so 2 × 3/16 by chance, over q - 1: 3/8 with two categories, 3/16 with three."""
    table = [["yes", "yes"], ["yes", "no"]]

    assert gwet_ac2(table, ["yes", "no"]).expected == 3 / 8
    assert gwet_ac2(table, ["yes", "no", "perhaps"]).expected == 3 / 16
    assert gwet_ac2(table, ["yes", "no"]).value == (1 / 2 - 3 / 8) / (1 - 3 / 8)


def test_evaluators_who_all_gave_the_top_agree() -> None:
    found = gwet_ac2([[5, 5], [5, 5, 5]], [1, 2, 3, 4, 5], "quadratic")

    assert (found.value, found.se) == (1, 0)


def test_one_unit_has_no_standard_error() -> None:
    found = gwet_ac2([[1, 2]], [1, 2])

    assert (found.value, found.se, found.interval()) == (-1, None, None)


@pytest.mark.parametrize(
    ("table", "categories", "weights", "sentence"),
    [
        ([[1], [2]], [1, 2], "unweighted", "two ratings"),
        ([[1, 6]], [1, 2], "unweighted", "6 is not among"),
        ([[1, 1]], [1], "unweighted", "at least two"),
        ([[1, 1]], [1, 1], "unweighted", "each once"),
        ([[1, 2]], [1, 2], "cubic", "choose unweighted"),
        ([[1, 2]], [1, 2], [[1, 0.5]], "2 by 2"),
        ([[1, 2]], [1, 2], [[1, 0.5], [0.4, 1]], "symmetric"),
        ([[1, 2]], [1, 2], [[1, 1], [1, 1]], "below 1"),
        ([[1, 2]], [1, 2], [[1, float("nan")], [float("nan"), 1]], "from 0 to 1"),
    ],
)
def test_ac2_without_an_answer_says_why(table: Any, categories: Any, weights: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        gwet_ac2(table, categories, weights)


def test_icc_are_those_of_shrout_and_fleiss() -> None:
    """Their tables 3 and 4, and the intervals in their text."""
    found = icc(JUDGES)

    assert [round(getattr(found, name), 2) for name in NAMES] == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    squares = [round(value, 2) for value in (found.between, found.within, found.raters, found.error)]
    assert squares == [11.24, 6.26, 32.49, 1.02]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_icc_and_intervals_are_those_of_the_package(seed: int) -> None:
    table = drawn(seed, units=12, gaps=0) + np.arange(5)
    long = pd.DataFrame(
        [(row, column, table[row, column]) for row in range(12) for column in range(5)], columns=["t", "r", "x"]
    )
    with np.errstate(all="warn"):
        expected = pingouin.intraclass_corr(long, targets="t", raters="r", ratings="x")

    found = icc(table)

    assert [getattr(found, name) for name in NAMES] == pytest.approx(expected["ICC"].tolist(), abs=1e-9)
    intervals = [end for name in NAMES for end in found.ci95[name]]
    assert intervals == pytest.approx(np.concatenate(expected["CI95"].tolist()).tolist(), abs=0.0051)


def test_perfect_agreement_is_one_without_doubt() -> None:
    found = icc([[1, 1], [2, 2], [5, 5]])

    assert {getattr(found, name) for name in NAMES} == {1}
    assert set(found.ci95.values()) == {(1, 1)}


def test_icc_does_not_depend_on_order_or_scale() -> None:
    shuffled = [[1000 + 7 * row[column] for column in (2, 0, 3, 1)] for row in reversed(JUDGES)]
    found, expected = icc(shuffled), icc(JUDGES)

    assert [getattr(found, name) for name in NAMES] == pytest.approx([getattr(expected, name) for name in NAMES])
    assert found.interval(0.9)["icc2_1"] == pytest.approx(expected.interval(0.9)["icc2_1"])


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ([], "two rows"),
        ([[1, 2, 3]], "two rows"),
        ([[1], [2]], "two or more ratings"),
        ([[1, 2], [3]], "two rows"),
        ([[1, 2], [3, None]], "missing"),
        ([[4, 4], [4, 4]], "all ratings are the same"),
        ([[1, 3], [3, 1]], "the same mean"),
        ([[1, 2], [1, 2]], "the same mean"),
        ([[1, "b"], [1, 2]], "must be numbers"),
        ([1, 2], "list of rows"),
        (7, "list of rows"),
    ],
)
def test_icc_without_an_answer_says_why(table: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        icc(table)


@pytest.mark.parametrize("level", [0, 1, -1, float("nan")])
def test_level_of_an_interval_is_between_0_and_1(level: float) -> None:
    for found in (icc(JUDGES), gwet_ac2(UNITS, [1, 2, 3, 4, 5])):
        with pytest.raises(ValueError, match="between 0 and 1"):
            found.interval(level)


def _or_sentence(statistic: Any, *inputs: Any) -> Any:
    """The value to compare, or the sentence of the refusal."""
    try:
        return pytest.approx(statistic(*inputs), abs=1e-12)
    except ValueError as refused:
        return str(refused)


small_tables = st.integers(2, 3).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 4), min_size=width, max_size=width),
        min_size=2,
        max_size=4,
    )
)


@settings(max_examples=400)
@given(small_tables)
@example([[2, 2], [1, 3], [2, 0]])
@example([[3, 3, 1], [1, 3, 2]])
@example([[4, 0], [4, 1], [2, 2]])
@example([[3, 3, 0], [3, 2, 4]])
@example([[0, 2, 4], [3, 3, 2], [3, 2, 4]])
@example([[4, 2, 0], [1, 4, 0]])
def test_icc_of_any_small_table_lies_within_its_interval(table: list[list[int]]) -> None:
    assume(len({sum(row) for row in table}) > 1)

    found = icc(table)

    for name in NAMES:
        estimate, (low, high) = getattr(found, name), found.ci95[name]
        assert low <= estimate <= high or (name == "icc2_k" and all(map(math.isnan, (low, estimate, high))))


def test_mean_of_raters_whose_variance_is_nothing_has_no_reliability() -> None:
    """Rows of 6 and 9: between 3/2. Columns of 6, 5 and 4: raters 1/2. Squares 47 - 75/2 - 3/2 - 1 = 7: error 7/2.

    Between + (raters - error) / 2 is 0, the denominator of ICC(2,k); ICC(2,1) is (3/2 - 7/2) / (17/2 - 9/2) = -1/2.
    """
    found = icc([[3, 3, 0], [3, 2, 4]])

    assert (found.between, found.raters, found.error) == pytest.approx((3 / 2, 1 / 2, 7 / 2))
    assert found.icc2_1 == pytest.approx(-1 / 2)  # the pole of the step up to three raters
    assert math.isnan(found.icc2_k)
    assert all(map(math.isnan, found.ci95["icc2_k"]))


def test_limit_below_the_pole_has_no_counterpart_for_a_mean() -> None:
    low, high = icc([[0, 2, 4], [3, 3, 2], [3, 2, 4]]).ci95["icc2_k"]

    assert (low, high < 1) == (-math.inf, True)


@pytest.mark.parametrize("scale", [1e-90, 1e90])
def test_intervals_do_not_depend_on_a_scale_however_large(scale: float) -> None:
    found = icc([[scale * value for value in row] for row in JUDGES])

    for name, ends in icc(JUDGES).ci95.items():
        assert found.ci95[name] == pytest.approx(ends)


@pytest.mark.parametrize("weights", ["ordinal", "linear", "quadratic", [[1, 0], [0, 1]]])
def test_set_of_categories_has_no_order(weights: Any) -> None:
    with pytest.raises(ValueError, match="a set has no order"):
        gwet_ac2([[1, 2]], {1, 2}, weights)  # type: ignore[arg-type]


def test_set_of_categories_needs_no_order_unweighted() -> None:
    assert gwet_ac2(UNITS, {1, 2, 3, 4, 5}) == gwet_ac2(UNITS, [1, 2, 3, 4, 5])  # type: ignore[arg-type]


@pytest.mark.parametrize("absurd", [float("inf"), float("nan"), 1e300, 10**400, Decimal("NaN"), Decimal("1E+10")])
def test_category_too_far_for_a_distance_is_refused(absurd: Any) -> None:
    with pytest.raises(ValueError, match="thousand million"):
        gwet_ac2([[1, 2]], [1, 2, absurd], "quadratic")
    assert gwet_ac2([[1, 2]], [1, 2, absurd]).observed == 0


def test_categories_with_the_same_number_are_refused() -> None:
    with pytest.raises(ValueError, match="the same number"):
        gwet_ac2([[0.1, 0.1]], [0.1, Decimal("0.1")], "linear")
