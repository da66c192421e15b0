"""`grants run`: web and worker together. `grants worker`: the worker alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy import select

from grants.access.models import User
from grants.access.production import refuse_unsafe_production
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.jobs import run_jobs
from grants.credit.services.ceilings import load_ceilings
from grants.demo.start import load_on_first_start, say_how_to_sign_in
from grants.people.services import load_reference_data

WEB_WORKERS = 2
WEB_THREADS = 4


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, envvar="PORT", help="Port to listen on.")
@with_appcontext
def run(host: str, port: int) -> None:
    """Bring the database up to date and serve, with the worker beside the web server."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if app.config["ENVIRONMENT"] != "production":
        _prepare_for_newcomer(app)
    refuse_unsafe_production(app)
    db.session.remove()
    db.engine.dispose()
    click.echo(f"Semilla listens on http://{host}:{port}/ (stop it with Ctrl+C)")
    sys.exit(_serve(host, port))


@click.command()
@with_appcontext
def worker() -> None:
    """Send what is due and run timed jobs, until stopped."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    run_jobs(app)


def _prepare_for_newcomer(app: Flask) -> None:
    """A development machine: make the tables, and on a first start load the demo programme."""
    click.echo(f"Bringing the database up to date in {app.instance_path} ...")
    upgrade()
    with transaction():
        load_reference_data()
        load_ceilings(now=utcnow())
    if db.session.scalar(select(User.id).limit(1)) is None and os.environ.get("GRANTS_DEMO", "1") != "0":
        load_on_first_start(app)
    say_how_to_sign_in()


def _serve(host: str, port: int) -> int:
    """Start web and worker; when one ends, or somebody stops us, end both. Returns the exit code."""
    settings = ["--bind", f"{host}:{port}", "--workers", str(WEB_WORKERS), "--threads", str(WEB_THREADS)]
    command = Path(sys.argv[0]).resolve()
    web = [sys.executable, "-m", "gunicorn", "grants.wsgi:app", *settings, "--timeout", "120", "--no-control-socket"]
    children = [subprocess.Popen(program) for program in (web, [sys.executable, str(command), "worker"])]  # noqa: S603

    asked_to_stop = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    first, _status = os.wait()
    ended_by_itself = not asked_to_stop  # killed, say: whoever looks after us must start both again
    stop(0, None)
    codes = {child.pid: child.wait() for child in children if child.pid != first}
    return max(int(ended_by_itself), *codes.values())
