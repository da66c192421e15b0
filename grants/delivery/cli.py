"""What the server's console can say about signals: which sealed boxes there are. It cannot open them."""

import base64
import json

import click
from flask.cli import AppGroup

from grants.delivery import jobs, queries, runs_cli
from grants.delivery.manual_cli import group as manual
from grants.delivery.stock_cli import stock

group = AppGroup("signals", help="Sealed boxes for the security desk.")


@group.command("export")
@click.option("--after", "after_id", default=0, show_default=True, help="Only signals after this number.")
def export(after_id: int) -> None:
    """Write every box as a line of JSON, for `grants desk open` on the desk's machine."""
    for signal in queries.signals(after_id=after_id):
        click.echo(json.dumps({"id": signal.id, "box": base64.b64encode(signal.box).decode()}))


groups = (group, stock, runs_cli.group, manual)

__all__ = ["group", "groups", "jobs"]
