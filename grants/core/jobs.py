"""Work in the background: a registry of timed jobs, run by huey with SQL storage in the instance folder."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from huey import SqliteHuey, crontab
from huey.consumer import Consumer

from grants.core.clock import utcnow
from grants.core.outbox import deliver_due, other_senders, sender

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimedJob:
    """A function that the worker calls every so many minutes, inside an application context.

    `urgent`: by threads of its own, so that it never waits for the others.
    """

    name: str
    every_minutes: int
    run: Callable[[Flask], None]
    urgent: bool = False


_jobs: list[TimedJob] = []
_when_done: list[Callable[[str], None]] = []
URGENT = "urgent messages"


def timed(
    name: str, *, every_minutes: int, urgent: bool = False
) -> Callable[[Callable[[Flask], None]], Callable[[Flask], None]]:
    """Register a job. It must be safe to run twice, also at once. An urgent one must be short."""

    def register(run: Callable[[Flask], None]) -> Callable[[Flask], None]:
        _jobs.append(TimedJob(name, every_minutes, run, urgent))
        return run

    return register


def when_done(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Call this with the name of every job that the worker ran to its end."""
    _when_done.append(tell)
    return tell


@timed(URGENT, every_minutes=1, urgent=True)
def send_urgent(app: Flask) -> None:
    """Send the urgent messages that are due."""
    _send(app, urgent=True)


@timed("outbox", every_minutes=1)
def send_outbox(app: Flask) -> None:
    """Send the other messages that are due."""
    _send(app, urgent=False)


def worker_for(app: Flask, *, urgent: bool = False) -> SqliteHuey:
    """The queue with all timed jobs of a kind. Its own tables say nothing of what a job found."""
    name = "semilla-urgent" if urgent else "semilla"
    huey = SqliteHuey(name, filename=str(Path(app.instance_path) / "jobs.db"), results=False)
    for job in _jobs:
        if job.urgent is urgent:
            schedule = crontab(minute=f"*/{job.every_minutes}")
            huey.periodic_task(schedule, name=job.name)(_in_context(app, job))
    return huey


def run_jobs(app: Flask) -> None:
    """Run timed jobs until stopped: one thread for the long ones, and two that only urgent ones use."""
    urgent = worker_for(app, urgent=True).create_consumer(workers=2, worker_type="thread")
    urgent.start()
    _Both(urgent, worker_for(app), workers=1, worker_type="thread").run()
    urgent.stop()


class _Both(Consumer):
    """A consumer that looks after another one too."""

    def __init__(self, other: Consumer, huey: SqliteHuey, **settings: Any) -> None:
        super().__init__(huey, **settings)
        self.other = other

    def check_worker_health(self) -> bool:
        return bool(super().check_worker_health()) and bool(self.other.check_worker_health())


def _send(app: Flask, *, urgent: bool) -> None:
    folder = Path(app.instance_path)
    others = other_senders(app.config, folder, urgent=urgent)
    deliver_due(sender(app.config, folder), others=others, urgent=urgent, now=utcnow())


def _in_context(app: Flask, job: TimedJob) -> Callable[[], None]:
    def run() -> None:
        with app.app_context():
            job.run(app)
            for tell in _when_done:
                tell(job.name)

    run.__name__ = job.name
    return run
