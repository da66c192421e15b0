"""`grants credit`: reference data."""

import click
from flask.cli import AppGroup

from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.credit.services import ceilings

group = AppGroup("credit", help="Ceilings of rates.")


@group.command("load-ceilings")
def load_ceilings() -> None:
    """Add the published ceilings of rates that are missing."""
    with transaction():
        added = ceilings.load_ceilings(now=utcnow())
    click.echo(f"{added} ceilings added")
