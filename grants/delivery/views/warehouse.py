"""The warehouse's pages: pack and seal."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to
from grants.delivery import doors, queries, services
from grants.delivery.forms import KitForm, SealForm
from grants.delivery.views.blueprint import bp


@bp.route("/<int:delivery_id>/pack", methods=["GET", "POST"])
@requires(Permission.PACK_KIT)
def pack(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    form = KitForm.for_lines(delivery.lines)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.pack(delivery, counted=form.counted, serials=form.serials, percent=doors.substitution_percent(),
                          by=current_user, now=utcnow())  # fmt: skip
            return _done(delivery_id, _("Packed. Now another person seals it."))
    return render_template("delivery/pack.html", form=form, delivery=delivery)


@bp.route("/<int:delivery_id>/seal", methods=["GET", "POST"])
@requires(Permission.PACK_KIT)
def seal(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    form = SealForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.seal(
                delivery,
                seal_number=str(form.seal_number.data),
                weight_grams=form.weight_grams.data or 0,
                percent=doors.substitution_percent(),
                by=current_user,
                now=utcnow(),
            )
            return _done(delivery_id, _("Sealed. Now the security desk clears it."))
    return render_template("delivery/seal.html", form=form, delivery=delivery)


def _done(delivery_id: int, sentence: str) -> ResponseReturnValue:
    flash(sentence, "good")
    return redirect(url_for(".show", delivery_id=delivery_id))
