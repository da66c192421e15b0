"""`grants people`: reference data."""

import click
from flask.cli import AppGroup

from grants.core.db import transaction
from grants.people import services

group = AppGroup("people", help="Places and consent texts.")


@group.command("load-places")
def load_places() -> None:
    """Add or correct provinces and cantons (DPA)."""
    with transaction():
        changed = services.load_places()
    click.echo(f"{changed} places added or corrected")


@group.command("load-consent-texts")
def load_consent_texts() -> None:
    """Add the consent texts that are missing."""
    with transaction():
        added = services.load_consent_texts()
    click.echo(f"{added} consent texts added")
