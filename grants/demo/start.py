"""What a newcomer's first start prepares: the demo programme, and keys for a security desk to try."""

from pathlib import Path

import click
from argon2 import PasswordHasher
from flask import Flask

from grants.core.crypto import write_private
from grants.core.db import transaction
from grants.delivery.signals import PUBLIC_KEY_FILE, new_desk_keys
from grants.demo import queries, services
from grants.demo.staff import PASSWORD

DEMO_DESK_KEY = "demo-desk-private.pem"


def load_on_first_start(app: Flask) -> None:
    """Load the demo with a progress bar, make a desk key, and say how to sign in."""
    config = app.config
    hasher = PasswordHasher(
        time_cost=config["ARGON2_TIME_COST"],
        memory_cost=config["ARGON2_MEMORY_KIB"],
        parallelism=config["ARGON2_PARALLELISM"],
    )
    bar = click.progressbar(length=services.STEPS, label="Loading the demo programme")
    with app.test_request_context(), bar, transaction():
        services.load(seed=2023, hasher=hasher, progress=lambda _done: bar.update(1))
    make_desk_keys(Path(app.instance_path))


def make_desk_keys(folder: Path) -> None:
    """Both halves of a desk's key, for trying it out. Production refuses to start beside the private half."""
    if (folder / PUBLIC_KEY_FILE).exists():
        return
    private, public = new_desk_keys()
    write_private(folder / DEMO_DESK_KEY, private.decode())
    write_private(folder / PUBLIC_KEY_FILE, public.decode())


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
