"""The one blueprint of access, and what its pages share."""

from datetime import datetime
from typing import Any, NamedTuple

from flask import Blueprint, session, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user

from grants.access.models import User
from grants.access.passwords import use_password_settings
from grants.core.crypto import keyring
from grants.core.web import public_url

bp = Blueprint("access", __name__)

KEPT_SECONDS = 600


@bp.record
def read_password_settings(state: BlueprintSetupState) -> None:
    use_password_settings(state.app.config)


def me() -> User:
    """The signed-in user itself, not the proxy: services compare and keep it."""
    user: User = current_user._get_current_object()
    return user


def invitation_link(token: str) -> str:
    """The whole address of an invitation, for a message."""
    return public_url("access.invitation", token=token)


class Aside(NamedTuple):
    """What `put_aside` keeps in the cookie."""

    sealed: str
    at: int


def put_aside(kind: str, text: str, *, now: datetime) -> None:
    """Keep a secret for the next page of this browser, encrypted in its cookie for ten minutes and nowhere else."""
    sealed = keyring().encrypt(text.encode(), _context(kind)).hex()
    session[kind] = Aside(sealed, int(now.timestamp()))


def look_aside(kind: str, *, now: datetime, keep: bool = False) -> str | None:
    """The secret put aside, if it is fresh; gone after this look unless `keep`."""
    kept: Any = session.get(kind) if keep else session.pop(kind, None)
    if not kept or int(now.timestamp()) - int(kept[1]) > KEPT_SECONDS:
        session.pop(kind, None)
        return None
    return keyring().decrypt(bytes.fromhex(kept[0]), _context(kind)).decode()


def _context(kind: str) -> bytes:
    return f"aside.{kind}.{me().id}".encode()


def account_address() -> str:
    return url_for("access.account")
