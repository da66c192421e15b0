"""The console command `grants`: Flask's CLI underneath, with this application already chosen."""

from flask.cli import FlaskGroup

from grants import create_app

main = FlaskGroup(
    name="grants",
    create_app=create_app,
    add_version_option=False,
    help="Semilla: seed-capital grants and credit linkages.",
)

if __name__ == "__main__":
    main()
