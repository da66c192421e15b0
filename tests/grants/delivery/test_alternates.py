"""Who receives in the beneficiary's place: registered in time for the level, with a card of their own."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.delivery import queries, services
from grants.delivery.models import AlternateCollector, Delivery, DeliveryState, Receipt, SymbolCard
from tests.factories.access import make_user
from tests.factories.delivery import (
    CHEAP,
    DESK,
    PIN,
    Codes,
    clear,
    make_card,
    make_delivery,
    make_officer,
    make_run,
    make_team,
    release_to,
    stop_at,
    totp_at,
)
from tests.factories.levels import ALTERNATE, make_sealed_with_alternate, with_alternate

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def live() -> int:
    statement = select(func.count()).select_from(AlternateCollector).where(AlternateCollector.revoked_at.is_(None))
    return db.session.scalar(statement) or 0


def handed_over(delivery: Delivery, card_code: str) -> Receipt:
    officer = make_officer()
    release_to(delivery, officer, at=NOW)
    services.arrive(delivery, by=officer, now=NOW)
    codes = Codes(totp=totp_at(officer, LATER), pin=PIN, card=card_code)
    return services.confirm(delivery, codes, key=secrets.token_urlsafe(9), desk=DESK, by=officer, now=LATER)


def test_alternate_receives_with_a_card_of_their_own_and_the_acta_says_who(app: Flask) -> None:
    delivery, alternate = make_sealed_with_alternate(at=NOW - timedelta(hours=25))
    card, codes = make_card(delivery.award)

    receipt = handed_over(delivery, codes[1])

    assert card.alternate_id == alternate.id
    assert delivery.state is DeliveryState.CONFIRMED
    assert receipt.content["receiver"] == {
        "folio": alternate.folio, "name": "Rosa Elvira Quishpe", "relation": "sibling",
    }  # fmt: skip
    assert receipt.content["person"]["folio"] == delivery.person.folio


def test_acta_of_the_person_names_nobody_else(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    _card, codes = make_card(delivery.award)

    assert handed_over(delivery, codes[1]).content["receiver"] is None


def test_persons_own_card_does_not_serve_while_another_receives(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    own, own_codes = make_card(delivery.award)
    with_alternate(delivery, at=NOW - timedelta(days=2))
    make_card(delivery.award)

    with pytest.raises(RuleBroken):
        handed_over(delivery, own_codes[1])

    assert delivery.state is DeliveryState.AT_POINT
    assert own.used_at is None


def test_kit_does_not_leave_before_the_alternate_has_a_card(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    make_card(delivery.award)
    with_alternate(delivery, at=NOW - timedelta(days=2))

    with pytest.raises(RuleBroken):
        release_to(delivery, make_officer(), at=NOW)

    assert delivery.state is DeliveryState.SCHEDULED


def test_what_is_known_of_the_alternate_is_sealed_and_not_in_the_journal(app: Flask) -> None:
    _delivery, alternate = make_sealed_with_alternate(at=NOW)
    db.session.commit()

    row = dict(db.session.execute(select(AlternateCollector.__table__)).mappings().one())
    written = "".join(repr(dict(one)) for one in db.session.execute(select(JournalEntry.__table__)).mappings())

    for secret in (ALTERNATE.name, ALTERNATE.document, "991234567"):
        assert secret not in repr(row)
        assert secret not in written
    assert (alternate.name, alternate.phone) == (ALTERNATE.name, "+593991234567")
    assert "alternate.registered" in written


def test_one_at_a_time_and_ended_by_hand(app: Flask) -> None:
    delivery, alternate = make_sealed_with_alternate(at=NOW)
    _theirs, their_codes = make_card(delivery.award)
    with pytest.raises(RuleBroken):
        with_alternate(delivery, at=NOW)

    services.revoke_alternate(delivery, by=make_user(Role.COORDINATOR), now=LATER)
    _own, own_codes = make_card(delivery.award)

    assert alternate.revoked_at == LATER
    assert live() == 0
    assert delivery.alternate is None
    assert delivery.digest == delivery.digest_over(delivery.person.folio)
    with pytest.raises(RuleBroken):
        services.revoke_alternate(delivery, by=make_user(Role.COORDINATOR), now=LATER)
    assert handed_over(delivery, own_codes[1]).content["receiver"] is None
    assert set(their_codes).isdisjoint(own_codes)


def test_codes_are_bound_to_who_receives(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    clear(delivery, at=NOW)
    before = delivery.digest

    alternate = with_alternate(delivery, at=NOW)

    assert delivery.digest not in (before, None)
    assert delivery.digest == delivery.digest_over(alternate.folio)


@pytest.mark.parametrize(
    ("level", "hours", "allowed"), [(1, 24, True), (1, 23.9, False), (2, 72, True), (2, 71, False)]
)
def test_registration_comes_so_many_hours_before_the_stop(app: Flask, level: int, hours: float, allowed: bool) -> None:
    start = NOW
    delivery, _alternate = make_sealed_with_alternate(at=start - timedelta(hours=hours))
    officer = make_officer()
    clear(delivery, level=level, at=start)
    run = make_run(officer, at=start, team=make_team(officer))

    if allowed:
        services.schedule(delivery, run, stop_at(start), by=make_user(Role.COORDINATOR), now=start)
        assert delivery.state is DeliveryState.SCHEDULED
    else:
        with pytest.raises(RuleBroken):
            services.schedule(delivery, run, stop_at(start), by=make_user(Role.COORDINATOR), now=start)
        assert delivery.state is DeliveryState.CLEARED


def test_scheduled_delivery_takes_an_alternate_only_in_time(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.SCHEDULED)
    db.session.commit()

    with pytest.raises(RuleBroken):
        with_alternate(delivery, at=utcnow())
    db.session.rollback()

    assert live() == 0
    assert delivery.digest == delivery.digest_over(delivery.person.folio)


def test_at_level_three_nobody_else_receives(app: Flask) -> None:
    delivery, _alternate = make_sealed_with_alternate(at=NOW - timedelta(days=9))

    with pytest.raises(RuleBroken):
        clear(delivery, level=3, at=NOW)

    assert delivery.state is DeliveryState.SEALED


@pytest.mark.parametrize("verb", ["register", "revoke"])
def test_after_departure_who_receives_stays(app: Flask, verb: str) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    if verb == "revoke":
        with_alternate(delivery, at=NOW - timedelta(days=2))
    make_card(delivery.award)
    release_to(delivery, make_officer(), at=NOW)
    digest, number = delivery.digest, live()

    with pytest.raises(RuleBroken):
        if verb == "revoke":
            services.revoke_alternate(delivery, by=make_user(Role.COORDINATOR), now=LATER)
        else:
            with_alternate(delivery, at=LATER)

    assert (delivery.digest, live()) == (digest, number)


def test_replaced_card_of_the_alternate_stays_theirs(app: Flask) -> None:
    delivery, alternate = make_sealed_with_alternate(at=NOW)
    card, _codes = make_card(delivery.award)
    services.ask_replacement(card, by=make_user(Role.COORDINATOR), now=NOW)

    new = services.replace_card(card, cost=CHEAP, by=make_user(Role.COORDINATOR), now=NOW)

    assert new.alternate_id == alternate.id
    assert queries.live_card(delivery.award_id) is new
    assert db.session.scalar(select(func.count()).select_from(SymbolCard)) == 2


def test_phone_of_the_alternate_is_a_real_number(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.SEALED)

    with pytest.raises(RuleBroken) as refusal:
        services.register_alternate(delivery, replace(ALTERNATE, phone="12"), by=make_user(Role.COORDINATOR), now=NOW)

    assert refusal.value.field == "phone"
    assert live() == 0
