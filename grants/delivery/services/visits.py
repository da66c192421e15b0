"""Visits after a delivery: planned by its level, made by somebody who had no part in it, answered with consent."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import case, update

from grants.access.models import User
from grants.calls.models import Call
from grants.core import journal
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db, hold_row, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.levels import Monitoring
from grants.delivery.models import (
    AttemptReason,
    Delivery,
    DeliveryState,
    DrawEntry,
    Duty,
    FlagReason,
    IncidentKind,
    LineOutcome,
    MonitoringDraw,
    Urgency,
    Visit,
    VisitAttempt,
    VisitState,
)
from grants.delivery.models.incidents import IN_A_VISIT
from grants.delivery.queries.current import levels_in_force
from grants.delivery.questionnaire import ABOUT_WHAT_STAYED, CURRENT, NO, YES, asked_in
from grants.delivery.services.flags import flag_serials
from grants.delivery.services.incidents import open_incident
from grants.delivery.services.moves import move, take_duty
from grants.delivery.services.planning import free_serials
from grants.delivery.told import in_english

USUAL_SHARE = 20  # percent of a sample
FIRST_ROUND = (7, 14)  # days after the handover
SECOND_ROUND = (45, 60)
WITHOUT_CARD = (1, 14)  # days after something stayed with the person: no card vouches for it
MOST_TRIES = 3
COMMENT_LENGTH = 2000


def plan_visits(call: Call, *, share_percent: int = USUAL_SHARE, by: User, now: datetime) -> int:
    """Plan the visits of a call's handovers that have none; how many were planned. Sampled ones are drawn first."""
    if not 1 <= share_percent <= 100:
        raise RuleBroken(_("Write a share from 1 to 100 percent."), field="share_percent")
    hold_row(Call.opens_at, call.id)  # whoever waited finds nothing left to plan
    by_kind: dict[Monitoring, list[Delivery]] = {kind: [] for kind in Monitoring}
    levels = levels_in_force()
    for delivery in queries.unplanned(call):
        by_kind[levels[delivery.level or 1].monitoring].append(delivery)
    once = by_kind[Monitoring.ALL]
    if by_kind[Monitoring.SAMPLE]:
        once = [*once, *_draw(call, by_kind[Monitoring.SAMPLE], share_percent, by=by, now=now)]
    for delivery in [*once, *by_kind[Monitoring.ALL_TWICE]]:
        _plan(delivery, 1, FIRST_ROUND, now=now)
    for delivery in by_kind[Monitoring.ALL_TWICE]:
        _plan(delivery, 2, SECOND_ROUND, now=now)
    db.session.flush()
    planned = len(once) + 2 * len(by_kind[Monitoring.ALL_TWICE])
    journal.record(by, "visits.planned", call, at=now, visits=planned)
    return planned


def place_in_draw(seed: str, folio: str) -> str:
    """Where a delivery stands in a draw: SHA-256 of "seed|folio" in hexadecimal. The lowest are visited."""
    return hashlib.sha256(f"{seed}|{folio}".encode()).hexdigest()


