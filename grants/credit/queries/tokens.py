"""Which tokens open an institution's people to a program."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.access.models import ApiToken
from grants.access.permissions import GRANTED, Role
from grants.core.db import db, one_or_refuse
from grants.credit.models import Institution, LiaisonPost
from grants.credit.queries.institutions import findable

MOST_SHOWN = 50


def open_tokens(users: Iterable[int], *, now: datetime) -> Sequence[ApiToken]:
    """The tokens of these users that still open what a liaison may do."""
    statement = (
        select(ApiToken)
        .where(ApiToken.user_id.in_(list(users)), ApiToken.revoked_at.is_(None), ApiToken.expires_at > now)
        .order_by(ApiToken.id)
    )
    return [token for token in db.session.scalars(statement) if token.scopes & GRANTED[Role.LIAISON]]


def tokens_of(institution: Institution) -> Sequence[ApiToken]:
    """The tokens of the institution's liaisons, the newest first, with their owners."""
    statement = (
        select(ApiToken)
        .join(LiaisonPost, LiaisonPost.user_id == ApiToken.user_id)
        .options(joinedload(ApiToken.user))
        .where(LiaisonPost.institution_id == institution.id)
        .order_by(ApiToken.id.desc())
        .limit(MOST_SHOWN)
    )
    return [token for token in db.session.scalars(statement) if token.scopes & GRANTED[Role.LIAISON]]


def get_token(institution: Institution, token_id: int) -> ApiToken:
    """A token of one of this institution's liaisons, or 404."""
    statement = (
        select(ApiToken)
        .join(LiaisonPost, LiaisonPost.user_id == ApiToken.user_id)
        .where(LiaisonPost.institution_id == institution.id, ApiToken.id == findable(token_id))
    )
    return one_or_refuse(statement)
