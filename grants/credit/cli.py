"""The console's door of credit: prove that what is kept beside the linkages is what their movements come to."""

import click
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.access.cli import console
from grants.core.db import reads_only
from grants.credit.queries.movements import differing_linkages

group = AppGroup("credit", help="Credits: verify.")


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
