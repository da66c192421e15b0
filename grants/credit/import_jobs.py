"""The work on files of institutions in the background: from the page that shows one, or from the worker.

It commits after each turn, so that a file goes on where it stood when something stopped it.
"""

from datetime import datetime, timedelta

from flask import Flask

from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.jobs import timed
from grants.credit.models import CreditImport
from grants.credit.queries import imports as queries
from grants.credit.services import imports, imports_apply

LONGEST_TURN = timedelta(seconds=50)  # of the worker, which comes every minute


def go_on(import_id: int, *, now: datetime) -> bool:
    """The next turn of a file. False while another process is at it, or when there is nothing to do."""
    with transaction():
        if not imports.claim(import_id, now=now):
            return False
    try:
        with transaction():
            imports_apply.go_on(db.session.get_one(CreditImport, import_id), now=now)
    finally:
        with transaction():
            imports.release(import_id)
    return True


@timed("spreadsheets", every_minutes=1)
def go_on_with_files(app: Flask) -> None:
    """Go on with every file, and wipe those left lying."""
    started = utcnow()
    with transaction():
        for kept in queries.files_left_lying(started):
            imports.purge(kept, now=started)
    for import_id in queries.files_to_work_on():
        while utcnow() - started < LONGEST_TURN and go_on(import_id, now=utcnow()):
            pass
