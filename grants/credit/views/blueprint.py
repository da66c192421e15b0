"""The blueprint that the pages about credit hang on, and the words that they share."""

from typing import Any

from flask import Blueprint

from grants.core.clock import local_day, utcnow
from grants.credit import queue_words, words

bp = Blueprint("credit", __name__)


@bp.context_processor
def names() -> dict[str, Any]:
    return {"words": words, "queue_words": queue_words, "today": local_day(utcnow())}
