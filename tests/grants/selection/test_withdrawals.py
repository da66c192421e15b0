"""A person withdraws their application: what that means for the award it may have."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState
from grants.applications.services import withdraw
from grants.core.clock import utcnow
from grants.core.db import db, get_or_refuse
from grants.core.errors import RuleBroken
from grants.selection import services
from grants.selection.models import Award, AwardState, Selection
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_reviews
from tests.factories.selection import make_award, make_waiting
from tests.grants.selection.test_races import at_once

SignIn = Callable[[User], FlaskClient]


def approved_run() -> Selection:
    call = make_call(places=1, budget_usd=Decimal("700.00"))
    make_reviews(make_application(call))
    author = make_user(Role.COORDINATOR)
    selection = services.simulate(call, by=author, now=utcnow())
    services.propose(selection, by=author, now=utcnow())
    for _n in range(2):
        services.approve(selection, by=make_user(Role.COORDINATOR), now=utcnow())
    return selection


def test_application_with_an_award_is_not_withdrawn_behind_it(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    client, form = sign_in(make_user(Role.COORDINATOR)), {"reason": "Vuelve a su país"}

    refused = client.post(f"/applications/{award.application_id}/withdraw", data=form)

    assert "field-error" in refused.text
    assert (award.state, award.application.state) == (AwardState.ACTIVE, ApplicationState.SUBMITTED)

    client.post(f"/awards/{award.id}/end", data={"state": "declined", "reason": "Vuelve a su país"})
    assert client.post(f"/applications/{award.application_id}/withdraw", data=form).status_code == 302
    assert award.application.state is ApplicationState.WITHDRAWN


def test_waiting_application_may_be_withdrawn(app: Flask) -> None:
    waiting = make_waiting(make_award().selection)

    withdraw(waiting.application, reason="Se mudó", by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.expire_all()
    assert waiting.application.state is ApplicationState.WITHDRAWN


def test_run_with_a_withdrawn_application_is_not_published(app: Flask) -> None:
    selection, by = approved_run(), make_user(Role.COORDINATOR)
    application = selection.rows[0].application
    withdraw(application, reason="Se mudó", by=by, now=utcnow())

    with pytest.raises(RuleBroken):
        services.publish(selection, by=by, now=utcnow())

    assert db.session.query(Award).filter_by(application_id=application.id).count() == 0


@pytest.mark.no_rollback
def test_no_award_goes_to_an_application_withdrawn_at_the_same_moment(real_app: Flask) -> None:
    by = make_user(Role.COORDINATOR).id
    for _round in range(5):
        selection = approved_run()
        run, number = selection.id, selection.rows[0].application_id
        db.session.commit()

        published, withdrawn = at_once(
            real_app,
            lambda run=run: services.publish(get_or_refuse(Selection, run), by=get_or_refuse(User, by), now=utcnow()),
            withdrawal(number, by),
        )

        assert published != withdrawn
        db.session.expire_all()
        assert db.session.query(Award).filter_by(application_id=number).count() == int(published)


@pytest.mark.no_rollback
def test_next_in_line_who_withdraws_meanwhile_gets_no_award(real_app: Flask) -> None:
    by = make_user(Role.COORDINATOR).id
    for _round in range(5):
        award = make_award()
        ended, number = award.id, make_waiting(award.selection).application_id
        db.session.commit()

        declined, withdrawn = at_once(
            real_app,
            lambda ended=ended: services.decline_award(
                get_or_refuse(Award, ended), reason="Se mudó", by=get_or_refuse(User, by), now=utcnow()
            ),
            withdrawal(number, by),
        )

        assert declined
        db.session.expire_all()
        assert db.session.query(Award).filter_by(application_id=number).count() == int(not withdrawn)


def withdrawal(number: int, by: int) -> Callable[[], None]:
    return lambda: withdraw(
        get_or_refuse(Application, number), reason="Se mudó", by=get_or_refuse(User, by), now=utcnow()
    )
