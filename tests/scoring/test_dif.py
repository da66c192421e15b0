"""Contrasts between raters and groups: on paper, against independent packages, and where nothing can be said."""

import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

from scoring import group_contrasts, panel_contrasts
from scoring.dif import holm, power_of_t


@pytest.fixture(autouse=True)
def _numpy_is_strict() -> Iterator[None]:
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(seed: int, *, applications: int = 40, off_women: float = 0.0) -> tuple[list[tuple[int, str, float]], dict]:
    """Three raters on every application; the first takes some points off women."""
    rng = np.random.default_rng(seed)
    groups = {a: "women" if a % 2 else "men" for a in range(applications)}
    rows = [
        (a, rater, float(60 + rng.normal(0, 8) - (off_women if rater == "r0" and groups[a] == "women" else 0)))
        for a in range(applications)
        for rater in ("r0", "r1", "r2")
    ]
    return rows, groups


def test_contrast_on_paper() -> None:
    """Ana is at -10 and -6 with women, 0 and 4 with men: 10 apart, squares 8 + 8 over 2, se √(8 × (1/2 + 1/2))."""
    rows = [(key, "luz", 70.0) for key in "abcd"]
    rows += [("a", "ana", 60), ("b", "ana", 64), ("c", "ana", 70), ("d", "ana", 74)]

    ana = next(
        c for c in group_contrasts(rows, dict.fromkeys("ab", "women") | dict.fromkeys("cd", "men")) if c.rater == "ana"
    )

    assert (ana.group, ana.effect, ana.df, ana.inside, ana.outside) == ("women", -10, 2, 2, 2)
    assert ana.se == pytest.approx(8**0.5)
    # With 2 degrees of freedom, P(|T| > t) = 1 - t / √(2 + t²); t² = 100 / 8.
    assert ana.p == pytest.approx(1 - (12.5 / 14.5) ** 0.5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_contrast_is_the_t_test_of_the_differences(seed: int) -> None:
    rows, groups = drawn(seed, off_women=4)
    points = np.array([row[2] for row in rows]).reshape(-1, 3)
    apart = points[:, 0] - points[:, 1:].mean(axis=1)
    women = np.array([groups[a] == "women" for a in range(40)])

    found = next(c for c in group_contrasts(rows, groups) if c.rater == "r0")

    sign = 1 if found.group == "women" else -1
    expected = stats.ttest_ind(apart[women], apart[~women])
    assert (found.effect or 0) * sign == pytest.approx(apart[women].mean() - apart[~women].mean())
    assert found.p == pytest.approx(expected.pvalue)
    low, high = found.interval() or (0, 0)
    interval = expected.confidence_interval()
    assert sorted((low * sign, high * sign)) == pytest.approx([interval.low, interval.high])


@pytest.mark.parametrize(("inside", "outside", "sd"), [(15, 15, 8.0), (5, 25, 12.0), (2, 3, 6.0), (100, 80, 9.0)])
def test_power_is_that_of_the_package(inside: int, outside: int, sd: float) -> None:
    expected = TTestIndPower().power(5 / sd, nobs1=inside, ratio=outside / inside, alpha=0.05)

    se = sd * (1 / inside + 1 / outside) ** 0.5

    assert power_of_t(5 / se, inside + outside - 2) == pytest.approx(expected, abs=1e-6)


def test_power_grows_from_the_level_to_one() -> None:
    assert power_of_t(0, 28) == pytest.approx(0.05)
    assert power_of_t(1e6, 28) == 1


def test_adjusted_chances_are_holms() -> None:
    chances = [0.01, 0.04, 0.03, 0.005, 0.9]

    assert holm(chances) == pytest.approx(multipletests(chances, method="holm")[1].tolist())
    assert holm([]) == []


def test_only_the_rater_who_takes_points_off_is_found() -> None:
    rows, groups = drawn(4, applications=200, off_women=10)

    found = {c.rater: c for c in group_contrasts(rows, groups)}

    assert (found["r0"].p_adjusted or 0) < 0.001
    assert (found["r0"].power or 0) > 0.9


def test_three_groups_are_each_asked_against_the_rest() -> None:
    rows, _groups = drawn(5, applications=30)

    found = group_contrasts(rows, {a: "abc"[a % 3] for a in range(29)} | {29: None})

    assert [(c.rater, c.group) for c in found] == [(r, g) for g in "abc" for r in ("r0", "r1", "r2")]
    assert {c.inside + c.outside for c in found} == {29}


def test_a_panel_counts_once_on_an_application() -> None:
    """Panel p gives 60 and 70, panel q 70: five apart with women, nothing with the two men."""
    rows = [
        ("a", "p", 60),
        ("a", "p", 70),
        ("a", "q", 70),
        ("b", "p", 50),
        ("b", "q", 50),
        ("c", "p", 40),
        ("c", "q", 40),
    ]

    panel = group_contrasts(rows, {"a": "women", "b": "men", "c": "men"})[0]

    assert (panel.rater, panel.effect, panel.inside, panel.outside) == ("p", -5, 1, 2)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "r", 50), ("b", "r", 60)], (None, None, None, 0, 0)),  # one rater: nobody to compare with
        ([("a", "r", 50), ("a", "s", 60)], (None, None, None, 1, 0)),  # nobody outside
        (
            [("a", "r", 50), ("a", "s", 60), ("b", "r", 50), ("b", "s", 55)],
            (-5, None, None, 1, 1),
        ),  # one and one
    ],
)
def test_too_little_to_say_is_said(rows: list[tuple[str, str, float]], expected: tuple[object, ...]) -> None:
    one = next(c for c in group_contrasts(rows, {"a": "women", "b": "men"}) if c.rater == "r")

    assert (one.effect, one.p, one.power, one.inside, one.outside) == expected
    assert one.interval() is None


