"""The blueprint that the pages hang on, and what a refused button answers."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Blueprint, Response, flash, send_file
from flask_login import current_user

from grants.access.permissions import Permission
from grants.core.db import transaction
from grants.core.errors import RuleBroken

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


@contextmanager
def said_if_refused() -> Iterator[None]:
    """One transaction; a broken rule becomes a sentence on the next page."""
    try:
        with transaction():
            yield
    except RuleBroken as error:
        flash(str(error.message), "bad")


def sent(document: bytes, name: str) -> Response:
    """A PDF to save, of which no cache keeps a copy: it may hold codes or names."""
    answer = send_file(io.BytesIO(document), mimetype="application/pdf", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer
