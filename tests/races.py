"""Several at one moment, each in a thread and a transaction of its own."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable

from flask import Flask

from grants.core.db import db, transaction
from grants.core.errors import RuleBroken

Act = Callable[[], object]


def at_once(app: Flask, acts: Iterable[Act]) -> Counter[str]:
    """Do all, starting together; how often each ending came: "done", "refused" by a rule, or the name of an error."""
    return Counter("refused" if isinstance(one, RuleBroken) else name_of(one) for one in errors_of(app, acts))


def name_of(error: Exception | None) -> str:
    return "done" if error is None else type(error).__name__


def errors_of(app: Flask, acts: Iterable[Act]) -> list[Exception | None]:
    """Do all, starting together; what stopped each, None where nothing did."""
    started = list(acts)
    errors: list[Exception | None] = [None] * len(started)
    gate = threading.Barrier(len(started))
    db.session.commit()  # what the test has read would keep SQLite's one writer

    def run(number: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                with transaction():
                    started[number]()
            except Exception as error:  # what a thread dies of must reach the test
                errors[number] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(started))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    return errors
