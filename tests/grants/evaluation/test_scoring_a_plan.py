"""A comment at the extremes, a running total that counts no gap as 0, and windows that do not overwrite each other."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.evaluation import queries, services
from grants.evaluation.models import Assignment, ScoreSheet
from grants.evaluation.services import Entries, SheetChanged, Stamp
from tests.factories.applications import make_application
from tests.factories.evaluation import make_assignment

SignIn = Callable[[User], FlaskClient]


def criteria_of(assignment: Assignment) -> list[int]:
    return [criterion.id for criterion in queries.criteria_for(assignment)]


def entries(assignment: Assignment, *levels: int, commented: tuple[int, ...] = ()) -> Entries:
    """Levels for the criteria in order; those in `commented` (by place) have a comment."""
    numbers = criteria_of(assignment)
    given = dict(zip(numbers, levels, strict=False))
    return Entries(given, {numbers[place]: "Lo dice el plan." for place in commented})


def kept(assignment: Assignment) -> list[tuple[str, list[int | None]]]:
    """State, and levels in the criteria's order, of each sheet."""
    db.session.expire_all()
    sheets = db.session.query(ScoreSheet).filter_by(application_id=assignment.application_id).order_by(ScoreSheet.id)
    numbers = criteria_of(assignment)
    return [(sheet.state.value, [sheet.levels.get(number) for number in numbers]) for sheet in sheets]


@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize(("level", "commented"), [(0, ()), (4, ()), (0, (1, 2)), (4, (1, 2))])
def test_extreme_level_without_its_comment_is_not_handed_in(app: Flask, level: int, commented: tuple[int, ...]) -> None:
    """Levels go from 0 to 4; the first criterion has an extreme one and no comment of its own."""
    assignment = make_assignment()
    bare = entries(assignment, level, 2, 3, commented=commented)

    with pytest.raises(RuleBroken, match="lowest or the highest") as refused:
        services.submit(assignment, bare, by=assignment.evaluator, now=utcnow())

    assert refused.value.field == f"comment_{criteria_of(assignment)[0]}"
    assert kept(assignment) == []


@pytest.mark.parametrize("comment", [".", " .. ", "10/10", "??", "\u3000"])
def test_comment_without_a_word_is_no_reason(app: Flask, comment: str) -> None:
    assignment = make_assignment()
    first, *_rest = criteria_of(assignment)
    said = replace(entries(assignment, 0, 2, 3), comments={first: comment})

    with pytest.raises(RuleBroken) as refused:
        services.submit(assignment, said, by=assignment.evaluator, now=utcnow())

    assert refused.value.field == f"comment_{first}"
    assert kept(assignment) == []


def test_comment_of_spaces_is_no_comment(app: Flask) -> None:
    assignment = make_assignment()
    numbers = criteria_of(assignment)
    blank = Entries(dict(zip(numbers, (4, 2, 3), strict=True)), {numbers[0]: "  \n "})

    with pytest.raises(RuleBroken):
        services.submit(assignment, blank, by=assignment.evaluator, now=utcnow())
    assert kept(assignment) == []


def test_levels_between_need_no_comment_and_a_draft_never_does(app: Flask) -> None:
    middle, draft = make_assignment(), make_assignment()

    services.submit(middle, entries(middle, 1, 2, 3), by=middle.evaluator, now=utcnow())
    services.save_draft(draft, entries(draft, 0, 4), by=draft.evaluator, now=utcnow())

    assert kept(middle) == [("submitted", [1, 2, 3])]
    assert kept(draft) == [("draft", [0, 4, None])]


def test_page_says_beside_the_comment_what_is_missing_and_keeps_the_draft(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    first, second, third = criteria_of(assignment)
    sent = {f"level_{first}": "4", f"level_{second}": "2", f"level_{third}": "0", f"comment_{third}": "No dice cómo."}
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    answer = client.post(f"{path}/submit", data=sent)

    assert answer.status_code == 200
    assert re.findall(r'id="comment_(\d+)-error"', answer.text) == [str(first)]
    assert "No dice cómo." in answer.text
    assert kept(assignment) == [("draft", [4, 2, 0])]

    client.post(f"{path}/submit", data=sent | {f"comment_{first}": "Cifras propias."})
    assert kept(assignment) == [("submitted", [4, 2, 0])]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        # Weights 50, 30 and 20 %, levels 0 to 4: a level earns weight × level / 4.
        ((), (0, "0.00", "0.00")),
        ((3,), (1, "37.50", "50.00")),
        ((0, 1), (2, "7.50", "80.00")),
        ((3, 1, 4), (3, "65.00", "100.00")),
    ],
)
def test_running_total_counts_what_is_scored_and_no_gap_as_zero(
    app: Flask, levels: tuple[int, ...], expected: tuple[int, str, str]
) -> None:
    assignment = make_assignment()
    criteria = queries.criteria_for(assignment)

    total = queries.running_total(criteria, dict(zip(criteria_of(assignment), levels, strict=False)))

    assert (total.scored, total.points, total.possible) == (expected[0], Decimal(expected[1]), Decimal(expected[2]))
    assert total.criteria == 3
    assert total.is_whole is (len(levels) == 3)


