"""How tests bring a database up to date: as an installation does."""

from flask import Flask
from flask_migrate import upgrade

from grants.core.db import db


def migrate(app: Flask) -> None:
    """Run all migrations."""
    with app.app_context():
        upgrade()
        db.session.remove()
