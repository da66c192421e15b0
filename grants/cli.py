"""The console command `grants`: Flask's CLI underneath, with this application already chosen."""

from flask.cli import FlaskGroup, routes_command, shell_command

from grants import create_app
from grants.server import run, worker

main = FlaskGroup(
    name="grants",
    create_app=create_app,
    add_default_commands=False,
    add_version_option=False,
    help="Semilla: seed-capital grants and credit linkages.",
)
for command in (run, worker, routes_command, shell_command):
    main.add_command(command)

if __name__ == "__main__":
    main()
