"""How an account begins: an invitation, a password, a second factor."""

import secrets
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta

from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from grants.access import queries
from grants.access.models import Factor, FactorKind, Invitation, RecoveryCode, UsedStep, User
from grants.access.passwords import passwords
from grants.access.permissions import Role
from grants.access.second_factor import LOGIN_CODE, new_recovery_code, new_seed, refund, spend_code
from grants.core import journal, outbox
from grants.core.crypto import lookup_hash, token_hash
from grants.core.db import db, rows_hit
from grants.core.errors import NotFound, RuleBroken

INVITATION_HOURS = 72
RECOVERY_CODES = 10

LinkFor = Callable[[str], str]


def normal_email(email: str) -> str:
    """One form of an address, so that the same account is found however it was typed."""
    return unicodedata.normalize("NFKC", email.encode("utf-8", "replace").decode()).strip().casefold()


def invite(
    *,
    email: str,
    name: str,
    roles: frozenset[Role],
    language: str,
    link_for: LinkFor,
    by: User | None,
    now: datetime,
) -> tuple[User, str]:
    """Make an account without password and return it with its one-time link. `by` is None at the console."""
    address = normal_email(email)
    if not roles:
        raise RuleBroken(_("Choose at least one role."), field="roles")
    if queries.user_of_email(address) is not None:
        raise RuleBroken(_("There is already an account with that e-mail. Change its roles instead."), field="email")

    user = _new_user(address, name, roles, language, now)
    journal.record(by, "user.invited", user, at=now, roles=sorted(roles))
    return user, send_link(user, link_for=link_for, by=by, now=now)


def _new_user(address: str, name: str, roles: frozenset[Role], language: str, now: datetime) -> User:
    user = User(roles=roles, language=language, created_at=now, email_lookup=lookup_hash("email", address))
    user.name, user.email = " ".join(name.split()), address
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError as error:  # another administrator was first
        raise RuleBroken(
            _("There is already an account with that e-mail. Change its roles instead."), field="email"
        ) from error
    return user


def send_link(user: User, *, link_for: LinkFor, by: User | None, now: datetime) -> str:
    """A fresh link for somebody without a confirmed factor; earlier links, and a seed they may have shown, end."""
    expire_links(user, now=now)
    delete_factors(user)
    user.password_hash = None
    token = secrets.token_urlsafe(32)
    expires = now + timedelta(hours=INVITATION_HOURS)
    db.session.add(Invitation(user_id=user.id, token_hash=token_hash(token), created_at=now, expires_at=expires))
    link = link_for(token)
    with force_locale(user.language):
        outbox.add(
            "invitation",
            address=user.email,
            subject=gettext("Your account in Semilla"),
            body=gettext(
                "You have been given an account in Semilla. Open this link on your phone or computer within "
                "%(hours)d hours to choose your password:\n\n%(link)s\n\nThe link works once and is only for you.",
                hours=INVITATION_HOURS,
                link=link,
            ),
            now=now,
        )
    journal.record(by, "invitation.sent", user, at=now)
    return link


def expire_links(user: User, *, now: datetime) -> None:
    """End the links that this user could still use."""
    db.session.execute(
        update(Invitation)
        .where(Invitation.user_id == user.id, Invitation.used_at.is_(None), Invitation.expires_at > now)
        .values(expires_at=now)
        .execution_options(synchronize_session=False)
    )


def delete_factors(user: User) -> None:
    """Remove the user's seeds, their used steps and the recovery codes."""
    seeds = db.select(Factor.id).where(Factor.user_id == user.id)
    for statement in (
        delete(UsedStep).where(UsedStep.factor_id.in_(seeds)),
        delete(Factor).where(Factor.user_id == user.id),
        delete(RecoveryCode).where(RecoveryCode.user_id == user.id),
    ):
        db.session.execute(statement.execution_options(synchronize_session="fetch"))


def choose_password(invitation: Invitation, password: str, *, now: datetime) -> None:
    """Keep the invited person's password and prepare their seed. Going back and choosing again keeps the seed."""
    _refuse_if_closed(invitation, now)
    user = invitation.user
    passwords().refuse_weak(password, words=[user.email, user.name])
    user.password_hash = passwords().hash(password)
    if queries.factor(user, FactorKind.LOGIN) is None:
        factor = Factor(user_id=user.id, kind=FactorKind.LOGIN, created_at=now)
        factor.seed = new_seed()
        db.session.add(factor)
    journal.record(user, "password.chosen", user, at=now)


def accept_invitation(invitation: Invitation, code: str, *, now: datetime) -> list[str]:
    """Confirm the seed with its first code, use the link up, and return the ten recovery codes to show."""
    _refuse_if_closed(invitation, now)
    user = invitation.user
    factor = queries.factor(user, FactorKind.LOGIN)
    if factor is None or user.password_hash is None:
        raise RuleBroken(_("Choose your password first."))
    spend_code(factor, code, now=now)
    used = db.session.execute(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.used_at.is_(None), Invitation.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(used) != 1:
        raise NotFound
    factor.confirmed_at = now
    refund(LOGIN_CODE, str(user.id))
    journal.record(user, "factor.confirmed", user, at=now, kind=FactorKind.LOGIN.value)
    return replace_recovery_codes(user, now=now)


def replace_recovery_codes(user: User, *, now: datetime) -> list[str]:
    """Ten fresh codes, kept hashed; the earlier ones open nothing from now on."""
    db.session.execute(
        delete(RecoveryCode).where(RecoveryCode.user_id == user.id).execution_options(synchronize_session="fetch")
    )
    codes = [new_recovery_code() for _n in range(RECOVERY_CODES)]
    for code in codes:
        kept = passwords().hash(code.replace("-", ""))
        db.session.add(RecoveryCode(user_id=user.id, code_hash=kept, created_at=now))
    journal.record(user, "recovery_codes.made", user, at=now)
    return codes


def _refuse_if_closed(invitation: Invitation, now: datetime) -> None:
    if not invitation.is_open(now) or not invitation.user.is_active:
        raise NotFound
