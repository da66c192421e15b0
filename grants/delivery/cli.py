"""The security desk's own commands: its keys, and what the sealed signals say. Not for the web server's machine."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.core.crypto import write_private
from grants.delivery import queries, runs_cli
from grants.delivery.signals import PUBLIC_KEY_FILE, DeskKeyUnusable, new_desk_keys, unseal

group = AppGroup("desk", help="The security desk: its keys and its signals.")
groups = (group, runs_cli.group)
PRIVATE = click.Path(dir_okay=False, path_type=Path)


@group.command("keygen")
@click.option("--private", "private_path", required=True, type=PRIVATE, help="Where the private key goes (0600).")
def keygen(private_path: Path) -> None:
    """Make the desk's keys: the private one at PATH, the public one in the instance folder."""
    public_path = Path(current_app.instance_path) / PUBLIC_KEY_FILE
    if public_path.exists() or private_path.exists():
        raise click.ClickException(_("There is a key already. Nothing was changed."))
    private, public = new_desk_keys()
    write_private(private_path, private.decode())
    write_private(public_path, public.decode())
    click.echo(_("The public key is in place. Take the private key off this machine and keep it in two safe places."))


@group.command("open")
@click.option("--private", "private_path", required=True, type=PRIVATE, help="The desk's private key.")
@click.option("--after", "after_id", default=0, show_default=True, help="Only signals after this number.")
def open_signals(private_path: Path, after_id: int) -> None:
    """Open every sealed signal and list it, alarms marked."""
    try:
        key = private_path.read_bytes()
    except OSError as error:
        raise click.ClickException(_("The private key cannot be read.")) from error
    for signal in queries.signals(after_id=after_id):
        try:
            facts = unseal(signal.box, key)
        except (ValueError, DeskKeyUnusable) as error:
            raise click.ClickException(_("Signal %(number)d does not open with this key.", number=signal.id)) from error
        word = _("ALARM") if facts.is_alarm else _("normal")
        click.echo(f"{signal.id}\t{facts.at.isoformat()}\t{facts.delivery_id}\t{facts.officer_id}\t{word}")
