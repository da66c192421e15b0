"""How tests bring a database up to date."""

from flask import Flask

from grants.core.db import db


def migrate(app: Flask) -> None:
    """Make all tables."""
    with app.app_context():
        db.create_all()
        db.session.remove()
