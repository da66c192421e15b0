"""`make bench`: what the pages cost, each beside a bare Flask + SQLAlchemy page of the same rows in the same run.

CPU is the process time of this one process per request, warm. `python -m tests.bench 10000 100000` chooses the sizes.
"""

import contextvars
import gc
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import joinedload

from grants import create_app
from grants.access.guard import requires
from grants.access.models import User
from grants.access.permissions import Permission
from grants.applications.models import Application
from grants.core.db import db
from tests.bench import flows
from tests.bench.seed import fill
from tests.databases import migrate
from tests.factories.access import signed_in_client

RUNS = 40
FLOOR_PAGE = """<!doctype html><title>floor</title><table>
{% for row in rows %}<tr><td>{{ row.folio }}<td>{{ row.plan.venture }}<td>{{ row.state }}{% endfor %}</table>"""


@dataclass(frozen=True)
class Cost:
    """What one request costs."""

    cpu_ms: float
    p50_ms: float
    p95_ms: float
    queries: int
    size_bytes: int


def main(sizes: list[int]) -> None:
    out = sys.stdout.write
    out(f"{'rows':>8}  {'page':<28}{'queries':>8}{'CPU ms':>9}{'p50 ms':>9}{'p95 ms':>9}{'bytes':>9}{'× floor':>9}\n")
    firsts: dict[str, float] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for name, cost, floor in _measure(Path(folder), size):
                out(
                    f"{size:>8}  {name:<28}{cost.queries:>8}{cost.cpu_ms:>9.2f}{cost.p50_ms:>9.2f}{cost.p95_ms:>9.2f}"
                    f"{cost.size_bytes:>9}{cost.cpu_ms / floor:>9.1f}\n"
                )
                growth = cost.cpu_ms / firsts.setdefault(name, cost.cpu_ms)
                if size != sizes[0]:
                    out(f"{'':>10}{'  growth':<28}{growth:>8.2f}×\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out(f"peak memory of this process, seeding included: {peak:.0f} MiB\n")


def _measure(folder: Path, size: int) -> list[tuple[str, Cost, float]]:
    app = create_app({"INSTANCE_PATH": str(folder), "RATELIMIT_ENABLED": False, "WTF_CSRF_ENABLED": False})
    migrate(app)
    _add_floor(app)
    with app.app_context():
        started = time.perf_counter()
        call, coordinator, evaluators = fill(size)
        sys.stdout.write(f"{size:>8}  seeded in {time.perf_counter() - started:.1f} s\n")
        client = signed_in_client(app, coordinator)
        floor_list = _cost(client, lambda c: c.get("/floor/list"))
        floor_one = _cost(client, lambda c: c.get("/floor/one"))
        found = [("floor: list", floor_list, floor_list.cpu_ms), ("floor: page", floor_one, floor_one.cpu_ms)]
        for name, browser, request, floor in _pages(app, call.id, coordinator, evaluators):
            found.append((name, _cost(browser or client, request), (floor_list if floor else floor_one).cpu_ms))
        for name, cost in flows.measure(app, call, evaluators):
            found.append((name, Cost(*cost), floor_one.cpu_ms))
        db.session.remove()
        db.engine.dispose()
    return found


Ask = Callable[[FlaskClient], object]


def _pages(
    app: Flask, call_id: int, coordinator: User, evaluators: list[User]
) -> list[tuple[str, FlaskClient | None, Ask, bool]]:
    middle = db.session.scalars(select(Application).order_by(Application.folio).offset(_half()).limit(1)).one()
    deep = f"/applications?call_id={call_id}&after={middle.folio}~{middle.id}"
    state = f"/applications?call_id={call_id}&state=submitted"
    reader = signed_in_client(app, evaluators[0])
    assignment = flows.assignment_of(evaluators[0])
    return [
        ("list: first page", None, lambda c: c.get(f"/applications?call_id={call_id}"), True),
        ("list: deep page", None, lambda c: c.get(deep), True),
        ("list: filter", None, lambda c: c.get(state), True),
        ("application page", None, lambda c: c.get(f"/applications/{middle.id}"), False),
        ("score sheet", reader, lambda c: c.get(f"/score-sheets/{assignment}"), False),
    ]


def _half() -> int:
    return (db.session.query(Application).count() - 1) // 2


def _add_floor(app: Flask) -> None:
    """The least that could show the same rows."""

    def floor_list() -> str:
        statement = select(Application).options(joinedload(Application.plan)).order_by(Application.folio).limit(25)
        return render_template_string(FLOOR_PAGE, rows=db.session.scalars(statement).all())

    def floor_one() -> str:
        statement = select(Application).options(joinedload(Application.plan)).order_by(Application.folio).limit(1)
        return render_template_string(FLOOR_PAGE, rows=db.session.scalars(statement).all())

    app.add_url_rule("/floor/list", view_func=requires(Permission.PUBLIC)(floor_list))
    app.add_url_rule("/floor/one", view_func=requires(Permission.PUBLIC)(floor_one))


def _cost(client: FlaskClient, ask: Ask) -> Cost:
    counted: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip()[:6].upper() in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            counted.append(statement)

    def once() -> object:
        return contextvars.Context().run(ask, client)

    for _n in range(3):
        answer = once()
    assert answer.status_code == 200, answer.status_code  # type: ignore[attr-defined]
    event.listen(Engine, "before_cursor_execute", count)
    answer = once()
    event.remove(Engine, "before_cursor_execute", count)
    size = len(answer.data)  # type: ignore[attr-defined]
    gc.collect()
    times, cpu = [], time.process_time()
    for _n in range(RUNS):
        began = time.perf_counter()
        once()
        times.append((time.perf_counter() - began) * 1000)
    cpu = (time.process_time() - cpu) * 1000 / RUNS
    return Cost(cpu, statistics.median(times), sorted(times)[int(RUNS * 0.95)], len(counted), size)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10_000, 100_000])
