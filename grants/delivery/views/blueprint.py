"""The blueprint that the pages hang on, and what a refused button answers."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, flash, send_file

from grants.core.db import transaction
from grants.core.errors import RuleBroken

bp = Blueprint("delivery", __name__, url_prefix="/deliveries")


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
