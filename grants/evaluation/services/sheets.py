"""Score sheets: draft, submission once, amendment as a new version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.calls.models import Criterion
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Assignment, Score, ScoreSheet, SheetState

FEWEST_LETTERS = 3  # of a reason
ALREADY_SUBMITTED = _("This sheet is already submitted. To change it, amend it with a reason.")


@dataclass(frozen=True, slots=True)
class Entries:
    """What an evaluator entered: levels and comments by criterion id, and a comment on the whole.

    A criterion that is not in `levels` has no score yet: that is never 0.
    """

    levels: Mapping[int, int]
    comments: Mapping[int, str] = field(default_factory=dict)
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which state of the sheet a page was read in, and which window sends it for the how-manieth time.

    `version` and `saves` name the state. `window` is a random name of the page, `turn` counts what it has sent: a
    try whose answer was lost may be sent again, and an old one that arrives late changes nothing.
    """

    version: int
    saves: int
    window: str = ""
    turn: int = 0

    def may_replace(self, sheet: ScoreSheet) -> bool:
        """Whether nobody else has saved since: the page saw the last save, or made it."""
        if self.version != sheet.version:
            return False
        made_it = bool(self.window) and self.window == sheet.saved_from and self.turn >= sheet.saved_turn
        return made_it or self.saves == sheet.saves


class SheetChanged(RuleBroken):
    """Another window or device saved the sheet after this page was read. Nothing was overwritten."""

    def __init__(self) -> None:
        sentence = _("This sheet was saved in another window or device after you opened it here. Compare both.")
        super().__init__(sentence, field="stamp")


def save_draft(
    assignment: Assignment, entries: Entries, *, by: User, now: datetime, stamp: Stamp | None = None
) -> ScoreSheet:
    """Keep what was entered so far; parts may be missing. What was there before is replaced.

    With a stamp, SheetChanged when somebody else saved since; without one, the last to save wins.
    """
    _check_may_score(assignment, by)
    if queries.calibration_first(assignment):
        raise RuleBroken(_("Score the calibration set first. This sheet opens once all of it is handed in."))
    _check_levels(assignment, entries)
    sheet = _open_draft(assignment, by, now)
    _claim(sheet, now, stamp)
    _write(sheet, entries)
    return sheet


def submit(
    assignment: Assignment, entries: Entries, *, by: User, now: datetime, stamp: Stamp | None = None
) -> ScoreSheet:
    """Hand the sheet in, once. Every criterion needs its level, the lowest and the highest a comment besides.

    An amended version takes the place of the old one.
    """
    _check_whole(queries.criteria_for(assignment), entries)
    sheet = save_draft(assignment, entries, by=by, now=now, stamp=stamp)
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


def says_why(comment: str) -> bool:
    """Whether a comment holds a word: a full stop gives no reason to somebody who appeals."""
    return sum(letter.isalpha() for letter in comment) >= FEWEST_LETTERS


def _check_whole(criteria: Sequence[Criterion], entries: Entries) -> None:
    if any(c.id not in entries.levels for c in criteria):
        raise RuleBroken(_("Scores are missing. Choose a level for every criterion, then submit."))
    for criterion in criteria:
        commented = entries.comments.get(criterion.id, "")
        if entries.levels[criterion.id] in criterion.extremes and not says_why(commented):
            sentence = _("Write why it deserves the lowest or the highest level, then submit.")
            raise RuleBroken(sentence, field=f"comment_{criterion.id}")


def _open_draft(assignment: Assignment, by: User, now: datetime) -> ScoreSheet:
    """The draft to write into: the newest version, or a first one. Refused once the sheet is submitted."""
    sheet = queries.current_sheet(assignment) or _new_version(assignment, 1, None, by, now)
    if sheet is None:  # another tab was first
        sheet = queries.current_sheet(assignment)
    if sheet is None or not sheet.is_draft:
        raise RuleBroken(ALREADY_SUBMITTED)
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


def _claim(sheet: ScoreSheet, now: datetime, stamp: Stamp | None) -> None:
    """Claim the draft for this transaction: a save or a submission beside it waits, then finds it changed."""
    claim = update(ScoreSheet).where(ScoreSheet.id == sheet.id, ScoreSheet.state == SheetState.DRAFT)
    claim = claim.values(saved_at=now, saves=ScoreSheet.saves + 1)
    if stamp is not None:
        if not stamp.may_replace(sheet):
            raise SheetChanged
        claim = claim.where(ScoreSheet.saves == sheet.saves).values(saved_from=stamp.window, saved_turn=stamp.turn)
    claimed = rows_hit(db.session.execute(claim)) == 1
    db.session.refresh(sheet)
    if not claimed:
        raise SheetChanged if sheet.is_draft else RuleBroken(ALREADY_SUBMITTED)
    db.session.refresh(sheet, ["scores"])


def _move(sheet: ScoreSheet, expected: SheetState, **values: object) -> None:
    guarded = update(ScoreSheet).where(ScoreSheet.id == sheet.id, ScoreSheet.state == expected).values(**values)
    if rows_hit(db.session.execute(guarded)) == 0:
        raise RuleBroken(ALREADY_SUBMITTED)


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
