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
    started = list(acts)
    ended: list[str] = []
    gate = threading.Barrier(len(started))
    db.session.commit()
    db.session.remove()  # what the test has read would keep SQLite's one writer

    def run(act: Act) -> None:
        with app.app_context():
            gate.wait()
            try:
                with transaction():
                    act()
                ended.append("done")
            except RuleBroken:
                ended.append("refused")
            except Exception as error:  # what a thread dies of must reach the test
                ended.append(type(error).__name__)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in started]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(ended)
