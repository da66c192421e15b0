"""The blueprint that the pages hang on, and what several of them share."""

import io
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, send_file
from flask_login import current_user

from grants.access.permissions import Permission

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


def sent(document: bytes, name: str) -> Response:
    """A PDF to save, of which no cache keeps a copy: it may hold codes or names."""
    answer = send_file(io.BytesIO(document), mimetype="application/pdf", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
