"""From inputs to a result: reasons that hold, bytes that repeat."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import force_locale

import scoring
from grants.calls.models import Call
from grants.selection.models import Outcome, Reason, Selection, SelectionRow
from grants.selection.reckoning import Entry, Line, RunInputs, RunResult, Sheet, first_difference, reckon
from grants.selection.words import Explained, why
from tests.factories.runs import run_inputs

People = dict[str, tuple[int, list[str]]]
Quotas = list[tuple[str, int | None, int | None]]
WOMEN = "sex:female"
MEN = "sex:male"
DISABLED = "disability:yes"


def lines_of(result: RunResult) -> dict[str, Line]:
    return {line.folio: line for line in result.lines}


def reasons_of(result: RunResult) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    return {line.folio: (line.outcome, line.reason, line.quotas) for line in result.lines}


def test_without_quotas_points_decide_and_say_what_was_missing() -> None:
    result = reckon(run_inputs({"A": (90, ()), "B": (74, ()), "C": (70, ()), "D": (10, ())}, 2))

    assert reasons_of(result) == {
        "A": ("chosen", "by_points", ()),
        "B": ("chosen", "by_points", ()),
        "C": ("waiting", "below_cut", ()),
        "D": ("waiting", "below_cut", ()),
    }
    assert result.cut == 7400
    short = {folio: line.short for folio, line in lines_of(result).items()}
    assert (short["A"], short["B"]) == (None, None)
    assert short["C"] in (400, 401)  # 4.00 points make it equal; whether that is enough is for the lottery
    assert result.certificate == {"objective": 16400, "bound": 16400, "gap": 0, "cut": 7400, "checked": True}


def test_minimum_brings_somebody_in_and_displaces_another() -> None:
    people = {"A": (90, [MEN]), "B": (80, [MEN]), "C": (72, [WOMEN]), "D": (60, [WOMEN])}

    result = reckon(run_inputs(people, 2, [(WOMEN, 1, None)]))

    assert reasons_of(result) == {
        "A": ("chosen", "by_points", ()),
        "C": ("chosen", "by_quota", (WOMEN,)),
        "B": ("waiting", "displaced", (WOMEN,)),
        "D": ("waiting", "below_cut", ()),
    }
    assert [(step.group, step.entered, step.left, step.cost) for step in result.steps] == [(WOMEN, ("C",), ("B",), 800)]
    assert lines_of(result)["B"].short in (1000, 1001)  # the last man in has 90
    assert lines_of(result)["D"].short in (1200, 1201)  # the last woman in has 72


def test_full_maximum_keeps_somebody_out_whose_points_would_do() -> None:
    people = {"A": (90, [MEN]), "B": (80, [MEN]), "C": (50, [WOMEN]), "D": (40, [WOMEN])}

    result = reckon(run_inputs(people, 2, [(MEN, None, 1)]))

    assert reasons_of(result)["B"] == ("waiting", "quota_full", (MEN,))
    assert reasons_of(result)["D"] == ("waiting", "below_cut", ())
    assert lines_of(result)["B"].short in (1000, 1001)


def test_tie_within_a_quota_is_settled_by_the_public_lottery() -> None:
    people = {"A": (90, [MEN]), "B": (80, [MEN]), "C": (50, [WOMEN]), "D": (50, [WOMEN])}

    result = reckon(run_inputs(people, 2, [(WOMEN, 1, None)]))

    names = scoring.lottery_order("semilla publica", ["CAP-1|C", "CAP-1|D"])
    winner, loser = (name[-1] for name in names)
    assert reasons_of(result)[winner] == ("chosen", "quota_and_lottery", (WOMEN,))
    assert reasons_of(result)[loser] == ("waiting", "lottery_lost", ())
    assert lines_of(result)[loser].by_lottery


def test_quota_that_cannot_be_met_gives_way_and_says_how_much_is_missing() -> None:
    people = {"A": (90, [MEN]), "B": (80, [MEN, DISABLED]), "C": (50, [WOMEN])}

    result = reckon(run_inputs(people, 2, [(DISABLED, 2, None)]))

    assert [(one.group, one.kind, one.asked, one.possible) for one in result.relaxed] == [(DISABLED, "minimum", 2, 1)]
    assert [(q.group, q.minimum, q.eligible, q.chosen) for q in result.quotas] == [(DISABLED, 2, 1, 1)]


def test_place_for_everybody_and_those_who_cannot_be_ranked() -> None:
    inputs = run_inputs({"A": (90, ()), "B": (10, ())}, 5)
    gap = Entry("C", True, "1", (), (Sheet("plan", "E001", None, (None,)),))
    untrained = Entry("D", False, "1", (), (Sheet("plan", "E001", None, (99,)),))
    result = reckon(RunInputs(inputs.settings, inputs.quotas, inputs.rubrics, [*inputs.entries, gap, untrained]))

    assert {line.reason for line in result.lines} == {"all_fit"}
    assert [(one.folio, one.reason, one.reviews) for one in result.unranked] == [
        ("C", "sheets_missing", 0),
        ("D", "not_eligible", 1),
    ]
    assert result.cut is None


def test_nobody_and_no_quota_member_are_answers_too() -> None:
    assert reckon(run_inputs({}, 3)).lines == []
    result = reckon(run_inputs({"A": (50, ())}, 1, [(WOMEN, 1, None)]))
    assert [(one.asked, one.possible) for one in result.relaxed] == [(1, 0)]


def a_call(
    seed: int, people: int = 14
) -> tuple[dict[str, tuple[int, list[str]]], list[tuple[str, int | None, int | None]]]:
    chance = random.Random(seed)
    found: People = {}
    for number in range(people):
        groups = [chance.choice((WOMEN, MEN))] + [DISABLED] * (chance.random() < 0.3)
        found[f"A-{number:02d}"] = (chance.randrange(40, 60), groups)
    quotas: Quotas = [(WOMEN, chance.randrange(1, 6), None), (DISABLED, 2, 3)]
    return found, quotas


@pytest.mark.parametrize("seed", range(12))
def test_points_said_to_be_missing_would_have_been_enough(seed: int) -> None:
    people, quotas = a_call(seed)
    result = reckon(run_inputs(people, 6, quotas))

    for line in result.lines:
        if line.short:
            whole = -(-line.short // 100)  # points are whole here: the next whole number is enough, too
            points, groups = people[line.folio]
            again = reckon(run_inputs({**people, line.folio: (points + whole, groups)}, 6, quotas))
            assert lines_of(again)[line.folio].outcome == "chosen" or line.short % 100 == 0


@pytest.mark.parametrize("seed", range(12))
def test_every_reason_holds_in_arithmetic(seed: int) -> None:
    people, quotas = a_call(seed)
    result = reckon(run_inputs(people, 6, quotas))
    bonus = {quota.group: quota.bonus for quota in result.quotas}
    plain = {line.folio for line in reckon(run_inputs(people, 6)).lines[:6]}
    assert result.cut is not None

    for line in result.lines:
        worth = (line.points or 0) + sum(bonus.get(group, 0) for group in line.groups)
        if line.reason in (Reason.BY_POINTS, Reason.BY_LOTTERY, Reason.QUOTA_FULL):
            assert (line.points or 0) >= result.cut
        if line.reason in (Reason.BY_QUOTA, Reason.QUOTA_AND_LOTTERY):
            assert (line.points or 0) < result.cut <= worth
            assert all(bonus[group] > 0 for group in line.quotas)
        if line.reason == Reason.BELOW_CUT:
            assert (line.points or 0) < result.cut
        if line.reason == Reason.DISPLACED:
            assert line.folio in plain


def test_order_of_the_applications_changes_no_byte() -> None:
    people, quotas = a_call(1)
    inputs = run_inputs(people, 6, quotas)
    turned = run_inputs(dict(reversed(people.items())), 6, quotas)

    assert turned.text == inputs.text
    assert reckon(turned).text == reckon(inputs).text


def test_text_comes_back_as_the_same_inputs_and_result() -> None:
    people, quotas = a_call(2)
    inputs = run_inputs(people, 6, quotas)
    result = reckon(inputs)

    assert RunInputs.parse(inputs.text).text == inputs.text
    assert RunResult.parse(result.text) == result
    assert RunResult.parse(result.summary).lines == []
    with pytest.raises(ValueError, match="not the inputs"):
        RunInputs.parse('{"settings": {}}')


def scored_by_three(calibration: str) -> RunInputs:
    """Six applications, each read by two of three evaluators; the third gives 20 points less to everybody."""
    inputs = run_inputs({f"A-{n}": (0, ()) for n in range(6)}, 2, reviews=2, calibration=calibration)
    truth, pairs = (80, 78, 60, 55, 40, 38), ((1, 3), (1, 2), (2, 3), (1, 2), (1, 3), (2, 3))
    entries = [
        Entry(f"A-{number}", True, "1", (), tuple(
            Sheet("plan", f"E{reader:03d}", None, (points + number % 2 - (20 if reader == 3 else 0),))
            for reader in pair
        ))
        for number, (points, pair) in enumerate(zip(truth, pairs, strict=True))
    ]  # fmt: skip
    return RunInputs(inputs.settings, inputs.quotas, inputs.rubrics, entries)


def test_advice_leaves_the_points_and_adds_measure_and_chances() -> None:
    result = reckon(scored_by_three("advisory"))

    assert result.calibration["state"] == "advisory"
    assert all(line.points == line.mean and line.measure is not None for line in result.lines)
    assert sum(line.p_in or 0 for line in result.lines) == pytest.approx(2 * 10_000, abs=6)  # two places, rounded
    assert lines_of(result)["A-0"].points == 7000


def test_binding_calibration_ranks_the_corrected_points() -> None:
    result = reckon(scored_by_three("binding"))
    first = lines_of(result)["A-0"]

    assert first.points == first.measure
    assert first.mean == 7000
    assert first.points > first.mean  # a strict evaluator read it
    assert [line.outcome for line in result.lines].count("chosen") == 2


TWO = (1, 2)


def separate(calibration: str) -> RunInputs:
    """Two halves that share no evaluator."""
    inputs = run_inputs({f"A-{n}": (0, ()) for n in range(8)}, 2, reviews=2, calibration=calibration)
    entries = [
        Entry(f"A-{n}", True, "1", (), tuple(Sheet("plan", f"E{n // 4 * 2 + k}", None, (50 + 3 * n + k,)) for k in TWO))
        for n in range(8)
    ]
    return RunInputs(inputs.settings, inputs.quotas, inputs.rubrics, entries)


def test_sheets_without_a_bridge_are_told_in_advice_and_refused_where_they_decide() -> None:
    told = reckon(separate("advisory")).calibration

    assert told == {"state": "not_comparable", "parts": [["E1", "E2"], ["E3", "E4"]]}
    with pytest.raises(scoring.NotComparable):
        reckon(separate("binding"))


@pytest.mark.parametrize("mode", ["advisory", "off"])
def test_one_evaluator_alone_is_no_error(mode: str) -> None:
    result = reckon(run_inputs({"A": (50, ()), "B": (50, ()), "C": (50, ())}, 1, calibration=mode))

    assert result.calibration["state"] in ("off", "not_estimable")
    assert [line.outcome for line in result.lines] == ["chosen", "waiting", "waiting"]


CODE = """
import sys
from grants.selection.reckoning import RunInputs, reckon
for line in sys.stdin:
    print(reckon(RunInputs.parse(line)).text)
