"""Quotas: declared in a draft, frozen when people are told, refused when no list could meet them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls import services
from grants.calls.models import Calibration, Call, CallQuota, CallState, QuotaDimension
from grants.calls.services import QuotaFields, Share
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.people import make_canton

SignIn = Callable[[User], FlaskClient]
SEX, AGE = QuotaDimension.SEX, QuotaDimension.AGE_BAND
WOMEN = QuotaFields(SEX, "female", 6, None)
DISABLED = QuotaFields(QuotaDimension.DISABILITY, "yes", 1, None)


@pytest.fixture
def coordinator(sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


def draft(**overrides: Any) -> Call:
    return make_call(state=CallState.DRAFT, tie_seed="", **overrides)


def stored(call: Call) -> list[tuple[int, str, int | None, int | None]]:
    found = db.session.query(CallQuota).filter_by(call_id=call.id).order_by(CallQuota.position)
    return [(quota.position, quota.group, quota.minimum, quota.maximum) for quota in found]


def save(call: Call, *quotas: QuotaFields) -> None:
    services.save_quotas(call, quotas, by=make_user(Role.COORDINATOR), now=utcnow())


@pytest.mark.parametrize(
    ("share", "least", "most"),
    [
        (Share(Decimal(60), is_percent=True), 78, 77),  # 60 % of 129 are 77.4
        (Share(Decimal(50), is_percent=True), 65, 64),  # 64.5
        (Share(Decimal(100), is_percent=True), 129, 129),
        (Share(Decimal(12)), 12, 12),
    ],
)
def test_part_of_a_place_is_kept_by_a_minimum_and_not_given_by_a_maximum(share: Share, least: int, most: int) -> None:
    assert (share.at_least(129), share.at_most(129)) == (least, most)


def test_quotas_are_kept_in_their_order_and_replaced_as_a_whole(app: Flask) -> None:
    call = draft()

    save(call, WOMEN, DISABLED)
    save(call, DISABLED, QuotaFields(SEX, "male", None, 4), WOMEN)

    assert stored(call) == [(1, "disability:yes", 1, None), (2, "sex:male", None, 4), (3, "sex:female", 6, None)]


@pytest.mark.parametrize("state", [CallState.PUBLISHED, CallState.CLOSED])
def test_quotas_of_a_published_call_are_frozen(app: Flask, state: CallState) -> None:
    call = make_call(state=state)
    db.session.add(CallQuota(call=call, position=1, dimension=SEX, value="female", minimum=6))
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        save(call, DISABLED)

    assert stored(call) == [(1, "sex:female", 6, None)]


@pytest.mark.parametrize(
    ("quotas", "words"),
    [
        ([QuotaFields(SEX, "female", 7, 6)], "at least 7 and at most 6"),
        ([QuotaFields(SEX, "female", None, None)], "a minimum or a maximum"),
        ([QuotaFields(SEX, "female", 0, None)], "says nothing"),
        ([QuotaFields(SEX, "female", 11, None)], "keeps 11 places, but the call has 10"),
        ([WOMEN, QuotaFields(SEX, "female", None, 8)], "another quota names already"),
        ([WOMEN, QuotaFields(SEX, "male", 5, None)], "add up to 11 places"),
        ([QuotaFields(SEX, sex, None, 3) for sex in ("female", "male", "other")], "only 9 of the 10 places"),
        ([QuotaFields(SEX, "robot", 1, None)], "Choose the group of quota 1"),
        ([QuotaFields(QuotaDimension.CANTON, "9999", 1, None)], "Choose the group of quota 1"),
        ([QuotaFields(AGE, "18_35", 1, None)] * 21, "at most 20 quotas"),
    ],
)
def test_contradiction_on_the_face_is_refused_in_a_sentence(
    app: Flask, in_english: None, quotas: list[QuotaFields], words: str
) -> None:
    call = draft()
    save(call, WOMEN)
    db.session.commit()

    with pytest.raises(RuleBroken, match=words), transaction():
        save(call, *quotas)

    assert stored(call) == [(1, "sex:female", 6, None)]


def test_bounds_that_a_list_can_meet_are_taken(app: Flask) -> None:
    call = draft()
    make_canton("2101")

    save(
        call,
        QuotaFields(SEX, "female", 6, 6),
        QuotaFields(SEX, "male", 4, 4),
        QuotaFields(SEX, "other", None, 0),
        QuotaFields(AGE, "18_35", 10, None),  # of another dimension: the same person may count for both
        QuotaFields(QuotaDimension.CANTON, "2101", None, 5),
    )

    assert len(stored(call)) == 5


def test_places_lowered_below_the_quotas_are_refused_at_publication(app: Flask, in_english: None) -> None:
    call = draft()
    save(call, WOMEN)
    call.places = 5
    db.session.commit()

    with pytest.raises(RuleBroken, match="keeps 6 places, but the call has 5"), transaction():
        services.publish(call, by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.expire_all()
    assert call.state is CallState.DRAFT


def test_publication_says_how_many_quotas_were_declared(app: Flask, coordinator: FlaskClient) -> None:
    call = draft()
    save(call, WOMEN)

    coordinator.post(f"/calls/{call.id}/publish")

    page = coordinator.get(f"/calls/{call.id}", headers={"Accept-Language": "en"}).text
    assert "women" in page
    assert "6 places (60" in page
    assert db.session.get_one(Call, call.id).tie_seed in page


def quota_form(*rows: tuple[str, str, str], **buttons: str) -> dict[str, str]:
    form = dict(buttons)
    for number, (group, minimum, maximum) in enumerate(rows):
        form |= {
            f"rows-{number}-group": group,
            f"rows-{number}-minimum": minimum,
            f"rows-{number}-maximum": maximum,
        }
    return form


def test_page_turns_a_percentage_into_places_rounded_up(app: Flask, coordinator: FlaskClient) -> None:
    call = draft(places=129, budget_usd=Decimal("90300.00"))

    answer = coordinator.post(
        f"/calls/{call.id}/quotas", data=quota_form(("sex:female", "60 %", ""), ("", "", ""), ("sex:male", "", "40%"))
    )

    assert answer.status_code == 302
    assert stored(call) == [(1, "sex:female", 78, None), (2, "sex:male", None, 51)]
    assert 'value="78"' in coordinator.get(f"/calls/{call.id}/quotas").text


@pytest.mark.parametrize(
    ("button", "order"),
    [
        ({"up": "1"}, ["disability:yes", "sex:female"]),
        ({"down": "0"}, ["disability:yes", "sex:female"]),
        ({"up": "0"}, ["sex:female", "disability:yes"]),
        ({"down": "9" * 400}, ["sex:female", "disability:yes"]),
        ({"remove": "0"}, ["disability:yes"]),
        ({"add": "1"}, ["sex:female", "disability:yes", ""]),
    ],
)
def test_rows_move_without_saving_and_keep_what_was_typed(
    app: Flask, coordinator: FlaskClient, button: dict[str, str], order: list[str]
) -> None:
    call = draft()
    rows = (("sex:female", "sixty", ""), ("disability:yes", "1", ""))

    page = coordinator.post(f"/calls/{call.id}/quotas", data=quota_form(*rows, **button)).text

    assert [part.split('"')[0] for part in page.split('selected value="')[1:]] == order
    assert ("sixty" in page) is ("sex:female" in order)
    assert stored(call) == []


@pytest.mark.parametrize(
    "row",
    [
        ("", "5", ""),
        ("sex:robot", "5", ""),
        ("sex:female", "101 %", ""),
        ("sex:female", "-1", ""),
        ("sex:female", "1e999", ""),
        ("sex:female", "NaN", ""),
        ("sex:female", "９", ""),
        ("sex:female", "", "\x00"),
        ("sex:female", "", "9" * 5000),
        ("sex:female", "", ""),
        ("sex:female", "999999", ""),
    ],
)
def test_bad_quota_gets_a_sentence_and_nothing_is_stored(
    app: Flask, coordinator: FlaskClient, row: tuple[str, str, str]
) -> None:
    call = draft()

    answer = coordinator.post(f"/calls/{call.id}/quotas", data=quota_form(row))

    assert answer.status_code == 200
    assert "notice-bad" in answer.text
    assert stored(call) == []


def test_page_of_a_published_call_offers_no_form(app: Flask, coordinator: FlaskClient) -> None:
    call = make_call()

    page = coordinator.get(f"/calls/{call.id}/quotas").text

    assert "rows-0-group" not in page
    assert coordinator.post(f"/calls/{call.id}/quotas", data=quota_form(("sex:female", "1", ""))).status_code == 200
    assert stored(call) == []


@pytest.mark.parametrize("role", [Role.EVALUATOR, Role.AUDITOR, Role.MONITORING])
def test_only_those_who_prepare_calls_write_quotas(app: Flask, sign_in: SignIn, role: Role) -> None:
    call = draft()
    reader = sign_in(make_user(role))

    assert reader.get(f"/calls/{call.id}/quotas").status_code == 403
    assert reader.post(f"/calls/{call.id}/quotas", data=quota_form(("sex:female", "1", ""))).status_code == 403
    assert stored(call) == []


def test_calls_correct_for_evaluators_in_advice_unless_told_otherwise(app: Flask) -> None:
    assert make_call().calibration is Calibration.ADVISORY
