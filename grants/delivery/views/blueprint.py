"""The blueprint that the pages hang on, and what a refused button answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, flash

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
