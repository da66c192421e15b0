"""The page that a folio names, for the search at the top of every page."""

from collections.abc import Callable

from flask import url_for

from grants.access.models import User
from grants.access.permissions import Permission
from grants.applications import queries as applications
from grants.core.clock import utcnow
from grants.core.errors import NotFound
from grants.credit import queries as credit
from grants.delivery import queries as deliveries
from grants.people import queries as people
from grants.selection import queries as selection


def page_of(folio: str, user: User) -> str | None:
    """The page of what a folio names, if this user may open it; None whether it is missing or another's."""
    finder = FINDERS.get(folio[0])
    try:
        return finder(folio, user) if finder else None
    except NotFound:
        return None


def _person_page(folio: str, user: User) -> str | None:
    found = people.find_by_folio(folio) if user.may(Permission.VIEW_PERSON) else None
    return url_for("people.show", person_id=found.id) if found else None


def _application_page(folio: str, user: User) -> str | None:
    if not user.may(Permission.VIEW_APPLICATION):
        return None
    return url_for("applications.show", application_id=applications.by_folio(folio, user).id)


def _delivery_page(folio: str, user: User) -> str | None:
    if user.may(Permission.CARRY_DELIVERY):
        return url_for("delivery.handover", delivery_id=deliveries.stop_by_folio(user, folio, utcnow()).id)
    if not user.may(Permission.VIEW_DELIVERY):
        return None
    return url_for("delivery.show", delivery_id=deliveries.get_by_folio(folio).id)


def _linkage_page(folio: str, user: User) -> str | None:
    if not (user.may(Permission.VIEW_LINKAGE) or user.may(Permission.LOG_LINKAGE)):
        return None
    return url_for("credit.linkage", linkage_id=credit.linkage_by_folio(user, folio).id)


def _appeal_page(folio: str, user: User) -> str | None:
    found = selection.appeal_by_folio(folio, user) if user.may(Permission.DECIDE_APPEAL) else None
    return url_for("selection.appeal", appeal_id=found.id) if found else None


FINDERS: dict[str, Callable[[str, User], str | None]] = {
    "P": _person_page,
    "A": _application_page,
    "D": _delivery_page,
    "L": _linkage_page,
    "Q": _appeal_page,
}
