"""What one request costs: queries, CPU, time, bytes."""

import contextvars
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

from grants.core.db import db

WARM, RUNS = 3, 40
FRESH = WARM + 1 + RUNS  # how many rows a measure of something that happens once needs

Ask = Callable[[], TestResponse]


@dataclass(frozen=True)
class Cost:
    """One request: CPU is the median of what the process used; `size_bytes` is the body as sent."""

    queries: int
    cpu_ms: float
    p50_ms: float
    p95_ms: float
    size_bytes: int


def get(client: FlaskClient, path: str) -> Iterator[Ask]:
    """The same page again and again."""
    return repeat(lambda: client.get(path))


def cost_of(asks: Iterator[Ask], status: int = 200) -> Cost:
    """Warm up, count the queries of one request, then measure the process's own CPU over many."""

    def once() -> TestResponse:
        return contextvars.Context().run(next(asks))

    db.session.commit()  # nothing of ours may be open beside the requests
    for _n in range(WARM):
        answer = once()
        assert answer.status_code == status, (answer.status_code, answer.text[:2000])
    queries, size = _counted(once)
    gc.collect()
    times: list[float] = []
    cpu: list[float] = []
    for _n in range(RUNS):
        began, worked = time.perf_counter(), time.process_time()
        answer = once()
        cpu.append((time.process_time() - worked) * 1000)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == status, (answer.status_code, answer.text[:2000])
    return Cost(queries, statistics.median(cpu), statistics.median(times), sorted(times)[int(RUNS * 0.95) - 1], size)


def _counted(once: Ask) -> tuple[int, int]:
    found: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip()[:6].upper() in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    answer = once()
    event.remove(Engine, "before_cursor_execute", count)
    return len(found), len(answer.data)


def memory_mib() -> float:
    """Resident memory of this process now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
