"""A cooperative's file of 10,000 rows about 400 credits: read, checked and applied, with the time and the memory.

In a process of its own, so that the peak told is that of this work. `python -m tests.bench.credit_import [ROWS] [URL]`
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from flask import Flask

from grants import create_app
from grants.access.models import User
from grants.core.clock import local_day, utcnow
from grants.core.db import db, transaction
from grants.credit import import_jobs, spreadsheets
from grants.credit.models import (
    CreditImport,
    CreditMovement,
    ImportMode,
    ImportState,
    Institution,
    LiaisonPost,
    LinkageState,
)
from grants.credit.queries import imports as queries
from grants.credit.services import imports as services
from tests.conftest import TEST_SETTINGS
from tests.databases import migrate
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.credit_imports import HEAD, settings_of

T = TypeVar("T")
ROWS, CREDITS = 10_000, 400


def main(rows: int = ROWS, url: str = "") -> None:
    """Print a line for each part. Seeding runs in another process, so that its memory is not counted."""
    with tempfile.TemporaryDirectory(prefix="semilla-import-") as folder:
        place = url or f"sqlite:///{Path(folder) / 'semilla.db'}"
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
            file = processes.submit(seed, folder, place, rows).result()
            processes.submit(measure, folder, place, rows, file).result()


def seed(folder: str, place: str, rows: int) -> bytes:
    """The credits, and the file about them."""
    with _app(folder, place, fresh=True).app_context():
        institution = make_institution()
        make_liaison(institution)
        began = local_day(utcnow()) - timedelta(days=600)
        for number in range(CREDITS):
            linkage = make_linkage(institution=institution, state=LinkageState.DISBURSED, happened_on=began,
                                   reference=f"OP-{number}")  # fmt: skip
            linkage.referral.referred_at = utcnow() - timedelta(days=700)
        db.session.commit()
        return _file(rows)


def measure(folder: str, place: str, rows: int, file: bytes) -> None:
    """Send, check and apply it, and send it again."""
    with _app(folder, place).app_context():
        institution = db.session.query(Institution).one()
        by = db.session.query(User).filter(User.id == db.session.query(LiaisonPost.user_id).scalar()).one()
        start = _peak()
        sheet = _told("read", rows, lambda: spreadsheets.read(file))
        with transaction():
            kept = services.receive(institution, sheet, services.fingerprint(file), by=by, now=utcnow()).kept
            head = queries.first_rows(kept, 1)[0]
            services.map_columns(kept, head, settings_of(decimal_mark="."), by=by, now=utcnow())
        del sheet
        _told("check", rows, lambda: _work(kept, ImportState.READY))
        services.ask_apply(kept, ImportMode.ALL, by=by, now=utcnow())
        db.session.commit()
        _told("apply, all or nothing, in one transaction", rows, lambda: _work(kept, ImportState.APPLIED))
        added = db.session.query(CreditMovement).count() - CREDITS
        again = _again(institution, file, by)
        sys.stdout.write(f"{added:,} movements added; the same file again: {again}\n")
        sys.stdout.write(f"peak memory {_peak():.0f} MiB, {start:.0f} MiB of it before the file was read\n")


def _app(folder: str, place: str, *, fresh: bool = False) -> Flask:
    app = create_app({**TEST_SETTINGS, "INSTANCE_PATH": folder, "DATABASE_URL": place})
    if fresh:
        migrate(app)
    return app


def _again(institution: Institution, file: bytes, by: User) -> str:
    sheet = spreadsheets.read(file)
    with transaction():
        same = services.receive(institution, sheet, services.fingerprint(file), by=by, now=utcnow())
        other = services.receive(institution, sheet, services.fingerprint(file + b"\0"), by=by, now=utcnow())
    began = time.perf_counter()
    _work(other.kept, ImportState.READY)
    seconds = time.perf_counter() - began
    counts = {name.value: count for name, count in queries.outcomes_of(other.kept).items() if count}
    return f"known at once: {same.is_again}; under another name: {counts} in {seconds:.1f} s"


def _work(kept: CreditImport, until: ImportState) -> None:
    while kept.is_working:
        import_jobs.go_on(kept.id, now=utcnow())
        db.session.refresh(kept)
    if kept.state is not until:
        raise SystemExit(f"the file is {kept.state}")


def _told(name: str, rows: int, work: Callable[[], T]) -> T:
    began, cpu = time.perf_counter(), time.process_time()
    found = work()
    seconds, busy = time.perf_counter() - began, time.process_time() - cpu
    sys.stdout.write(f"{name:<44}{rows:>8,} rows{seconds:>7.1f} s{busy:>7.1f} s CPU{_peak():>6.0f} MiB peak\n")
    sys.stdout.flush()
    return found


def _peak() -> float:
    """The most that this process ever held, in MiB. (What getrusage says is inherited from the parent.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _file(rows: int) -> bytes:
    """Payments in equal parts and, as the last row of each credit, what is owed then."""
    import openpyxl  # not in the process that is measured

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    page.append(HEAD)
    began = local_day(utcnow()) - timedelta(days=590)
    for number in range(rows):
        credit, turn = number % CREDITS, number // CREDITS
        last = number + CREDITS >= rows
        day = began + timedelta(days=turn * 20)
        kind, amount, balance = ("saldo", None, 500.25) if last else ("pago", 12.34, None)
        page.append([f"OP-{credit}", None, None, f"PERSONA {credit} APELLIDO", kind, day, amount, None, None, balance,
                     0 if last else None, None if last else f"R-{number}"])  # fmt: skip
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS, sys.argv[2] if len(sys.argv) > 2 else "")
