"""Score sheets: draft, submission once, amendment as a new version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Assignment, Score, ScoreSheet, SheetState


@dataclass(frozen=True, slots=True)
class Entries:
    """What an evaluator entered: levels and comments by criterion id, and a comment on the whole.

    A criterion that is not in `levels` has no score yet: that is never 0.
    """

    levels: Mapping[int, int]
    comments: Mapping[int, str] = field(default_factory=dict)
    comment: str = ""


def save_draft(assignment: Assignment, entries: Entries, *, by: User, now: datetime) -> ScoreSheet:
    """Keep what was entered so far; parts may be missing. What was there before is replaced."""
    _check_may_score(assignment, by)
    _check_levels(assignment, entries)
    sheet = _open_draft(assignment, by, now)
    _touch(sheet, now)
    _write(sheet, entries)
    return sheet


def submit(assignment: Assignment, entries: Entries, *, by: User, now: datetime) -> ScoreSheet:
    """Hand the sheet in, once. Every criterion needs its level; an amended version takes the place of the old one."""
    missing = [c for c in queries.criteria_for(assignment) if c.id not in entries.levels]
    if missing:
        raise RuleBroken(_("Scores are missing. Choose a level for every criterion, then submit."))
    sheet = save_draft(assignment, entries, by=by, now=now)
    official = queries.official_sheet(assignment)
    if official is not None:
        _move(official, SheetState.SUBMITTED, state=SheetState.SUPERSEDED)
    _move(sheet, SheetState.DRAFT, state=SheetState.SUBMITTED, submitted_at=now)
    journal.record(by, "sheet.submitted", sheet, at=now, version=sheet.version)
    return sheet


def begin_amendment(assignment: Assignment, *, reason: str, by: User, now: datetime) -> ScoreSheet:
    """Open a new version of a submitted sheet, with its scores copied. The old one counts until the new one is in."""
    _check_may_score(assignment, by)
    official = queries.official_sheet(assignment)
    if official is None:
        raise RuleBroken(_("This sheet is still a draft. Change it directly."))
    entries = Entries(
        official.levels, {score.criterion_id: score.comment for score in official.scores}, official.comment
    )
    sheet = _new_version(assignment, official.version + 1, reason, by, now)
    if sheet is None:
        raise RuleBroken(_("An amendment is already open. Finish that one."))
    _write(sheet, entries)
    journal.record(by, "sheet.amendment_begun", sheet, at=now, version=sheet.version)
    return sheet


def _check_may_score(assignment: Assignment, by: User) -> None:
    if assignment.evaluator_id != by.id:
        raise RuleBroken(_("Only the evaluator it was given to can fill in this sheet."))
    if not assignment.is_open or queries.has_conflict(by, assignment.application_id):
        raise RuleBroken(_("This sheet is no longer yours. Go back to your list."))


def _check_levels(assignment: Assignment, entries: Entries) -> None:
    known = {c.id: {level.value for level in c.levels} for c in queries.criteria_for(assignment)}
    strange = [key for key in (*entries.levels, *entries.comments) if key not in known]
    if strange or any(value not in known[key] for key, value in entries.levels.items()):
        raise RuleBroken(_("This level is not in the rubric. Reload the page and choose again."))


def _open_draft(assignment: Assignment, by: User, now: datetime) -> ScoreSheet:
    """The draft to write into: the newest version, or a first one. Refused once the sheet is submitted."""
    sheet = queries.current_sheet(assignment) or _new_version(assignment, 1, None, by, now)
    if sheet is None:  # another tab was first
        sheet = queries.current_sheet(assignment)
    if sheet is None or not sheet.is_draft:
        raise RuleBroken(_("This sheet is already submitted. To change it, amend it with a reason."))
    return sheet


def _new_version(
    assignment: Assignment, version: int, reason: str | None, by: User, now: datetime
) -> ScoreSheet | None:
    """A new draft, or None when that version is there already."""
    sheet = ScoreSheet(
        application_id=assignment.application_id,
        evaluator_id=by.id,
        rubric_id=assignment.application.rubric_id,
        stage=assignment.stage,
        version=version,
        state=SheetState.DRAFT,
        amendment_reason=reason,
        saved_at=now,
        scores=[],
    )
    try:
        with db.session.begin_nested():
            db.session.add(sheet)
    except IntegrityError:
        return None
    return sheet


def _touch(sheet: ScoreSheet, now: datetime) -> None:
    """Claim the draft for this transaction: a save or a submission beside it waits, then finds it changed."""
    _move(sheet, SheetState.DRAFT, saved_at=now)
    db.session.refresh(sheet)
    db.session.refresh(sheet, ["scores"])


def _move(sheet: ScoreSheet, expected: SheetState, **values: object) -> None:
    guarded = update(ScoreSheet).where(ScoreSheet.id == sheet.id, ScoreSheet.state == expected).values(**values)
    if rows_hit(db.session.execute(guarded)) == 0:
        raise RuleBroken(_("This sheet is already submitted. To change it, amend it with a reason."))


def _write(sheet: ScoreSheet, entries: Entries) -> None:
    sheet.comment = entries.comment
    scores = {score.criterion_id: score for score in sheet.scores}
    for criterion_id in {*scores, *entries.levels, *entries.comments}:
        level, comment = entries.levels.get(criterion_id), entries.comments.get(criterion_id, "")
        score = scores.get(criterion_id)
        if level is None and not comment:
            if score is not None:
                sheet.scores.remove(score)
        elif score is None:
            sheet.scores.append(Score(criterion_id=criterion_id, level=level, comment=comment))
        else:
            score.level, score.comment = level, comment
    db.session.flush()
