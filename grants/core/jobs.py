"""Work in the background: a registry of timed jobs, run by huey with SQL storage in the instance folder."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from huey import SqliteHuey, crontab

from grants.core.clock import utcnow
from grants.core.outbox import deliver_due, other_senders, sender

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimedJob:
    """A function that the worker calls every so many minutes, inside an application context."""

    name: str
    every_minutes: int
    run: Callable[[Flask], None]


_jobs: list[TimedJob] = []
_when_done: list[Callable[[str], None]] = []
OUTBOX = "outbox"


def timed(name: str, *, every_minutes: int) -> Callable[[Callable[[Flask], None]], Callable[[Flask], None]]:
    """Register a job. It must be safe to run twice."""

    def register(run: Callable[[Flask], None]) -> Callable[[Flask], None]:
        _jobs.append(TimedJob(name, every_minutes, run))
        return run

    return register


def when_done(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Call this with the name of every job that the worker ran to its end."""
    _when_done.append(tell)
    return tell


@timed(OUTBOX, every_minutes=1)
def send_outbox(app: Flask) -> None:
    """Send the messages that are due."""
    folder = Path(app.instance_path)
    deliver_due(sender(app.config, folder), others=other_senders(app.config, folder), now=utcnow())


def worker_for(app: Flask) -> SqliteHuey:
    """The queue with all timed jobs. Its own tables say nothing of what a job found."""
    huey = SqliteHuey("semilla", filename=str(Path(app.instance_path) / "jobs.db"), results=False)
    for job in _jobs:
        schedule = crontab(minute=f"*/{job.every_minutes}")
        huey.periodic_task(schedule, name=job.name)(_in_context(app, job))
    return huey


def _in_context(app: Flask, job: TimedJob) -> Callable[[], None]:
    def run() -> None:
        with app.app_context():
            job.run(app)
            for tell in _when_done:
                tell(job.name)

    run.__name__ = job.name
    return run
