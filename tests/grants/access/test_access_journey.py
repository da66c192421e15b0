"""A person's whole way: invited at the console, at work, phone lost, back at work."""

import re

import pyotp
from flask import Flask
from flask.testing import FlaskClient

from grants.access.cli import users
from grants.access.permissions import Role
from grants.access.queries import user_of_email
from grants.core.db import db
from tests.factories.access import make_user, signed_in_client

FIRST, SECOND = "la lluvia cae en Ibarra", "el sol sale en Lago Agrio"


def enrol(client: FlaskClient, link: str, password: str) -> pyotp.TOTP:
    """Follow a link to its end, as a phone would; the app's entry."""
    path = "/invitation/" + link.partition("/invitation/")[2].strip()
    client.get(path)
    client.post(path, data={"password": password})
    page = client.get(f"{path}/factor").text
    found = re.search(r"secret=([A-Z2-7]{32})", page)
    assert found
    app = pyotp.TOTP(found[1])
    client.post(f"{path}/factor", data={"code": app.now()})
    return app


def test_invited_working_phone_lost_working_again(app: Flask) -> None:
    db.session.commit()
    made = app.test_cli_runner().invoke(users, ["create", "rosa@example.org", "Rosa Paz", "--role", "evaluator"])
    phone = app.test_client()
    first_app = enrol(phone, made.output, FIRST)
    codes = re.findall(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}", phone.get("/account/recovery-codes").text)
    phone.post("/account/recovery-codes/written-down")
    assert phone.get("/account").status_code == 200

    laptop = app.test_client()
    laptop.post("/sign-in", data={"email": "rosa@example.org", "password": FIRST})
    assert laptop.post("/sign-in/code", data={"code": codes[0]}).location == "/"

    rosa = user_of_email("rosa@example.org")
    assert rosa is not None
    asking, approving = (signed_in_client(app, make_user(Role.ADMINISTRATOR)) for _n in range(2))
    asking.post(f"/users/{rosa.id}/reset", data={"reason": "Perdió el teléfono"})
    page = approving.get(f"/users/{rosa.id}").text
    approve = re.search(r'action="(/users/\d+/reset/\d+/approve)"', page)
    assert approve
    link = approving.get(approving.post(approve[1]).location).text
    assert [client.get("/account").status_code for client in (phone, laptop)] == [302, 302]

    phone = app.test_client()
    phone.post("/sign-in", data={"email": "rosa@example.org", "password": FIRST})
    assert phone.post("/sign-in/code", data={"code": first_app.now()}).location == "/sign-in"
    assert phone.post("/sign-in/code", data={"code": codes[1]}).location == "/sign-in"

    found = re.search(r"http[^<\s]+/invitation/[\w-]+", link)
    assert found
    second_app = enrol(phone, found[0], SECOND)
    assert phone.get("/account").status_code == 200
    assert second_app.secret != first_app.secret
