"""Who is at the door: the password first, then a code. Both attempts are charged by the door before they come here."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access import queries
from grants.access.models import FactorKind, LoginSession, RecoveryCode, User
from grants.access.passwords import passwords
from grants.access.second_factor import LOGIN_CODE, PASSWORD, normal_recovery_code, refund, spend_code
from grants.access.services.invitations import normal_email
from grants.core import journal
from grants.core.crypto import lookup_hash, token_hash
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken

NOT_RIGHT = _("The e-mail or the password is wrong. Check both and try again.")


def email_subject(email: str) -> str:
    """Under which attempts at this e-mail's password are counted, whether or not such an account exists."""
    return lookup_hash("email", normal_email(email)).hex()


def check_password(email: str, password: str, *, now: datetime) -> User:
    """The user whose password this is. Unknown, inactive and wrong give one answer after the same work."""
    user = queries.user_of_email(normal_email(email))
    kept = user.password_hash if user is not None and user.is_active else None
    if not passwords().matches(kept, password) or user is None or kept is None:
        raise RuleBroken(NOT_RIGHT)

    refund(PASSWORD, user.email_lookup_subject)
    if passwords().is_outdated(kept):
        user.password_hash = passwords().hash(password)
        journal.record(user, "password.rehashed", user, at=now)
    return user


def accept_code(user: User, entered: str, *, now: datetime) -> None:
    """Let the user in with the code of their app, or with a recovery code. Each serves once."""
    factor = queries.factor(user, FactorKind.LOGIN)
    if not user.is_active or factor is None or factor.confirmed_at is None:
        raise RuleBroken(_("This account cannot sign in now. Ask an administrator for a new invitation."))

    recovery = normal_recovery_code(entered)
    if recovery is not None:
        spend_recovery_code(user, recovery, now=now)
    else:
        spend_code(factor, entered, now=now)
    refund(LOGIN_CODE, str(user.id))
    journal.record(user, "session.opened", user, at=now, recovery_code=recovery is not None)


def spend_recovery_code(user: User, recovery: str, *, now: datetime) -> None:
    """Use a recovery code up, or raise RuleBroken. All unused ones are compared, with no early exit."""
    kept = queries.unused_recovery_codes(user)
    matching = [code.id for code in kept if passwords().matches(code.code_hash, recovery)]
    used = db.session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.id.in_(matching), RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(used) != 1:
        raise RuleBroken(_("That recovery code is wrong or was already used. Try another one."), field="code")
    journal.record(user, "recovery_code.used", user, at=now)


def end_session_of(token: str, *, by: User, now: datetime) -> None:
    """Sign out: the cookie's token opens nothing from now on."""
    db.session.execute(
        update(LoginSession)
        .where(LoginSession.token_hash == token_hash(token), LoginSession.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
    journal.record(by, "session.ended", by, at=now)
