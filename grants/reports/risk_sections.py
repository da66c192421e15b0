"""The security desk's and the director's part of the home page."""

from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from grants.access.models import User
from grants.delivery.levels import LEVEL_NAMES
from grants.delivery.models import PERMIT_NAMES, DeliveryState
from grants.delivery.queries import areas, permits, risk
from grants.reports.home_parts import SHOWN, Figure, Line, Section


def risk_of_areas(_user: User, now: datetime) -> list[Section]:
    """The desk's: cantons whose risk has expired, kits to clear, held deliveries."""
    lines = [
        Line(
            one.canton.name,
            url_for("delivery.canton_risk", canton_code=one.canton.code),
            ngettext("%(num)d delivery waits", "%(num)d deliveries wait", one.waiting),
            _("Expires soon") if one.is_current else _("Held: expired") if one.snapshot else _("Held: never recorded"),
            "warn",
        )
        for one in areas.areas_to_renew(now)[:SHOWN]
    ]
    nothing = (_("No area has expired"), _("Cantons whose risk expires while deliveries wait appear here."))
    figures = [
        Figure(str(areas.count_in(DeliveryState.SEALED)), _("Kits to clear"), url_for("delivery.clearance")),
        Figure(str(areas.count_in(DeliveryState.HELD)), _("Held deliveries"), url_for("delivery.held")),
    ]
    action = (_("Risk of areas"), url_for("delivery.risk"))
    levels = _table_that_waits(url_for("delivery.levels"))
    return [
        *([Section(_("What each level asks for"), levels)] if levels else []),
        Section(_("Areas whose risk has expired"), lines, nothing=nothing, action=action),
        Section(_("Clearance"), figures=figures),
    ]


def waiting_for_signature(_user: User, now: datetime) -> list[Section]:
    """The director's: a table of levels, lower levels and permits that somebody else asked for first."""
    address = url_for("delivery.signatures")
    lowerings = [
        Line(one.canton.name, address, _("to level %(level)s", level=f"{one.level} · {LEVEL_NAMES[one.level]}"))
        for one in risk.lowerings_to_sign(now)
    ]
    others = [Line(one.delivery.folio, address, str(PERMIT_NAMES[one.kind])) for one in permits.permits_to_sign(now)]
    nothing = (
        _("Nothing waits for you"),
        _("Lower levels, laxer tables, deliveries in the field and held deliveries that go on appear here."),
    )
    action = (_("To sign"), address)
    found = [*_table_that_waits(address), *lowerings, *others]
    return [Section(_("What waits for your signature"), found[:SHOWN], nothing=nothing, action=action)]


def _table_that_waits(address: str) -> list[Line]:
    found = risk.open_proposal()
    return [Line(_("A table of levels that asks for less"), address, found.note)] if found else []