def test_page_shows_the_running_total_without_javascript(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    services.save_draft(assignment, entries(assignment, 3), by=assignment.evaluator, now=utcnow())

    page = sign_in(assignment.evaluator).get(f"/score-sheets/{assignment.id}").text

    assert re.search(r"data-progress=[^>]*>1 de 3 |data-progress=[^>]*>1 of 3 ", page)
    assert re.search(r"data-total [^>]*>37,50 [^<]* 50,00 |data-total [^>]*>37.50 [^<]* 50.00 ", page)


def test_save_from_a_page_that_is_out_of_date_is_refused(app: Flask) -> None:
    """Two windows read the empty sheet; the first saves, the second does not know it."""
    assignment = make_assignment()
    me = assignment.evaluator
    services.save_draft(assignment, entries(assignment, 3), by=me, now=utcnow(), stamp=Stamp(1, 0, "first", 1))

    for verb in (services.save_draft, services.submit):
        with pytest.raises(SheetChanged):
            verb(assignment, entries(assignment, 1, 1, 1), by=me, now=utcnow(), stamp=Stamp(1, 0, "second", 1))
    assert kept(assignment) == [("draft", [3, None, None])]

    services.save_draft(assignment, entries(assignment, 1), by=me, now=utcnow(), stamp=Stamp(1, 1, "second", 2))
    assert kept(assignment) == [("draft", [1, None, None])]


def test_window_whose_answer_was_lost_may_send_again(app: Flask) -> None:
    assignment = make_assignment()
    me = assignment.evaluator
    services.save_draft(assignment, entries(assignment, 3), by=me, now=utcnow(), stamp=Stamp(1, 0, "first", 1))

    services.save_draft(assignment, entries(assignment, 3, 2), by=me, now=utcnow(), stamp=Stamp(1, 0, "first", 2))

    assert kept(assignment) == [("draft", [3, 2, None])]


def test_older_try_that_arrives_late_changes_nothing(app: Flask) -> None:
    assignment = make_assignment()
    me = assignment.evaluator
    services.save_draft(assignment, entries(assignment, 3, 2), by=me, now=utcnow(), stamp=Stamp(1, 0, "first", 2))

    with pytest.raises(SheetChanged):
        services.save_draft(assignment, entries(assignment, 3), by=me, now=utcnow(), stamp=Stamp(1, 0, "first", 1))
    assert kept(assignment) == [("draft", [3, 2, None])]


def test_page_of_before_an_amendment_does_not_write_into_it(app: Flask) -> None:
    assignment = make_assignment()
    me = assignment.evaluator
    services.submit(assignment, entries(assignment, 1, 2, 3), by=me, now=utcnow(), stamp=Stamp(1, 0, "first", 1))
    services.begin_amendment(assignment, reason="Leí mal", by=me, now=utcnow())

    with pytest.raises(SheetChanged):
        services.save_draft(assignment, entries(assignment, 2), by=me, now=utcnow(), stamp=Stamp(1, 1, "first", 2))
    assert kept(assignment) == [("submitted", [1, 2, 3]), ("draft", [1, 2, 3])]


def test_page_out_of_date_shows_both_and_saves_what_is_chosen(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    numbers, client, path = criteria_of(assignment), sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"
    stamp = _stamp_of(client.get(path).text)
    theirs = {f"level_{numbers[0]}": "3", f"comment_{numbers[0]}": "Desde el teléfono", "stamp": "1.0.1.telefono"}
    client.post(f"{path}/autosave", data=theirs)
    mine = {f"level_{numbers[0]}": "1", f"comment_{numbers[0]}": "Desde la computadora", "stamp": stamp}

    late = client.post(f"{path}/autosave", data=mine)
    page = client.post(f"{path}/save", data=mine).text

    assert late.status_code == 409
    assert late.json is not None
    assert late.json["changed"] is True
    assert "Desde el teléfono" in page
    assert "Desde la computadora" in page
    assert kept(assignment) == [("draft", [3, None, None])]

    client.post(f"{path}/save", data=mine | {"stamp": _stamp_of(page)})
    assert kept(assignment) == [("draft", [1, None, None])]


def _stamp_of(page: str) -> str:
    found = re.search(r'name="stamp"[^>]* value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "stamp", ["x", "1.0", "1.0.1.a\n", "9" * 5000, "1.0.1." + "a" * 25, "1.-1.0.a", "\x00", "١.0.1.a"]
)
def test_hostile_stamp_saves_nothing(app: Flask, sign_in: SignIn, stamp: str) -> None:
    assignment = make_assignment()
    sent = {f"level_{criteria_of(assignment)[0]}": "3", "stamp": stamp}
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    assert client.post(f"{path}/save", data=sent).status_code == 200
    assert client.post(f"{path}/autosave", data=sent).status_code == 422
    assert kept(assignment) == []


def test_after_handing_in_the_page_says_what_is_left_and_by_when(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    call, me = assignment.application.call, assignment.evaluator
    coming = make_assignment(make_application(call), me, due_on=date(2024, 5, 2))
    services.submit(assignment, entries(assignment, 1, 2, 3), by=me, now=utcnow())

    page = sign_in(me).get(f"/score-sheets/{assignment.id}").text

    assert page.count(f'href="/score-sheets/{coming.id}"') == 2
    assert page.count("2 may 2024") + page.count("2 May 2024") + page.count("May 2, 2024") >= 2
