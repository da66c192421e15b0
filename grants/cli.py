"""The console command `grants`: Flask's CLI underneath, with this application already chosen."""

from importlib import import_module

import click
from flask import Flask
from flask.cli import FlaskGroup, routes_command, shell_command

from grants import create_app
from grants.core.crypto import KeysUnsafe
from grants.server import run, worker


def build() -> Flask:
    """The application, or one sentence when its keys are not safe."""
    try:
        return create_app()
    except KeysUnsafe as error:
        raise click.ClickException(f"The keys are not safe: {error}.") from error


class DeskTool(click.Group):
    """The security desk's commands, read when one is asked for: what opens boxes is in no server's memory."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._tool().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._tool().get_command(ctx, cmd_name)

    def _tool(self) -> click.Group:
        tool: click.Group = import_module("grants.delivery.desk.cli").group
        return tool


desk = DeskTool("desk", help="The security desk's own tool: its keys, its signals, its cases.")
main = FlaskGroup(
    name="grants",
    create_app=build,
    add_default_commands=False,
    add_version_option=False,
    help="Semilla: seed-capital grants and credit linkages.",
)
# The desk's commands load no application: they run on a machine without its keys.
for command in (run, worker, desk, routes_command, shell_command):
    main.add_command(command)

if __name__ == "__main__":
    main()