def sample_size(population: int, share_percent: int) -> int:
    """The share of a population, rounded up, at least one.

    >>> [sample_size(number, 20) for number in (1, 5, 6, 129)]
    [1, 1, 2, 26]
    """
    return max(1, -(-population * share_percent // 100))


def visit_again(delivery: Delivery, *, by: User, now: datetime) -> None:
    """After a dispute the person is visited once more, unless a visit is open anyway."""
    if not any(visit.is_due for visit in queries.visits_of(delivery)):
        _add(delivery, FIRST_ROUND, now=now)


def ask_what_stayed(delivery: Delivery, *, now: datetime) -> None:
    """Something stayed with the person without their card: somebody who was not there asks them, at every level."""
    _add(delivery, WITHOUT_CARD, version=ABOUT_WHAT_STAYED, now=now)


def answer(visit: Visit, answers: Mapping[str, str], *, by: User, now: datetime) -> None:
    """Keep what the person answered, sealed. They gave their consent to this interview before."""
    _refuse_unfit(visit, by, local_day(now))
    checked = _checked(visit.version, answers)
    visit.version, visit.answers = visit.version or CURRENT, checked
    db.session.flush()
    _end(visit, VisitState.ANSWERED, by=by, now=now)
    if checked.get("asked_to_pay") == YES:
        _tell_the_desk(visit, IncidentKind.EXTORTION, checked, by=by, now=now)
    if checked.get("received_what_stayed") == NO:
        _deny_what_stayed(visit.delivery, by=by, now=now)
        _tell_the_desk(visit, IncidentKind.LOST_KIT, checked, by=by, now=now)
    advance(visit.delivery, by=by, now=now)


def no_consent(visit: Visit, *, by: User, now: datetime) -> None:
    """The person does not want to be asked. It has no consequence for them."""
    _refuse_unfit(visit, by, local_day(now))
    _end(visit, VisitState.NO_CONSENT, by=by, now=now)
    advance(visit.delivery, by=by, now=now)


def is_kept(visit: Visit, answers: Mapping[str, str] | None, *, by: User) -> bool:
    """Whether this person ended the visit with just these answers, with None without consent: they sent it twice."""
    if visit.interviewer_id != by.id:
        return False
    if answers is None:
        return visit.state is VisitState.NO_CONSENT
    return visit.state is VisitState.ANSWERED and bool(_checked(visit.version, answers) == visit.answers)


def note_attempt(visit: Visit, reason: AttemptReason, *, by: User, now: datetime) -> None:
    """Nobody was reached. The third day of trying ends the visit: several tries of one day are one."""
    today = local_day(now)
    _refuse_unfit(visit, by, today)
    if queries.was_tried_since(visit, datetime.combine(today, time.min, tzinfo=PROGRAMME_ZONE)):
        raise RuleBroken(_("A try of today is written down already. Try again on another day."))
    last = Visit.tries == MOST_TRIES - 1
    noted = db.session.execute(
        update(Visit)
        .where(Visit.id == visit.id, Visit.state == VisitState.DUE, Visit.tries == visit.tries)
        .values(
            tries=Visit.tries + 1,
            state=case((last, VisitState.NOT_REACHED), else_=VisitState.DUE),
            ended_at=case((last, now), else_=None),
            interviewer_id=case((last, by.id), else_=None),
        )
        .execution_options(synchronize_session=False)
    )
    if rows_hit(noted) != 1:
        raise RuleBroken(_("Somebody wrote about this visit meanwhile. Open it again."))
    db.session.add(VisitAttempt(visit_id=visit.id, reason=reason, at=now, by_id=by.id))
    db.session.flush()
    db.session.refresh(visit)
    hold_duty(visit.delivery, Duty.MONITOR, by=by)
    journal.record(by, "visit.attempted", visit, at=now)
    advance(visit.delivery, by=by, now=now)


def advance(delivery: Delivery, *, by: User, now: datetime) -> None:
    """A reconciled delivery counts as visited once a visit ended after its last dispute was decided."""
    if delivery.state is not DeliveryState.RECONCILED:
        return
    dispute = queries.last_decided_dispute(delivery)
    since = dispute.decided_at if dispute else None
    ended = [visit.ended_at for visit in queries.visits_of(delivery) if visit.ended_at]
    if any(since is None or at > since for at in ended):
        move(delivery, DeliveryState.MONITORED, by=by, now=now)


def hold_duty(delivery: Delivery, duty: Duty, *, by: User) -> None:
    """Hold a duty that one may exercise more than once for a delivery."""
    if queries.duty_of(delivery, by) is not duty:
        take_duty(delivery, duty, by=by)


def _draw(call: Call, deliveries: Sequence[Delivery], share_percent: int, *, by: User, now: datetime) -> list[Delivery]:
    """A new seed each time, made after the handovers: nobody knows before who is visited, anybody can check after."""
    seed, size = secrets.token_hex(16), sample_size(len(deliveries), share_percent)
    draw = MonitoringDraw(
        call_id=call.id, seed=seed, share_percent=share_percent, population=len(deliveries), drawn=size,
        made_by_id=by.id, made_at=now,
    )  # fmt: skip
    db.session.add(draw)
    db.session.flush()
    ranked = sorted(deliveries, key=lambda one: place_in_draw(seed, one.folio))
    for place, delivery in enumerate(ranked):
        db.session.add(DrawEntry(draw_id=draw.id, delivery_id=delivery.id, is_drawn=place < size))
    journal.record(by, "visits.drawn", draw, at=now, population=len(deliveries), drawn=size)
    return ranked[:size]


def _plan(delivery: Delivery, number: int, days: tuple[int, int], *, now: datetime) -> None:
    """In the days that the level asks for; where they have passed, within a week from now."""
    handed_over, today = local_day(delivery.confirmed_at or now), local_day(now)
    due_from, due_until = (handed_over + timedelta(one) for one in days)
    if due_until < today:
        due_from, due_until = today, today + timedelta(7)
    db.session.add(
        Visit(
            delivery_id=delivery.id, round=number, due_from=due_from, due_until=due_until, state=VisitState.DUE,
            planned_at=now, tries=0,
        )
    )  # fmt: skip


def _add(delivery: Delivery, days: tuple[int, int], *, version: int | None = None, now: datetime) -> None:
    """One round more, in so many days from today."""
    number = 1 + max((visit.round for visit in queries.visits_of(delivery)), default=0)
    due_from, due_until = (local_day(now) + timedelta(one) for one in days)
    db.session.add(
        Visit(
            delivery_id=delivery.id, round=number, due_from=due_from, due_until=due_until, state=VisitState.DUE,
            version=version, planned_at=now, tries=0,
        )
    )  # fmt: skip
    db.session.flush()


def _deny_what_stayed(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The person does not have it: it counts no more against them, and its devices are flagged and no longer held."""
    lines = [outcome.line for outcome in queries.said_to_have_stayed(delivery)]
    db.session.execute(
        update(LineOutcome)
        .where(LineOutcome.line_id.in_([line.id for line in lines]), LineOutcome.denied_at.is_(None))
        .values(denied_at=now)
        .execution_options(synchronize_session="fetch")
    )
    flag_serials(delivery, FlagReason.DISPUTED, lines=lines, by=by, now=now)
    free_serials(delivery, kept=[line for line in delivery.lines if line not in lines])
    journal.record(by, "delivery.stay_denied", delivery, at=now)


def _refuse_unfit(visit: Visit, by: User, today: date) -> None:
    if not visit.is_due:
        raise RuleBroken(_("This visit has ended. Choose another one of your list."))
    if visit.due_from > today:
        raise RuleBroken(_("It is too early for this visit. See on its page from when it is due."))
    if queries.was_on_the_team(visit.delivery, by):
        raise RuleBroken(_("Your team carried this delivery. Somebody else must make this visit."))


def _checked(version: int | None, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers in the order of the questionnaire; each is one of the choices."""
    kept: dict[str, str] = {}
    for question in asked_in(version):
        said = answers.get(question.code) or ""
        if not said and question.is_optional:
            continue
        if said not in dict(question.all_choices):
            raise RuleBroken(_("Choose an answer. “Prefers not to say” is one too."), field=question.code)
        kept[question.code] = said
    if len(answers.get("comment") or "") > COMMENT_LENGTH:
        raise RuleBroken(_("Write at most 2,000 characters."), field="comment")
    comment = (answers.get("comment") or "").strip()
    return {**kept, "comment": comment} if comment else kept


def _end(visit: Visit, state: VisitState, *, by: User, now: datetime) -> None:
    ended = db.session.execute(
        update(Visit)
        .where(Visit.id == visit.id, Visit.state == VisitState.DUE)
        .values(state=state, ended_at=now, interviewer_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(ended) != 1:
        raise RuleBroken(_("This visit has ended. Choose another one of your list."))
    db.session.refresh(visit)
    hold_duty(visit.delivery, Duty.MONITOR, by=by)
    journal.record(by, f"visit.{state.value}", visit, at=now)


def _tell_the_desk(visit: Visit, kind: IncidentKind, answers: Mapping[str, str], *, by: User, now: datetime) -> None:
    """In neutral words: what was answered is read on the visit's page by those who may."""
    delivery = visit.delivery
    urgency = Urgency.NOW if answers.get("felt_safe") == NO else Urgency.TODAY
    open_incident(
        kind, urgency=urgency, canton_code=delivery.canton_code,
        happened_at=delivery.confirmed_at or now, said=in_english(IN_A_VISIT),
        delivery=delivery, run=delivery.run, by=by, now=now,
    )  # fmt: skip
