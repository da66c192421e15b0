"""Severity told from quality: published fits, independent computations, and inputs that cannot hold an answer."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.mixed_linear_model import MixedLM

from scoring import NotComparable, NotEstimable, Ratings, calibrate

# Davies and Goldsmith (1972), Statistical Methods in Research and Production, section 6.6: diameters in mm.
PENICILLIN = """
27 23 26 23 23 21 27 23 26 23 23 21 25 21 25 24 24 20 26 23 25 23 23 20
25 22 26 22 23 20 24 22 25 23 22 19 24 20 23 21 22 19 26 22 26 24 24 21
24 21 24 22 22 20 24 21 24 23 22 19 26 23 26 24 24 21 25 22 26 24 24 20
26 24 26 24 25 22 26 23 26 23 23 20 26 23 25 24 24 22 25 22 25 23 23 20
25 21 24 23 23 20 25 22 24 23 23 19 24 21 23 21 21 19 26 23 26 24 24 21
25 21 24 22 22 18 25 22 25 22 22 20 24 21 24 22 24 19 24 21 24 22 21 18
"""


@pytest.fixture(autouse=True)
def no_silent_arithmetic():
    """Nothing here may divide by zero, overflow or make a NaN unseen."""
    with np.errstate(all="raise", under="ignore"):
        yield


def some_ratings(seed, applications=40, evaluators=8, reviews=3, severity=5.0, panels=None):
    """Ratings of known quality (sd 10), severity and noise (sd 8), and the truth behind them."""
    rng = np.random.default_rng(seed)
    application = np.repeat(np.arange(applications), reviews)
    evaluator = np.concatenate([rng.permutation(evaluators)[:reviews] for _ in range(applications)])
    quality, severe = rng.normal(60, 10, applications), rng.normal(0, severity, evaluators)
    points = quality[application] - severe[evaluator] + rng.normal(0, 8, len(application))
    panel = None if panels is None else (evaluator % panels).tolist()
    return Ratings(application.tolist(), evaluator.tolist(), points.tolist(), panel), quality, severe


def columns_of(labels):
    return np.array([[float(label == column) for column in sorted(set(labels), key=str)] for label in labels])


def dense(ratings, variance):
    """Everything again from the whole covariance matrix: criterion, measures and their errors, severity.

    With panels, applicants have a mean by the panel that read most of them; errors are of the distance from the
    average application.
    """
    one, other = columns_of(ratings.application), columns_of(ratings.evaluator)
    panel = columns_of(ratings.panel or ["all"] * len(ratings))
    counts = one.T @ panel
    home = (counts == counts.max(axis=1, keepdims=True)).astype(float)
    home = (home / home.sum(axis=1, keepdims=True))[:, 1:]
    points = np.array([float(value) for value in ratings.points])
    covariance = variance.application * one @ one.T + variance.evaluator * other @ other.T
    covariance += variance.residual * np.eye(len(points))
    inverse = np.linalg.inv(covariance)

    def projected(fixed):
        information = fixed.T @ inverse @ fixed
        solving = np.linalg.solve(information, fixed.T @ inverse)
        return information, solving, inverse - inverse @ fixed @ solving

    information, _solving, projection = projected(panel)
    criterion = (len(points) - panel.shape[1]) * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1]
    criterion += np.linalg.slogdet(information)[1] + points @ projection @ points

    _information, solving, projection = projected(np.hstack([panel, one @ home]))
    distance = home - home.mean(axis=0)
    predictor = distance @ solving[panel.shape[1] :] + variance.application * one.T @ projection
    errors = np.einsum("ir,rs,is->i", predictor, covariance, predictor) + variance.application
    errors -= 2 * variance.application * np.einsum("ir,ri->i", predictor, one)
    return criterion, predictor @ points, np.sqrt(errors), -variance.evaluator * other.T @ projection @ points


def test_penicillin_gives_the_published_fit():
    plates, samples = zip(*product("abcdefghijklmnopqrstuvwx", "ABCDEF"), strict=True)

    found = calibrate(Ratings(plates, samples, [float(value) for value in PENICILLIN.split()]))

    # lme4's documentation prints 330.9, 0.7169, 3.7311 and 0.3024; SPSS MIXED gives the criterion as 330.860589.
    assert found.reml_criterion == pytest.approx(330.860589, abs=1e-6)
    assert found.variance.application == pytest.approx(0.7169, abs=5e-4)
    assert found.variance.evaluator == pytest.approx(3.7311, abs=1e-3)
    assert found.variance.residual == pytest.approx(0.3024, abs=5e-5)
    assert np.mean(list(found.measure.values())) == pytest.approx(22.9722, abs=5e-5)


def test_shrout_and_fleiss_table_gives_their_mean_squares():
    # Shrout and Fleiss (1979), tables 2 and 3: six targets, four judges; BMS 11.24, JMS 32.49, EMS 1.02.
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    targets, judges = zip(*product(range(6), range(4)), strict=True)

    found = calibrate(Ratings(targets, judges, [value for row in table for value in row]))

    # In a balanced design REML solves the equations of the analysis of variance.
    assert found.variance.residual == pytest.approx(1.02, abs=0.005)
    assert found.variance.application == pytest.approx((11.24 - 1.02) / 4, abs=0.005)
    assert found.variance.evaluator == pytest.approx((32.49 - 1.02) / 6, abs=0.005)
    assert found.icc_single == pytest.approx(0.29, abs=0.005)
    assert found.icc_mean == pytest.approx(0.62, abs=0.005)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("panels", [None, 2, 3])
def test_fit_equals_the_dense_computation(seed, panels):
    ratings, *_truth = some_ratings(seed, panels=panels)

    found = calibrate(ratings)

    criterion, effects, errors, severity = dense(ratings, found.variance)
    measure = np.array(list(found.measure.values()))
    assert found.reml_criterion == pytest.approx(criterion, abs=1e-7)
    assert measure - measure[0] == pytest.approx(effects - effects[0], abs=1e-8)
    assert list(found.measure_se.values()) == pytest.approx(errors, abs=1e-8)
    assert list(found.severity.values()) == pytest.approx(severity, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_fit_equals_statsmodels(seed):
    ratings, *_truth = some_ratings(seed, applications=25, evaluators=6)
    frame = pd.DataFrame({"y": ratings.points, "a": ratings.application, "e": ratings.evaluator, "all": 1})
    model = MixedLM.from_formula("y ~ 1", groups="all", vc_formula={"a": "0 + C(a)", "e": "0 + C(e)"}, data=frame)

    found, other = calibrate(ratings), model.fit(reml=True)

    assert found.reml_criterion <= -2 * other.llf + 1e-6
    assert found.reml_criterion == pytest.approx(-2 * other.llf, abs=1e-3)
    ours = [found.variance.application, found.variance.evaluator, found.variance.residual]
    assert ours == pytest.approx([*other.vcomp, other.scale], rel=0.01)


def test_no_lower_criterion_lies_nearby():
    ratings, *_truth = some_ratings(7)
    found = calibrate(ratings)
    best = found.variance

    for part, factor in product(("application", "evaluator", "residual"), (0.97, 1.03)):
        moved = type(best)(**{name: getattr(best, name) for name in ("application", "evaluator", "residual")} | {
            part: getattr(best, part) * factor
        })  # fmt: skip
        assert dense(ratings, moved)[0] > found.reml_criterion


def test_order_of_rows_changes_nothing():
    ratings, *_truth = some_ratings(1)
    turn = np.random.default_rng(5).permutation(len(ratings))
    columns = [[column[row] for row in turn] for column in (ratings.application, ratings.evaluator, ratings.points)]

    found, other = calibrate(ratings), calibrate(Ratings(*columns))

    assert found.measure == other.measure
    assert (found.severity, found.variance) == (other.severity, other.variance)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(shift=st.floats(-1e4, 1e4), scale=st.floats(0.01, 100), seed=st.integers(0, 5))
def test_units_of_the_points_change_nothing_but_units(shift, scale, seed):
    ratings, *_truth = some_ratings(seed, applications=15, evaluators=5)
    moved = Ratings(ratings.application, ratings.evaluator, [shift + scale * float(p) for p in ratings.points])

    found, other = calibrate(ratings), calibrate(moved)

    assert other.icc_single == pytest.approx(found.icc_single, abs=1e-4)
    expected = [shift + scale * value for value in found.measure.values()]
    assert list(other.measure.values()) == pytest.approx(expected, rel=1e-4, abs=scale * 0.01)


def test_severe_evaluators_cost_their_applicants_nothing():
    ratings, quality, severe = some_ratings(3, applications=300, evaluators=12, severity=10)

    found = calibrate(ratings)

    means = np.bincount(ratings.application_of, weights=ratings.values) / 3
    measure = np.array([found.measure[key] for key in range(300)])
    by_number = np.array(ratings.applications, dtype=int)
    assert np.corrcoef(measure, quality)[0, 1] > np.corrcoef(means, quality[by_number])[0, 1]
    assert np.corrcoef([found.severity[key] for key in range(12)], severe)[0, 1] > 0.95
    assert found.severity_detected


def test_few_reviews_shrink_a_severity_towards_nothing():
    ratings, *_truth = some_ratings(2, applications=60, evaluators=6, severity=8)
    rare = Ratings(
        [*ratings.application, 0, 1], [*ratings.evaluator, "rare", "rare"], [*map(float, ratings.points), 20, 25]
    )

    found = calibrate(rare)

    assert found.reviews["rare"] == 2
    assert found.severity_se["rare"] > max(found.severity_se[key] for key in range(6))


def test_evaluator_who_gives_everyone_the_top_is_an_answer():
    ratings, *_truth = some_ratings(4)
    points = [100.0 if who == 0 else float(p) for who, p in zip(ratings.evaluator, ratings.points, strict=True)]

    found = calibrate(Ratings(ratings.application, ratings.evaluator, points))

    assert found.severity[0] == min(found.severity.values())
    assert found.severity[0] < 0


def test_equal_points_differ_in_nothing():
    ratings, *_truth = some_ratings(0)

    found = calibrate(Ratings(ratings.application, ratings.evaluator, [70] * len(ratings)))

    assert set(found.measure.values()) == {70.0}
    assert set(found.measure_se.values()) == set(found.severity.values()) == {0.0}
    assert found.variance.total == found.icc_single == found.icc_mean == 0
    assert not found.severity_detected


def test_points_without_noise_are_fitted_exactly():
    rows = [(a, e, 50 + 10 * a - 3 * e) for a, e in product(range(6), range(4))]

    found = calibrate(Ratings(*zip(*rows, strict=True)))

    assert [found.measure[a] - found.measure[0] for a in range(6)] == pytest.approx([0, 10, 20, 30, 40, 50], abs=1e-3)
    assert found.icc_mean == pytest.approx(found.icc_single / (found.icc_single + (1 - found.icc_single) / 4), abs=1e-3)


def test_no_severity_is_held_at_nothing():
    rows = [(a, e, 50 + 10 * a + (1 if (a + e) % 2 else -1)) for a, e in product(range(8), range(4))]

    found = calibrate(Ratings(*zip(*rows, strict=True)))

    assert found.variance.evaluator == 0
    assert set(found.severity.values()) == {0.0}
    assert not found.severity_detected


def test_panels_without_a_bridge_are_named():
    ratings = Ratings("aabbccdd", "xyxyzwzw", [1, 2, 3, 5, 5, 6, 9, 8], ["n"] * 4 + ["s"] * 4)

    with pytest.raises(NotComparable, match=r"Missing: \{n\} with \{s\}") as refused:
        calibrate(ratings)

    assert refused.value.parts == (frozenset("n"), frozenset("s"))


def test_evaluators_without_overlap_are_named():
    with pytest.raises(NotComparable) as refused:
        calibrate(Ratings("aabbccdd", "xyxyzwzw", range(8)))

    assert set(refused.value.parts) == {frozenset("xy"), frozenset("zw")}


def test_bridge_makes_panels_comparable_and_says_how_well():
    rng = np.random.default_rng(11)
    rows = [(a, (a % 2) * 5 + e, a % 2) for a in range(60) for e in rng.permutation(5)[:2]]
    rows += [(a, (1 - a % 2) * 5 + e, 1 - a % 2) for a in range(6) for e in rng.permutation(5)[:1]]
    more = rows + [(a, (1 - a % 2) * 5 + e, 1 - a % 2) for a in range(6, 40) for e in rng.permutation(5)[:1]]
    quality = rng.normal(60, 10, 60)

    def fit(design):
        points = [quality[a] - 6 * panel + rng.normal(0, 6) for a, _e, panel in design]
        return calibrate(Ratings([a for a, *_ in design], [e for _a, e, _p in design], points, [p for *_, p in design]))

    few, many = fit(rows), fit(more)

    assert len(few.components) == 1
    assert len(few.components[0]) == 60
    assert list(few.bridge_se) == [(0, 1)]
    assert 0 < many.bridge_se[0, 1] < few.bridge_se[0, 1]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (("aaa", "xyz", [1, 2, 3]), "one application only"),
        (("abc", "xxx", [1, 2, 3]), "one evaluator only"),
        (("abc", "xyz", [1, 2, 3]), "one rating only"),
    ],
)
def test_too_few_ratings_get_a_sentence(columns, sentence):
    with pytest.raises(NotEstimable, match=sentence):
        calibrate(Ratings(*columns))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (([], [], []), "there is no rating"),
        (("ab", "xy", [1]), "unequal length: application 2, evaluator 2, points 1"),
        (("ab", "xy", [1, float("nan")]), "row 2: points are not finite"),
        (("ab", "xy", [float("inf"), 1]), "row 1: points are not finite"),
        (("ab", "xy", [1, "70"]), "row 2: points are not a number: '70'"),
        (("ab", "xy", [1, None]), "row 2: points are not a number"),
        (("ab", "xy", [True, 1]), "row 1: points are not a number"),
        (("ab", ["x", None], [1, 2]), "row 2: the evaluator is missing"),
        (([float("nan"), "b"], "xy", [1, 2]), "row 1: the application is missing"),
        (("aba", "xyx", [1, 2, 3]), "row 3: evaluator 'x' has judged application 'a' already, in row 1"),
        (("ab", "xy", [1, 2], ["n", None]), "row 2: the panel is missing"),
        (("ab", "xy", [1e300, 2]), "row 1: points are not finite, or beyond"),
    ],
)
def test_constructor_says_what_is_wrong_with_which_row(columns, sentence):
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        Ratings(*columns)


def crossed(panels, applications=30, seed=3):
    """Every application read by every evaluator."""
    rng = np.random.default_rng(seed)
    severe = rng.normal(0, 4, len(panels))
    rows = [(a, e, panels[e]) for a in range(applications) for e in range(len(panels))]
    quality = rng.normal(60, 10, applications)
    points = [quality[a] - severe[e] + rng.normal(0, 4) for a, e, _panel in rows]
    columns = [list(column) for column in zip(*rows, strict=True)]
    return Ratings(columns[0], columns[1], points, columns[2])


@pytest.mark.parametrize("panels", ["PQ", "PPQQ", "PPQ", "PPQQRR"])
def test_panels_that_all_read_everything_are_the_best_told(panels):
    ratings = crossed(panels)

    found = calibrate(ratings)

    # In a balanced design a panel's mean differs by its evaluators' and the residual errors alone, on paper.
    variance, counts = found.variance, {panel: panels.count(panel) for panel in panels}
    one, other = sorted(counts)[:2]
    squared = sum(variance.evaluator / counts[p] + variance.residual / (30 * counts[p]) for p in (one, other))
    assert found.bridge_se[one, other] == pytest.approx(np.sqrt(squared), rel=1e-6)
    means = np.bincount(ratings.application_of, weights=ratings.values) / len(panels)
    order = [found.measure[key] for key in ratings.applications]
    assert np.array_equal(np.argsort(order), np.argsort(means))


def test_panels_of_one_evaluator_hold_severity_at_nothing():
    rng = np.random.default_rng(1)
    rows = [(a, p) for a in range(30) for p in ("PQ" if a % 3 == 0 else "P" if a % 2 else "Q")]
    quality = rng.normal(60, 10, 30)
    points = [quality[a] - (5 if p == "Q" else 0) + rng.normal(0, 3) for a, p in rows]

    found = calibrate(Ratings([a for a, _p in rows], [f"of {p}" for _a, p in rows], points, [p for _a, p in rows]))

    assert set(found.severity.values()) == {0.0}
    assert found.variance.evaluator == 0
    # Ten applications read by both, each a difference of two residuals.
    assert found.bridge_se["P", "Q"] == pytest.approx(np.sqrt(2 * found.variance.residual / 10), rel=0.05)


def test_panel_that_is_nobodys_home_is_an_answer():
    found = calibrate(Ratings("aaabbbccc", "xyzxyzxyz", [1, 2, 5, 4, 7, 6, 8, 9, 3.0], ["p", "p", "q"] * 3))

    assert set(found.bridge_se) == {("p", "q")}
    assert all(np.isfinite(list(found.measure_se.values())))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (([[1], [2]], "xy", [1, 2]), "row 1: the application is missing, or no label"),
        (([pd.NA, "a"], "xy", [1, 2]), "row 1: the application is missing, or no label"),
        (("ab", "xy", [1, 10**400]), "row 2: points are not finite"),
        (("ab", "xy", [1, np.complex128(1 + 2j)]), "row 2: points are not a number"),
    ],
)
def test_odd_values_are_named_by_their_row(columns, sentence):
    with pytest.raises(ValueError, match=sentence):
        Ratings(*columns)


def test_iterators_are_read_once():
    found = Ratings(iter("aabb"), iter("xyxy"), iter([1, 2, 3, 4]))

    assert calibrate(found).reviews == {"x": 2, "y": 2}


def test_differences_too_small_to_mean_anything_are_none():
    found = calibrate(Ratings("aabb", "xyxy", [1e-200, 2e-200, 5e-200, 9e-200]))

    assert found.variance.total == 0
    assert found.reml_criterion == -np.inf
