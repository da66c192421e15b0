"""Keys of requests: a request that comes again under its key is answered as before, and never done twice."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core.crypto import token_hash
from grants.core.db import db
from grants.credit.models import Linkage, LinkageRequestKey


class KeyReused(Exception):
    """A key came back with another request."""


def claim_key(
    linkage: Linkage, key: str, request: str, *, by: User, now: datetime
) -> tuple[LinkageRequestKey, bool]:  # fmt: skip
    """The key's row, and whether it is new: then this request is to be done. KeyReused with another request.

    `request`: all that it says, in words that do not change from one process to the next. Claimed in the transaction
    that does it: what is refused may be corrected and sent again.
    """
    claim = LinkageRequestKey(
        user_id=by.id, key=key, request_hash=token_hash(request), linkage_id=linkage.id, created_at=now
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(claim)
    except IntegrityError:
        return _same(claim), False
    return claim, True


def _same(claim: LinkageRequestKey) -> LinkageRequestKey:
    first = db.session.execute(
        select(LinkageRequestKey).where(LinkageRequestKey.user_id == claim.user_id, LinkageRequestKey.key == claim.key)
    ).scalar_one()
    if first.request_hash != claim.request_hash:
        raise KeyReused
    return first
