"""The demo's accounts and their seeds; of other accounts nothing is read."""

from collections.abc import Sequence

from sqlalchemy import select

from grants.access.models import Factor, FactorKind, User
from grants.core.crypto import lookup_hash
from grants.core.db import db
from grants.demo.staff import ACCOUNTS, DOMAIN, email_of


def accounts() -> Sequence[User]:
    """The demo accounts of this installation, in the order of the demo's list."""
    lookups = [lookup_hash("email", email_of(account)) for account, _name, _role in ACCOUNTS]
    return db.session.scalars(select(User).where(User.email_lookup.in_(lookups)).order_by(User.id)).all()


def seed_of(account: str, kind: FactorKind) -> str | None:
    """The TOTP seed of a demo account; None for an account that is not the demo's."""
    email = email_of(account)
    if not email.endswith(f"@{DOMAIN}"):
        return None
    statement = (
        select(Factor)
        .join(User, User.id == Factor.user_id)
        .where(User.email_lookup == lookup_hash("email", email), Factor.kind == kind)
    )
    factor = db.session.scalar(statement)
    return None if factor is None else factor.seed
