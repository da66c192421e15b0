"""Runs: planned with a team and a vehicle, and sent out under two codes and a cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.guard import DELIVERY_CODE
from grants.access.models import User
from grants.access.permissions import Role
from grants.access.second_factor import CODE_LIMIT, Charge, charge, matching_step, normal_code, refund, use_step
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Duty, Run, RunState, Team, Vehicle
from grants.delivery.queries.current import called_off
from grants.delivery.services.alternates import refuse_alternate
from grants.delivery.services.cards import refuse_card_maker
from grants.delivery.services.carrying import take_out
from grants.delivery.services.clearance import refuse_moved, refuse_unless_current
from grants.delivery.services.moves import move
from grants.delivery.services.papers import make_waybill
from grants.delivery.signals import Desk
from grants.people.folio import new_folio

WAREHOUSE_CODE, OFFICER_CODE = "warehouse_code", "officer_code"  # the fields of the two
LEAVES_BEFORE = timedelta(hours=6)  # before its day begins: a stop just after midnight is reached in the evening
NO_DESK_KEY = _("The security desk has not set its key. Ask the desk to set it; until then no kit may leave.")


@dataclass(frozen=True, slots=True)
class ReleaseCodes:
    """The current delivery code of the person who releases, and of the officer who takes over."""

    warehouse: str
    officer: str


def plan_run(team: Team, *, officer: User, vehicle: Vehicle, day: date, by: User, now: datetime) -> Run:
    """A run that waits for its stops. Its officer is of the team and can give codes."""
    _claim_live(team, vehicle)
    _refuse_unable(officer)
    _refuse_stranger(officer, team)
    if day < local_day(now):
        raise RuleBroken(_("Choose today or a later day."), field="day")
    run = Run(
        folio=new_folio("R"), team=team, vehicle=vehicle, officer=officer, day=day, created_by_id=by.id, created_at=now
    )
    db.session.add(run)
    db.session.flush()
    journal.record(by, "run.planned", run, at=now)
    return run


def charge_officer(officer: User, *, now: datetime) -> Charge:
    """Count the attempt at the officer's code before checking it, in a transaction of its own (§4.2)."""
    return charge(DELIVERY_CODE, str(officer.id), limit=CODE_LIMIT, now=now)


def refuse_unprepared(run: Run, *, desk: Desk | None, by: User, now: datetime, seen: str | None = None) -> None:
    """Everything that keeps a run from leaving and needs no code to be known. `seen`: as `dispatch`."""
    _refuse_unprepared(run, queries.kits_of(run, DeliveryState.SCHEDULED), desk, seen, by=by, now=now)


def dispatch(
    run: Run, codes: ReleaseCodes, *, desk: Desk | None, by: User, now: datetime, seen: str | None = None
) -> None:
    """The warehouse hands the run's sealed kits to its officer. Both give their code; both were charged before.

    `seen`: the `list_mark` of the kits that were read, where somebody read a list; another list does not leave.
    """
    claim_planned(run)
    kits = queries.kits_of(run, DeliveryState.SCHEDULED)
    _refuse_unprepared(run, kits, desk, seen, by=by, now=now)
    spend_code_of(by, codes.warehouse, WAREHOUSE_CODE, now=now)
    spend_code_of(run.officer, codes.officer, OFFICER_CODE, now=now)
    make_waybill(run, by=by, now=now)
    take_out(run, kits)
    run.state, run.dispatched_at = RunState.OUT, now
    for kit in kits:
        bound = (Delivery.digest == kit.digest_over(kit.receiver_folio), Delivery.run_id == run.id)
        # A kit that was held and came home may be released again by the same person.
        duty = None if queries.duty_of(kit, by) is Duty.RELEASE else Duty.RELEASE
        move(kit, DeliveryState.IN_TRANSIT, by=by, now=now, duty=duty, where=bound, carried_since=now)
    journal.record(by, "run.dispatched", run, at=now)


def claim_planned(run: Run) -> None:
    """Hold the run's row while it is changed, and refuse if it has left, ended or was cancelled."""
    still = update(Run).where(Run.id == run.id, Run.state == RunState.PLANNED).values(state=RunState.PLANNED)
    if rows_hit(db.session.execute(still, execution_options={"synchronize_session": False})) != 1:
        raise RuleBroken(_("This run has left or ended. Choose another."), field="run")


