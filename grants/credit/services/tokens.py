"""An institution's programs work with the tokens of its liaisons. No token outlives the post that it was made for."""

from collections.abc import Iterable
from datetime import datetime

from grants.access.models import ApiToken, User
from grants.access.services import revoke_token
from grants.credit.queries import tokens as queries


def end_tokens(users: Iterable[int], *, by: User, now: datetime) -> int:
    """Revoke what these liaisons' programs work with, and say how many. A liaison who changes from one institution to
    another must not carry the first one's programs along."""
    found = queries.open_tokens(users, now=now)
    for token in found:
        revoke_token(token, by=by, now=now)
    return len(found)


def end_token(token: ApiToken, *, by: User, now: datetime) -> None:
    """End one of an institution's tokens."""
    revoke_token(token, by=by, now=now)
