"""Questions about accounts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from grants.access.models import (
    ApiToken,
    AttemptCounter,
    Factor,
    FactorKind,
    FactorReset,
    Invitation,
    LoginSession,
    RecoveryCode,
    User,
)
from grants.access.second_factor import DELIVERY_CODE, LOGIN_CODE, PASSWORD, is_blocked
from grants.core.crypto import lookup_hash, token_hash
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse
from grants.core.journal import JournalEntry

UNUSED_AFTER = timedelta(days=60)
DEMO_MARK = "@demo.semilla.example"


class Risk(StrEnum):
    """Why an administrator should look at an account."""

    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    WITHOUT_FACTOR = "without_factor"
    RESET_OPEN = "reset_open"
    UNUSED = "unused"


RISK_NAMES = {
    Risk.BLOCKED: _("Locked: wrong attempts"),
    Risk.SUSPENDED: _("Suspended"),
    Risk.WITHOUT_FACTOR: _("No second factor yet"),
    Risk.RESET_OPEN: _("Reset waits for approval"),
    Risk.UNUSED: _("Unused for 60 days"),
}


@dataclass(frozen=True, slots=True)
class AccountAtRisk:
    user: User
    risks: tuple[Risk, ...]


def get_user(user_id: int) -> User:
    """The user, or 404."""
    return get_or_refuse(User, user_id)


def user_of_email(email: str) -> User | None:
    """The user with this normalised e-mail."""
    return db.session.scalar(select(User).where(User.email_lookup == lookup_hash("email", email)))


def users_page(*, after: str | None = None) -> Page[User]:
    """All users, the newest first."""
    return keyset_page(select(User), User.id, User.id, after=after, descending=True)


def users_named(ids: Collection[int]) -> dict[int, User]:
    """The users with these ids, for showing names beside ids."""
    if not ids:
        return {}
    found = db.session.scalars(select(User).where(User.id.in_(set(ids))).order_by(User.id))
    return {user.id: user for user in found}


def factor(user: User, kind: FactorKind) -> Factor | None:
    """The user's seed of this kind, confirmed or not."""
    return db.session.scalar(select(Factor).where(Factor.user_id == user.id, Factor.kind == kind))


def confirmed_factors(ids: Collection[int]) -> set[int]:
    """Of these users, those whose sign-in factor is confirmed."""
    statement = select(Factor.user_id).where(
        Factor.user_id.in_(ids), Factor.kind == FactorKind.LOGIN, Factor.confirmed_at.is_not(None)
    )
    return set(db.session.scalars(statement.order_by(Factor.user_id)))


def invitation_of_link(token: str, *, now: datetime) -> Invitation:
    """The invitation behind a link that still works, or 404."""
    return one_or_refuse(
        select(Invitation)
        .options(joinedload(Invitation.user))
        .join(Invitation.user)
        .where(
            Invitation.token_hash == token_hash(token),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
            User.deactivated_at.is_(None),
        )
    )


def owner_of_used_link(token: str) -> int | None:
    """Whose invitation this link was, once it has served."""
    return db.session.scalar(
        select(Invitation.user_id).where(
            Invitation.token_hash == token_hash(token), Invitation.used_at.is_not(None)
        )
    )  # fmt: skip


def open_invitation(user: User, *, now: datetime) -> Invitation | None:
    """The newest link that this user could still use."""
    return db.session.scalar(
        select(Invitation)
        .where(Invitation.user_id == user.id, Invitation.used_at.is_(None), Invitation.expires_at > now)
        .order_by(Invitation.id.desc())
        .limit(1)
    )


def unused_recovery_codes(user: User) -> Sequence[RecoveryCode]:
    """The recovery codes that still work."""
    return db.session.scalars(
        select(RecoveryCode)
        .where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
        .order_by(RecoveryCode.id)
    ).all()


def open_sessions(user: User, *, now: datetime) -> Sequence[LoginSession]:
    """Browsers in which the user is signed in, the newest first."""
    return db.session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None), LoginSession.expires_at > now)
        .order_by(LoginSession.id.desc())
    ).all()


def tokens(user: User) -> Sequence[ApiToken]:
    """The user's API tokens, the newest first."""
    return db.session.scalars(select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id.desc())).all()


def get_own_token(token_id: int, user: User) -> ApiToken:
    """A token of this user, or 404."""
    token = get_or_refuse(ApiToken, token_id)
    return one_or_refuse(select(ApiToken).where(ApiToken.id == token.id, ApiToken.user_id == user.id))


