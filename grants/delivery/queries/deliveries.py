"""Questions about deliveries. Where and when is another question: `queries.disclosure`."""

from collections.abc import Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import Factor, FactorKind, User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.core.crypto import token_hash
from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.core.errors import NotFound
from grants.delivery.models import (
    ENDED_WITHOUT_HANDOVER,
    ON_THE_ROAD,
    AlternateCollector,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    DutyHeld,
    OfficerPin,
    Receipt,
    Signal,
    StoredAnswer,
    SymbolCard,
)
from grants.delivery.queries.told import AFTER_HANDOVER, carried_by, handed_over_by, told
from grants.evaluation.queries import conflict_declared_by
from grants.people.folio import normal_folio
from grants.selection.models import Award, AwardState, Selection

MOST_ON_A_HOME_PAGE = 25


def deliveries(*, reader: User, state: DeliveryState | None = None, after: str | None = None) -> Page[Delivery]:
    """A page of deliveries by folio, with canton and person, each in the state that this reader is told."""
    statement = select(Delivery).options(joinedload(Delivery.canton), joinedload(Delivery.person))
    if state is not None:
        is_in_it = Delivery.state == state
        if state is DeliveryState.CONFIRMED:
            is_in_it = or_(is_in_it, Delivery.state.in_(AFTER_HANDOVER) & carried_by(reader))
        elif state in AFTER_HANDOVER:
            is_in_it = is_in_it & ~carried_by(reader)
        statement = statement.where(is_in_it)
    page = keyset_page(statement, Delivery.folio, Delivery.id, after=after)
    return Page(told(page.items, reader), page.next_after)


def get_delivery(delivery_id: int) -> Delivery:
    """A delivery with its kit, person, award and events; NotFound otherwise."""
    return one_or_refuse(whole().where(Delivery.id == plausible(delivery_id)))


def get_by_folio(folio: str) -> Delivery:
    """The same by folio, as typed or read aloud."""
    return one_or_refuse(whole().where(Delivery.folio == (normal_folio(folio) or "")))


def counts_on_the_road() -> dict[DeliveryState, int]:
    """How many deliveries are in each state of the road, states without any left out."""
    found = select(Delivery.state, func.count()).where(Delivery.state.in_(ON_THE_ROAD)).group_by(Delivery.state)
    return {state: number for state, number in db.session.execute(found.order_by(Delivery.state))}  # noqa: C416 -- typed


def kits_to_pack() -> Sequence[Delivery]:
    """Approved deliveries whose kit waits for packing, by folio."""
    return _waiting(DeliveryState.APPROVED)


def seals_to_check() -> Sequence[Delivery]:
    """Packed kits that wait for their seal, and kits on the way back whose seal is to be read again, by folio."""
    return _waiting(DeliveryState.PACKED, DeliveryState.RETURNING)


def awards_to_plan(*, reader: User, after: str | None = None) -> Page[Award]:
    """Active awards without a live delivery, with person and call; none that the reader has a conflict about or
    handed a kit over for."""
    hidden = select(Application.id).where(conflict_declared_by(reader))
    live = select(Delivery.id).where(
        Delivery.award_id == Award.id, Delivery.state.not_in(ENDED_WITHOUT_HANDOVER)
    )  # fmt: skip
    open_ones = _awards().where(Award.state == AwardState.ACTIVE, ~live.exists())
    statement = open_ones.where(Award.application_id.not_in(hidden), Award.id.not_in(handed_over_by(reader)))
    return keyset_page(statement, Award.id, Award.id, after=after)


def get_award(award_id: int) -> Award:
    """An award with its person, call and plan; NotFound otherwise."""
    plan = joinedload(Award.application).joinedload(Application.plan)
    return one_or_refuse(_awards().options(plan).where(Award.id == plausible(award_id)))


def live_delivery(award_id: int) -> Delivery | None:
    """The award's only delivery that has not ended without a handover."""
    of_award = select(Delivery).options(joinedload(Delivery.alternate)).where(Delivery.award_id == award_id)
    return db.session.scalar(of_award.where(Delivery.state.not_in(ENDED_WITHOUT_HANDOVER)).order_by(Delivery.id))


def own_handover(award_id: int, reader: User) -> Delivery | None:
    """The delivery of this award that the reader or a team of theirs handed over: for them it stays the award's."""
    own = select(Delivery).where(
        Delivery.award_id == award_id, Delivery.state.in_(AFTER_HANDOVER), carried_by(reader)
    )  # fmt: skip
    return db.session.scalar(own.options(joinedload(Delivery.alternate)).order_by(Delivery.id.desc()).limit(1))


