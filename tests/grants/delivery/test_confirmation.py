"""DELIVERY_PROTOCOL §4: what confirms, what does not, and what a refusal leaves behind."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.guard import DELIVERY_CODE
from grants.access.models import AttemptCounter, UsedStep
from grants.access.permissions import Role
from grants.access.second_factor import TooManyAttempts
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.outbox import OutboxMessage
from grants.delivery import services
from grants.delivery.desk.boxes import unseal
from grants.delivery.models import (
    DeliveryEvent,
    DeliveryState,
    Duty,
    DutyHeld,
    KitLine,
    Receipt,
    Signal,
    StoredAnswer,
    SymbolCard,
)
from grants.delivery.services import Codes
from grants.delivery.services.confirmation import CARD, DO_NOT_MATCH, forget_answers
from tests.factories.access import make_user
from tests.factories.delivery import (
    DESK,
    DESK_PRIVATE,
    DURESS_PIN,
    PIN,
    STRANGE_PIN,
    Carried,
    make_carried,
    make_officer,
)

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
ROWS = (UsedStep, Signal, OutboxMessage, Receipt, StoredAnswer, DeliveryEvent, DutyHeld)


def confirm(carried: Carried, codes: Codes, now: datetime = LATER, *, key: str = "", by: Any = None) -> Receipt:
    return services.confirm(
        carried.delivery, codes, key=key or secrets.token_urlsafe(12), desk=DESK, by=by or carried.officer, now=now
    )


def counts() -> dict[str, int]:
    return {table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in ROWS}


def refused(carried: Carried, codes: Codes, now: datetime = LATER, **more: Any) -> RuleBroken:
    """The refusal, after making sure that nothing was left behind."""
    db.session.commit()
    before = counts()
    with pytest.raises(RuleBroken) as refusal:
        confirm(carried, codes, now, **more)
    db.session.rollback()
    assert carried.delivery.state is DeliveryState.AT_POINT
    assert carried.card.used_at is None
    assert counts() == before
    return refusal.value


@pytest.fixture
def carried(app: Flask) -> Carried:
    return make_carried(at=NOW)


def test_three_right_codes_confirm_and_leave_one_row_of_each(carried: Carried) -> None:
    db.session.commit()
    before = counts()

    receipt = confirm(carried, carried.codes(LATER))

    assert carried.delivery.state is DeliveryState.CONFIRMED
    assert carried.delivery.confirmed_at == LATER
    db.session.refresh(carried.card)
    assert carried.card.used_at == LATER
    written = {name: number - before[name] for name, number in counts().items()}
    assert written == dict.fromkeys(before, 1) | {"outbox_message": 2}  # one message for each channel
    assert receipt.delivery_id == carried.delivery.id
    duty = db.session.scalars(select(DutyHeld).where(DutyHeld.user_id == carried.officer.id)).one()
    assert duty.duty is Duty.CONFIRM


def test_success_refunds_both_counters(app: Flask, carried: Carried) -> None:
    services.charge_officer(carried.officer, now=LATER)
    services.charge_attempt(carried.delivery, Codes("", ""), now=LATER)

    confirm(carried, carried.codes(LATER))

    pairs = {(DELIVERY_CODE, str(carried.officer.id)), (CARD, str(carried.card.id))}
    found = [one for one in db.session.scalars(select(AttemptCounter)) if (one.kind, one.subject) in pairs]
    assert [one.fails for one in found] == [0, 0]


@pytest.mark.parametrize("wrong", ["totp", "pin", "card"])
def test_any_wrong_factor_gets_the_same_sentence(carried: Carried, wrong: str) -> None:
    right = carried.codes(LATER)
    codes = {"totp": right.totp, "pin": right.pin, "card": right.card}
    codes[wrong] = {"totp": "000000", "pin": STRANGE_PIN, "card": "0000000000"}[wrong]

    refusal = refused(carried, Codes(**codes))

    assert refusal.message == DO_NOT_MATCH
    assert refusal.field is None


def test_code_of_another_moment_speaks_of_the_clock(carried: Carried) -> None:
    early = carried.codes(LATER - timedelta(minutes=4))

    assert refused(carried, early).message != DO_NOT_MATCH


@pytest.mark.parametrize(
    "typed", ["１２３４５６", "", " ", "12345", "1234567", "١٢٣٤٥٦", "12e456", "+23456", "1_3456", "\x00" * 6]
)
def test_totp_that_is_not_six_ascii_digits_is_refused(carried: Carried, typed: str) -> None:
    right = carried.codes(LATER)

    refused(carried, Codes(totp=typed, pin=right.pin, card=right.card))


def test_full_width_digits_of_the_right_codes_are_refused(carried: Carried) -> None:
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    right = carried.codes(LATER)

    refused(carried, Codes(right.totp.translate(wide), right.pin, right.card))
    refused(carried, Codes(right.totp, right.pin.translate(wide), right.card))
    refused(carried, Codes(right.totp, right.pin, right.card.translate(wide)))


def test_spaces_in_groups_are_taken(carried: Carried) -> None:
    right = carried.codes(LATER)
    card = f"{right.card[:3]} {right.card[3:6]}\t{right.card[6:]} "

    confirm(carried, Codes(f"{right.totp[:3]} {right.totp[3:]}", right.pin, card))

    assert carried.delivery.state is DeliveryState.CONFIRMED


@pytest.mark.parametrize("disguise", ["{}", " {}", "{} ", "\t{}\t", "{} \t"])
def test_officer_code_does_not_serve_a_second_delivery(app: Flask, disguise: str) -> None:
    officer = make_officer()
    first, second = make_carried(officer=officer, at=NOW), make_carried(officer=officer, at=NOW + timedelta(minutes=1))
    confirm(first, first.codes(LATER))

    again = second.codes(LATER)

    assert refused(second, Codes(disguise.format(again.totp), again.pin, again.card)).message == DO_NOT_MATCH


def test_code_a_then_b_then_a_is_refused(app: Flask) -> None:
    officer = make_officer()
    one, two, three = (make_carried(officer=officer, at=NOW + timedelta(minutes=n)) for n in range(3))
    a, b = LATER, LATER + timedelta(seconds=30)
    confirm(one, one.codes(a), a)
    confirm(two, two.codes(b), b)

    refused(three, three.codes(a), b)


def test_confirmed_delivery_is_not_confirmed_again(carried: Carried) -> None:
    confirm(carried, carried.codes(LATER))
    db.session.commit()
    before, after = counts(), LATER + timedelta(minutes=1)

    with pytest.raises(RuleBroken):
        confirm(carried, carried.codes(after), after)
    db.session.rollback()

    assert counts() == before


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_other_picture_confirms_too_and_only_the_desk_can_tell(app: Flask, number: int) -> None:
    carried = make_carried(at=NOW)
    used = carried.other_codes[number]

    confirm(carried, carried.codes(LATER, card=used))

    facts = unseal(_box(carried), DESK_PRIVATE)
    assert facts.is_alarm
    assert facts.pin_is_true
    assert facts.picture_used == carried.card_codes.index(used)
    assert facts.picture_true == carried.card_codes.index(carried.true_code)


def test_pin_of_the_family_confirms_and_only_the_desk_can_tell(carried: Carried) -> None:
    confirm(carried, carried.codes(LATER, pin=DURESS_PIN))

    facts = unseal(_box(carried), DESK_PRIVATE)
    assert (facts.pin_is_true, facts.is_alarm) == (False, True)
    assert facts.picture_used == facts.picture_true


def test_true_pin_and_picture_raise_no_alarm(carried: Carried) -> None:
    confirm(carried, carried.codes(LATER, pin=PIN))

    assert not unseal(_box(carried), DESK_PRIVATE).is_alarm


def test_without_the_desks_key_nothing_is_confirmed(carried: Carried) -> None:
    with pytest.raises(RuleBroken):
        services.confirm(carried.delivery, carried.codes(LATER), key="k" * 12, desk=None, by=carried.officer, now=LATER)

    assert carried.delivery.state is DeliveryState.AT_POINT


def test_kit_changed_after_sealing_voids_the_codes(carried: Carried) -> None:
    carried.delivery.kit_version = 2
    db.session.flush()

    refused(carried, carried.codes(LATER))


def test_serial_number_swapped_after_sealing_voids_the_codes(carried: Carried) -> None:
    db.session.query(KitLine).filter_by(delivery_id=carried.delivery.id, position=1).one().serial_number = "SN-OTHER"
    db.session.flush()

    refused(carried, carried.codes(LATER))


def test_card_of_another_delivery_does_not_confirm(app: Flask) -> None:
    mine, other = make_carried(at=NOW), make_carried(at=NOW)

    refused(mine, mine.codes(LATER, card=other.true_code))


def test_replaced_card_does_not_confirm(carried: Carried) -> None:
    from tests.factories.delivery import CHEAP

    one, two = make_user(Role.COORDINATOR), make_user(Role.COORDINATOR)
    services.ask_replacement(carried.card, by=one, now=LATER)
    services.replace_card(carried.card, cost=CHEAP, by=two, now=LATER)

    refused(carried, carried.codes(LATER))


def test_five_wrong_codes_lock_that_card_and_no_other(app: Flask) -> None:
    locked, open_one = make_carried(at=NOW), make_carried(at=NOW)
    for _n in range(5):
        services.charge_attempt(locked.delivery, Codes("", ""), now=LATER)
        refused(locked, locked.codes(LATER, card="0000000000"))

    with pytest.raises(TooManyAttempts):
        services.charge_attempt(locked.delivery, Codes("", ""), now=LATER + timedelta(days=2))
    services.charge_attempt(open_one.delivery, Codes("", ""), now=LATER)
    confirm(open_one, open_one.codes(LATER))

    assert open_one.delivery.state is DeliveryState.CONFIRMED
    assert locked.delivery.state is DeliveryState.AT_POINT


def test_officer_with_every_staff_role_finds_no_way_without_the_card(app: Flask) -> None:
    officer = make_officer()
    officer.roles = frozenset(Role)
    carried = make_carried(officer=officer, at=NOW)

    for attempt in ("", "0000000000", carried.card.serial, str(carried.card.tag)):
        refused(carried, carried.codes(LATER, card=attempt) if attempt else Codes("", PIN, ""))
    assert db.session.get_one(SymbolCard, carried.card.id).codes is None
    for move in (services.approve, services.turn_back, services.make_receipt):
        with pytest.raises((RuleBroken, TypeError)):
            move(carried.delivery, by=officer, now=LATER)  # type: ignore[operator]

    assert carried.delivery.state is not DeliveryState.CONFIRMED


def test_another_officer_cannot_confirm(carried: Carried) -> None:
    stranger = make_officer()
    codes = Codes(totp=_totp(stranger, LATER), pin=PIN, card=carried.true_code)

    refused(carried, codes, by=stranger)


def test_same_key_and_body_gets_the_same_receipt_and_gives_the_charge_back(carried: Carried) -> None:
    codes = carried.codes(LATER)
    receipt = confirm(carried, codes, key="one-key-for-all")
    services.charge_officer(carried.officer, now=LATER)

    again = services.answer_before(carried.delivery, codes, key="one-key-for-all", by=carried.officer)

    assert again is receipt
    counter = db.session.query(AttemptCounter).filter_by(kind=DELIVERY_CODE, subject=str(carried.officer.id)).one()
    db.session.refresh(counter)
    assert counter.fails == 0


def test_same_key_with_another_body_is_refused(carried: Carried) -> None:
    from grants.delivery.services.confirmation import OtherBody

    confirm(carried, carried.codes(LATER), key="one-key-for-all")
    other = carried.codes(LATER, pin=DURESS_PIN)

    with pytest.raises(OtherBody):
        services.answer_before(carried.delivery, other, key="one-key-for-all", by=carried.officer)


def test_stored_answers_are_forgotten_after_seven_days(carried: Carried) -> None:
    codes = carried.codes(LATER)
    confirm(carried, codes, key="one-key-for-all")

    early = forget_answers(now=LATER + timedelta(days=7))
    late = forget_answers(now=LATER + timedelta(days=7, seconds=1))

    assert (early, late, counts()["stored_answer"]) == (0, 1, 0)
    assert services.answer_before(carried.delivery, codes, key="one-key-for-all", by=carried.officer) is None


def _box(carried: Carried) -> bytes:
    return db.session.scalars(select(Signal.box).where(Signal.delivery_id == carried.delivery.id)).one()


def _totp(user: Any, now: datetime) -> str:
    from tests.factories.delivery import totp_at

    return totp_at(user, now)