def get_own_session(session_id: int, user: User) -> LoginSession:
    """A browser in which this user signed in, or 404."""
    found = get_or_refuse(LoginSession, session_id)
    return one_or_refuse(
        select(LoginSession).where(LoginSession.id == found.id, LoginSession.user_id == user.id)
    )  # fmt: skip


def open_reset(user: User) -> FactorReset | None:
    """The request to reset this user's factors that waits for its second administrator."""
    return db.session.scalar(
        select(FactorReset)
        .where(FactorReset.user_id == user.id, FactorReset.approved_at.is_(None))
        .order_by(FactorReset.id)
        .limit(1)
    )


def get_reset(reset_id: int, user: User) -> FactorReset:
    """An open request about this user, or 404."""
    request = get_or_refuse(FactorReset, reset_id)
    return one_or_refuse(
        select(FactorReset).where(
            FactorReset.id == request.id, FactorReset.user_id == user.id, FactorReset.approved_at.is_(None)
        )
    )


def counters(user: User) -> Sequence[AttemptCounter]:
    """The counters of wrong attempts that belong to this account."""
    subjects = {LOGIN_CODE: str(user.id), DELIVERY_CODE: str(user.id), PASSWORD: user.email_lookup_subject}
    found = db.session.scalars(
        select(AttemptCounter)
        .where(AttemptCounter.kind.in_(subjects), AttemptCounter.subject.in_(set(subjects.values())))
        .order_by(AttemptCounter.id)
    )
    return [counter for counter in found if counter.subject == subjects[counter.kind]]


def is_locked(user: User, *, now: datetime) -> bool:
    """Whether one of the account's secrets may not be tried now."""
    return any(is_blocked(counter, now) for counter in counters(user))


def accounts_at_risk(*, now: datetime) -> list[AccountAtRisk]:
    """Accounts that an administrator should look at, with the reasons; five queries however many accounts."""
    users = db.session.scalars(select(User).where(User.deactivated_at.is_(None)).order_by(User.id)).all()
    confirmed = confirmed_factors_of_all()
    blocked = _blocked_subjects(now)
    resets = set(db.session.scalars(select(FactorReset.user_id).where(FactorReset.approved_at.is_(None))))
    last = {row[0]: row[1] for row in db.session.execute(
        select(LoginSession.user_id, func.max(LoginSession.created_at)).group_by(LoginSession.user_id))}  # fmt: skip

    def risks(user: User) -> tuple[Risk, ...]:
        signs = {
            Risk.BLOCKED: bool({str(user.id), user.email_lookup_subject} & blocked),
            Risk.SUSPENDED: user.suspended_at is not None,
            Risk.WITHOUT_FACTOR: user.id not in confirmed,
            Risk.RESET_OPEN: user.id in resets,
            Risk.UNUSED: (last.get(user.id) or user.created_at) < now - UNUSED_AFTER,
        }
        return tuple(risk for risk, present in signs.items() if present)

    return [AccountAtRisk(user, found) for user in users if (found := risks(user))]


def confirmed_factors_of_all() -> set[int]:
    """The users whose sign-in factor is confirmed."""
    statement = select(Factor.user_id).where(Factor.kind == FactorKind.LOGIN, Factor.confirmed_at.is_not(None))
    return set(db.session.scalars(statement.order_by(Factor.user_id)))


def _blocked_subjects(now: datetime) -> set[str]:
    tried = db.session.scalars(
        select(AttemptCounter)
        .where(AttemptCounter.kind.in_((PASSWORD, LOGIN_CODE, DELIVERY_CODE)), AttemptCounter.fails > 0)
        .order_by(AttemptCounter.id)
    )
    return {counter.subject for counter in tried if is_blocked(counter, now)}


def journal_page(*, action: str | None = None, after: str | None = None) -> Page[JournalEntry]:
    """The journal, newest first, all of it or one kind of action."""
    statement = select(JournalEntry)
    if action:
        statement = statement.where(JournalEntry.action == action)
    return keyset_page(statement, JournalEntry.id, JournalEntry.id, after=after, size=50, descending=True)


def journal_mac(number: int) -> bytes | None:
    """The MAC of one entry of the journal."""
    return db.session.scalar(select(JournalEntry.mac).where(JournalEntry.id == number))


def demo_accounts_present() -> bool:
    """Whether an account of the demonstration is here. Opens every e-mail: a small table, read at server start."""
    return any(user.email.endswith(DEMO_MARK) for user in db.session.scalars(select(User).order_by(User.id)))


def database_answers() -> bool:
    """Whether the database answers and holds our tables. Raises SQLAlchemyError when not."""
    db.session.execute(select(User.id).limit(1)).all()
    return True