@pytest.mark.parametrize("apart", [0, 20])
def test_without_spread_there_is_no_test_and_no_claim(apart: float) -> None:
    rows = [(a, rater, 50.0 + apart * (rater == "r") * (a % 2 == 0)) for a in range(6) for rater in "rs"]

    one = group_contrasts(rows, {a: a % 2 for a in range(6)})[0]

    assert (one.rater, one.group, one.effect) == ("r", 0, apart)
    assert (one.se, one.p, one.p_adjusted, one.power, one.interval()) == (None, None, None, None, None)


def test_panels_without_spread_have_no_test_and_no_claim() -> None:
    rows = [(a, "pq"[a % 2], 50.0 + 30 * (a % 4 == 0)) for a in range(8)]

    (found,) = panel_contrasts(rows, {a: "women" if a % 4 < 2 else "men" for a in range(8)})

    assert (found.effect, found.df, found.se, found.p, found.power) == (30, 4, None, None, None)


@pytest.mark.parametrize("contrasts", [group_contrasts, panel_contrasts])
@pytest.mark.parametrize(
    "wrong", [None, "60", "", True, float("inf"), 10**400, Decimal("NaN"), Decimal("Infinity"), [60]]
)
def test_row_without_points_is_named_counted_from_1(contrasts: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match="row 2: points must be a finite number"):
        contrasts([("a", "r", 1.0), ("a", "s", wrong)], {"a": "women"})
    with pytest.raises(ValueError, match="row 1: a row is"):
        contrasts([("a", "r")], {"a": "women"})


def test_exact_points_count_like_floats() -> None:
    rows, groups = drawn(6)
    rounded = [(a, r, round(points, 2)) for a, r, points in rows]

    assert group_contrasts([(a, r, Decimal(points)) for a, r, points in rounded], groups) == group_contrasts(
        rounded, groups
    )


@pytest.mark.parametrize("contrasts", [group_contrasts, panel_contrasts])
@pytest.mark.parametrize("seen", [0, -5, float("nan"), float("inf"), None, "5", Decimal("NaN")])
def test_difference_to_be_seen_is_a_number_above_0(contrasts: Any, seen: Any) -> None:
    with pytest.raises(ValueError, match="finite number above 0"):
        contrasts([("a", "r", 1.0)], {"a": "women"}, seen=seen)


def test_no_group_and_no_rows_have_no_contrast() -> None:
    assert group_contrasts([], {}) == ()
    assert group_contrasts([("a", "r", 1.0)], {"a": None}) == ()


def test_points_that_are_no_number_are_named() -> None:
    with pytest.raises(ValueError, match="row 2"):
        group_contrasts([("a", "r", 1.0), ("a", "s", float("nan"))], {"a": "women"})


@pytest.mark.parametrize("seed", [1, 2])
def test_panel_contrast_is_the_interaction_of_the_package(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"panel": rng.integers(0, 2, 60), "woman": rng.integers(0, 2, 60)})
    frame["points"] = 60 + 5 * frame["panel"] - 4 * frame["woman"] + rng.normal(0, 9, 60)
    groups = {number: "women" if woman else "men" for number, woman in enumerate(frame["woman"])}
    groups = dict(sorted(groups.items(), key=lambda item: item[1], reverse=True))
    rows = [
        (number, panel, points)
        for number, (panel, points) in enumerate(zip(frame["panel"], frame["points"], strict=True))
    ]
    with np.errstate(all="warn"):
        expected = ols("points ~ panel * woman", frame).fit()

    (found,) = panel_contrasts(rows, groups)

    sign = 1 if found.rater == 1 else -1
    assert (found.group, found.df) == ("women", 56)
    assert (found.effect or 0) * sign == pytest.approx(expected.params["panel:woman"])
    assert found.se == pytest.approx(expected.bse["panel:woman"])
    assert found.p == pytest.approx(expected.pvalues["panel:woman"])


def test_panel_that_nobody_can_be_held_against_has_no_contrast() -> None:
    groups = {0: "women", 1: "men", 2: "women", 3: "men"}

    (alone,) = panel_contrasts([(a, "p", 50.0 + a) for a in range(4)], groups)
    (pair,) = panel_contrasts([(a, "pq"[a > 1], 50.0 + a) for a in range(4)], groups)

    assert (alone.effect, alone.p, alone.power) == (None, None, None)
    assert (pair.effect, pair.se, pair.p) == (0, None, None)  # one application in each cell
    with pytest.raises(ValueError, match="row 1"):
        panel_contrasts([(0, "p", float("inf"))], groups)
