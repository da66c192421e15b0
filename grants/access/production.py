"""What must not be true of a server that holds people's data. Called before the first request is served."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from flask_babel import force_locale
from flask_babel import gettext as _

from grants.access.queries import demo_accounts_present
from grants.core.crypto import KeysUnsafe, load_keys
from grants.core.outbox import PUSH

SHORTEST_SECRET = 32
DESK_ADDRESSES = ("DESK_ADDRESS", "DESK_SECOND_ADDRESS", "DESK_ESCALATION_ADDRESS")


class UnsafeProduction(SystemExit):
    """The server does not start; the sentences say what to mend."""


def refuse_unsafe_production(app: Flask) -> None:
    """Raise UnsafeProduction when this is a production server and something about it is unsafe."""
    if app.config["ENVIRONMENT"] != "production":
        return
    with app.test_request_context(), force_locale(console_language()):
        dangers = list(_dangers(app))
    if dangers:
        raise UnsafeProduction("\n".join(dangers))


def console_language() -> str:
    """The language of the terminal: Spanish where it says so, else English."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "es" if chosen.startswith("es") else "en"


def _dangers(app: Flask) -> Iterator[str]:
    folder = Path(app.instance_path)
    try:
        load_keys(folder, create=False)
    except KeysUnsafe as error:
        yield _("The keys are not safe (%(reason)s). Mend that before starting.", reason=str(error))
    if app.debug or _is_set("FLASK_DEBUG"):
        yield _("Debug mode is on. Unset FLASK_DEBUG and GRANTS_DEBUG.")
    if len(str(app.config["SECRET_KEY"])) < SHORTEST_SECRET:
        yield _("SECRET_KEY is shorter than %(num)d characters. Remove it: one is derived from the keys.",
                num=SHORTEST_SECRET)  # fmt: skip
    if _others_can_read(folder / "config.py"):
        yield _("instance/config.py can be read by others. Run: chmod 600 %(path)s", path=str(folder / "config.py"))
    for path in sorted(folder.glob("*private*.pem")):
        yield _("%(name)s is a private key of the security desk. Take it off this server.", name=path.name)
    if app.config["SMS_GATEWAY"] == "console":
        yield _("SMS_GATEWAY is console: codes could be read in the log. Choose file or http.")
    yield from _silent_desk(app)
    if demo_accounts_present():
        yield _("The demonstration's accounts are in this database. Start production with an empty one.")


def _silent_desk(app: Flask) -> Iterator[str]:
    """What would keep the security desk from hearing of a handover."""
    if app.config["MAIL_BACKEND"] != "smtp":
        yield _("MAIL_BACKEND is %(value)s: messages stay in files that nobody reads. Set it to smtp.",
                value=str(app.config["MAIL_BACKEND"]))  # fmt: skip
    elif not (app.config["SMTP_HOST"] and app.config["MAIL_FROM"]):
        yield _("SMTP_HOST or MAIL_FROM is empty: no mail can leave. Set both.")
    addresses = {name: str(app.config[name]).strip().lower() for name in DESK_ADDRESSES}
    for name, address in addresses.items():
        if "@" not in address and not address.startswith(PUSH):
            yield _("%(name)s is no address: the security desk would hear of nothing. Set a mail address or https://….",
                    name=name)  # fmt: skip
    if len(set(addresses.values())) < len(addresses):
        yield _("%(names)s are not all different: what misses one would miss another. Set three addresses.",
                names=", ".join(DESK_ADDRESSES))  # fmt: skip


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").lower() not in ("", "0", "false", "no")


def _others_can_read(path: Path) -> bool:
    return path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
