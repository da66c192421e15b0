"""An award ends; the next on the waiting list takes its place."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.applications.services import asked_before_withdrawal
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.selection import queries
from grants.selection.models import Award, AwardState, CalledBecause, Selection, WaitingListEntry
from grants.selection.services.letters import tell_change
from grants.selection.services.substitution import Call, next_call

WITHDRAWN_BEFORE_TURN = "application_withdrawn"  # a code: the page has the words


@dataclass(frozen=True, slots=True)
class Ended:
    """What followed the end of an award: the one that took its place, None when nobody waits any more."""

    replacement: Award | None


BeforeEnd = Callable[[Award], None]
# What must hold before an award ends: each raises RuleBroken. Features further down the river add theirs.
_before_end: list[BeforeEnd] = []


def asked_before_end(check: BeforeEnd) -> BeforeEnd:
    """Add a check that may refuse the end of an award. It runs with the award's row claimed."""
    _before_end.append(check)
    return check


@asked_before_withdrawal
def refuse_while_awarded(application: Application) -> None:
    """An application whose award stands is not withdrawn behind its back: the place would be lost."""
    if queries.active_award(application.id) is not None:
        raise RuleBroken(_("This application has an award. End the award first: then the next on the waiting list "
                           "gets the place."), field="reason")  # fmt: skip


def claim_active_award(award: Award) -> None:
    """Hold an award's row while something is done for it, and refuse if it has ended."""
    still = update(Award).where(Award.id == award.id, Award.state == AwardState.ACTIVE)
    if rows_hit(db.session.execute(still.values(state=AwardState.ACTIVE))) == 0:
        raise RuleBroken(_("This award has ended. Choose an active award."))


def decline_award(award: Award, *, reason: str, by: User, now: datetime) -> Ended:
    """Record that the person does not want the award; the next on the waiting list moves up."""
    return _end(award, AwardState.DECLINED, reason, by, now)


def withdraw_award(award: Award, *, reason: str, by: User, now: datetime) -> Ended:
    """Take the award back (the person left, or no longer qualifies); the next on the waiting list moves up."""
    return _end(award, AwardState.WITHDRAWN, reason, by, now)


def _end(award: Award, state: AwardState, reason: str, by: User, now: datetime) -> Ended:
    if not reason.strip():
        raise RuleBroken(_("Write the reason in a few words."), field="reason")
    guarded = update(Award).where(Award.id == award.id, Award.state == AwardState.ACTIVE)
    if rows_hit(db.session.execute(guarded.values(state=state, ended_at=now, end_reason=reason))) == 0:
        raise RuleBroken(_("This award has already ended. Reload the page."))
    # After the row is claimed, so that no kit is planned between the question and the end.
    for check in _before_end:
        check(award)
    journal.record(by, f"award.{state.value}", award, at=now)
    if state is AwardState.WITHDRAWN:  # whoever declines knows it
        tell_change(award.application_id, award.selection, now=now)
    claim_run(award.selection)
    return Ended(_promote_next(award, by, now))


def claim_run(selection: Selection) -> None:
    """Hold the run's row, so that places are given one after the other and each sees those given before."""
    db.session.execute(update(Selection).where(Selection.id == selection.id).values(places=Selection.places))


def _promote_next(award: Award, by: User, now: datetime) -> Award | None:
    """Call until somebody takes the place. Entries of withdrawn applications are skipped."""
    asked: set[int] = set()
    while call := next_call(award.selection, without=asked):
        asked.add(call.entry.application_id)
        if not _still_stands(call.entry.application_id):
            _skip(call.entry, by, now)
        elif promoted := _promote(call, award, by, now):
            return promoted
    return None


def _still_stands(application_id: int) -> bool:
    """Whether the application still wants the place; claims its row, so that it cannot withdraw meanwhile."""
    claimed = update(Application).where(
        Application.id == application_id, Application.state == ApplicationState.SUBMITTED
    )
    return rows_hit(db.session.execute(claimed.values(state=ApplicationState.SUBMITTED))) == 1


def _skip(entry: WaitingListEntry, by: User, now: datetime) -> None:
    passed = update(WaitingListEntry).where(WaitingListEntry.id == entry.id, WaitingListEntry.award_id.is_(None))
    db.session.execute(passed.values(skipped_reason=WITHDRAWN_BEFORE_TURN))
    journal.record(by, "waiting_list.skipped", entry, at=now, application=entry.application_id)


def _promote(call: Call, replaced: Award, by: User, now: datetime) -> Award | None:
    """Give the place to whoever is called; None when somebody else gave them another place at the same moment."""
    entry = call.entry
    award = Award(
        selection_id=replaced.selection_id,
        application_id=entry.application_id,
        state=AwardState.ACTIVE,
        value_usd=replaced.value_usd,
        awarded_at=now,
        replaces_id=replaced.id,
        called_because=call.because,
    )
    try:
        with db.session.begin_nested():
            db.session.add(award)
    except IntegrityError:
        return None
    db.session.execute(update(WaitingListEntry).where(WaitingListEntry.id == entry.id).values(award_id=award.id))
    journal.record(by, "award.promoted", award, at=now, replaces=replaced.id, position=entry.position,
                   because=call.because.value)  # fmt: skip
    tell_change(award.application_id, replaced.selection, now=now)
    return award


def give_free_place(selection: Selection, application: Application, *, by: User, now: datetime) -> Award:
    """Give a place that nobody has to an application whose appeal was upheld, whatever its number in the run."""
    claim_run(selection)
    if queries.free_places(selection) < 1:
        raise RuleBroken(_("No place is free. When an award ends and nobody is waiting, its place can be given here."))
    if not _still_stands(application.id):
        raise RuleBroken(_("This application was withdrawn. It cannot get a place."))
    award = Award(
        selection_id=selection.id,
        application_id=application.id,
        state=AwardState.ACTIVE,
        value_usd=selection.call.value_per_award_usd,
        awarded_at=now,
        called_because=CalledBecause.APPEAL,
    )
    try:
        with db.session.begin_nested():
            db.session.add(award)
    except IntegrityError:
        raise RuleBroken(_("This application has had an award already.")) from None
    waiting = update(WaitingListEntry).where(
        WaitingListEntry.selection_id == selection.id, WaitingListEntry.application_id == application.id
    )
    db.session.execute(waiting.values(award_id=award.id))
    journal.record(by, "award.given", award, at=now, selection=selection.id)
    return award
