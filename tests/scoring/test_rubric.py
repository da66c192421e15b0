"""Points are arithmetic that anyone can redo on paper."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import Criterion, Incomplete, Rubric, Stage, as_points, combine, on_grid, weighted_total


def shares(count: int) -> st.SearchStrategy[list[Decimal]]:
    """`count` percentages above 0, in hundredths, that add up to 100."""
    cuts = st.lists(st.integers(1, 9999), min_size=count - 1, max_size=count - 1, unique=True)
    return cuts.map(lambda found: [0, *sorted(found), 10_000]).map(
        lambda edges: [Decimal(high - low).scaleb(-2) for low, high in pairwise(edges)]
    )


@st.composite
def stages(draw: st.DrawFn, key: str, weight: Decimal) -> Stage:
    count = draw(st.integers(1, 7))
    weights = draw(shares(count))
    criteria = []
    for number, share in enumerate(weights):
        bottom = draw(st.integers(0, 2))
        criteria.append(Criterion(f"{key}-{number}", share, draw(st.integers(bottom + 1, bottom + 9)), bottom))
    return Stage(key, weight, tuple(criteria))


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    plan = Decimal(draw(st.integers(1, 9999))).scaleb(-2)
    return Rubric((draw(stages("plan", plan)), draw(stages("pitch", Decimal(100) - plan))))


def everywhere(rubric: Rubric, edge: str) -> dict[object, int]:
    return {c.key: getattr(c, edge) for stage in rubric.stages for c in stage.criteria}


@given(rubrics())
def test_top_levels_give_hundred_and_bottom_levels_zero(rubric: Rubric) -> None:
    assert weighted_total(rubric, everywhere(rubric, "top")) == Decimal(100)
    assert weighted_total(rubric, everywhere(rubric, "bottom")) == 0


@given(rubrics())
def test_declared_weight_of_a_criterion_is_its_effective_weight(rubric: Rubric) -> None:
    for stage in rubric.stages:
        for criterion in stage.criteria:
            levels = {**everywhere(rubric, "bottom"), criterion.key: criterion.top}
            declared = Fraction(stage.weight) * Fraction(criterion.weight) / 100

            assert weighted_total(rubric, levels) == Decimal(on_grid(declared)).scaleb(-2)


@given(rubrics())
def test_declared_weight_of_a_stage_is_its_effective_weight(rubric: Rubric) -> None:
    for stage in rubric.stages:
        levels = everywhere(rubric, "bottom") | {c.key: c.top for c in stage.criteria}

        assert weighted_total(rubric, levels) == stage.weight


@given(rubrics(), st.integers(1, 6), st.integers(1, 6))
def test_number_of_evaluators_does_not_change_the_stage_weights(rubric: Rubric, plans: int, pitches: int) -> None:
    sheets = {"plan": [Fraction(100)] * plans, "pitch": [Fraction(0)] * pitches}

    assert combine(rubric, sheets).total == on_grid(Fraction(rubric.stages[0].weight))


@given(rubrics(), st.data())
def test_a_missing_level_is_refused_and_named(rubric: Rubric, data: st.DataObject) -> None:
    levels = everywhere(rubric, "top")
    gap = data.draw(st.sampled_from(sorted(map(str, levels))))
    del levels[gap]

    with pytest.raises(Incomplete) as refusal:
        weighted_total(rubric, levels)
    assert refusal.value.missing == (gap,)


@given(rubrics(), st.data())
def test_a_higher_level_never_costs_points(rubric: Rubric, data: st.DataObject) -> None:
    criteria = [c for stage in rubric.stages for c in stage.criteria]
    levels = {c.key: data.draw(st.integers(c.bottom, c.top)) for c in criteria}
    raised = data.draw(st.sampled_from(criteria))
    better = {**levels, raised.key: data.draw(st.integers(levels[raised.key], raised.top))}

    assert weighted_total(rubric, better) >= weighted_total(rubric, levels)


def one_stage(*criteria: Criterion, weight: str = "100") -> Stage:
    return Stage("plan", Decimal(weight), criteria)


def test_half_a_hundredth_is_rounded_up() -> None:
    assert [on_grid(Fraction(n, 1000)) for n in (4, 5, 14, 15, 25)] == [0, 1, 1, 2, 3]


def test_total_is_rounded_once_from_exact_values() -> None:
    """Three sheets of 0, 0 and 50 points have the mean 16.666…: 60 % of it is 10.00 exactly, not 0.6 × 16.67."""
    plan = Stage("plan", Decimal(60), (Criterion("a", Decimal(100), 2),))
    pitch = Stage("pitch", Decimal(40), (Criterion("b", Decimal(100), 2),))

    combined = combine(
        Rubric((plan, pitch)), {"plan": [Fraction(0), Fraction(0), Fraction(50)], "pitch": [Fraction(0)]}
    )

    assert (combined.by_stage["plan"], combined.total) == (1667, 1000)


def test_stage_without_weight_needs_no_sheet() -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)), Stage("pitch", Decimal(0), ())))

    assert combine(rubric, {"plan": [Fraction(30)]}).total == 3000


def test_stage_without_any_sheet_is_missing_not_zero() -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)),))

    with pytest.raises(Incomplete, match="plan"):
        combine(rubric, {"plan": []})


@pytest.mark.parametrize("level", [-1, 5])
def test_level_that_does_not_exist_is_refused(level: int) -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)),))

    with pytest.raises(ValueError, match="not between 0 and 4"):
        weighted_total(rubric, {"a": level})


def test_unknown_criterion_is_refused() -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)),))

    with pytest.raises(ValueError, match="not in the rubric: z"):
        weighted_total(rubric, {"a": 1, "z": 1})


def test_weights_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to 100"):
        one_stage(Criterion("a", Decimal(40), 4), Criterion("b", Decimal(50), 4))
    with pytest.raises(ValueError, match="add up to 100"):
        Rubric((one_stage(Criterion("a", Decimal(100), 4), weight="90"),))


@pytest.mark.parametrize("weight", ["0", "-5", "NaN", "Infinity"])
def test_weight_that_is_no_share_is_refused(weight: str) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Criterion("a", Decimal(weight), 4)


def test_criterion_in_two_stages_is_refused() -> None:
    same = (Criterion("a", Decimal(100), 4),)

    with pytest.raises(ValueError, match="twice"):
        Rubric((Stage("plan", Decimal(50), same), Stage("pitch", Decimal(50), same)))


@pytest.mark.parametrize("level", [True, 2.0, "2", Decimal(2)])
def test_level_that_is_no_whole_number_is_refused(level: Any) -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)),))

    with pytest.raises(ValueError, match=r"criterion a, level: .* is not a whole number"):
        weighted_total(rubric, {"a": level})
    assert weighted_total(rubric, {"a": np.int64(2)}) == Decimal(50)  # type: ignore[dict-item]


@pytest.mark.parametrize("wrong", [2.5, 2.0, "2", None, True])
def test_criterion_in_no_exact_numbers_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="criterion a, top level"):
        Criterion("a", Decimal(100), top=wrong)
    with pytest.raises(ValueError, match="criterion a, weight"):
        Criterion("a", wrong, top=4)
    with pytest.raises(ValueError, match="stage plan, weight"):
        Stage("plan", wrong, ())


def test_whole_weight_is_as_good_as_a_decimal() -> None:
    whole: Any = 100

    assert Stage("plan", whole, (Criterion("a", whole, 4),)) == one_stage(Criterion("a", Decimal(100), 4))
    assert isinstance(Criterion("a", whole, 4).weight, Decimal)


def test_sheets_of_an_unknown_stage_are_named() -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)),))

    with pytest.raises(ValueError, match="not a stage of the rubric: pitch, visit"):
        combine(rubric, {"plan": [Fraction(30)], "visit": [Fraction(1)], "pitch": []})


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (Fraction(-1, 100), "not between 0 and 100"),
        (Fraction(10001, 100), "not between 0 and 100"),
        (Decimal("100.01"), "not between 0 and 100"),
        (30.0, "no float"),
        ("30", "no float"),
        (None, "no float"),
        (True, "no float"),
        (float("nan"), "no float"),
        (Decimal("NaN"), "not a number"),
        (Decimal("Infinity"), "not a number"),
    ],
)
def test_sheet_with_points_that_are_none_is_refused(points: Any, sentence: str) -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)),))

    with pytest.raises(ValueError, match=f"stage plan, points of a sheet.*{sentence}"):
        combine(rubric, {"plan": [Fraction(30), points]})


def test_exact_points_of_any_kind_combine() -> None:
    rubric = Rubric((one_stage(Criterion("a", Decimal(100), 4)),))

    assert combine(rubric, {"plan": [30, Decimal("30.5"), Fraction(31)]}).total == 3050


@pytest.mark.parametrize("hundredths", [66.5, 66.0, "66", None, True])
def test_hundredths_are_whole(hundredths: Any) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        as_points(hundredths)
    assert as_points(np.int64(6650)) == Decimal("66.50")  # type: ignore[arg-type]
