"""A missing score is never 0; a submitted sheet stays; others are hidden until one's own is in."""

from decimal import Decimal

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.evaluation import queries, services
from grants.evaluation.models import Assignment, Score, ScoreSheet, SheetState
from grants.evaluation.services import Entries
from tests.factories.access import make_user
from tests.factories.evaluation import make_assignment, make_conflict, make_sheet

pytestmark = pytest.mark.usefixtures("in_english")


def entries(assignment: Assignment, *levels: int | None) -> Entries:
    """Levels for the criteria in order, each with a comment; None leaves one out."""
    criteria = queries.criteria_for(assignment)
    given = {c.id: level for c, level in zip(criteria, levels, strict=True) if level is not None}
    return Entries(given, dict.fromkeys(given, "Por lo que dice el plan."))


def saved(assignment: Assignment) -> list[tuple[int, str, int]]:
    """Version, state and number of scores of each sheet, oldest first."""
    db.session.expire_all()
    sheets = db.session.query(ScoreSheet).filter_by(application_id=assignment.application_id).order_by(ScoreSheet.id)
    return [(sheet.version, sheet.state.value, len(sheet.levels)) for sheet in sheets]


def test_draft_may_have_gaps_and_is_replaced_by_the_next_save(app: Flask) -> None:
    assignment = make_assignment()
    me = assignment.evaluator

    services.save_draft(assignment, entries(assignment, 3, None, None), by=me, now=utcnow())
    sheet = services.save_draft(assignment, entries(assignment, None, 2, 4), by=me, now=utcnow())

    assert sorted(sheet.levels.values()) == [2, 4]
    assert saved(assignment) == [(1, "draft", 2)]


def test_comment_without_a_level_is_kept_and_the_score_still_missing(app: Flask) -> None:
    assignment = make_assignment()
    criterion = queries.criteria_for(assignment)[0]

    sheet = services.save_draft(
        assignment, Entries({}, {criterion.id: "Falta el costo"}, "General"), by=assignment.evaluator, now=utcnow()
    )

    assert [(score.level, score.comment) for score in sheet.scores] == [(None, "Falta el costo")]
    assert sheet.levels == {}
    assert sheet.comment == "General"


def test_gap_is_refused_at_submission_and_nothing_is_handed_in(app: Flask) -> None:
    assignment = make_assignment()

    with pytest.raises(RuleBroken, match="Scores are missing"):
        services.submit(assignment, entries(assignment, 3, None, 4), by=assignment.evaluator, now=utcnow())
    assert queries.official_sheet(assignment) is None


def test_submitted_sheet_can_be_neither_saved_nor_submitted_again(app: Flask) -> None:
    assignment = make_assignment()
    me = assignment.evaluator
    services.submit(assignment, entries(assignment, 3, 3, 4), by=me, now=utcnow())

    for verb in (services.save_draft, services.submit):
        with pytest.raises(RuleBroken, match="already submitted"):
            verb(assignment, entries(assignment, 0, 0, 0), by=me, now=utcnow())

    official = queries.official_sheet(assignment)
    assert official is not None
    assert sorted(official.levels.values()) == [3, 3, 4]


def test_amendment_is_a_new_version_and_the_old_one_keeps_its_rows(app: Flask) -> None:
    assignment = make_assignment()
    me = assignment.evaluator
    services.submit(assignment, entries(assignment, 3, 3, 4), by=me, now=utcnow())

    services.begin_amendment(assignment, reason="Leí mal el costo", by=me, now=utcnow())
    assert saved(assignment) == [(1, "submitted", 3), (2, "draft", 3)]

    services.submit(assignment, entries(assignment, 1, 3, 4), by=me, now=utcnow())
    assert saved(assignment) == [(1, "superseded", 3), (2, "submitted", 3)]
    official = queries.official_sheet(assignment)
    assert official is not None
    assert official.amendment_reason == "Leí mal el costo"
    assert db.session.query(Score).count() == 6


