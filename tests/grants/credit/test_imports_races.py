"""Two at the same file, and processes that are killed in the middle: nothing twice, nothing half done."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask

from grants.access.models import User
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.credit import import_jobs, spreadsheets
from grants.credit.models import (
    CreditImport,
    CreditMovement,
    ImportMode,
    ImportState,
    Institution,
    Linkage,
    LinkageState,
    MovementKind,
)
from grants.credit.services import imports as services
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.credit_imports import a_row, checked, csv_of, told, work, written
from tests.grants.credit.test_races import ONE_WINS, at_once

pytestmark = pytest.mark.no_rollback
CREDITS, TURNS = 60, 2  # more linkages than one turn takes


def a_file(institution: Institution) -> bytes:
    rows = []
    for number in range(CREDITS):
        make_linkage(institution=institution, state=LinkageState.DISBURSED, reference=f"OP-{number}")
        said = {"operation": f"OP-{number}", "kind": "pago", "day": written(10), "amount": "10,00"}
        rows += [a_row(**said, receipt=f"R-{number}-{turn}") for turn in range(TURNS)]
    return csv_of(*rows)


def payments() -> int:
    return db.session.query(CreditMovement).filter_by(kind=MovementKind.REPAYMENT).count()


def test_of_two_who_apply_at_once_one_wins(real_app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    kept = checked(a_file(institution), institution, by)
    ids = kept.id, by.id
    db.session.commit()

    def apply() -> None:
        services.ask_apply(db.session.get(CreditImport, ids[0]), ImportMode.ALL, by=db.session.get(User, ids[1]),
                           now=utcnow())  # fmt: skip

    assert at_once(real_app, apply) == ONE_WINS


def test_many_processes_at_one_file_do_each_row_once(real_app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    kept = checked(a_file(institution), institution, by)
    with transaction():
        services.ask_apply(kept, ImportMode.GOOD, by=by, now=utcnow())
    import_id, errors = kept.id, list[BaseException]()

    def run() -> None:
        with real_app.app_context():
            try:
                for _turn in range(30):
                    import_jobs.go_on(import_id, now=utcnow())
            except BaseException as error:
                errors.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.expire_all()
    assert errors == []
    assert (kept.state, set(told(kept)), payments()) == (ImportState.APPLIED, {"applied"}, CREDITS * TURNS)


def test_the_same_file_sent_at_once_is_one(real_app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    file = a_file(institution)
    db.session.commit()
    ids = institution.id, by.id

    def send() -> None:
        services.receive(db.session.get(Institution, ids[0]), spreadsheets.read(file), services.fingerprint(file),
                         by=db.session.get(User, ids[1]), now=utcnow())  # fmt: skip

    assert set(at_once(real_app, send)) <= {"done", "RuleBroken"}
    assert db.session.query(CreditImport).count() == 1


# Reads "import mode limit" and works in a fork that kills itself before the writing statement or commit of that number.
KILLED = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from grants import create_app
from grants.core.clock import utcnow
from grants.credit import import_jobs
from tests.clock import move
from tests.conftest import TEST_SETTINGS

move()
url, folder = sys.argv[1:]
app = create_app({**TEST_SETTINGS, "INSTANCE_PATH": folder, "DATABASE_URL": url})

def work(import_id, limit):
    count = 0

    def die(_connection, _cursor=None, statement="COMMIT", *_rest):
        nonlocal count
        count += not statement.startswith("SELECT")
        if count == int(limit) and not statement.startswith("SELECT"):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", die)
    event.listen(Engine, "commit", die)
    with app.app_context():
        while import_jobs.go_on(int(import_id), now=utcnow()):
            pass

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        work(*line.split())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def killed_at(app: Flask, limits: list[int], mode: ImportMode) -> list[tuple[int, int, str]]:
    """For each limit how the process ended, how many payments there were then, and the state of the file."""
    root = str(Path(__file__).parents[3])
    zygote = subprocess.Popen(
        [sys.executable, "-c", KILLED, app.config["SQLALCHEMY_DATABASE_URI"], app.instance_path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert zygote.stdin is not None
    assert zygote.stdout is not None
    found = []
    with zygote:
        for limit in limits:
            institution = make_institution()
            by = make_liaison(institution)
            kept = checked(a_file(institution), institution, by)
            with transaction():
                services.ask_apply(kept, mode, by=by, now=utcnow())
            before = payments()
            db.session.commit()
            zygote.stdin.write(f"{kept.id} {limit}\n")
            zygote.stdin.flush()
            ending = int(zygote.stdout.readline())
            db.session.expire_all()
            found.append((ending, payments() - before, kept.state.value))
            db.session.commit()
            _resume(kept, before)
        zygote.stdin.close()
    return found


def _resume(kept: CreditImport, before: int) -> None:
    """Another process goes on once the claim of the killed one has run out, and each row is done once."""
    with transaction():
        services.release(kept.id, kept.claimed_until)
    work(kept)
    assert (kept.state, payments() - before) == (ImportState.APPLIED, CREDITS * TURNS)
    assert set(told(kept)) == {"applied"}
    owed = db.session.query(Linkage.outstanding_usd).filter_by(institution_id=kept.institution_id)
    assert len(set(owed)) == 1
    db.session.commit()


@pytest.mark.parametrize("mode", list(ImportMode))
def test_a_killed_process_leaves_whole_turns_and_another_goes_on(real_app: Flask, mode: ImportMode) -> None:
    found = killed_at(real_app, [1, 5, 40, 90, 110, 100_000], mode)

    assert [ending for ending, _done, _state in found][:-1] == [-signal.SIGKILL] * (len(found) - 1)
    assert found[-1] == (0, CREDITS * TURNS, "applied")
    done = {payments for _ending, payments, _state in found[:-1]}
    # All or none; or whole turns, which take forty linkages each.
    assert done <= ({0} if mode is ImportMode.ALL else {0, 40 * TURNS})
    assert {state for _ending, _done, state in found[:-1]} == {"applying"}
    assert journal.verify().holds
