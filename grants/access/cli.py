"""The console's doors: first accounts, the journal, the keys."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from email_validator import EmailNotValidError, validate_email
from flask import current_app
from flask.cli import AppGroup
from flask_babel import force_locale
from flask_babel import gettext as _

from grants.access import queries, services
from grants.access.permissions import Role
from grants.access.production import console_language
from grants.access.services.keys import sealed_models
from grants.access.verdicts import AnchorDamaged, against_anchor, drop_anchor, verdict_sentence
from grants.core import journal as chain
from grants.core.clock import utcnow
from grants.core.crypto import dump_keys, keyring, replace_private, rotated, use_keys
from grants.core.db import db, reads_only, transaction
from grants.core.errors import RuleBroken
from grants.core.web import public_url

users = AppGroup("users", help="Accounts.")
journal = AppGroup("journal", help="Who did what.")
keys = AppGroup("keys", help="The keys that encrypt personal data.")
groups = (users, journal, keys)
group = users


@contextmanager
def console() -> Iterator[None]:
    """Speak the terminal's language; a refusal is a sentence and exit status 1."""
    base = str(current_app.config["PUBLIC_URL"]) or f"http://localhost:{os.environ.get('PORT', '8000')}"
    with current_app.test_request_context(base_url=base), force_locale(console_language()):
        try:
            yield
        except RuleBroken as error:
            raise click.ClickException(str(error.message)) from error


@users.command("create")
@click.argument("email")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in Role]))
@click.option("--language", type=click.Choice(["es", "en"]), default="es", show_default=True)
def create_user(email: str, name: str, roles: tuple[str, ...], language: str) -> None:
    """Make an account and print its one-time link, which works for 72 hours."""
    with console():
        _check_words(email, name)
        with transaction():
            _user, link = services.invite(
                email=email,
                name=name,
                roles=frozenset(Role(role) for role in roles),
                language=language,
                link_for=lambda token: public_url("access.invitation", token=token),
                by=None,
                now=utcnow(),
            )
        click.echo(link)


def _check_words(email: str, name: str) -> None:
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError as error:
        raise RuleBroken(_("This does not look like an e-mail. Check it.")) from error
    if not name.strip() or not name.isprintable() or len(name) > 120:
        raise RuleBroken(_("Write the person's name."))


@users.command("list")
def list_users() -> None:
    """List all accounts: number, e-mail, roles, state."""
    with console():
        after: str | None = None
        while True:
            page = queries.users_page(after=after)
            for user in page.items:
                state = _("deactivated") if user.deactivated_at else _("active")
                click.echo(f"{user.id}\t{user.email}\t{','.join(sorted(user.roles))}\t{state}")
            after = page.next_after
            if after is None:
                return


@users.command("unlock")
@click.argument("email")
def unlock_user(email: str) -> None:
    """Forget the wrong attempts counted against an account."""
    with console():
        user = queries.user_of_email(services.normal_email(email))
        if user is None:
            raise RuleBroken(_("There is no account with that e-mail. See: grants users list"))
        with transaction():
            services.unlock(user, by=None, now=utcnow())
        click.echo(_("The account is unlocked."))


@journal.command("verify")
def verify_journal() -> None:
    """Walk the chain of entries; status 1 names the first that was changed, removed or inserted."""
    folder = Path(current_app.instance_path)
    reads_only.set(True)  # a long walk must not stop others from writing
    with console():
        try:
            verdict = against_anchor(chain.verify(), folder)
        except AnchorDamaged as error:
            raise RuleBroken(
                _("journal-anchor.json cannot be read. Compare it with a backup; remove it only if you know why.")
            ) from error
        finally:
            db.session.rollback()
            reads_only.set(False)
        if not verdict.holds:
            raise click.ClickException(verdict_sentence(verdict))
        drop_anchor(verdict, folder)
        click.echo(verdict_sentence(verdict))


@keys.command("rotate")
def rotate_keys() -> None:
    """Add a data key and encrypt everything under it. A running server takes the new key up by itself.

    A run that was interrupted can be repeated: old keys stay, so that nothing becomes unreadable.
    """
    with console():
        if os.environ.get("GRANTS_KEYS"):
            raise RuleBroken(_("The keys come from GRANTS_KEYS. Add a version there, then restart."))
        fresh = rotated(keyring())
        replace_private(Path(current_app.instance_path) / "keys.json", dump_keys(fresh))
        use_keys(fresh)
        count = sum(_reseal_all())
        with transaction():
            chain.record(None, "keys.rotated", "keys", at=utcnow(), version=fresh.current, rows=count)
        click.echo(_("Key version %(version)d is in use; %(rows)d rows were encrypted again.",
                     version=fresh.current, rows=count))  # fmt: skip


def _reseal_all() -> Iterator[int]:
    for model in sealed_models():
        after: int | None = 0
        while after is not None:
            with transaction():
                count, after = services.reseal_batch(model, after=after)
            db.session.expunge_all()
            yield count
