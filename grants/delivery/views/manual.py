"""The manual and the training cards, to read on paper."""

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.errors import NotFound
from grants.delivery import manual as pages
from grants.delivery.views.blueprint import bp, sent

NAMES = {
    "officer": _("For officers"),
    "warehouse": _("For the warehouse"),
    "desk": _("For the security desk"),
    "training-officer": _("Training card: a handover, step by step"),
    "training-pictures": _("Training card: the four pictures"),
}
P = Permission


@bp.get("/manual")
@requires(P.VIEW_DELIVERY, P.CARRY_DELIVERY)
def manual() -> ResponseReturnValue:
    return render_template("delivery/manual.html", names=NAMES)


@bp.get("/manual/<name>/<language>")
@requires(P.VIEW_DELIVERY, P.CARRY_DELIVERY)
def manual_page(name: str, language: str) -> ResponseReturnValue:
    try:
        document = pages.printed(name, language)
    except KeyError as error:
        raise NotFound from error
    return sent(document, f"manual-{name}-{language}.pdf")
