"""Runs: planned with a team and a vehicle, given their stops, and sent out under two codes and a cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import case, or_, update

from grants.access.guard import DELIVERY_CODE
from grants.access.models import User
from grants.access.permissions import Role
from grants.access.second_factor import CODE_LIMIT, charge, matching_step, normal_code, refund, use_step
from grants.core import journal
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Duty, Run, RunState, Team, Vehicle
from grants.delivery.services.alternates import refuse_alternate
from grants.delivery.services.cards import refuse_card_maker
from grants.delivery.services.clearance import refuse_unless_current
from grants.delivery.services.moves import move
from grants.delivery.signals import Desk
from grants.people.folio import new_folio

NO_DESK_KEY = _("The security desk has not set its key. Ask the desk to set it; until then no kit may leave.")


@dataclass(frozen=True, slots=True)
class Stop:
    """Where, from when and until when: encrypted in the row, shown to the team when its time has come."""

    place: str
    scheduled_for: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ReleaseCodes:
    """The current delivery code of the person who releases, and of the officer who takes over."""

    warehouse: str
    officer: str


def plan_run(team: Team, *, officer: User, vehicle: Vehicle, day: date, by: User, now: datetime) -> Run:
    """A run that waits for its stops. Its officer is of the team and can give codes."""
    if officer.id not in {member.user_id for member in team.members}:
        raise RuleBroken(_("Choose an officer of this team."), field="officer")
    _refuse_unable(officer)
    if day < local_day(now):
        raise RuleBroken(_("Choose today or a later day."), field="day")
    run = Run(
        folio=new_folio("R"), team=team, vehicle=vehicle, officer=officer, day=day, created_by_id=by.id, created_at=now
    )
    db.session.add(run)
    db.session.flush()
    journal.record(by, "run.planned", run, at=now)
    return run


def schedule(delivery: Delivery, run: Run, stop: Stop, *, by: User, now: datetime) -> None:
    """Make a cleared delivery the next stop of a run. Place and time are encrypted to the team."""
    if run.state is not RunState.PLANNED:
        raise RuleBroken(_("This run has left or ended. Choose another."), field="run")
    refuse_unless_current(delivery, now=now)
    _refuse_window(delivery, run, stop)
    refuse_alternate(delivery, level=delivery.level, starts_at=stop.scheduled_for)
    _refuse_headroom(delivery, run)
    if queries.holds_duty(delivery, run.officer):
        raise RuleBroken(_("This officer already did another part of this delivery. Choose another."), field="run")
    position = 1 + max((one.stop_position or 0 for one in queries.kits_of(run)), default=0)
    move(delivery, DeliveryState.SCHEDULED, by=by, now=now, run_id=run.id, officer_id=run.officer_id,
         stop_position=position)  # fmt: skip
    delivery.place = stop.place
    delivery.scheduled_for = stop.scheduled_for.astimezone(UTC).isoformat()
    delivery.window_until = stop.until.astimezone(UTC).isoformat()
    db.session.flush()


def charge_officer(officer: User, *, now: datetime) -> None:
    """Count the attempt at the officer's code before checking it, in a transaction of its own (§4.2)."""
    charge(DELIVERY_CODE, str(officer.id), limit=CODE_LIMIT, now=now)


