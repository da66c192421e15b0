"""Between a request and a service: broken rules beside fields, safe redirects, languages, onward links, and what
every door of the API has in common.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Request, current_app, flash, has_request_context, request, session, url_for
from flask_babel import gettext as _
from flask_smorest import Blueprint
from flask_smorest import abort as refuse
from flask_wtf import FlaskForm
from marshmallow import RAISE, Schema, fields
from webargs.flaskparser import FlaskParser
from werkzeug.routing import IntegerConverter
from wtforms.validators import InputRequired, StopValidation

from grants.core.db import transaction
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


@contextmanager
def said_if_refused() -> Iterator[None]:
    """One transaction; a broken rule becomes a sentence on the next page."""
    try:
        with transaction():
            yield
    except RuleBroken as error:
        flash(str(error.message), "bad")


class Written(InputRequired):
    """Something other than blanks, which `InputRequired` lets pass."""

    def __call__(self, form: Any, field: Any) -> None:
        super().__call__(form, field)
        if isinstance(field.raw_data[0], str) and not field.raw_data[0].strip():
            field.errors[:] = []
            raise StopValidation(self.message or field.gettext("This field is required."))


def stripped(typed: str | None) -> str | None:
    """A filter of fields: what was typed without blanks around it."""
    return typed.strip() if typed else typed


def chosen_language() -> str:
    """The language picked on the page, else what the browser prefers, else Spanish, as at the console."""
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


@dataclass(frozen=True, slots=True)
class Onward:
    """A link from a row's page to what followed from it further down the river."""

    label: str
    address: str


LeadsOn = Callable[[int], Sequence[Onward]]
_leads_on: dict[str, list[LeadsOn]] = {}


def leads_on(page: str) -> Callable[[LeadsOn], LeadsOn]:
    """Add links to a kind of page that may not know what comes after it; none where the reader may see none."""

    def add(link: LeadsOn) -> LeadsOn:
        _leads_on.setdefault(page, []).append(link)
        return link

    return add


def onward_links(page: str, row_id: int) -> list[Onward]:
    """The links of one row's page, in the river's order."""
    return [one for links in _leads_on.get(page, ()) for one in links(row_id)]


class PlainRequest(Request):
    """A request whose body is JSON under /api/ only.

    Flask-WTF would fill the forms of pages from JSON too, with nested lists and numbers where fields expect text.
    """

    @property
    def is_json(self) -> bool:
        return self.path.startswith("/api/") and super().is_json


class RowNumber(IntegerConverter):
    """The number of a row in an address. What no row can have is no page: 404 before anything reads it."""

    regex = "[0-9]{1,10}"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": 2**31 - 1, **options})


class Whole(fields.Integer):
    """A whole number as JSON Schema means it: 12 and 12.0, but no text and no truth value."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise self.make_error("invalid", input=value)
        return int(value)


class RefusalSchema(Schema):
    """Why the API refused: a sentence for a broken rule, or the members that could not be read."""

    code = fields.Integer(required=True, metadata={"description": "The status code."})
    status = fields.String(required=True, metadata={"description": "The name of the status code."})
    message = fields.String(metadata={"description": "A sentence that says what to do next."})
    field = fields.String(allow_none=True, metadata={"description": "The member of the body that the rule concerns."})
    errors = fields.Dict(
        keys=fields.String(), metadata={"description": "By place (json, query, headers) and member: what is wrong."}
    )


REFUSALS = {
    400: "The body is not one JSON document.",
    401: "No valid token.",
    403: "The token may not do this.",
    404: "There is no such thing, or it is not for this token.",
    409: "A rule forbids it now; the message says which and what to do.",
    413: "The body is too large.",
    415: "The body is not declared as application/json.",
    422: "A value is missing or has the wrong shape.",
    429: "Too many requests.",
}
READING_A_BODY = (400, 413, 415, 422)
V = TypeVar("V", bound=Callable[..., Any])


class StrictParser(FlaskParser):
    """JSON as RFC 8259 means it: one document, no NaN, no number beyond a float, no member twice.

    A query that is not known is refused too: a filter with a typing error would silently select everything.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}

    def handle_error(self, error: Any, *args: Any, **options: Any) -> Any:
        """What the schemas say, in the caller's language where it is a usual sentence."""
        error.messages = _translated(error.messages)
        return super().handle_error(error, *args, **options)

    def _raw_load_json(self, req: Request) -> Any:
        req.max_content_length = current_app.config["MAX_FORM_MEMORY_SIZE"]  # as a form's; only files may be larger
        sent = req.get_data(cache=True)
        if not sent:
            refuse(400, message=_("Send one JSON document."))
        if not req.is_json:
            refuse(415)
        try:
            return json.loads(sent, parse_float=_float, parse_constant=_float, object_pairs_hook=_members)
        except (ValueError, RecursionError):  # among them: bad Unicode, 5,000 digits, 100,000 brackets
            refuse(400, message=_("Send one JSON document."))


def _translated(found: Any) -> Any:
    """Messages by place and member. What a schema says with its own numbers stays in English."""
    if isinstance(found, dict):
        return {key: _translated(one) for key, one in found.items()}
    if isinstance(found, list):
        return [_translated(one) for one in found]
    return _usual_refusals().get(found, found) if isinstance(found, str) else found


def _usual_refusals() -> dict[str, str]:
    return {
        "Missing data for required field.": _("Missing data for required field."),
        "Unknown field.": _("Unknown field."),
        "Field may not be null.": _("Field may not be null."),
        "Not a valid integer.": _("Not a valid integer."),
        "Not a valid number.": _("Not a valid number."),
        "Not a valid string.": _("Not a valid string."),
        "Not a valid boolean.": _("Not a valid boolean."),
        "Not a valid list.": _("Not a valid list."),
        "Not a valid date.": _("Not a valid date."),
        "Not a valid datetime.": _("Not a valid datetime."),
        "Invalid value.": _("Invalid value."),
        "Invalid input type.": _("Invalid input type."),
        "String does not match expected pattern.": _("String does not match expected pattern."),
    }


def _float(typed: str) -> float:
    value = float(typed)
    if value - value != 0:  # infinite, or not a number
        raise ValueError(typed)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return members


class ApiBlueprint(Blueprint):
    """Doors of the API that read strictly and describe how they refuse."""

    ARGUMENTS_PARSER = StrictParser()

    def refuses(self, *codes: int) -> Callable[[V], V]:
        """Document how a route may refuse, besides asking for a valid token that may do this."""

        def document(view: V) -> V:
            for code in sorted({401, 403, *codes}):
                view = self.alt_response(code, schema=RefusalSchema, description=REFUSALS[code])(view)
            return view

        return document
