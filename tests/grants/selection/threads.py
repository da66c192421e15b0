"""Several at the same moment, each in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask
from flask_babel import force_locale

from grants.core.db import db
from grants.core.errors import RuleBroken


def answers_at_once(app: Flask, *actions: Callable[[], object]) -> list[str]:
    """Run each, starting together: "ok", or the name of the broken rule. Each action commits by itself."""
    start = Barrier(len(actions))
    db.session.commit()  # what the test has read would keep SQLite's one writer

    def run(action: Callable[[], object]) -> str:
        with app.app_context(), force_locale("en"):
            start.wait()
            try:
                action()
            except RuleBroken as refused:
                return type(refused).__name__
            finally:
                db.session.remove()
            return "ok"

    with ThreadPoolExecutor(len(actions)) as pool:
        answers = list(pool.map(run, actions))
    db.session.expire_all()
    return answers
