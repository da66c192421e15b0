"""Questions about what did not go straight: outcomes on the road, returns, flagged devices, disputes, comparisons."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.applications.models import Application
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Dispute,
    DrawEntry,
    DutyHeld,
    FlaggedSerial,
    KeptLine,
    KitLine,
    LineOutcome,
    Receipt,
    ReturnCount,
    RoadOutcome,
    Run,
    StockMovement,
    Team,
    TeamMember,
    Visit,
    VisitState,
)
from grants.delivery.queries.deliveries import MOST_ON_A_HOME_PAGE, holds_duty
from grants.delivery.queries.told import carried_by
from grants.people.models import Person
from grants.selection.models import Award

FLAGS_SHOWN = 50


def road_outcome(delivery: Delivery) -> RoadOutcome | None:
    """What the officer wrote when it was not handed over."""
    return db.session.scalar(select(RoadOutcome).where(RoadOutcome.delivery_id == delivery.id))


def return_count(delivery: Delivery) -> ReturnCount | None:
    """The count of the kit that came back, signed or not."""
    found = select(ReturnCount).options(joinedload(ReturnCount.counted_by))
    return db.session.scalar(found.where(ReturnCount.delivery_id == delivery.id))


def line_outcomes(delivery: Delivery) -> dict[int, LineOutcome]:
    """Where the units of a kit's lines are, by the line's id; lines that nobody wrote about are left out."""
    found = select(LineOutcome).options(joinedload(LineOutcome.line)).join(KitLine)
    rows = db.session.scalars(found.where(KitLine.delivery_id == delivery.id).order_by(KitLine.position))
    return {row.line_id: row for row in rows}


def stayed_with_person(award_id: int) -> list[tuple[str, int, Decimal]]:
    """Article's name, units and worth in USD of each line that stayed with the person when an earlier kit of this award
    came back, in order. What the person says they do not have is left out."""
    found = (
        select(KitLine.name, LineOutcome.with_person, KitLine.unit_price_usd)
        .join(LineOutcome, LineOutcome.line_id == KitLine.id)
        .join(Delivery, Delivery.id == KitLine.delivery_id)
        .where(Delivery.award_id == award_id, LineOutcome.with_person > 0, LineOutcome.denied_at.is_(None))
    )
    rows = db.session.execute(found.order_by(KitLine.id))
    return [(name, int(units), units * price_usd) for name, units, price_usd in rows]


def freed_since_planned(delivery: Delivery, reader: User) -> Decimal:
    """Worth in USD of what counted against the award when this kit was planned and counts no more: the person said
    that it is not with them. Zero for whoever carried the kit that it came from."""
    denied = (
        select(LineOutcome.with_person, KitLine.unit_price_usd)
        .join(KitLine, KitLine.id == LineOutcome.line_id)
        .join(Delivery, Delivery.id == KitLine.delivery_id)
        .where(Delivery.award_id == delivery.award_id, LineOutcome.denied_at > delivery.created_at)
    )
    rows = db.session.execute(denied.where(~carried_by(reader)).order_by(KitLine.id))
    return sum((units * price_usd for units, price_usd in rows), Decimal("0.00"))


def said_to_have_stayed(delivery: Delivery) -> list[LineOutcome]:
    """What is written down as left with the person without their card, in the order of the kit."""
    return [outcome for outcome in line_outcomes(delivery).values() if outcome.with_person]


def was_on_the_team(delivery: Delivery, user: User) -> bool:
    """Whether the person carried this delivery or belongs to the team of its run."""
    if delivery.officer_id == user.id:
        return True
    of_team = select(TeamMember.id).join(Run, Run.team_id == TeamMember.team_id)
    return db.session.scalar(of_team.where(Run.id == delivery.run_id, TeamMember.user_id == user.id)) is not None


def was_involved(delivery: Delivery, user: User) -> bool:
    """Whether the person was on its team or did a part of this delivery that excludes the others."""
    return was_on_the_team(delivery, user) or holds_duty(delivery, user)


def is_for_another_team(delivery: Delivery, run: Run) -> bool:
    """Whether somebody of the run's team carried an earlier kit of this award that is made again: its handover was
    overturned, or the person denied what is said to have stayed."""
    crew = [run.officer, *(member.user for member in run.team.members if member.left_at is None)]
    denied = select(LineOutcome.id).join(KitLine, KitLine.id == LineOutcome.line_id).where(
        KitLine.delivery_id == Delivery.id, LineOutcome.denied_at.is_not(None)
    )  # fmt: skip
    found = select(Delivery.id).where(
        Delivery.award_id == delivery.award_id,
        Delivery.id != delivery.id,
        or_(Delivery.state == DeliveryState.REPLACEMENT, denied.exists()),
        or_(*(carried_by(user) for user in crew)),
    )
    return db.session.scalar(found.limit(1)) is not None


def live_flag(serial: str) -> FlaggedSerial | None:
    """The flag that keeps this device out of kits."""
    found = select(FlaggedSerial).where(FlaggedSerial.serial_number == serial, FlaggedSerial.lifted_at.is_(None))
    return db.session.scalar(found)


def flags(serial: str = "") -> Sequence[FlaggedSerial]:
    """Flags of one number, lifted ones too; without a number the newest that stand."""
    found = select(FlaggedSerial).options(joinedload(FlaggedSerial.delivery))
    wanted = FlaggedSerial.serial_number == serial if serial else FlaggedSerial.lifted_at.is_(None)
    return db.session.scalars(found.where(wanted).order_by(FlaggedSerial.id.desc()).limit(FLAGS_SHOWN)).all()


def get_flag(flag_id: int) -> FlaggedSerial:
    """A flag; NotFound otherwise."""
    return get_or_refuse(FlaggedSerial, flag_id)


def get_dispute(dispute_id: int) -> Dispute:
    """A dispute with its delivery and people; NotFound otherwise."""
    return one_or_refuse(_disputes().where(Dispute.id == dispute_id))


def kept_in(dispute: Dispute) -> Sequence[KeptLine]:
    """What the person has and keeps, as the proposal says that stands now, in the order of the kit."""
    found = select(KeptLine).options(joinedload(KeptLine.line)).join(KeptLine.line)
    now = found.where(KeptLine.dispute_id == dispute.id, KeptLine.proposal == dispute.proposal)
    return db.session.scalars(now.order_by(KitLine.position)).all()


def disputes_page(*, reader: User, open_ones: bool = True, after: str | None = None) -> Page[Dispute]:
    """Disputes that wait, the oldest first, or those that were decided; not of what this reader carried."""
    state = Dispute.decided_at.is_(None) if open_ones else Dispute.decided_at.is_not(None)
    others = Dispute.delivery_id.in_(select(Delivery.id).where(~carried_by(reader)))
    return keyset_page(_disputes().where(state, others), Dispute.id, Dispute.id, after=after)


def disputes_waiting(reader: User, *, limit: int) -> Sequence[Dispute]:
    """Open disputes whose next step this person may take, the oldest first."""
    mine = _disputes().where(
        Dispute.decided_at.is_(None),
        Dispute.opened_by_id != reader.id,
        or_(Dispute.proposed_by_id.is_(None), Dispute.proposed_by_id != reader.id),
        Dispute.delivery_id.not_in(_duties_of(reader)),
        ~carried_by(reader),
    )
    return db.session.scalars(mine.join(Dispute.delivery).order_by(Dispute.id).limit(limit)).unique().all()


def open_dispute_of(delivery: Delivery) -> Dispute | None:
    """The dispute of this delivery that nobody has decided."""
    return db.session.scalar(_disputes().where(Dispute.delivery_id == delivery.id, Dispute.decided_at.is_(None)))


def last_decided_dispute(delivery: Delivery) -> Dispute | None:
    """The newest dispute of this delivery that was decided."""
    decided = select(Dispute).where(Dispute.delivery_id == delivery.id, Dispute.decided_at.is_not(None))
    return db.session.scalar(decided.order_by(Dispute.decided_at.desc(), Dispute.id.desc()).limit(1))


def to_reconcile(*, reader: User, after: str | None = None) -> Page[Delivery]:
    """Handed-over deliveries whose records nobody has compared, by folio, with all that is compared. None that the
    reader carried: nothing may vanish before their eyes because somebody disputes it."""
    waiting = _compared().where(Delivery.state == DeliveryState.CONFIRMED, ~carried_by(reader))
    return keyset_page(waiting, Delivery.folio, Delivery.id, after=after)


def deliveries_to_compare(ids: Sequence[int]) -> Sequence[Delivery]:
    """These deliveries in one order, each with all that is compared; unknown ids are left out."""
    found = _compared().where(Delivery.id.in_(ids))
    return db.session.scalars(found.order_by(Delivery.folio, Delivery.id)).unique().all()


def get_to_compare(delivery_id: int) -> Delivery:
    """A delivery with all that is compared; NotFound otherwise."""
    return one_or_refuse(_compared().where(Delivery.id == delivery_id))


def waiting_for_reconciliation(reader: User, *, limit: int = MOST_ON_A_HOME_PAGE) -> Sequence[Delivery]:
    """The oldest handovers that this person may compare."""
    found = select(Delivery).options(joinedload(Delivery.canton)).where(
        Delivery.state == DeliveryState.CONFIRMED, Delivery.id.not_in(_duties_of(reader)), ~carried_by(reader)
    )  # fmt: skip
    return db.session.scalars(found.order_by(Delivery.confirmed_at, Delivery.id).limit(limit)).all()


def ready_to_close(reader: User, *, limit: int = MOST_ON_A_HOME_PAGE) -> Sequence[Delivery]:
    """Deliveries that need nothing more and that the reader did not carry, by folio: every visit made, or not drawn by
    the sample."""
    left = select(Visit.id).where(Visit.delivery_id == Delivery.id, Visit.state == VisitState.DUE).exists()
    spared = select(DrawEntry.id).where(DrawEntry.delivery_id == Delivery.id, DrawEntry.is_drawn.is_(False)).exists()
    done = or_(
        Delivery.state == DeliveryState.MONITORED, (Delivery.state == DeliveryState.RECONCILED) & spared
    )  # fmt: skip
    found = select(Delivery).options(joinedload(Delivery.canton)).where(done, ~left, ~carried_by(reader))
    return db.session.scalars(found.order_by(Delivery.folio, Delivery.id).limit(limit)).all()


def receipts_of(deliveries: Sequence[Delivery]) -> dict[int, Receipt]:
    """Receipts by the delivery's id."""
    found = select(Receipt).where(Receipt.delivery_id.in_([one.id for one in deliveries])).order_by(Receipt.id)
    return {row.delivery_id: row for row in db.session.scalars(found)}


