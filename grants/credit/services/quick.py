"""Logging the likely next thing from a phone. The same form sent twice, by a double tap or a lost answer, logs once."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core.crypto import token_hash
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import Linkage, LinkageRequestKey
from grants.credit.services.linkages import Step, log_step
from grants.credit.services.movements import Movement, log_movement

FORM = "form:"  # keys of forms, apart from those that programs choose


def log_once(linkage: Linkage, what: Step | Movement, *, key: str, by: User, now: datetime) -> bool:
    """Log a step or a movement; False where this form has logged the same before. Refused if it logged another thing.

    The key is claimed in the transaction that logs: a refused form may be corrected and sent again.
    """
    claim = LinkageRequestKey(user_id=by.id, key=FORM + key, request_hash=token_hash(f"{linkage.id} {what}"),
                              linkage_id=linkage.id, created_at=now)  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(claim)
    except IntegrityError:
        return _same_or_refuse(claim)
    if isinstance(what, Step):
        claim.event_id = log_step(linkage, what, by=by, now=now).id
    else:
        log_movement(linkage, what, by=by, now=now)
    return True


def _same_or_refuse(claim: LinkageRequestKey) -> bool:
    first = db.session.execute(
        select(LinkageRequestKey.request_hash).where(
            LinkageRequestKey.user_id == claim.user_id, LinkageRequestKey.key == claim.key
        )
    ).scalar_one()
    if first != claim.request_hash:
        raise RuleBroken(_("This form has logged something already. Look at what stands there; to log this too, press "
                           "the button again."), field="form_key")  # fmt: skip
    return False
