"""Asking people how getting credit went: whom, when, by whom, once; and what the answers come to."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import NotFound, RuleBroken
from grants.credit.models import CreditAnswer, LinkageState, Outcome, ReferralState, SurveyChannel
from grants.credit.queries import satisfaction as queries
from grants.credit.queries.portfolio import Narrowed
from grants.credit.satisfaction import Said, newest, tallies, tally
from grants.credit.services import satisfaction as services
from grants.credit.services.satisfaction import Answers
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison
from tests.factories.credit_figures import make_answer, make_decided
from tests.grants.credit.counting import queries_of

S = LinkageState
FORM = {"overall": "4", "information": "5", "treatment": "4", "time_taken": "2", "requirements": "prefers_not",
        "channel": "phone", "comment": "Fue largo"}  # fmt: skip


def today() -> date:
    return local_day(utcnow())


@pytest.fixture
def asker(app: Flask) -> Any:
    return make_user(Role.ENUMERATOR)


def test_people_are_asked_from_7_to_60_days_after_the_decision(app: Flask, asker: Any) -> None:
    for ago in (6, 61):
        make_decided(ago)
    oldest, approved, newest_one = make_decided(60), make_decided(30, state=S.APPROVED), make_decided(7)
    make_decided(20, state=S.CONTACTED)
    withdrawn = make_decided(20)
    withdrawn.referral.state = ReferralState.WITHDRAWN
    make_answer(5, linkage=make_decided(20))

    found = queries.to_ask(asker, today())

    assert [(one.linkage.id, one.outcome) for one in found] == [
        (oldest.id, Outcome.DECLINED), (approved.id, Outcome.APPROVED), (newest_one.id, Outcome.DECLINED)
    ]  # fmt: skip


def test_the_list_costs_the_same_with_one_and_with_three(app: Flask, sign_in: Any, asker: Any) -> None:
    client = sign_in(asker)
    make_decided(20)
    one = queries_of(lambda: client.get("/credit-satisfaction"))
    for _place in range(2):
        make_decided(20)
    assert queries_of(lambda: client.get("/credit-satisfaction")) == one


def test_an_answer_is_kept(app: Flask, sign_in: Any, asker: Any) -> None:
    linkage = make_decided(20)
    client = sign_in(asker)

    assert client.get(f"/credit-satisfaction/{linkage.id}/ask").status_code == 200
    answer = client.post(f"/credit-satisfaction/{linkage.id}/ask", data={**FORM, "asked_on": today().isoformat()})

    assert answer.location.endswith("/credit-satisfaction")
    (kept,) = db.session.query(CreditAnswer).all()
    assert (kept.overall, kept.information, kept.treatment, kept.time_taken, kept.requirements) == (4, 5, 4, 2, None)
    assert (kept.outcome, kept.refused, kept.asked_by_id, kept.comment) == (
        Outcome.DECLINED,
        False,
        asker.id,
        "Fue largo",
    )
    # A second tap, or somebody else at the same moment: it is gone from the list.
    again = client.post(f"/credit-satisfaction/{linkage.id}/ask", data={**FORM, "asked_on": today().isoformat()})
    assert again.status_code == 404
    assert db.session.query(CreditAnswer).count() == 1


def test_a_refusal_is_counted_and_holds_no_grade(app: Flask, sign_in: Any, asker: Any) -> None:
    linkage = make_decided(20)
    data = {"refused-channel": "visit", "refused-asked_on": today().isoformat(), "overall": "5"}
    answer = sign_in(asker).post(f"/credit-satisfaction/{linkage.id}/refused", data=data)
    assert answer.status_code == 302
    (kept,) = db.session.query(CreditAnswer).all()
    assert (kept.refused, kept.overall, kept.channel) == (True, None, SurveyChannel.VISIT)


@pytest.mark.parametrize("changes", [
    {"overall": ""}, {"overall": "6"}, {"overall": "4.5"}, {"information": "9"}, {"channel": "pigeon"},
    {"asked_on": ""}, {"asked_on": "2999-01-01"}, {"asked_on": "1e9"}, {"comment": "x" * 501}, {"comment": "a\x00b"},
])  # fmt: skip
def test_what_is_wrong_is_refused(app: Flask, sign_in: Any, asker: Any, changes: dict[str, str]) -> None:
    linkage = make_decided(20)
    data = {**FORM, "asked_on": today().isoformat(), **changes}
    answer = sign_in(asker).post(f"/credit-satisfaction/{linkage.id}/ask", data=data)
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.query(CreditAnswer).count() == 0


def test_a_day_outside_the_time_is_refused(app: Flask, asker: Any) -> None:
    asked = queries.get_to_ask(asker, make_decided(20).id, today())
    for on in (asked.decided_on + timedelta(days=6), today() + timedelta(days=1)):
        with pytest.raises(RuleBroken):
            services.write_down(asked, Answers(SurveyChannel.PHONE, on, 5), by=asker, now=utcnow())
    assert db.session.query(CreditAnswer).count() == 0


def test_two_at_once_leave_one_answer(app: Flask, asker: Any) -> None:
    asked = queries.get_to_ask(asker, make_decided(20).id, today())
    services.write_down(asked, Answers(SurveyChannel.PHONE, today(), 5), by=asker, now=utcnow())
    with pytest.raises(RuleBroken):
        services.write_down(
            asked, Answers(SurveyChannel.PHONE, today(), 1), by=make_user(Role.ENUMERATOR), now=utcnow()
        )
    assert [one.overall for one in db.session.query(CreditAnswer)] == [5]


def test_whoever_works_for_an_institution_asks_nobody(app: Flask, sign_in: Any) -> None:
    """Not even people of another institution: the list would tell of them."""
    linkage = make_decided(20)
    both = make_liaison(make_institution())
    both.roles = frozenset({Role.LIAISON, Role.ENUMERATOR})
    db.session.flush()
    client = sign_in(both)
    page = client.get("/credit-satisfaction").text
    assert linkage.person.folio not in page
    assert client.get(f"/credit-satisfaction/{linkage.id}/ask").status_code == 404
    with pytest.raises(NotFound):
        queries.get_to_ask(both, linkage.id, today())


def test_a_liaison_reaches_no_page(app: Flask, sign_in: Any) -> None:
    linkage = make_decided(20)
    client = sign_in(make_liaison(linkage.institution))
    for path in ("/credit-satisfaction", f"/credit-satisfaction/{linkage.id}/ask", "/credit-figures",
                 "/credit-figures.csv", "/credit-figures/credits?figure=gross"):  # fmt: skip
        assert client.get(path).status_code == 403


def test_a_refusal_with_a_grade_is_no_row(app: Flask) -> None:
    answer = make_answer(5)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        answer.refused = True
        db.session.flush()


def said(person: int, overall: int | None, *, sex: str = "female", on: int = 1) -> Said:
    return Said(person, date(2026, 5, on), sex, "migrant", "1001", "approved", overall)


def test_the_share_is_of_those_who_answered() -> None:
    found = tally(newest([said(1, 5), said(2, 4), said(3, 3), said(4, None)]), protected=False)
    assert (found.asked, found.answered, found.satisfied, found.refused) == (4, 3, 2, 1)
    assert found.share == 2 / 3


def test_of_two_answers_the_last_counts() -> None:
    found = newest([said(1, 5, on=3), said(1, 2, on=9), said(2, 4, on=2), said(2, None, on=8)])
    assert [(one.person_id, one.overall) for one in found] == [(2, 4), (1, 2)]


def test_nobody_asked_has_no_share() -> None:
    assert tally([], protected=False).share is None
    assert tally([], protected=True).share is None


def test_few_answers_are_protected() -> None:
    four = [said(n, 5) for n in range(4)]
    assert tally(four, protected=True).answered is None
    six_of_seven = [said(n, 5) for n in range(6)] + [said(9, 1)]
    assert tally(six_of_seven, protected=True).share is None, "the one who was not satisfied"
    ten = [said(n, 5) for n in range(5)] + [said(n, 1) for n in range(5, 10)] + [said(20, None)]
    found = tally(ten, protected=True)
    assert (found.asked, found.answered, found.satisfied) == (None, 10, 5)
    assert tallies([*ten, said(30, 5, sex="male")], lambda one: one.sex, protected=True) is None


def test_answers_are_read_with_the_traits_of_their_people(app: Flask) -> None:
    linkage = make_decided(20)
    make_answer(4, linkage=linkage)
    (found,) = queries.answers_until(today(), Narrowed(institution_id=linkage.institution_id))
    assert (found.person_id, found.sex, found.outcome, found.overall) == (linkage.person_id, "female", "declined", 4)
    assert queries.answers_until(today() - timedelta(days=1), Narrowed()) == []
    assert queries.answers_until(today(), Narrowed(canton_code="2101")) == []