def card_of_handover(delivery: Delivery) -> SymbolCard | None:
    """The card that confirmed this delivery, whatever became of it since."""
    used = select(SymbolCard).where(
        SymbolCard.award_id == delivery.award_id, SymbolCard.used_at <= delivery.confirmed_at
    )  # fmt: skip
    return db.session.scalar(used.order_by(SymbolCard.used_at.desc(), SymbolCard.id.desc()).limit(1))


def live_card(award_id: int) -> SymbolCard | None:
    """The card of who is to receive, the alternate collector where there is one; not replaced, used or not."""
    alternate = select(AlternateCollector.id).where(
        AlternateCollector.award_id == award_id, AlternateCollector.revoked_at.is_(None)
    )
    statement = select(SymbolCard).where(
        SymbolCard.award_id == award_id,
        SymbolCard.replaced_at.is_(None),
        SymbolCard.alternate_id.is_not_distinct_from(alternate.scalar_subquery()),
    )
    return db.session.scalar(statement.order_by(SymbolCard.id))


def get_card(award_id: int) -> SymbolCard:
    """The award's live card; NotFound otherwise."""
    card = live_card(plausible(award_id))
    if card is None:
        raise NotFound
    return card


def officers() -> list[User]:
    """Active officers who can carry: with a confirmed delivery factor and a PIN, by id."""
    statement = (
        select(User)
        .join(Factor, (Factor.user_id == User.id) & (Factor.kind == FactorKind.DELIVERY))
        .join(OfficerPin, OfficerPin.user_id == User.id)
        .where(Factor.confirmed_at.is_not(None), User.deactivated_at.is_(None), User.suspended_at.is_(None))
        .order_by(User.id)
    )
    return [user for user in db.session.scalars(statement) if user.is_a(Role.OFFICER)]


def get_officer(user_id: int) -> User | None:
    """A user to whom a kit may be released, or None."""
    return next((user for user in officers() if user.id == user_id), None)


def delivery_factor(user: User) -> Factor | None:
    """The user's confirmed delivery seed."""
    return db.session.scalar(
        select(Factor).where(
            Factor.user_id == user.id, Factor.kind == FactorKind.DELIVERY, Factor.confirmed_at.is_not(None)
        )
    )


def pin_of(user: User) -> OfficerPin | None:
    return db.session.scalar(select(OfficerPin).where(OfficerPin.user_id == user.id))


def holds_duty(delivery: Delivery, user: User) -> bool:
    """Whether the person already did a part of this delivery that excludes the others."""
    held = select(DutyHeld.id).where(DutyHeld.delivery_id == delivery.id, DutyHeld.user_id == user.id)
    return db.session.scalar(held) is not None


def stored_answer(user: User, key: str) -> StoredAnswer | None:
    """What this user's idempotency key was answered with."""
    of_key = StoredAnswer.key_hash == token_hash(key)
    return db.session.scalar(select(StoredAnswer).where(StoredAnswer.user_id == user.id, of_key))


def receipt_of(delivery: Delivery) -> Receipt | None:
    return db.session.scalar(select(Receipt).where(Receipt.delivery_id == delivery.id))


def get_receipt(number: str) -> Receipt:
    """A receipt by its number, with the delivery; NotFound otherwise."""
    if not number.isascii() or not number.isprintable():
        raise NotFound
    return one_or_refuse(
        select(Receipt).options(joinedload(Receipt.delivery)).where(Receipt.number == number.strip().upper())
    )


def signals(*, after_id: int = 0) -> Sequence[Signal]:
    """Sealed boxes in the order of their writing."""
    return db.session.scalars(select(Signal).where(Signal.id > after_id).order_by(Signal.id)).all()


def whole() -> Select[Delivery]:
    """Deliveries with all that their pages show."""
    award = joinedload(Delivery.award)
    return select(Delivery).options(
        joinedload(Delivery.canton),
        joinedload(Delivery.person),
        joinedload(Delivery.alternate),
        award.joinedload(Award.selection).joinedload(Selection.call),
        selectinload(Delivery.lines),
        selectinload(Delivery.events).joinedload(DeliveryEvent.by),
    )


def _awards() -> Select[Award]:
    return select(Award).options(
        joinedload(Award.application).joinedload(Application.person),
        joinedload(Award.selection).joinedload(Selection.call),
    )


def _waiting(*states: DeliveryState) -> Sequence[Delivery]:
    statement = select(Delivery).options(joinedload(Delivery.canton)).where(Delivery.state.in_(states))
    return db.session.scalars(statement.order_by(Delivery.folio, Delivery.id).limit(MOST_ON_A_HOME_PAGE)).all()
