"""The warehouse's book, checked from the console."""

import click
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.delivery.queries.goods import lots_that_differ

stock = AppGroup("stock", help="The warehouse's book.")


@stock.command("verify")
def verify() -> None:
    """Compare the balance of every lot with the sum of its movements; name those that differ."""
    found = lots_that_differ()
    for lot_id, on_hand, moved in found:
        click.echo(_("Lot %(lot)d: the balance is %(on_hand)d, its movements sum to %(moved)d.",
                     lot=lot_id, on_hand=on_hand, moved=moved))  # fmt: skip
    if found:
        raise click.ClickException(_("The book does not hold. Count these lots, and look for who changed them."))
    click.echo(_("Every lot's balance is the sum of its movements."))
