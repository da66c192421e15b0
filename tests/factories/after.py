"""Released letters, codes and appeals for tests."""

from datetime import datetime, timedelta
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.outbox import OutboxMessage
from grants.people.models import ContactKind, ContactPoint, Person
from grants.selection import queries, services
from grants.selection.models import Appeal, AppealPanelist, Letter, LetterRelease, Selection
from tests.factories.access import make_user
from tests.factories.selection import make_award

ADDRESS = "https://semilla.example/my-result"


def make_email(person: Person, address: str = "ana@example.org", **overrides: Any) -> ContactPoint:
    """A verified e-mail of the person's own."""
    values: dict[str, Any] = {"verified_on": utcnow().date() - timedelta(days=3), **overrides}
    point = ContactPoint(person=person, kind=ContactKind.EMAIL, value_lookup=b"x" * 32, **values)
    point.value = address
    db.session.add(point)
    db.session.flush()
    return point


def make_release(selection: Selection | None = None, *, now: datetime | None = None, days: int = 10) -> LetterRelease:
    """The letters of a published run (one award if none is given), released by a coordinator."""
    selection = selection or make_award().selection
    return services.release_letters(
        selection, appeal_days=days, decision_days=15, address=ADDRESS, by=make_user(Role.COORDINATOR),
        now=now or utcnow(),
    )  # fmt: skip


def letter_for(application: Application) -> Letter:
    """The newest letter of an application."""
    found = queries.letter_of(application.id)
    assert found is not None
    return found


def make_code(application: Application, *, now: datetime | None = None) -> str:
    """A fresh code for the application's result."""
    return services.issue_code(letter_for(application), by=make_user(Role.COORDINATOR), now=now or utcnow())


def make_appeal(
    application: Application | None = None, *, panel: tuple[User, ...] = (), now: datetime | None = None
) -> Appeal:
    """An appeal of a released result, with a panel if people are given."""
    if application is None:
        award = make_award()
        make_release(award.selection)
        application = award.application
    appeal = services.file_appeal(application, text="No leyeron mi plan.", by=None, now=now or utcnow())
    for user in panel:
        appeal.panel.append(AppealPanelist(user=user, named_by_id=user.id, named_at=utcnow()))
    db.session.flush()
    return appeal


def messages(kind: str) -> list[OutboxMessage]:
    """What the outbox holds of a kind, oldest first."""
    return db.session.query(OutboxMessage).filter_by(kind=kind).order_by(OutboxMessage.id).all()
