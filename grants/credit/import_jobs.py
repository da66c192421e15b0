"""The work on files of institutions in the background: from the page that shows one, or from the worker.

It commits after each turn, so that a file goes on where it stood when something stopped it. A turn that fails ends the
work on its file, with a sentence for whoever sent it, and holds up no other.
"""

import logging
import traceback
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy.exc import OperationalError

from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.jobs import timed
from grants.credit.models import CreditImport
from grants.credit.queries import imports as queries
from grants.credit.services import imports, imports_apply

LONGEST_TURN = timedelta(seconds=50)  # of the worker, which comes every minute
log = logging.getLogger(__name__)


def go_on(import_id: int, *, now: datetime) -> bool:
    """The next turn of a file. False while another process is at it, when there is nothing to do, or when it failed."""
    with transaction():
        claimed_until = imports.claim(import_id, now=now)
    if claimed_until is None:
        return False
    try:
        with transaction():
            imports_apply.go_on(db.session.get_one(CreditImport, import_id), now=now)
    except OperationalError:  # the database is busy or away: another turn will do
        raise
    except Exception as error:
        _warn("the work on a file broke off", import_id, error)
        with transaction():
            imports.break_off(import_id, claimed_until, now=now)
        return False
    finally:
        with transaction():
            imports.release(import_id, claimed_until)
    return True


@timed("spreadsheets", every_minutes=1)
def go_on_with_files(app: Flask) -> None:
    """Go on with every file, and wipe those left lying."""
    started = utcnow()
    for import_id in queries.files_left_lying(started):
        try:
            with transaction():
                imports.purge(db.session.get_one(CreditImport, import_id), now=started)
        except RuleBroken:  # somebody decided at this moment: the next round sees what became of it
            continue
    for import_id in queries.files_to_work_on():
        try:
            while utcnow() - started < LONGEST_TURN and go_on(import_id, now=utcnow()):
                pass
        except OperationalError as error:
            _warn("a file waits for the database", import_id, error)


def _warn(what: str, import_id: int, error: Exception) -> None:
    """Where it failed, never what it said: the message of a database error quotes what stands in the row."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    log.warning(what, extra={"import_id": import_id, "error": type(error).__name__,
                             "place": f"{last.name}:{last.lineno}"})  # fmt: skip
