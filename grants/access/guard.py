"""The door of every route. A route that declares nothing stays closed."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, abort, current_app, g, request
from flask_login import current_user

from grants.access.permissions import Permission
from grants.access.second_factor import CODE_LIMIT, DELIVERY_CODE, charge, compared, take_back
from grants.core.clock import utcnow
from grants.core.db import db, reads_only, transaction

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Files, and the description of the API: it names what can be asked and shows no data.
OPEN_ENDPOINTS = frozenset({"static", "bootstrap.static", "api-docs.openapi_json"})


def requires(
    permission: Permission, *others: Permission, code: bool = False, writes: bool = False
) -> Callable[[View], View]:
    """Declare the permission a route needs; with several, any one of them opens it.

    `code`: its POST checks the caller's delivery code, so the attempt is charged before the view runs. If the view
    compares none (a form that is incomplete, a body that is not JSON, a rule that forbids it first), it is taken back.
    `writes`: its GET records something (a look that is journaled).
    """

    def declare(view: View) -> View:
        view.permissions = frozenset({permission, *others})  # type: ignore[attr-defined]
        view.asks_code = code  # type: ignore[attr-defined]
        view.writes = writes  # type: ignore[attr-defined]
        return view

    return declare


def guard(app: Flask) -> None:
    """Close every route of the application that its declaration does not open."""

    @app.before_request
    def check() -> None:
        view: Any = current_app.view_functions.get(request.endpoint or "")
        reads_only.set(request.method in SAFE_METHODS and not getattr(view, "writes", False))
        if view is None or request.endpoint in OPEN_ENDPOINTS:
            return
        needed: frozenset[Permission] = getattr(view, "permissions", frozenset())
        if Permission.PUBLIC in needed:
            return
        if not current_user.is_authenticated:
            abort(401)
        if not needed & current_user.permissions:
            abort(403)
        if view.asks_code and request.method not in SAFE_METHODS:
            g.attempt = charge(DELIVERY_CODE, str(current_user.id), limit=CODE_LIMIT, now=utcnow())
            compared.set(False)

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        reads_only.set(False)

    app.after_request(take_attempt_back)

    @app.after_request
    def keep_private(response: Response) -> Response:
        """Pages show personal data: no cache keeps them."""
        if request.endpoint not in OPEN_ENDPOINTS:
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def take_attempt_back(response: Response) -> Response:
    """Nothing was compared: whoever was refused before that did not guess."""
    if "attempt" in g and not compared.get():
        db.session.rollback()  # of what the view read
        with transaction():
            take_back([g.attempt])
    return response


__all__ = ["DELIVERY_CODE", "guard", "requires"]
