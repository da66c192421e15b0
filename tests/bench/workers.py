"""Processes of their own: one seeds, another answers requests, so that its memory is that of a worker."""

import multiprocessing
import sys
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from flask import Flask

from grants import create_app
from tests.bench.costs import Cost, memory_mib
from tests.bench.pages import measures
from tests.bench.seed import fill
from tests.databases import migrate


def in_a_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """What the function answers in a fresh interpreter."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(send, work, *arguments))
    child.start()
    send.close()
    try:
        return receive.recv()
    except EOFError:
        sys.exit(1)
    finally:
        child.join()


def _answer(send: Connection, work: Callable[..., Any], *arguments: Any) -> None:
    send.send(work(*arguments))


def seed(folder: str, url: str, size: int) -> None:
    """Fill the database."""
    with _app(folder, url).app_context():
        began = time.perf_counter()
        fill(size)
        sys.stdout.write(f"{size:>8}  seeded in {time.perf_counter() - began:.0f} s\n")


def measure(folder: str, url: str, size: int, firsts: dict[str, float]) -> dict[str, float]:
    """Measure every page and print a line for each; the CPU of each page at the first size, for the next one."""
    app = _app(folder, url)
    started = memory_mib()
    with app.app_context():
        for name, cost, floor in measures(app):
            first = firsts.setdefault(name, cost.cpu_ms)
            sys.stdout.write(_line(size, name, cost, floor, first))
            sys.stdout.flush()
    sys.stdout.write(
        f"{size:>8}  memory: {started:.0f} MiB when started, {memory_mib():.0f} MiB after these requests\n"
    )
    return firsts


def _line(size: int, name: str, cost: Cost, floor: Cost, first: float) -> str:
    figures = f"{cost.cpu_ms:>9.2f}{cost.p50_ms:>9.2f}{cost.p95_ms:>9.2f}{cost.size_bytes:>9}"
    shares = f"{cost.cpu_ms / floor.cpu_ms:>9.1f}{cost.cpu_ms / first:>9.2f}"
    return f"{size:>8}  {name:<30}{cost.queries:>8}{figures}{shares}\n"


def _app(folder: str, url: str) -> Flask:
    warnings.simplefilter("ignore")
    settings = {"INSTANCE_PATH": folder, "DATABASE_URL": url, "RATELIMIT_ENABLED": False, "WTF_CSRF_ENABLED": False}
    app = create_app(settings)
    migrate(app)
    return app
