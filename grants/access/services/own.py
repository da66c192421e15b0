"""What people do with their own account."""

import secrets
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access import queries
from grants.access.models import ApiToken, Factor, FactorKind, LoginSession, User
from grants.access.passwords import passwords
from grants.access.permissions import Permission
from grants.access.second_factor import DELIVERY_CODE, LOGIN_CODE, PASSWORD, new_seed, refund, spend_code
from grants.access.services.invitations import replace_recovery_codes
from grants.core import journal
from grants.core.crypto import token_hash
from grants.core.db import db
from grants.core.errors import RuleBroken

LONGEST_TOKEN_DAYS = 365
UNSCOPED = frozenset({Permission.PUBLIC, Permission.SIGNED_IN})


def change_password(user: User, *, old: str, new: str, now: datetime) -> None:
    """Replace the password; every other browser is signed out. Charge before calling this."""
    if not passwords().matches(user.password_hash, old):
        raise RuleBroken(_("That is not your present password."), field="old_password")
    passwords().refuse_weak(new, words=[user.email, user.name])
    refund(PASSWORD, user.email_lookup_subject)
    user.password_hash = passwords().hash(new)
    _end_sessions(user, now=now, keep=user.session_token)
    journal.record(user, "password.changed", user, at=now)


def change_language(user: User, language: str, *, now: datetime) -> None:
    """Write to this person, and greet them, in this language."""
    user.language = language
    journal.record(user, "user.language_changed", user, at=now)


def end_session(session: LoginSession, *, by: User, now: datetime) -> None:
    """Sign out one browser."""
    if session.ended_at is not None:
        raise RuleBroken(_("That browser is already signed out."))
    session.ended_at = now
    journal.record(by, "session.ended", by, at=now)


def end_all_sessions(user: User, *, now: datetime) -> None:
    """Sign out everywhere, this browser included."""
    _end_sessions(user, now=now)
    journal.record(user, "sessions.ended", user, at=now)


def _end_sessions(user: User, *, now: datetime, keep: str = "") -> None:
    db.session.execute(
        update(LoginSession)
        .where(
            LoginSession.user_id == user.id,
            LoginSession.ended_at.is_(None),
            LoginSession.token_hash != token_hash(keep),
        )
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )


def renew_recovery_codes(user: User, code: str, *, now: datetime) -> list[str]:
    """Ten fresh recovery codes for somebody whose app shows the right code. Charge before calling this."""
    _spend_login_code(user, code, now)
    return replace_recovery_codes(user, now=now)


def start_delivery_factor(user: User, code: str, *, now: datetime) -> None:
    """Prepare a second seed for confirming deliveries, apart from the one for signing in. Charge first."""
    if not user.needs_delivery_factor:
        raise RuleBroken(_("Your work does not ask for a delivery code."))
    existing = queries.factor(user, FactorKind.DELIVERY)
    if existing is not None and existing.confirmed_at is not None:
        raise RuleBroken(_("Your delivery code is already set up. If the phone is lost, ask for a reset."))
    _spend_login_code(user, code, now)
    if existing is None:
        existing = Factor(user_id=user.id, kind=FactorKind.DELIVERY, created_at=now)
        db.session.add(existing)
    existing.seed = new_seed()  # a fresh one each time: the earlier may have been seen
    journal.record(user, "factor.started", user, at=now, kind=FactorKind.DELIVERY.value)


def confirm_delivery_factor(user: User, code: str, *, now: datetime) -> None:
    """Take the second seed into use once its first code is right. Charge before calling this."""
    factor = queries.factor(user, FactorKind.DELIVERY)
    if factor is None or factor.confirmed_at is not None:
        raise RuleBroken(_("Start again from your account page."))
    spend_code(factor, code, now=now)
    factor.confirmed_at = now
    refund(DELIVERY_CODE, str(user.id))
    journal.record(user, "factor.confirmed", user, at=now, kind=FactorKind.DELIVERY.value)


def _spend_login_code(user: User, code: str, now: datetime) -> None:
    factor = queries.factor(user, FactorKind.LOGIN)
    if factor is None or factor.confirmed_at is None:
        raise RuleBroken(_("This account cannot sign in now. Ask an administrator for a new invitation."))
    spend_code(factor, code, now=now)
    refund(LOGIN_CODE, str(user.id))


def create_token(
    user: User, *, label: str, scopes: frozenset[Permission], days: int, now: datetime
) -> tuple[ApiToken, str]:
    """A key for another program, and its text, which is shown once and never kept."""
    if not scopes:
        raise RuleBroken(_("Choose at least one thing that the token may do."), field="scopes")
    if scopes & UNSCOPED or not scopes <= user.permissions:
        raise RuleBroken(_("A token may do only what you may do yourself."), field="scopes")
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise RuleBroken(_("Choose between 1 and %(num)d days.", num=LONGEST_TOKEN_DAYS), field="days")
    text = secrets.token_urlsafe(32)
    token = ApiToken(
        user_id=user.id,
        label=label,
        token_hash=token_hash(text),
        scopes=scopes,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    db.session.add(token)
    journal.record(user, "token.created", token, at=now, scopes=sorted(scopes))
    return token, text


def revoke_token(token: ApiToken, *, by: User, now: datetime) -> None:
    """End a token for good."""
    if token.revoked_at is not None:
        raise RuleBroken(_("This token was already revoked."))
    token.revoked_at = now
    journal.record(by, "token.revoked", token, at=now)
