"""For the machine that watches the server."""

from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from grants.access import queries
from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.access.views.blueprint import bp
from grants.core.crypto import KeysUnsafe, keyring
from grants.core.db import db


@bp.get("/healthz")
@requires(Permission.PUBLIC)
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@bp.get("/readyz")
@requires(Permission.PUBLIC)
def readyz() -> ResponseReturnValue:
    """The process could serve people: the database holds our tables, and the keys are loaded."""
    checks = {"database": _database_answers(), "keys": _keys_are_loaded()}
    ready = all(checks.values())
    return {"status": "ok" if ready else "unavailable", "checks": checks}, 200 if ready else 503


def _database_answers() -> bool:
    try:
        return queries.database_answers()
    except SQLAlchemyError:
        db.session.rollback()
        return False


def _keys_are_loaded() -> bool:
    try:
        keyring()
    except KeysUnsafe:
        return False
    return True
