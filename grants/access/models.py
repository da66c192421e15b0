"""Users, their factors, their sessions and tokens, and the counters that charge each attempt."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, Dialect, ForeignKey, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from grants.access.permissions import Permission, Role, permissions_of
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column


class Names(TypeDecorator[frozenset[Any]]):
    """A small set of StrEnum members, stored as sorted words in one column."""

    impl = String(1200)  # every permission there is takes 450 letters, and there will be more
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: frozenset[StrEnum] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(sorted(member.value for member in value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[StrEnum] | None:
        return None if value is None else frozenset(self.words(word) for word in value.split())


class User(SealedRow, UserMixin, Model):
    """Somebody who works with Semilla. A registered participant is a Person, never a User."""

    __tablename__ = "user"
    __allow_unmapped__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    name = sealed_text()
    email = sealed_text()
    email_lookup: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    roles: Mapped[frozenset[Role]] = mapped_column(Names(Role))
    language: Mapped[str] = mapped_column(String(2), default="es")
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]

    # Set for a request made with an API token: what the token may do at most.
    token_scopes: frozenset[Permission] | None = None
    # Set when the user is loaded for a signed-in browser: which LoginSession it is.
    session_token: str = ""

    @property
    def is_active(self) -> bool:
        return self.deactivated_at is None and self.suspended_at is None

    @property
    def email_lookup_subject(self) -> str:
        """Under which the account's password attempts are counted."""
        return self.email_lookup.hex()

    @property
    def needs_delivery_factor(self) -> bool:
        """Whether the work asks for a second seed, kept apart from the one for signing in."""
        return bool(self.roles & {Role.OFFICER, Role.WAREHOUSE})

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token, so that a session can be ended."""
        return self.session_token

    @property
    def permissions(self) -> frozenset[Permission]:
        granted = permissions_of(self.roles)
        return granted if self.token_scopes is None else granted & (self.token_scopes | {Permission.PUBLIC})

    def may(self, permission: Permission | str) -> bool:
        return Permission(permission) in self.permissions

    def is_a(self, role: Role | str) -> bool:
        return Role(role) in self.roles


class FactorKind(StrEnum):
    LOGIN = "login"
    DELIVERY = "delivery"


class Factor(SealedRow, Model):
    """A TOTP seed (RFC 6238). The delivery seed is apart from the login seed."""

    __tablename__ = "factor"
    __table_args__ = (UniqueConstraint("user_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[User] = relationship()
    kind: Mapped[FactorKind] = mapped_column(state_column(FactorKind))
    seed = sealed_text()
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class UsedStep(Model):
    """A time step whose code was accepted. The primary key is the guard: a second INSERT fails."""

    __tablename__ = "used_step"

    factor_id: Mapped[int] = mapped_column(ForeignKey("factor.id"), primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    used_at: Mapped[datetime]


class RecoveryCode(Model):
    """One of ten codes for the day the phone is lost. Stored hashed; each works once."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AttemptCounter(Model):
    """Failed attempts at one secret, charged before each check. `subject` is an id or a keyed hash, never a name."""

    __tablename__ = "attempt_counter"
    __table_args__ = (UniqueConstraint("kind", "subject"), CheckConstraint("fails >= 0", name="fails"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(64))
    fails: Mapped[int] = mapped_column(default=0)
    day_fails: Mapped[int] = mapped_column(default=0)
    day_started_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
    # How often failures were forgotten: an attempt from before that is not taken back after it.
    generation: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class LoginSession(Model):
    """A signed-in browser. The cookie holds the token, the table its hash."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    user: Mapped[User] = relationship()
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Invitation(Model):
    """A one-time link to choose a password and enrol a second factor. The table holds the link's hash."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    user: Mapped[User] = relationship()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    def is_open(self, now: datetime) -> bool:
        return self.used_at is None and self.expires_at > now


class FactorReset(Model):
    """A request to reset somebody's factors. It takes two administrators, neither the account's owner."""

    __tablename__ = "factor_reset"
    __table_args__ = (
        CheckConstraint("approved_by_id IS NULL OR approved_by_id <> requested_by_id", name="two_people"),
        CheckConstraint(
            "requested_by_id <> user_id AND (approved_by_id IS NULL OR approved_by_id <> user_id)",
            name="not_oneself",
        ),  # fmt: skip
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    requested_at: Mapped[datetime]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    approved_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300))


class ApiToken(Model):
    """A key for another program: hashed, limited to scopes, expiring."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    user: Mapped[User] = relationship()
    label: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[frozenset[Permission]] = mapped_column(Names(Permission))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now