def dispatch(run: Run, codes: ReleaseCodes, *, desk: Desk | None, by: User, now: datetime) -> None:
    """The warehouse hands the run's sealed kits to its officer. Both give their code; both were charged before."""
    kits = queries.kits_of(run, DeliveryState.SCHEDULED)
    _refuse_unprepared(run, kits, desk, by=by, now=now)
    spend_code_of(by, codes.warehouse, "warehouse_code", now=now)
    spend_code_of(run.officer, codes.officer, "officer_code", now=now)
    _take_out(run, kits)
    left = db.session.execute(
        update(Run)
        .where(Run.id == run.id, Run.state == RunState.PLANNED)
        .values(state=RunState.OUT, dispatched_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(left) != 1:
        raise RuleBroken(_("This run has left or ended. Choose another."))
    db.session.refresh(run)
    for kit in kits:
        bound = (Delivery.digest == kit.digest_over(kit.receiver_folio), Delivery.run_id == run.id)
        move(kit, DeliveryState.IN_TRANSIT, by=by, now=now, duty=Duty.RELEASE, where=bound, carried_since=now)
    journal.record(by, "run.dispatched", run, at=now)


def spend_code_of(user: User, entered: str, field: str, *, now: datetime) -> None:
    """Use up one delivery code of a person. The attempt was charged before; it is given back."""
    factor = queries.delivery_factor(user)
    step = matching_step(factor.seed, normal_code(entered), now) if factor else None
    if factor is None or step is None or not use_step(factor, step, now=now):
        raise RuleBroken(_("That code is wrong or was already used. Wait for the next one and try again."), field=field)
    refund(DELIVERY_CODE, str(user.id))


def _take_out(run: Run, kits: Sequence[Delivery]) -> None:
    """Add the kits' value to what the team carries, unless the cap would be passed. Of two at once one gets through."""
    value = int(sum(kit.value_usd for kit in kits) * 100)
    cap = queries.lowest_cap_usd(kits) * 100
    alone = or_(Team.value_out_cents == 0, Team.cap_out_cents.is_(None), Team.cap_out_cents > cap)
    lowest = case((alone, cap), else_=Team.cap_out_cents)
    taken = db.session.execute(
        update(Team)
        .where(Team.id == run.team_id, Team.value_out_cents + value <= lowest)
        .values(value_out_cents=Team.value_out_cents + value, cap_out_cents=lowest)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(taken) != 1:
        raise RuleBroken(
            _("The team would carry more than USD %(cap)s. Take stops off this run, or send it later.", cap=cap // 100)
        )


def _refuse_window(delivery: Delivery, run: Run, stop: Stop) -> None:
    start, end = (moment.astimezone(PROGRAMME_ZONE) for moment in (stop.scheduled_for, stop.until))
    if end <= start or start.date() != run.day or end.date() != run.day:
        raise RuleBroken(_("The stop begins and ends on the day of the run, and ends after it begins."), field="until")
    snapshot = delivery.risk_snapshot
    if snapshot is not None and snapshot.touches_curfew(start.time(), end.time()):
        raise RuleBroken(_("There is a curfew at that time. Choose a window outside of it."), field="scheduled_for")


def _refuse_headroom(delivery: Delivery, run: Run) -> None:
    on_board = [*queries.kits_of(run, DeliveryState.SCHEDULED), delivery]
    if sum(one.value_usd for one in on_board) > queries.lowest_cap_usd(on_board):
        raise RuleBroken(_("The team would carry more than its cap. Choose another run."), field="run")


def _refuse_unable(officer: User) -> None:
    if not officer.is_a(Role.OFFICER) or not officer.is_active or queries.delivery_factor(officer) is None:
        raise RuleBroken(_("Choose an officer who can give delivery codes."), field="officer")
    if queries.pin_of(officer) is None:
        raise RuleBroken(_("This officer has no PIN yet. They set it on their own page."), field="officer")


def _refuse_unprepared(run: Run, kits: Sequence[Delivery], desk: Desk | None, *, by: User, now: datetime) -> None:
    if desk is None:
        raise RuleBroken(NO_DESK_KEY)
    if run.state is not RunState.PLANNED or not kits:
        raise RuleBroken(_("This run has no kit to take out. Give it stops first."))
    if run.officer_id == by.id:
        raise RuleBroken(_("You lead this run. Somebody else must release it."))
    _refuse_unable(run.officer)
    for kit in kits:
        refuse_unless_current(kit, now=now)
        refuse_alternate(kit, level=kit.level, starts_at=kit.stop_at)
        if queries.holds_duty(kit, run.officer):
            raise RuleBroken(_("The officer of this run already did another part of %(folio)s.", folio=kit.folio))
        card = queries.live_card(kit.award_id)
        if card is None or not card.is_ready:
            raise RuleBroken(
                _("The person of %(folio)s has no ready symbol card. Print it, and let them choose their picture.",
                  folio=kit.folio)
            )  # fmt: skip
        refuse_card_maker(card, run.officer)
