"""Between a request and a service: broken rules beside their fields, safe redirects, languages, page markers."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from flask import current_app, has_request_context, request, session, url_for
from flask_wtf import FlaskForm

from grants.core.errors import RuleBroken


@contextmanager
def errors_to(form: FlaskForm) -> Iterator[None]:
    """Show a broken rule beside the field it concerns, else above the form.

    The outer context, so that the transaction inside it has rolled back: `with errors_to(form), transaction():`
    """
    try:
        yield
    except RuleBroken as error:
        field = form._fields.get(error.field) if error.field else None
        if field is not None:
            field.errors = [*field.errors, error.message]
        else:
            form.form_errors.append(error.message)


def chosen_language() -> str:
    """The language picked on the page, else what the browser prefers, else Spanish; Spanish for a command or a job."""
    languages = current_app.config["LANGUAGES"]
    if not has_request_context():
        return str(languages[0])
    picked = session.get("language")
    if picked in languages:
        return str(picked)
    return request.accept_languages.best_match(languages) or languages[0]


def local_target(target: str | None) -> str:
    """A path inside this site to go to next; anything else leads home."""
    parts = urlsplit(target or "")
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    safe = inside and not parts.path.startswith("//") and "\\" not in (target or "")
    return str(target) if safe else url_for("home.show")


def page_marker() -> str | None:
    """The `after` of a list's query string: where the page before ended."""
    return request.args.get("after")


def public_url(endpoint: str, **values: object) -> str:
    """An absolute address, for QR codes and letters."""
    base = str(current_app.config["PUBLIC_URL"]).rstrip("/")
    if base:
        return base + url_for(endpoint, **values)  # type: ignore[arg-type]
    return url_for(endpoint, _external=True, **values)  # type: ignore[arg-type]
