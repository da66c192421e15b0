"""What happens once for each row: submitting, confirming, signing in. Every run gets a fresh row."""

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from grants.access.models import FactorKind, User
from grants.access.passwords import passwords
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import services as deliveries
from grants.delivery.doors import card_cost
from grants.delivery.models import DeliveryState, Picture
from grants.delivery.signals import PUBLIC_KEY_FILE
from tests.bench.costs import FRESH, Ask
from tests.factories.access import PASSWORD, current_code, make_user, signed_in_client
from tests.factories.applications import make_application
from tests.factories.delivery import DESK_PUBLIC, Carried, make_delivery, make_officer, release_to
from tests.factories.evaluation import make_assignment
from tests.factories.people import make_consent, make_person
from tests.factories.selection import make_award


def submit_sheets(app: Flask, call: Call) -> Iterator[Ask]:
    """An evaluator hands in a complete sheet of a plan."""
    evaluator = make_user(Role.EVALUATOR)
    found = select(Application).where(Application.call_id == call.id).order_by(Application.folio).limit(FRESH)
    tasks = [make_assignment(application, evaluator).id for application in db.session.scalars(found)]
    client = signed_in_client(app, evaluator)
    levels = {f"level_{criterion.id}": "3" for criterion in call.rubric.criteria_of(Stage.PLAN)}
    return iter([partial(client.post, f"/score-sheets/{task}/submit", data=levels) for task in tasks])


def submit_applications(app: Flask, call: Call) -> Iterator[Ask]:
    """An enumerator submits a complete draft."""
    enumerator = make_user(Role.ENUMERATOR)
    drafts = []
    for _n in range(FRESH):
        person = make_person(registered_by=enumerator)
        make_consent(person)
        drafts.append(make_application(call, person, submitted=False, created_by=enumerator).id)
    client = signed_in_client(app, enumerator)
    return iter([partial(client.post, f"/applications/{one}/submit", data={"consents": "y"}) for one in drafts])


def confirm_handovers(app: Flask, call: Call) -> Iterator[Ask]:
    """An officer confirms a handover with three right codes, at the installation's cost of argon2id."""
    (Path(app.instance_path) / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
    ready = [_at_point(call) for _n in range(FRESH)]
    browsers = [signed_in_client(app, carried.officer) for carried in ready]
    asks = []
    for carried, client in zip(ready, browsers, strict=True):
        codes = carried.codes(utcnow())
        form = {"key": secrets.token_urlsafe(18), "totp": codes.totp, "pin": codes.pin, "card": codes.card}
        asks.append(partial(client.post, f"/deliveries/{carried.delivery.id}/handover", data=form))
    return iter(asks)


def _at_point(call: Call) -> Carried:
    coordinator, officer, now = make_user(Role.COORDINATOR), make_officer(), utcnow()
    delivery = make_delivery(DeliveryState.SEALED, award=make_award(call=call))
    card, codes = deliveries.issue_card(delivery.award, cost=card_cost(), by=coordinator, now=now)
    deliveries.print_card(card, by=coordinator, now=now)
    deliveries.choose_picture(card, Picture.TREE, by=coordinator, now=now)
    release_to(delivery, officer)
    deliveries.arrive(delivery, by=officer, now=now)
    return Carried(delivery, officer, card, codes, Picture.TREE)


def passwords_right(app: Flask) -> Iterator[Ask]:
    """The first half of signing in: the password, at the installation's cost of argon2id."""
    forms = [{"email": user.email, "password": PASSWORD} for user in _staff()]
    return iter([partial(app.test_client().post, "/sign-in", data=form) for form in forms])


def codes_right(app: Flask) -> Iterator[Ask]:
    """The second half of signing in: the code."""
    asks = []
    for user in _staff():
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["pending_sign_in"] = [user.id, int(utcnow().timestamp())]
        form = {"code": current_code(user, FactorKind.LOGIN)}
        asks.append(partial(client.post, "/sign-in/code", data=form))
    return iter(asks)


def _staff() -> list[User]:
    users = [make_user(Role.COORDINATOR, name="Bench") for _n in range(FRESH)]
    known = passwords().hash(PASSWORD)
    for user in users:
        user.password_hash = known
    db.session.commit()
    return users
