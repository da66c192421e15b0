"""Several at one moment, each in a thread and a transaction of its own."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable

from flask import Flask

from grants.core.db import db, transaction
from grants.core.errors import RuleBroken

Act = Callable[[], object]


def at_once(app: Flask, acts: Iterable[Act]) -> Counter[str]:
    """Do all, starting together; how often each ending came."""
    return Counter(endings(app, acts))


def endings(app: Flask, acts: Iterable[Act]) -> list[str]:
    """Do all, starting together; how each ended: "done", "refused" by a rule, or the name of an error."""
    started = list(acts)
    ended = [""] * len(started)
    gate = threading.Barrier(len(started))
    db.session.commit()  # what the test has read would keep SQLite's one writer

    def run(number: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                with transaction():
                    started[number]()
                ended[number] = "done"
            except RuleBroken:
                ended[number] = "refused"
            except Exception as error:  # what a thread dies of must reach the test
                ended[number] = type(error).__name__
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(started))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    return ended
