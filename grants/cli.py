"""The console command `grants`: Flask's CLI underneath, with this application already chosen."""

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


main = FlaskGroup(
    name="grants",
    create_app=build,
    add_default_commands=False,
    add_version_option=False,
    help="Semilla: seed-capital grants and credit linkages.",
)
for command in (run, worker, routes_command, shell_command):
    main.add_command(command)

if __name__ == "__main__":
    main()
