"""Users and browsers for tests."""

import secrets
from datetime import timedelta
from itertools import count

import pyotp
from flask import Flask
from flask.testing import FlaskClient

from grants.access import services
from grants.access.models import Factor, FactorKind, Invitation, LoginSession, User
from grants.access.passwords import passwords
from grants.access.permissions import Permission, Role
from grants.access.second_factor import new_seed
from grants.access.sessions import SEEN
from grants.core.clock import utcnow
from grants.core.crypto import lookup_hash, token_hash
from grants.core.db import db

_numbers = count(1)


def make_user(*roles: Role, name: str = "", email: str = "") -> User:
    """A user with these roles and both TOTP seeds, confirmed."""
    number, now = next(_numbers), utcnow()
    user = User(roles=frozenset(roles), created_at=now, language="es")
    user.name = name or f"Usuaria {number}"
    user.email = email or f"usuaria{number}@example.org"
    user.email_lookup = lookup_hash("email", user.email)
    for kind in FactorKind:
        factor = Factor(user=user, kind=kind, created_at=now, confirmed_at=now)
        factor.seed = new_seed()
        db.session.add(factor)
    db.session.flush()
    return user


def factor_of(user: User, kind: FactorKind) -> Factor:
    return db.session.query(Factor).filter_by(user_id=user.id, kind=kind).one()


def current_code(user: User, kind: FactorKind = FactorKind.DELIVERY) -> str:
    """What the user's phone shows now."""
    return pyotp.TOTP(factor_of(user, kind).seed).now()


def signed_in_client(app: Flask, user: User) -> FlaskClient:
    """A browser in which this user has signed in with both factors."""
    token, now = secrets.token_urlsafe(32), utcnow()
    db.session.add(
        LoginSession(
            token_hash=token_hash(token),
            user_id=user.id,
            created_at=now,
            expires_at=now + timedelta(hours=12),
        )
    )
    db.session.commit()
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = token
        cookie["_fresh"] = True
        cookie[SEEN] = int(now.timestamp())
    return client


PASSWORD = "cuatro palabras en fila"


def with_password(user: User, password: str = PASSWORD) -> User:
    """The user, able to sign in with this password."""
    user.password_hash = passwords().hash(password)
    db.session.flush()
    return user


def make_token(user: User, *scopes: Permission) -> str:
    """An API token of this user: send it as `Authorization: Bearer …`."""
    _token, text = services.create_token(user, label="test", scopes=frozenset(scopes), days=30, now=utcnow())
    db.session.commit()
    return text


def make_invitation(*roles: Role, email: str = "", language: str = "en") -> tuple[User, str]:
    """An invited user, and the token of the link."""
    user, link = services.invite(
        email=email or f"invitada{next(_numbers)}@example.org",
        name="Invitada Nueva",
        roles=frozenset(roles or {Role.EVALUATOR}),
        language=language,
        link_for=lambda token: token,
        by=None,
        now=utcnow(),
    )
    db.session.commit()
    return user, link


def invitation_of(user: User) -> Invitation:
    """The newest invitation of a user."""
    return db.session.query(Invitation).filter_by(user_id=user.id).order_by(Invitation.id.desc()).first()