def spend_code_of(user: User, entered: str, field: str, *, now: datetime) -> None:
    """Use up one delivery code of a person. The attempt was charged before; it is given back."""
    factor = queries.delivery_factor(user)
    step = matching_step(factor.seed, normal_code(entered), now) if factor else None
    if factor is None or step is None or not use_step(factor, step, now=now):
        raise RuleBroken(_("That code is wrong or was already used. Wait for the next one and try again."), field=field)
    refund(DELIVERY_CODE, str(user.id))


def _claim_live(team: Team, vehicle: Vehicle) -> None:
    """Hold both rows, so that neither ends while a run is planned with it."""
    for row, sentence, field in (
        (team, _("This team has ended. Choose another."), "officer"),
        (vehicle, _("This vehicle is no longer in use. Choose another."), "vehicle"),
    ):
        kind = type(row)
        live = update(kind).where(kind.id == row.id, kind.ended_at.is_(None)).values(ended_at=None)
        if rows_hit(db.session.execute(live, execution_options={"synchronize_session": False})) != 1:
            raise RuleBroken(sentence, field=field)


def _refuse_stranger(officer: User, team: Team) -> None:
    place = queries.member_of(officer)
    if place is None or place.team_id != team.id:
        raise RuleBroken(_("Choose an officer of this team."), field="officer")


def _refuse_unable(officer: User) -> None:
    if not officer.is_a(Role.OFFICER) or not officer.is_active or queries.delivery_factor(officer) is None:
        raise RuleBroken(_("Choose an officer who can give delivery codes."), field="officer")
    if queries.pin_of(officer) is None:
        raise RuleBroken(_("This officer has no PIN yet. They set it on their own page."), field="officer")


def _refuse_unprepared(
    run: Run, kits: Sequence[Delivery], desk: Desk | None, seen: str | None, *, by: User, now: datetime
) -> None:
    if desk is None:
        raise RuleBroken(NO_DESK_KEY)
    if run.state is not RunState.PLANNED or not kits:
        raise RuleBroken(_("This run has no kit to take out. Give it stops first."))
    if seen is not None and seen != queries.list_mark(kits):
        raise RuleBroken(_("The run changed since this page was opened. Look at the list and send it again."))
    if run.day < local_day(now):
        raise RuleBroken(_("The day of this run has passed. Take its stops off and plan another run."))
    if run.day > local_day(now + LEAVES_BEFORE):
        raise RuleBroken(
            _("This run is of a later day. Send it out on that day, or six hours before it begins at most.")
        )
    if run.officer_id == by.id:
        raise RuleBroken(_("You lead this run. Somebody else must release it."))
    _refuse_unable(run.officer)
    _refuse_stranger(run.officer, run.team)
    _refuse_unfit(run, kits, now)


def _refuse_unfit(run: Run, kits: Sequence[Delivery], now: datetime) -> None:
    """A refusal names the kit that may not go, but where it would say something of its risk."""
    off = called_off(kits)
    for kit in kits:
        if kit.window_ends_at is not None and kit.window_ends_at <= now:
            raise RuleBroken(_("The time of %(folio)s has passed. Take it off this run and give it another stop.",
                               folio=kit.folio))  # fmt: skip
        _refuse_moved(kit)
        refuse_unless_current(kit, now=now)
        if kit.id in off:
            raise RuleBroken(
                _("The person of %(folio)s was told not to come to this stop. Take it off the run, and give it another "
                  "time or another run.", folio=kit.folio)
            )  # fmt: skip
        refuse_alternate(kit, level=kit.level, starts_at=kit.stop_at)
        if queries.holds_duty(kit, run.officer):
            raise RuleBroken(_("The officer of this run already did another part of %(folio)s.", folio=kit.folio))
        if queries.is_for_another_team(kit, run):
            raise RuleBroken(_("Choose another team for %(folio)s.", folio=kit.folio))
        card = queries.live_card(kit.award_id)
        if card is None or not card.is_ready:
            raise RuleBroken(
                _("The person of %(folio)s has no ready symbol card. Print it, and let them choose their picture.",
                  folio=kit.folio)
            )  # fmt: skip
        refuse_card_maker(card, run.officer)


def _refuse_moved(kit: Delivery) -> None:
    try:
        refuse_moved(kit)
    except RuleBroken as refusal:
        raise RuleBroken(_("%(folio)s: %(sentence)s", folio=kit.folio, sentence=refusal.message)) from refusal
