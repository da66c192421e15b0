"""A place that falls free goes to the best who keeps the quotas, not to the next by points."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallQuota, QuotaDimension
from grants.core.clock import utcnow
from grants.core.db import db
from grants.people.models import Sex
from grants.selection import queries, services
from grants.selection.models import Award, AwardState, CalledBecause, Selection, WaitingListEntry
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_reviews
from tests.factories.people import make_person
from tests.factories.selection import make_award

pytestmark = pytest.mark.usefixtures("in_english")
# On paper: two places, one of them for a woman. Points: man 1 100, man 2 75, woman 1 50, woman 2 25.
# The best pair with a woman is man 1 and woman 1 (150); man 1 and man 2 (175) have no woman.
LEVELS = {"man 1": 4, "man 2": 3, "woman 1": 2, "woman 2": 1}
Field = dict[str, Application]


def published(levels: dict[str, int] | None = None, *, quota: bool = True, places: int = 2) -> tuple[Selection, Field]:
    call = make_call(places=places, budget_usd=Decimal("7000.00"))
    if quota:
        call.quotas.append(CallQuota(position=1, dimension=QuotaDimension.SEX, value="female", minimum=1))
    people = {name: _applied(call, name, level) for name, level in (levels or LEVELS).items()}
    author = make_user(Role.COORDINATOR)
    selection = services.simulate(call, by=author, now=utcnow())
    services.propose(selection, by=author, now=utcnow())
    for _n in range(2):
        services.approve(queries.get_selection(selection.id), by=make_user(Role.COORDINATOR), now=utcnow())
    services.publish(queries.get_selection(selection.id), by=author, now=utcnow())
    db.session.expire_all()
    return selection, people


def _applied(call: Call, name: str, level: int) -> Application:
    sex = Sex.FEMALE if name.startswith("woman") else Sex.MALE
    application = make_application(call, make_person(sex=sex))
    make_reviews(application, level, level)
    return application


def holders(people: Field) -> set[str]:
    standing = {award.application_id for award in db.session.query(Award).filter_by(state=AwardState.ACTIVE)}
    return {name for name, application in people.items() if application.id in standing}


def decline(application: Application) -> Award | None:
    award = queries.active_award(application.id)
    assert award is not None
    ended = services.decline_award(award, reason="Se mudó", by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.expire_all()
    return ended.replacement


def test_only_woman_who_declines_is_replaced_by_a_woman(app: Flask) -> None:
    _selection, people = published()
    assert holders(people) == {"man 1", "woman 1"}

    replacement = decline(people["woman 1"])

    assert replacement is not None
    assert replacement.called_because == CalledBecause.QUOTA_KEPT
    assert holders(people) == {"man 1", "woman 2"}


def test_man_who_declines_is_replaced_by_the_next(app: Flask) -> None:
    _selection, people = published()

    replacement = decline(people["man 1"])

    assert replacement is not None
    assert replacement.called_because == CalledBecause.NEXT
    assert holders(people) == {"man 2", "woman 1"}


def test_quota_that_nobody_can_fill_any_more_gives_way(app: Flask) -> None:
    _selection, people = published({"man 1": 4, "man 2": 3, "woman 1": 2})

    decline(people["woman 1"])

    assert holders(people) == {"man 1", "man 2"}


def test_woman_who_withdrew_is_skipped_for_the_next_woman(app: Flask) -> None:
    selection, people = published({**LEVELS, "woman 3": 0})
    gone = people["woman 2"]
    gone.state, gone.withdrawn_at = ApplicationState.WITHDRAWN, utcnow()
    db.session.flush()

    decline(people["woman 1"])

    assert holders(people) == {"man 1", "woman 3"}
    entry = db.session.query(WaitingListEntry).filter_by(selection_id=selection.id, application_id=gone.id).one()
    assert entry.skipped_reason == "application_withdrawn"


def test_without_quotas_the_waiting_list_is_kept(app: Flask) -> None:
    _selection, people = published(quota=False)
    assert holders(people) == {"man 1", "man 2"}

    replacement = decline(people["man 2"])

    assert replacement is not None
    assert replacement.called_because == CalledBecause.NEXT
    assert holders(people) == {"man 1", "woman 1"}


def test_whoever_declined_is_not_called_again(app: Flask) -> None:
    _selection, people = published()
    decline(people["woman 1"])

    decline(people["woman 2"])

    assert holders(people) == {"man 1", "man 2"}


def test_place_given_on_appeal_counts_as_taken(app: Flask) -> None:
    """Of three places one stayed free; it was given to somebody who had not been ranked."""
    selection, people = published({"man 1": 4, "woman 1": 2}, places=3)
    unranked = make_award(application=make_application(selection.call), selection=selection)

    assert queries.free_places(queries.get_selection(selection.id)) == 0
    assert decline(people["man 1"]) is None
    assert unranked.is_active


def test_page_says_why_this_one_was_called(app: Flask, sign_in: Callable[[User], FlaskClient]) -> None:
    _selection, people = published()
    award = queries.active_award(people["woman 1"].id)
    assert award is not None
    client, english = sign_in(make_user(Role.COORDINATOR)), {"Accept-Language": "en"}

    before = client.get(f"/awards/{award.id}", headers=english)
    client.post(f"/awards/{award.id}/end", data={"state": "declined", "reason": "Se mudó"}, headers=english)
    called = queries.active_award(people["woman 2"].id)

    assert "the best on the waiting list that keeps the quotas" in before.text
    assert called is not None
    assert "the best that keeps the quotas" in client.get(f"/awards/{called.id}", headers=english).text