def test_amendment_needs_a_submitted_sheet_and_only_one_is_open(app: Flask) -> None:
    assignment = make_assignment()
    me = assignment.evaluator

    with pytest.raises(RuleBroken, match="still a draft"):
        services.begin_amendment(assignment, reason="x", by=me, now=utcnow())
    services.submit(assignment, entries(assignment, 3, 3, 4), by=me, now=utcnow())
    services.begin_amendment(assignment, reason="x", by=me, now=utcnow())
    with pytest.raises(RuleBroken, match="already open"):
        services.begin_amendment(assignment, reason="y", by=me, now=utcnow())


@pytest.mark.parametrize("level", [-1, 5, 10**12])
def test_level_outside_the_rubric_is_refused(app: Flask, level: int) -> None:
    assignment = make_assignment()

    with pytest.raises(RuleBroken, match="not in the rubric"):
        services.save_draft(assignment, entries(assignment, level, 1, 1), by=assignment.evaluator, now=utcnow())
    assert saved(assignment) == []


def test_criterion_of_the_other_stage_is_refused(app: Flask) -> None:
    assignment = make_assignment()
    pitch = assignment.application.rubric.criteria_of(Stage.PITCH)[0]

    with pytest.raises(RuleBroken, match="not in the rubric"):
        services.save_draft(assignment, Entries({pitch.id: 1}), by=assignment.evaluator, now=utcnow())
    assert saved(assignment) == []


def test_others_and_people_with_a_conflict_cannot_write(app: Flask) -> None:
    assignment = make_assignment()
    with pytest.raises(RuleBroken, match="Only the evaluator"):
        services.save_draft(assignment, Entries({}), by=make_user(Role.EVALUATOR), now=utcnow())

    make_conflict(assignment.application, assignment.evaluator)
    with pytest.raises(RuleBroken, match="no longer yours"):
        services.save_draft(assignment, Entries({}), by=assignment.evaluator, now=utcnow())
    assert saved(assignment) == []


def test_others_are_hidden_until_ones_own_sheet_of_the_stage_is_in(app: Flask) -> None:
    assignment = make_assignment()
    application, me = assignment.application, assignment.evaluator
    theirs = make_sheet(application, levels=2)
    make_sheet(application, stage=Stage.PITCH)
    recused = make_user(Role.EVALUATOR)
    make_sheet(application, recused)
    make_conflict(application, recused)
    services.save_draft(assignment, entries(assignment, 3, 3, 4), by=me, now=utcnow())
    assert queries.others_sheets(assignment) == []

    services.submit(assignment, entries(assignment, 3, 3, 4), by=me, now=utcnow())

    assert [sheet.id for sheet in queries.others_sheets(assignment)] == [theirs.id]


def test_points_of_a_sheet_follow_the_declared_weights(app: Flask) -> None:
    """Levels 4, 2, 1 of 4 under 50, 30 and 20 %: 50 + 15 + 5."""
    assignment = make_assignment()
    criteria = queries.criteria_for(assignment)
    levels = dict(zip([c.id for c in criteria], (4, 2, 1), strict=True))

    assert queries.sheet_points(criteria, Stage.PLAN, levels) == Decimal("70.00")
    assert queries.sheet_points(criteria, Stage.PLAN, {criteria[0].id: 4}) is None


def test_database_keeps_one_official_sheet(app: Flask) -> None:
    from sqlalchemy.exc import IntegrityError

    assignment = make_assignment()
    make_sheet(assignment.application, assignment.evaluator)

    with pytest.raises(IntegrityError), db.session.begin_nested():
        make_sheet(assignment.application, assignment.evaluator, version=2, amendment_reason="x")
    assert db.session.query(ScoreSheet).filter_by(state=SheetState.SUBMITTED).count() == 1


def test_submission_is_in_the_journal_without_scores(app: Flask) -> None:
    assignment = make_assignment()
    services.submit(assignment, entries(assignment, 3, 3, 4), by=assignment.evaluator, now=utcnow())
    db.session.commit()

    entry = db.session.query(JournalEntry).filter_by(action="sheet.submitted").one()
    assert entry.details == '{"version":1}'
