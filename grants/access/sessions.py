"""Who is asking: a signed-in browser by its cookie, another program by its token."""

import secrets
from datetime import datetime, timedelta

from flask import Flask, Request, current_app, request, session
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import select

from grants.access.models import ApiToken, LoginSession, User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.crypto import token_hash
from grants.core.db import db

SEEN = "seen"
FIELD_ROLES = frozenset({Role.ENUMERATOR, Role.EVALUATOR, Role.OFFICER})
BEARER = "bearer"  # the scheme's name, in any case (RFC 9110)


def recognise_users(app: Flask) -> None:
    """Let Flask-Login find the user behind each request."""
    login = LoginManager(app)
    login.session_protection = None  # phones change address; the token alone identifies the session
    login.user_loader(_user_of_session)
    login.request_loader(_user_of_token)


def open_session(user: User, *, now: datetime) -> None:
    """Sign the user in under a new session id; whatever the browser held is dropped. Call inside a transaction."""
    language = session.get("language") or user.language
    session.clear()
    session["language"] = language
    token = secrets.token_urlsafe(32)
    db.session.add(
        LoginSession(
            token_hash=token_hash(token),
            user_id=user.id,
            created_at=now,
            expires_at=now + timedelta(hours=current_app.config["SESSION_HOURS"]),
        )
    )
    user.session_token = token
    session.permanent = True
    session[SEEN] = int(now.timestamp())
    login_user(user)


def close_session() -> None:
    """Forget everything that this browser held, except its language."""
    language = session.get("language")
    logout_user()
    session.clear()
    if language:
        session["language"] = language


def _user_of_session(token: str) -> User | None:
    if is_api():  # the API has no CSRF check, so a cookie opens nothing there
        return None
    now = utcnow()
    found = db.session.execute(
        select(User)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(
            LoginSession.token_hash == token_hash(token),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now,
            User.deactivated_at.is_(None),
            User.suspended_at.is_(None),
        )
    ).scalar_one_or_none()
    if found is None or _idle_too_long(found, now):
        session.clear()
        return None
    found.session_token = token
    return found


def _idle_too_long(user: User, now: datetime) -> bool:
    field = bool(user.roles) and user.roles <= FIELD_ROLES
    minutes = current_app.config["IDLE_MINUTES_FIELD" if field else "IDLE_MINUTES"]
    seen, second = int(session.get(SEEN, 0)), int(now.timestamp())
    if second - seen > minutes * 60:
        return True
    if second - seen > 60:  # once a minute is enough, and keeps most answers free of cookies
        session[SEEN] = second
    return False


def _user_of_token(incoming: Request) -> User | None:
    scheme, _space, sent = incoming.headers.get("Authorization", "").partition(" ")
    if not incoming.path.startswith("/api/") or scheme.lower() != BEARER:
        return None
    token = db.session.execute(
        select(ApiToken)
        .join(User, ApiToken.user_id == User.id)
        .where(
            ApiToken.token_hash == token_hash(sent),
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > utcnow(),
            User.deactivated_at.is_(None),
            User.suspended_at.is_(None),
        )
    ).scalar_one_or_none()
    if token is None:
        return None
    token.user.token_scopes = token.scopes
    return token.user


def is_api() -> bool:
    """Whether the caller speaks JSON rather than HTML."""
    return request.path.startswith("/api/")


__all__ = ["close_session", "is_api", "open_session", "recognise_users"]
