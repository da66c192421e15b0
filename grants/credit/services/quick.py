"""Logging the likely next thing from a phone. The same form sent twice, by a double tap or a lost answer, logs once."""

from dataclasses import fields
from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core.errors import RuleBroken
from grants.credit.models import Linkage, Product
from grants.credit.services.linkages import Step, log_step
from grants.credit.services.movements import Movement, log_movement
from grants.credit.services.request_keys import KeyReused, claim_key

FORM = "form:"  # keys of forms, apart from those that programs choose


def log_once(linkage: Linkage, what: Step | Movement, *, key: str, by: User, now: datetime) -> bool:
    """Log a step or a movement; False where this form has logged the same before. Refused if it logged another thing.

    The key is claimed in the transaction that logs: a refused form may be corrected and sent again.
    """
    try:
        claim, is_new = claim_key(linkage, FORM + key, f"{linkage.id} {_said(what)}", by=by, now=now)
    except KeyReused:
        raise RuleBroken(_("This form has logged something already. Look at what stands there; to log this too, press "
                           "the button again."), field="form_key") from None  # fmt: skip
    if not is_new:
        return False
    if isinstance(what, Step):
        claim.event_id = log_step(linkage, what, by=by, now=now).id
    else:
        log_movement(linkage, what, by=by, now=now)
    return True


def _said(what: Step | Movement) -> str:
    """All that the form said. A product by its number: its object is another one for every request."""
    values = ((one.name, getattr(what, one.name)) for one in fields(what))
    plain = {name: value.id if isinstance(value, Product) else value for name, value in values}
    return f"{type(what).__name__} {plain}"
