"""What each risk level asks for: to read, and for the administrator to change."""

from itertools import pairwise

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to
from grants.delivery import services
from grants.delivery.forms.risk import LevelsForm
from grants.delivery.levels import FACTOR_NAMES, LEVELS, MONITORING_NAMES, Factors, Monitoring
from grants.delivery.queries import risk as queries
from grants.delivery.services.protocol import COLUMN_NAMES, differences, field_of
from grants.delivery.views.blueprint import bp


def in_words(value: object) -> str:
    """A value of the table as the page shows it."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, Factors):
        return str(FACTOR_NAMES[value])
    return str(MONITORING_NAMES[value]) if isinstance(value, Monitoring) else str(value)


@bp.get("/levels")
@requires(Permission.VIEW_RISK, Permission.MANAGE_PROTOCOL)
def levels() -> ResponseReturnValue:
    versions = [*queries.protocol_versions(), None]
    tables = [queries.levels_of(version) for version in versions]
    changes = [(version, differences(before, after)) for version, (after, before) in zip(versions, pairwise(tables),
                                                                                        strict=False)]  # fmt: skip
    return render_template("delivery/levels.html", table=tables[0], changes=changes, columns=COLUMN_NAMES,
                           levels=LEVELS, in_words=in_words)  # fmt: skip


@bp.route("/levels/change", methods=["GET", "POST"])
@requires(Permission.MANAGE_PROTOCOL)
def change_levels() -> ResponseReturnValue:
    form = LevelsForm.of(queries.levels_of(queries.protocol_in_force()))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.change_levels(form.levels, note=str(form.note.data), by=current_user, now=utcnow())
            flash(_("The new table is in force."), "good")
            return redirect(url_for(".levels"))
    return render_template("delivery/change_levels.html", form=form, columns=COLUMN_NAMES, levels=LEVELS,
                           field_of=field_of)  # fmt: skip
