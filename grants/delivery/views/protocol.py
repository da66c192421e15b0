"""What each risk level asks for: to read, for the administrator to change, and for the director to sign."""

from itertools import pairwise

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, said_if_refused
from grants.delivery import services
from grants.delivery.forms import ActionForm
from grants.delivery.forms.risk import LevelsForm
from grants.delivery.levels import FACTOR_NAMES, LEVELS, MONITORING_NAMES, Factors, Monitoring
from grants.delivery.models import LevelsProposal
from grants.delivery.queries import risk as queries
from grants.delivery.services.protocol import COLUMN_NAMES, differences, field_of, laxer
from grants.delivery.views.blueprint import bp
from grants.pages import number

WHO_READS_PROPOSALS = (Permission.MANAGE_PROTOCOL, Permission.SIGN_RISK, Permission.DECIDE_RISK)


def in_words(value: object) -> str:
    """A value of the table as the page shows it."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, Factors):
        return str(FACTOR_NAMES[value])
    if isinstance(value, int):
        return number(value)
    return str(MONITORING_NAMES[value]) if isinstance(value, Monitoring) else str(value)


def proposed() -> dict[str, object]:
    """What pages say of the table that waits for the director: for who proposes, signs, or works by it at the desk."""
    found = queries.open_proposal() if any(current_user.may(one) for one in WHO_READS_PROPOSALS) else None
    words = {"columns": COLUMN_NAMES, "in_words": in_words, "proposal": found}
    if found is None:
        return words
    in_force = queries.protocol_in_force()
    before, after = queries.levels_of(in_force), queries.levels_of(found)
    is_outdated = found.after_number != (in_force.number if in_force else 0)
    return {**words, "proposed": differences(before, after), "laxer": laxer(before, after), "is_outdated": is_outdated}


@bp.get("/levels")
@requires(Permission.VIEW_RISK, Permission.MANAGE_PROTOCOL)
def levels() -> ResponseReturnValue:
    versions = [*queries.protocol_versions(), None]
    tables = [queries.levels_of(version) for version in versions]
    changes = [(version, differences(before, after)) for version, (after, before) in zip(versions, pairwise(tables),
                                                                                        strict=False)]  # fmt: skip
    return render_template("delivery/levels.html", table=tables[0], changes=changes, levels=LEVELS,
                           **proposed())  # fmt: skip


@bp.route("/levels/change", methods=["GET", "POST"])
@requires(Permission.MANAGE_PROTOCOL)
def change_levels() -> ResponseReturnValue:
    form = LevelsForm.of(queries.levels_of(queries.protocol_in_force()))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            kept = services.change_levels(form.levels, note=str(form.note.data), by=current_user, now=utcnow())
            waits = _("The new table asks for less in some places: it waits for the director's signature. Until then "
                      "nothing changes.")  # fmt: skip
            flash(waits if isinstance(kept, LevelsProposal) else _("The new table is in force."), "good")
            return redirect(url_for(".levels"))
    return render_template("delivery/change_levels.html", form=form, columns=COLUMN_NAMES, levels=LEVELS,
                           field_of=field_of)  # fmt: skip


@bp.post("/levels/proposals/<int:proposal_id>/withdraw")
@requires(Permission.MANAGE_PROTOCOL)
def withdraw_levels(proposal_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.withdraw_levels(proposal, by=current_user, now=utcnow())
            flash(_("Withdrawn. The table in force stays."), "good")
    return redirect(url_for(".levels"))


@bp.post("/levels/proposals/<int:proposal_id>/sign")
@requires(Permission.SIGN_RISK)
def sign_levels(proposal_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.sign_levels(proposal, by=current_user, now=utcnow())
            flash(_("Signed. The new table is in force."), "good")
    return redirect(url_for(".levels"))


@bp.post("/levels/proposals/<int:proposal_id>/refuse")
@requires(Permission.SIGN_RISK)
def refuse_levels(proposal_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.refuse_levels(proposal, by=current_user, now=utcnow())
            flash(_("Refused. The table in force stays."), "good")
    return redirect(url_for(".levels"))
