"""The many-facet Rasch fit against an independent package, known truths, and input that has no difference in it."""

import random
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from mirt.estimation import fit_mfrm
from mirt.models import Facet, PolytomousMFRM

from scoring import misfit

EVALUATORS, CRITERIA, LEVELS = 8, 4, 5

Row = tuple[Any, Any, Any, int]


@pytest.fixture(autouse=True)
def _numpy_is_strict() -> Iterator[None]:
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@cache
def drawn(seed: int, *, applications: int = 150, careless: int | None = None) -> tuple[Row, ...]:
    """Ratings by the model itself, three evaluators for each application; a careless one throws dice."""
    rng = np.random.default_rng(seed)
    severity, difficulty = rng.normal(0, 0.6, EVALUATORS), rng.normal(0, 0.5, CRITERIA)
    steps = np.linspace(-1.5, 1.5, LEVELS - 1)
    rows: list[Row] = []
    for application, measure in enumerate(rng.normal(0, 1.2, applications)):
        for evaluator in rng.choice(EVALUATORS, 3, replace=False).tolist():
            for criterion in range(CRITERIA):
                paid = np.cumsum(measure - severity[evaluator] - difficulty[criterion] - steps)
                chances = np.exp(np.concatenate([[0], paid]))
                dice = None if evaluator == careless else chances / chances.sum()
                rows.append((application, evaluator, criterion, int(rng.choice(LEVELS, p=dice))))
    return tuple(rows)


@cache
def fitted_by_mirt(seed: int) -> Any:
    """The same rows as three ratings of every criterion by application, as the package wants them."""
    rows = np.array(drawn(seed)).reshape(-1, 3 * CRITERIA, 4)
    model = PolytomousMFRM(CRITERIA, LEVELS, [Facet("rater", EVALUATORS)])
    with np.errstate(all="warn"):
        return fit_mfrm(model, rows[:, :, 3], {"rater": rows[:, :, 1]}, item_indices=rows[:, :, 2])


@pytest.mark.parametrize("seed", [1, 2])
def test_measures_and_mean_squares_are_those_of_the_package(seed: int) -> None:
    """Both maximise the same likelihood; our prior and their grid move a logit by some ten-thousandths."""
    found, expected = misfit(drawn(seed)), fitted_by_mirt(seed)
    people, things = range(EVALUATORS), range(CRITERIA)
    near = {"abs": 0.003}

    assert [found.severity[e] for e in people] == pytest.approx(expected.facet_parameters["rater"].tolist(), **near)
    assert [found.difficulty[c] for c in things] == pytest.approx(expected.item_difficulty.tolist(), **near)
    assert found.thresholds[0] == pytest.approx(np.ravel(expected.thresholds).tolist(), **near)
    assert found.spread == pytest.approx(expected.sigma, **near)
    assert [found.infit[e] for e in people] == pytest.approx(expected.infit["rater"].tolist(), **near)
    assert [found.outfit[e] for e in people] == pytest.approx(expected.outfit["rater"].tolist(), **near)
    assert [found.criterion_infit[c] for c in things] == pytest.approx(expected.item_infit.tolist(), **near)


@pytest.mark.parametrize("seed", [1, 2])
def test_criteria_with_scales_of_their_own_are_those_of_the_package(seed: int) -> None:
    rows = np.array(drawn(seed)).reshape(-1, 3 * CRITERIA, 4)
    facet = [Facet("rater", EVALUATORS)]
    model = PolytomousMFRM(CRITERIA, LEVELS, facet, category_structure="partial_credit")
    with np.errstate(all="warn"):
        expected = fit_mfrm(model, rows[:, :, 3], {"rater": rows[:, :, 1]}, item_indices=rows[:, :, 2])

    found = misfit(drawn(seed), scales={criterion: criterion for criterion in range(CRITERIA)})

    steps = [step for criterion in range(CRITERIA) for step in found.thresholds[criterion]]
    assert steps == pytest.approx(np.ravel(expected.thresholds).tolist(), abs=0.01)
    severity = [found.severity[e] for e in range(EVALUATORS)]
    assert severity == pytest.approx(expected.facet_parameters["rater"].tolist(), abs=0.003)