"""


def test_another_process_gives_the_same_bytes() -> None:
    people, quotas = a_call(3, people=30)
    given = [run_inputs(people, 10, quotas), scored_by_three("advisory")]

    found = subprocess.run(
        [sys.executable, "-c", CODE], input="\n".join(one.text for one in given), capture_output=True, text=True,
        check=True, env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"},
    ).stdout  # fmt: skip

    assert found.splitlines() == [reckon(one).text for one in given]


def test_first_difference_is_named() -> None:
    one = '{"a":[1,{"b":2}],"c":3}'

    assert first_difference(one, one) is None
    assert first_difference(one, one.replace('"b":2', '"b":5')) == "a[1].b: 2 / 5"
    assert first_difference('{"a":[1]}', '{"a":[1,2]}') == "a[1]: null / 2"


@pytest.fixture(params=["es", "en"])
def language(request: pytest.FixtureRequest, app: Flask) -> Iterator[str]:
    with force_locale(request.param):
        yield request.param


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_of_its_own(language: str, reason: Reason, knows: bool) -> None:
    outcomes = {
        Reason.BY_POINTS: Outcome.CHOSEN, Reason.ALL_FIT: Outcome.CHOSEN, Reason.BY_LOTTERY: Outcome.CHOSEN,
        Reason.BY_QUOTA: Outcome.CHOSEN, Reason.QUOTA_AND_LOTTERY: Outcome.CHOSEN,
        Reason.SHEETS_MISSING: Outcome.NOT_RANKED, Reason.NOT_ELIGIBLE: Outcome.NOT_RANKED,
    }  # fmt: skip
    row = SelectionRow(reason=reason.value, outcome=outcomes.get(reason, Outcome.WAITING), place=7, points=7275,
                       short=125, reviews=3, settled_by_lottery=False)  # fmt: skip
    row.selection = Selection(call=Call(minimum_grade=None))

    sentence = why(Explained(row, 7400, 5, 4, ["mujeres"] if knows else None))

    assert "%(" not in sentence
    assert sentence.endswith(".")
    by_quota = reason in (Reason.BY_QUOTA, Reason.QUOTA_AND_LOTTERY, Reason.QUOTA_FULL, Reason.DISPLACED)
    assert ("mujeres" in sentence) is (by_quota and knows)
    told = {Reason.BELOW_CUT, Reason.QUOTA_FULL, Reason.DISPLACED, Reason.QUOTAS_TOGETHER}
    assert (("1,25" if language == "es" else "1.25") in sentence) is (reason in told)


def test_stored_text_holds_neither_names_nor_row_numbers() -> None:
    content = json.loads(run_inputs({"A": (50, [WOMEN])}, 1, [(WOMEN, 1, None)]).text)

    assert set(content) == {"applications", "quotas", "rubrics", "settings"}
    assert content["applications"] == [["A", True, "1", [WOMEN], [["plan", "E001", None, [50]]]]]
