"""The calibration set: marked by the coordinator, handed to everybody in the call, scored before anything else."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.calls.models import Call, Stage
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Assignment, CalibrationSetItem
from grants.evaluation.models.calibration import LARGEST_SET, SMALLEST_SET


def mark_calibration_set(
    call: Call,
    stage: Stage,
    folios: Sequence[str],
    *,
    counts: bool,
    due_on: date | None,
    by: User,
    now: datetime,
) -> int:
    """Make these applications the stage's set and hand it out; returns how many sheets were given.

    It replaces the set before, which must not be in use. `counts`: every sheet of it is official.
    """
    applications = _chosen(call, stage, folios, by)
    if not queries.evaluators_in(call, stage):
        raise RuleBroken(_("Nobody evaluates this stage yet. Assign evaluators first: each of them gets the set."))
    _withdraw(call, stage, now)
    _write_set(call, stage, applications, counts=counts, by=by, now=now)
    given = _reopen(applications, stage, due_on)
    given += hand_out_calibration(call, stage, due_on=due_on, by=by, now=now)
    journal.record(by, "calibration.marked", call, at=now, stage=stage.value, counts=counts,
                   applications=",".join(map(str, applications)))  # fmt: skip
    return given


def _chosen(call: Call, stage: Stage, folios: Sequence[str], by: User) -> list[int]:
    if stage not in queries.counted_stages(call):
        raise RuleBroken(_("This stage does not count in this call. Choose the other one."))
    wanted = list(dict.fromkeys(folios))
    if not SMALLEST_SET <= len(wanted) <= LARGEST_SET:
        raise RuleBroken(_("Choose from two to five different applications."), field="folios")
    found = queries.applications_by_folio(call, wanted, reader=by)
    unknown = [folio for folio in wanted if folio not in found]
    if unknown:
        sentence = _("%(folio)s is not a submitted application of this call. Check the folio.", folio=unknown[0])
        raise RuleBroken(sentence, field="folios")
    scored = queries.scored_folios(found.values(), stage)
    if scored:
        sentence = _("%(folio)s was already scored at this stage. Choose one that nobody has scored.", folio=scored[0])
        raise RuleBroken(sentence, field="folios")
    return [found[folio] for folio in wanted]


def _withdraw(call: Call, stage: Stage, now: datetime) -> None:
    """Take back the set before, and the tasks that only it gave. Refused once somebody has scored part of it."""
    before = [item.application_id for item in queries.set_items(call, stage)]
    if queries.scored_folios(before, stage):
        raise RuleBroken(_("The set is in use: sheets of it were handed in. It stays as it is."))
    db.session.execute(
        update(Assignment)
        .where(
            Assignment.application_id.in_(before),
            Assignment.stage == stage,
            Assignment.is_calibration,
            Assignment.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
    db.session.execute(
        delete(CalibrationSetItem).where(CalibrationSetItem.call_id == call.id, CalibrationSetItem.stage == stage)
    )


def _reopen(applications: Sequence[int], stage: Stage, due_on: date | None) -> int:
    """Give back the tasks that an earlier set gave about these applications, where no conflict was declared since."""
    ended = update(Assignment).where(
        Assignment.application_id.in_(applications),
        Assignment.stage == stage,
        Assignment.is_calibration,
        Assignment.ended_at.is_not(None),
        ~queries.conflict_declared(),
    )
    return rows_hit(db.session.execute(ended.values(ended_at=None, due_on=due_on)))


def _write_set(call: Call, stage: Stage, applications: Sequence[int], *, counts: bool, by: User, now: datetime) -> None:
    try:
        with db.session.begin_nested():
            db.session.add_all(
                CalibrationSetItem(
                    call_id=call.id,
                    stage=stage,
                    application_id=application,
                    position=position,
                    counts=counts,
                    marked_by_id=by.id,
                    marked_at=now,
                )
                for position, application in enumerate(applications, 1)
            )
    except IntegrityError:
        raise RuleBroken(_("Somebody else is marking the set now. Look at it, then try again.")) from None


def hand_out_calibration(call: Call, stage: Stage, *, due_on: date | None, by: User, now: datetime) -> int:
    """Give the set to everybody in the call who never had part of it; returns how many sheets were given.

    Not to those with a conflict; what was taken away stays away.
    """
    applications = [item.application_id for item in queries.set_items(call, stage)]
    if not applications:
        return 0
    wanted = {(application, who) for who in queries.evaluators_in(call, stage) for application in applications}
    wanted -= queries.pairs_among(applications)
    had = select(Assignment).where(Assignment.application_id.in_(applications), Assignment.stage == stage)
    new = sorted(wanted - set(_by_pair(db.session.scalars(had))))
    try:
        with db.session.begin_nested():
            db.session.add_all(
                Assignment(
                    application_id=application,
                    evaluator_id=who,
                    stage=stage,
                    due_on=due_on,
                    assigned_by_id=by.id,
                    assigned_at=now,
                    is_calibration=True,
                )
                for application, who in new
            )
    except IntegrityError:
        raise RuleBroken(_("Somebody else is assigning now. Look at the board, then try again.")) from None
    return len(new)


def become_reviews(pairs: Iterable[tuple[int, int]], stage: Stage, *, due_on: date | None) -> list[tuple[int, int]]:
    """Turn tasks that a calibration set gave into reviews that count; returns the pairs that need a new task."""
    wanted = list(pairs)
    statement = select(Assignment).where(
        Assignment.is_calibration, Assignment.stage == stage, Assignment.evaluator_id.in_({who for _app, who in wanted})
    )
    tasks = _by_pair(db.session.scalars(statement))
    found = [pair for pair in wanted if pair in tasks]
    turned = update(Assignment).where(Assignment.id.in_([tasks[pair].id for pair in found]))
    db.session.execute(turned.values(is_calibration=False, ended_at=None, due_on=due_on))
    return [pair for pair in wanted if pair not in tasks]


def _by_pair(tasks: Iterable[Assignment]) -> dict[tuple[int, int], Assignment]:
    return {(task.application_id, task.evaluator_id): task for task in tasks}
