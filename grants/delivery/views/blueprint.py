"""The blueprint that the pages hang on, and what several of them share."""

import io
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, flash, redirect, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.delivery.forms.handling import OnceForm
from grants.delivery.services import once

bp = Blueprint("delivery", __name__, url_prefix="/deliveries")
View = TypeVar("View", bound=Callable[..., Any])
CAMERA_HERE = {"camera": "(self)", "geolocation": "()", "microphone": "()"}


def with_camera(view: View) -> View:
    """This page may ask for the camera, to read a code; no other page of the site may."""
    view.talisman_view_options = {"permissions_policy": CAMERA_HERE}  # type: ignore[attr-defined]
    return view


def reads_reasons() -> bool:
    """Why a level is what it is, and who held a delivery: for the desk and the director."""
    return bool(current_user.may(Permission.DECIDE_RISK) or current_user.may(Permission.SIGN_RISK))


def is_sent_again(form: OnceForm) -> bool:
    """Whether this form did its work before. To be asked inside the transaction that does it."""
    try:
        return not once.is_first(form.key, form.typed, by=current_user, now=utcnow())
    except once.SaysOther:
        form.renew()
        raise


def said_already(address: str) -> ResponseReturnValue:
    """The answer to a form that was sent before: nothing is done a second time."""
    flash(_("This was written down already; it stands once."), "info")
    return redirect(address)


def sent(document: bytes, name: str) -> Response:
    """A PDF to save, of which no cache keeps a copy: it may hold codes or names."""
    answer = send_file(io.BytesIO(document), mimetype="application/pdf", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
