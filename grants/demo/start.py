"""What a newcomer's first start prepares: the demo programme, and keys for a security desk to try."""

from pathlib import Path

import click
from argon2 import PasswordHasher
from flask import Flask

from grants.core.clock import utcnow
from grants.core.crypto import write_private
from grants.core.db import transaction
from grants.delivery.signals import PUBLIC_KEY_FILE, Desk, load_desk
from grants.demo import queries, services
from grants.demo.staff import PASSWORD

DEMO_DESK_KEY = "demo-desk-private.pem"


def load_on_first_start(app: Flask) -> None:
    """Load the demo with a progress bar, over a desk's key to try."""
    with app.test_request_context():
        load(app, seed=2023, label="Loading the demo programme")


def load(app: Flask, *, seed: int, label: str) -> None:
    """All of the demo, or nothing, inside an application context. RuleBroken where somebody works already."""
    config = app.config
    hasher = PasswordHasher(
        time_cost=config["ARGON2_TIME_COST"],
        memory_cost=config["ARGON2_MEMORY_KIB"],
        parallelism=config["ARGON2_PARALLELISM"],
    )
    bar = click.progressbar(length=services.STEPS, label=label)
    with bar, transaction():
        services.refuse_unless_empty()
        desk = desk_to_try(Path(app.instance_path))
        services.load(seed=seed, hasher=hasher, desk=desk, now=utcnow(), progress=lambda _done: bar.update(1))


def desk_to_try(folder: Path) -> Desk:
    """The desk's key, with both halves made here if there is none. Production refuses to start beside the private."""
    desk = load_desk(folder)
    if desk is not None:
        return desk
    from grants.delivery.desk.boxes import new_desk_keys  # noqa: PLC0415 -- a running server never loads the opener

    private, public = new_desk_keys()
    write_private(folder / DEMO_DESK_KEY, private.decode())
    write_private(folder / PUBLIC_KEY_FILE, public.decode())
    return Desk(public, "desk")


def say_how_to_sign_in() -> None:
    """Print the demo accounts, their password, and where codes come from; nothing where there is no demo."""
    with transaction():
        emails = [user.email for user in queries.accounts()]
    if not emails:
        return
    click.echo("Demo accounts:")
    for email in emails:
        click.echo(f"  {email}")
    click.echo(f"Password of all of them: {PASSWORD}")
    click.echo("Current code of an account: .venv/bin/grants demo code ACCOUNT   (with --delivery: for handovers)")
