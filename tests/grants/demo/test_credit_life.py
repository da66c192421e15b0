"""What became of the demo's credits: invented, but it adds up, and every way a credit can go is there."""

from collections import Counter

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import CREDITED_STATES, Linkage, LinkageState
from grants.credit.queries import liaison_institution
from grants.credit.queries.movements import differing_linkages
from grants.credit.services import standing_of
from grants.credit.standing import Health
from grants.demo import queries as demo_queries


@pytest.fixture
def lent(demo):
    statement = select(Linkage).options(selectinload(Linkage.movements), selectinload(Linkage.events))
    return list(db.session.scalars(statement.where(Linkage.state.in_(CREDITED_STATES)).order_by(Linkage.id)))


def test_every_credit_keeps_what_its_movements_come_to(demo):
    assert list(differing_linkages()) == []


def test_the_credits_of_the_report_went_every_way(lent):
    old = [one for one in lent if one.disbursed_on.year == 2022]
    today = local_day(utcnow())
    health = Counter(standing_of(one, today).health for one in old)

    assert len(old) == 94
    assert Counter(one.state for one in old) == {
        LinkageState.REPAID: 70, LinkageState.REPAYING: 22, LinkageState.WRITTEN_OFF: 2
    }  # fmt: skip
    assert sum(one.restructured_on is not None for one in old) == 12
    assert min(health[Health.CURRENT], health[Health.LATE], health[Health.UNKNOWN]) >= 2


def test_nothing_happens_before_the_money_or_in_the_future(lent):
    today = local_day(utcnow())
    for one in lent:
        days = [movement.happened_on for movement in one.movements]
        assert one.disbursed_on == min(days)
        assert max(days) <= today
        assert one.events[-1].to_state is one.state
        assert [event.happened_on for event in one.events] == sorted(event.happened_on for event in one.events)


def test_each_liaison_has_a_living_credit_of_each_kind(lent):
    today = local_day(utcnow())
    liaisons = [user for user in demo_queries.accounts() if user.is_a(Role.LIAISON)]
    assert liaisons
    for liaison in liaisons:
        own = [one for one in lent if one.institution_id == liaison_institution(liaison).id
               and one.disbursed_on.year > 2022]  # fmt: skip
        found = {standing_of(one, today).health for one in own}
        assert found == {Health.CURRENT, Health.LATE, Health.UNKNOWN}
