"""`grants credit`: the published ceilings, and the proof that linkages keep what their movements come to."""

import click
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.access.cli import console
from grants.core.clock import utcnow
from grants.core.db import reads_only, transaction
from grants.credit.queries.movements import differing_linkages
from grants.credit.services import ceilings

group = AppGroup("credit", help="Credits: verify them, load the ceilings of rates.")


@group.command("load-ceilings")
def load_ceilings() -> None:
    """Add the published ceilings of rates that are missing."""
    with transaction():
        added = ceilings.load_ceilings(now=utcnow())
    click.echo(f"{added} ceilings added")


@group.command("verify")
def verify() -> None:
    """Add the movements of every credit up again; status 1 when one does not keep what they come to."""
    with console():
        reads_only.set(True)  # a long reading must not stop others from writing
        differing = 0
        for one in differing_linkages():
            differing += 1
            click.echo(_("%(folio)s differs: %(columns)s", folio=one.folio, columns=", ".join(one.columns)))
        if differing:
            raise click.ClickException(_("%(num)s linkages do not keep what their movements come to.", num=differing))
        click.echo(_("Every credit keeps what its movements come to."))
