"""An award that ends gives its place to the next, once."""

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.applications.models import ApplicationState
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.selection import queries, services
from grants.selection.models import Award, AwardState
from tests.factories.access import make_user
from tests.factories.selection import make_award, make_waiting

pytestmark = pytest.mark.usefixtures("in_english")


def test_decline_promotes_the_next_and_records_why(app: Flask) -> None:
    award = make_award()
    first, second = make_waiting(award.selection), make_waiting(award.selection)

    ended = services.decline_award(award, reason="Se mudó", by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.expire_all()
    assert (award.state, award.end_reason) == (AwardState.DECLINED, "Se mudó")
    assert ended.replacement is not None
    assert (ended.replacement.application_id, ended.replacement.replaces_id) == (first.application_id, award.id)
    assert (first.award_id, second.award_id) == (ended.replacement.id, None)
    assert queries.first_waiting(award.selection) is second


def test_place_of_a_promoted_award_goes_on_to_the_next(app: Flask) -> None:
    award, by = make_award(), make_user(Role.COORDINATOR)
    make_waiting(award.selection)
    second = make_waiting(award.selection)
    promoted = services.decline_award(award, reason="Se mudó", by=by, now=utcnow()).replacement
    assert promoted is not None

    again = services.withdraw_award(promoted, reason="Sin contacto", by=by, now=utcnow()).replacement

    assert again is not None
    assert (again.application_id, again.replaces_id) == (second.application_id, promoted.id)
    db.session.expire_all()
    assert promoted.state is AwardState.WITHDRAWN


def test_withdrawn_application_is_skipped_and_why_is_recorded(app: Flask) -> None:
    award = make_award()
    gone, next_one = make_waiting(award.selection), make_waiting(award.selection)
    gone.application.state, gone.application.withdrawn_at = ApplicationState.WITHDRAWN, utcnow()

    ended = services.decline_award(award, reason="Se mudó", by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.expire_all()
    assert gone.skipped_reason == "application_withdrawn"
    assert ended.replacement is not None
    assert ended.replacement.application_id == next_one.application_id


def test_empty_waiting_list_leaves_the_place_free(app: Flask) -> None:
    award = make_award()

    ended = services.decline_award(award, reason="Se mudó", by=make_user(Role.COORDINATOR), now=utcnow())

    assert ended.replacement is None
    assert db.session.query(Award).count() == 1


def test_award_ends_once_and_needs_a_reason(app: Flask) -> None:
    award, by = make_award(), make_user(Role.COORDINATOR)
    entry = make_waiting(award.selection)
    make_waiting(award.selection)

    with pytest.raises(RuleBroken, match="reason"):
        services.decline_award(award, reason="  ", by=by, now=utcnow())
    db.session.expire_all()
    assert award.state is AwardState.ACTIVE
    services.decline_award(award, reason="Se mudó", by=by, now=utcnow())
    with pytest.raises(RuleBroken, match="already ended"):
        services.withdraw_award(award, reason="Otra vez", by=by, now=utcnow())

    db.session.expire_all()
    assert award.state is AwardState.DECLINED
    assert db.session.query(Award).count() == 2
    assert entry.award_id is not None


def test_journal_names_the_award_but_not_the_reason(app: Flask) -> None:
    award = make_award()
    make_waiting(award.selection)
    services.decline_award(award, reason="Se mudó a Quito", by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.commit()

    entries = db.session.query(JournalEntry).order_by(JournalEntry.id).all()
    assert [entry.action for entry in entries][-2:] == ["award.declined", "award.promoted"]
    assert not any("Quito" in entry.details for entry in entries)
