"""`grants demo`: load the demo, list its accounts, show their current codes."""

import secrets

import click
import pyotp
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_babel import force_locale
from flask_babel import gettext as _

from grants.access.models import FactorKind, User
from grants.access.permissions import ROLE_NAMES
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound, RuleBroken
from grants.delivery.doors import card_cost
from grants.delivery.models import PICTURE_NAMES, PICTURES, Delivery, Picture
from grants.delivery.queries import get_by_folio
from grants.delivery.symbols import grouped
from grants.demo import queries, start
from grants.demo.cards import ready_card
from grants.demo.staff import PASSWORD

group = AppGroup("demo", help="The programme of the source report, with invented people.")


@group.command("load")
@click.option("--seed", default=2023, show_default=True, type=click.IntRange(0, 2**31), help="Same seed, same demo.")
def load(seed: int) -> None:
    """Load the demo into an empty database: all of it, or nothing."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
        try:
            start.load(app, seed=seed, label=_("Loading the demo"))
        except RuleBroken as error:
            raise click.ClickException(str(error.message)) from error
        click.echo(_("The demo is loaded. Its accounts share one password: %(password)s", password=PASSWORD))
        click.echo(_("List them with `grants demo accounts`; `grants demo code ACCOUNT` shows the current code."))


@group.command("accounts")
def accounts() -> None:
    """List the demo accounts with their roles."""
    with force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
        with transaction():
            rows = [(user.email, _roles(user)) for user in queries.accounts()]
        if not rows:
            raise click.ClickException(_("There are no demo accounts here. Load the demo with `grants demo load`."))
        for email, roles in rows:
            click.echo(f"{email:44} {roles}")


def _roles(user: User) -> str:
    return ", ".join(str(ROLE_NAMES[role]) for role in sorted(user.roles))


@group.command("code")
@click.argument("account")
@click.option("--delivery", is_flag=True, help="The delivery code instead of the one for signing in.")
def code(account: str, delivery: bool) -> None:
    """Print the code that ACCOUNT's phone would show now. For demo accounts only."""
    with force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
        with transaction():
            seed = queries.seed_of(account, FactorKind.DELIVERY if delivery else FactorKind.LOGIN)
        if seed is None:
            raise click.ClickException(_("That is not a demo account. See `grants demo accounts`."))
        click.echo(pyotp.TOTP(seed).at(utcnow()))


@group.command("card")
@click.argument("folio")
@click.option("--picture", type=click.Choice([one.value for one in Picture]), help="The true one; any if not given.")
def card(folio: str, picture: str | None) -> None:
    """Print what to type for the delivery FOLIO: its seal, and the four codes of a new card. For trying the demo."""
    chosen = Picture(picture) if picture else secrets.choice(PICTURES)
    with force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
        try:
            with transaction():
                found = get_by_folio(folio)
                ready = ready_card(found, chosen, cost=card_cost(), by=[*queries.accounts()], now=utcnow())
                on_the_kit = _on_the_kit(found)
        except NotFound as error:
            raise click.ClickException(_("No delivery has this folio.")) from error
        except RuleBroken as error:
            raise click.ClickException(str(error.message)) from error
        for one, digits in ready.codes.items():
            mark = _("true: confirms") if one is ready.true_picture else _("confirms, and calls for help in silence")
            click.echo(f"{PICTURE_NAMES[one]!s:8} {grouped(digits)}   {mark}")
        for name, number in on_the_kit:
            click.echo(f"{name}: {number}")
        click.echo(_("Codes shown before for this delivery no longer work."))


def _on_the_kit(delivery: Delivery) -> list[tuple[str, str]]:
    """What an officer would read on the kit: there is none in a demo."""
    found = [(_("Number on the seal"), delivery.seal_number or "—")]
    return found + [(line.name, line.serial_number) for line in delivery.lines if line.serial_number]
