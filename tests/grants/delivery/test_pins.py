"""The officer's PIN and its family: everyone has one, a change keeps the rule, and no page shows it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import FactorKind, User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import services
from grants.delivery.desk.boxes import unseal
from grants.delivery.models import DeliveryState, OfficerPin, Signal
from tests.factories.access import current_code, make_user
from tests.factories.delivery import (
    DESK,
    DESK_PRIVATE,
    DURESS_PIN,
    PIN,
    make_card,
    make_carried,
    make_delivery,
    make_officer,
    release_to,
)

NEW_PIN, NEW_DURESS_PIN = "8206", "8299"

pytestmark = pytest.mark.usefixtures("in_english")


def test_a_changed_pin_has_its_own_family_and_the_old_one_is_worth_nothing(app: Flask) -> None:
    carried, now = make_carried(), utcnow()
    officer = carried.officer
    services.set_pin(pin=NEW_PIN, code=current_code(officer, FactorKind.DELIVERY), by=officer, now=now)
    db.session.commit()
    later = now + timedelta(seconds=60)

    for old in (PIN, DURESS_PIN):
        with pytest.raises(RuleBroken, match="do not match"):
            services.confirm(
                carried.delivery, carried.codes(later, pin=old), key="key-of-it", desk=DESK, by=officer, now=later
            )
    services.confirm(
        carried.delivery, carried.codes(later, pin=NEW_DURESS_PIN), key="key-of-it", desk=DESK, by=officer, now=later
    )

    assert unseal(db.session.query(Signal).one().box, DESK_PRIVATE).is_alarm


def test_no_kit_leaves_with_an_officer_without_a_pin(app: Flask) -> None:
    delivery, officer = make_delivery(DeliveryState.SEALED), make_officer()
    make_card(delivery.award)
    db.session.query(OfficerPin).filter_by(user_id=officer.id).delete()

    with pytest.raises(RuleBroken, match="PIN"):
        release_to(delivery, officer)

    assert delivery.state is not DeliveryState.IN_TRANSIT


def test_no_kit_leaves_without_a_card_whose_picture_is_chosen(app: Flask) -> None:
    delivery, officer = make_delivery(DeliveryState.SEALED), make_officer()
    make_card(delivery.award, picture=None)

    with pytest.raises(RuleBroken, match="card"):
        release_to(delivery, officer)

    assert delivery.state is not DeliveryState.IN_TRANSIT


def test_every_pin_is_stored_in_one_length_and_none_is_shown(
    app: Flask, sign_in: Callable[[User], FlaskClient]
) -> None:
    officers = [make_officer(pin) for pin in (PIN, DURESS_PIN, "0000")]
    lengths = {len(row.pin_sealed) for row in db.session.query(OfficerPin)}  # type: ignore[attr-defined]
    officer, administrator = sign_in(officers[0]), sign_in(make_user(Role.ADMINISTRATOR))

    pages = [officer.get(path).text for path in ("/deliveries/pin", "/deliveries/my-day", "/account", "/")]
    pages.append(administrator.get(f"/users/{officers[0].id}").text)

    assert len(lengths) == 1
    assert not any(PIN in page for page in pages)


def test_the_page_of_the_pin_teaches_everyone_alike(app: Flask, sign_in: Callable[[User], FlaskClient]) -> None:
    with_pin, without = make_officer(), make_user(Role.OFFICER)

    pages = [sign_in(user).get("/deliveries/pin").text for user in (with_pin, without)]

    assert all(page.count("<h2>") == 1 and "card-paper" in page for page in pages)
