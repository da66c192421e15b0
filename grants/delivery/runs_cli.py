"""`grants runs`: whether what each team's counter says is what it carries."""

import click
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.delivery import queries

group = AppGroup("runs", help="Runs and what teams carry.")


@group.command("check")
def check() -> None:
    """Compare each team's value in transit with the kits it carries; fails when they differ."""
    found = queries.balances()
    for one in found:
        mark = _("agrees") if one.holds else _("DIFFERS")
        click.echo(f"{one.team.name}\t{one.counted_usd:.2f}\t{one.carried_usd:.2f}\t{mark}")
    if not all(one.holds for one in found):
        raise click.ClickException(
            _("A team's counter differs from the kits it carries. Send none of its runs out until it is known why.")
        )