def issued_by_line(deliveries: Sequence[Delivery]) -> dict[int, int]:
    """Units that left the shelf for these kits and did not come back, by the line's id; 0 where none did."""
    of_stock = {line.id: 0 for one in deliveries for line in one.lines if line.item_id is not None}
    moved = select(StockMovement.kit_line_id, -func.sum(StockMovement.quantity)).where(
        StockMovement.kit_line_id.in_(of_stock)
    )  # fmt: skip
    rows = db.session.execute(moved.group_by(StockMovement.kit_line_id).order_by(StockMovement.kit_line_id))
    return {**of_stock, **{line_id: int(units) for line_id, units in rows if line_id is not None}}


def duties_among(reader: User, deliveries: Sequence[Delivery]) -> set[int]:
    """Of these deliveries, the ids of those in which the person already did a part."""
    ids = [one.id for one in deliveries]
    return set(db.session.scalars(_duties_of(reader).where(DutyHeld.delivery_id.in_(ids))))


def _duties_of(reader: User) -> Select[int]:
    return select(DutyHeld.delivery_id).where(DutyHeld.user_id == reader.id)


def _disputes() -> Select[Dispute]:
    return select(Dispute).options(
        joinedload(Dispute.delivery).joinedload(Delivery.canton),
        joinedload(Dispute.opened_by),
        joinedload(Dispute.proposed_by),
        joinedload(Dispute.decided_by),
    )


def _compared() -> Select[Delivery]:
    return select(Delivery).options(
        joinedload(Delivery.canton),
        joinedload(Delivery.person).load_only(Person.folio),
        joinedload(Delivery.risk_snapshot),
        joinedload(Delivery.alternate),
        joinedload(Delivery.award).joinedload(Award.application).load_only(Application.id),
        joinedload(Delivery.run).joinedload(Run.team).load_only(Team.name),
        selectinload(Delivery.lines),
        selectinload(Delivery.events),
    )