def test_careful_evaluators_are_not_flagged_and_a_careless_one_is() -> None:
    assert misfit(drawn(5)).flags == {}
    assert misfit(drawn(5, careless=3)).flags == {3: "noisy"}


def test_order_and_names_of_rows_do_not_matter() -> None:
    rows = list(drawn(1))
    renamed = [(f"a{a}", f"e{e}", f"c{c}", level) for a, e, c, level in rows]
    random.Random(7).shuffle(renamed)

    found, expected = misfit(renamed), misfit(rows)

    for e in range(EVALUATORS):
        assert found.severity[f"e{e}"] == pytest.approx(expected.severity[e], abs=1e-5)
        assert found.infit[f"e{e}"] == pytest.approx(expected.infit[e], abs=1e-5)
        assert found.reviews[f"e{e}"] == expected.reviews[e]
    assert sum(found.reviews.values()) == 3 * 150


def test_only_the_order_of_levels_in_use_matters() -> None:
    """Levels 0 to 4 called 1, 2, 4, 7 and 9; gaps are left out."""
    rows: list[Any] = [(a, e, c, (1, 2, 4, 7, 9)[level]) for a, e, c, level in drawn(1)]

    assert misfit([*rows, (0, 99, 0, None)]) == misfit(drawn(1))


def test_evaluator_who_gave_everyone_the_top_is_mild_without_end() -> None:
    rows = [(a, e, c, LEVELS - 1 if e == 2 else level) for a, e, c, level in drawn(1)]

    found = misfit(rows)

    assert found.flags[2] == "top"
    assert (found.infit[2], found.outfit[2]) == (None, None)
    assert min(found.severity.values()) == found.severity[2]
    assert -12 < found.severity[2] < -3
    assert found.severity_se[2] > 5 * found.severity_se[0]
    apart, before = misfit([row for row in rows if row[1] != 2]), found
    assert before.severity[0] - before.severity[1] == pytest.approx(apart.severity[0] - apart.severity[1], abs=0.1)


def test_evaluators_at_both_ends_have_an_answer() -> None:
    found = misfit([(a, e, c, 4 if e == "mild" else 0) for a in range(5) for e in ("mild", "harsh") for c in range(3)])

    assert found.flags == {"mild": "top", "harsh": "bottom"}
    assert found.severity["harsh"] == pytest.approx(-found.severity["mild"])


def test_one_evaluator_has_severity_0_and_criteria_their_difficulty() -> None:
    found = misfit([row for row in drawn(1) if row[1] == 0])

    assert found.severity == {0: 0}
    assert len(found.difficulty) == CRITERIA


def test_one_application_has_an_answer_with_no_spread() -> None:
    found = misfit([row for row in drawn(1) if row[0] == 0])

    assert found.spread < 0.05
    assert sum(found.severity.values()) == pytest.approx(0)


def test_evaluators_without_a_common_application_have_an_answer() -> None:
    found = misfit([row for row in drawn(1) if row[1] == row[0] % 2])

    assert set(found.severity) == {0, 1}
    assert all(0.5 < (square or 0) < 1.5 for square in found.infit.values())


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "there are no levels"),
        ([(1, 1, 1, None)], "there are no levels"),
        ([(a, e, 1, 3) for a in range(4) for e in range(2)], "everybody has the same level on 1"),
        ([(1, 1, 1, 2), (1, 1, 2, 3), (1, 2, 3, 2), (1, 2, 4, 1)], "cannot be told apart"),
        ([(1, 1, 1, 2), (1, 1, 1, 3)], "row 2: .* stands twice"),
        ([(1, 1, 1, 2.5)], "row 1: the level must be a whole number"),
        ([(1, 1, 1, float("nan"))], "row 1"),
        ([(1, 1, 1, 10**30)], "row 1"),
        ([(1, 1, 1, "3")], "row 1"),
        ([(1, 1, 1, True)], "row 1"),
        ([(1, 1, 1, 2), ("a", "x", 1)], "row 2: a row is"),
    ],
)
def test_input_that_cannot_be_fitted_says_why(rows: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        misfit(rows)


def test_criterion_without_a_scale_is_named() -> None:
    with pytest.raises(ValueError, match="no scale is given for 0: "):
        misfit(drawn(1), scales={criterion: criterion for criterion in range(1, CRITERIA)})
