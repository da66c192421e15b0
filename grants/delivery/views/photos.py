"""Pictures of kit and seal: added by the officer, looked at by those who reconcile."""

from pathlib import Path

from flask import Response, current_app, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications.attachments import stored
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import RuleBroken
from grants.core.web import errors_to
from grants.delivery import queries
from grants.delivery.forms import PhotoForm
from grants.delivery.models import Delivery
from grants.delivery.photos import clean_photo
from grants.delivery.queries.photos import get_photo
from grants.delivery.services import photos
from grants.delivery.views.blueprint import bp
from grants.extensions import limiter


@bp.route("/<int:delivery_id>/photo", methods=["GET", "POST"])
@requires(Permission.CARRY_DELIVERY)
@limiter.limit("30/minute", methods=["POST"])
def add_photo(delivery_id: int) -> ResponseReturnValue:
    delivery, form = queries.stop_of(current_user, delivery_id, utcnow()), PhotoForm()
    try:
        photos.refuse_photo(delivery, by=current_user)
    except RuleBroken as error:
        flash(str(error.message), "bad")
        return redirect(url_for(".handover", delivery_id=delivery_id))
    if form.validate_on_submit():
        with errors_to(form):
            _keep(delivery, form)
            flash(_("The photo is kept."), "good")
            return redirect(url_for(".handover", delivery_id=delivery_id))
    return render_template("delivery/photo.html", form=form, delivery=delivery)


@bp.get("/<int:delivery_id>/photos/<int:photo_id>")
@requires(Permission.RECONCILE_DELIVERY, writes=True)
def photo(delivery_id: int, photo_id: int) -> Response:
    found = get_photo(delivery_id, photo_id)
    with transaction():
        photos.note_photo_opened(found, by=current_user, now=utcnow())
    answer = send_file(photos_folder() / found.storage_name, mimetype=found.media_type, as_attachment=True,
                       download_name=f"{found.delivery.folio}-{found.id}.jpg", max_age=0)  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


def photos_folder() -> Path:
    return Path(current_app.instance_path) / "photos"


def _keep(delivery: Delivery, form: PhotoForm) -> None:
    file = clean_photo(form.file.data.stream.read(), max_bytes=int(current_app.config["PHOTO_MAX_BYTES"]))
    with stored(file, photos_folder()) as name, transaction():
        photos.add_photo(delivery, file, name=name, by=current_user, now=utcnow())
