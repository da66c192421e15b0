"""The blueprint, and what its templates know."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from flask_login import current_user

import scoring
from grants.access.permissions import Permission
from grants.core.web import Onward, leads_on
from grants.evaluation.forms import two_decimals
from grants.selection import queries

bp = Blueprint("selection", __name__)


@bp.app_template_filter("points")
def points(hundredths: int | None) -> str:
    """7400 → '74,00' in Spanish, '74.00' in English."""
    return "—" if hundredths is None else two_decimals(scoring.as_points(hundredths))


@leads_on("application")
def award_links(application_id: int) -> list[Onward]:
    found = queries.award_of(application_id) if current_user.may(Permission.VIEW_SELECTION) else None
    return [Onward(_("Award"), url_for("selection.award", award_id=found.id))] if found else []
