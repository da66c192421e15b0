"""The pages of a credit's life: the way that works, each refusal, and what others may not see."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit import services
from grants.credit.models import (
    CreditMovement,
    Linkage,
    LinkageKind,
    LinkageState,
    MovementKind,
    RateKind,
    Source,
)
from grants.credit.services import Movement
from grants.credit.services.reversals import propose_reversal
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_movement
from tests.factories.credit_movements import ago, make_credit, make_product, today
from tests.grants.credit.counting import queries_of

ENGLISH = {"Accept-Language": "en"}
S, K = LinkageState, MovementKind


def form(**changes: str) -> dict[str, str]:
    return {"happened_on": ago(10).isoformat(), "source": "call", **changes}


def path(linkage: Linkage, kind: str) -> str:
    return f"/linkages/{linkage.id}/movements/{kind}/log"


@pytest.fixture
def credit(app: Flask) -> Linkage:
    return make_credit(approved="1500")


@pytest.fixture
def liaison(credit: Linkage, sign_in: Any) -> Any:
    return sign_in(make_liaison(credit.institution))


FORMS: list[tuple[str, dict[str, str], dict[str, object]]] = [
    ("repayment", form(amount_usd="112,00", reference="R-1"), {"outstanding_usd": Decimal(1100)}),
    ("repayment", form(amount_usd="100", principal_usd="85,50", interest_usd="14.5", other_usd="0"),
     {"outstanding_usd": Decimal("1114.50")}),
    ("balance", form(balance_usd="1.100,50", days_late="3", overdue_usd="20"), {"outstanding_usd": Decimal("1100.50")}),
    ("balance", form(balance_usd="0"), {"state": S.REPAID}),
    ("disbursement", form(amount_usd="300", net_usd="280"), {"amount_usd": Decimal(1500)}),
    ("restructure", form(balance_usd="1210", rate_percent="15,5", rate_kind="nominal", method="french",
                         frequency="monthly", instalments="18", first_due_on=(today() + timedelta(days=9)).isoformat()),
     {"restructured_on": ago(10), "outstanding_usd": Decimal(1210)}),
    ("write-off", form(amount_usd="1200"), {"state": S.WRITTEN_OFF}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "expected"), FORMS)
def test_each_kind_is_logged(
    liaison: Any, credit: Linkage, kind: str, body: dict[str, str], expected: dict[str, object]
) -> None:
    page = liaison.get(path(credit, kind), headers=ENGLISH)
    assert page.status_code == 200
    assert 'action="' in page.text

    answer = liaison.post(path(credit, kind), data=body)

    assert (answer.status_code, answer.location) == (302, f"/linkages/{credit.id}")
    after = db.session.get(Linkage, credit.id)
    assert {name: getattr(after, name) for name in expected} == expected
    assert after.movements[-1].source is Source.CALL
    assert liaison.get(answer.location).status_code == 200


def test_a_recovery_is_logged(liaison: Any, credit: Linkage) -> None:
    liaison.post(path(credit, "write-off"), data=form(amount_usd="1200"))
    assert liaison.get(path(credit, "recovery")).status_code == 200
    assert liaison.post(path(credit, "recovery"), data=form(amount_usd="75")).status_code == 302
    page = liaison.get(f"/linkages/{credit.id}", headers=ENGLISH).text
    assert "Recovered" in page
    assert "USD 75.00" in page


WRONG: list[tuple[str, dict[str, str]]] = [
    ("repayment", form(amount_usd="1.234")),
    ("repayment", form(amount_usd="")),
    ("repayment", form(amount_usd="1e308")),
    ("repayment", form(amount_usd="-5")),
    ("repayment", form(amount_usd="9999")),
    ("repayment", form(amount_usd="100", principal_usd="1.234")),
    ("repayment", form(amount_usd="100", reference="=cmd()")),
    ("repayment", form(amount_usd="100", happened_on="2026-13-40")),
    ("repayment", form(amount_usd="100", source="api")),
    ("repayment", form(amount_usd="100", source="")),
    ("balance", form(balance_usd="")),
    ("balance", form(balance_usd="5000")),
    ("balance", form(balance_usd="900", days_late="x")),
    ("balance", form(balance_usd="900", days_late="99999999999")),
    ("restructure", form(balance_usd="1200")),
    ("write-off", form(amount_usd="5")),
    ("recovery", form(amount_usd="5")),
    ("disbursement", form(amount_usd="301")),
]


@pytest.mark.parametrize(("kind", "body"), WRONG)
def test_what_cannot_be_comes_back_with_a_sentence(
    liaison: Any, credit: Linkage, kind: str, body: dict[str, str]
) -> None:
    answer = liaison.post(path(credit, kind), data=body)
    assert answer.status_code == 200
    assert "field-error" in answer.text or "notice-bad" in answer.text
    assert db.session.query(CreditMovement).count() == 1
    assert db.session.get(Linkage, credit.id).outstanding_usd == 1200


@pytest.mark.parametrize("kind", ["nothing", "write_off", "REPAYMENT", "1"])
def test_an_unknown_kind_is_no_page(liaison: Any, credit: Linkage, kind: str) -> None:
    assert liaison.get(path(credit, kind)).status_code == 404
    assert liaison.post(path(credit, kind), data=form(amount_usd="5")).status_code == 404


def test_a_double_click_with_a_receipt_logs_once(liaison: Any, credit: Linkage) -> None:
    body = form(amount_usd="50", reference="R-1")
    assert [liaison.post(path(credit, "repayment"), data=body).status_code for _n in range(2)] == [302, 200]
    assert db.session.query(CreditMovement).count() == 2


def test_a_coordinator_reads_the_life_of_a_credit(app: Flask, sign_in: Any) -> None:
    """Disbursed 100 days ago, due 70, 40 and 9 days ago; paid one and a half."""
    credit = make_credit(days=100)
    by = make_liaison(credit.institution, name="Rosa Enlace")
    services.log_movement(credit, Movement(K.REPAYMENT, ago(40), amount_usd=Decimal(173), reference="R-7",
                                           source=Source.BOOKLET), by=by, now=utcnow())  # fmt: skip
    page = sign_in(make_user(Role.COORDINATOR)).get(f"/linkages/{credit.id}", headers=ENGLISH).text
    # 12 and 11 of interest, 150 of principal
    assert "USD 1,050.00" in page
    assert "USD 50.00 missing" in page
    assert "1 of 12 paid" in page
    assert "Late for" in page
    for words in ("R-7", "From the member's booklet", "Rosa Enlace", "Repayment"):
        assert words in page, words
    assert "/movements/repayment/log" not in page


def test_silence_is_unknown_and_never_up_to_date(app: Flask, sign_in: Any) -> None:
    credit = make_credit(days=46)
    credit.first_due_on = today() + timedelta(days=1)
    db.session.flush()
    page = sign_in(make_liaison(credit.institution)).get(f"/linkages/{credit.id}", headers=ENGLISH).text
    assert "How this credit stands is unknown" in page
    assert "Up to date" not in page


def test_new_terms_and_lost_people_are_marked(liaison: Any, credit: Linkage) -> None:
    liaison.post(path(credit, "restructure"), data=FORMS[5][1])
    assert liaison.get(f"/linkages/{credit.id}/mark-lost").status_code == 200
    assert liaison.post(f"/linkages/{credit.id}/mark-lost", data={"reason": "x"}).status_code == 200
    assert liaison.post(f"/linkages/{credit.id}/mark-lost", data={"reason": "moved_away"}).status_code == 302
    page = liaison.get(f"/linkages/{credit.id}", headers=ENGLISH).text
    assert "New terms since" in page
    assert "Nobody can reach the person since" in page
    assert liaison.post(f"/linkages/{credit.id}/mark-found").status_code == 302
    assert liaison.post(f"/linkages/{credit.id}/mark-found").status_code == 409
    assert db.session.get(Linkage, credit.id).lost_on is None


def test_a_disbursement_asks_little_of_a_phone(app: Flask, sign_in: Any) -> None:
    """The amount approved and the only product stand there already; its rate need not be typed."""
    linkage = make_linkage(state=S.APPROVED, happened_on=ago(20))
    linkage.approved_usd = Decimal(900)
    product = make_product(linkage.institution, rate_percent=Decimal(18), rate_kind=RateKind.EFFECTIVE)
    make_product(make_institution(), name="Ajeno")
    client = sign_in(make_liaison(linkage.institution))
    page = client.get(f"/linkages/{linkage.id}/log/disbursed").text
    assert 'value="900.00"' in page
    assert f'<option selected value="{product.id}">' in page
    assert "Ajeno" not in page

    answer = client.post(f"/linkages/{linkage.id}/log/disbursed", data={
        "happened_on": ago(1).isoformat(), "amount_usd": "900", "term_months": "9", "reference": "OP-9",
        "product_id": str(product.id)})  # fmt: skip

    assert answer.status_code == 302
    after = db.session.get(Linkage, linkage.id)
    assert (after.rate_percent, after.rate_kind, after.instalments) == (18, RateKind.EFFECTIVE, 9)


def test_another_institutions_product_cannot_be_chosen(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(state=S.APPROVED, happened_on=ago(20))
    make_product(linkage.institution, rate_percent=Decimal(18), rate_kind=RateKind.EFFECTIVE)
    other = make_product(make_institution(), rate_percent=Decimal(1), rate_kind=RateKind.EFFECTIVE)
    answer = sign_in(make_liaison(linkage.institution)).post(f"/linkages/{linkage.id}/log/disbursed", data={
        "happened_on": ago(1).isoformat(), "amount_usd": "900", "term_months": "9", "reference": "OP-9",
        "product_id": str(other.id)})  # fmt: skip
    assert answer.status_code == 200
    assert db.session.get(Linkage, linkage.id).state is S.APPROVED


def test_a_membership_is_closed_on_its_page(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(kind=LinkageKind.MEMBERSHIP, state=S.OPENED, happened_on=ago(20))
    client = sign_in(make_liaison(linkage.institution))
    body = {"happened_on": ago(1).isoformat(), "close_reason": "own_wish"}
    assert (
        client.post(f"/linkages/{linkage.id}/log/closed", data={"happened_on": ago(1).isoformat()}).status_code == 200
    )
    assert client.post(f"/linkages/{linkage.id}/log/closed", data=body).status_code == 302
    assert "own wish" in client.get(f"/linkages/{linkage.id}", headers=ENGLISH).text


def test_a_credit_says_which_one_it_paid_off(app: Flask, sign_in: Any) -> None:
    earlier = make_credit(days=90, reference="OLD-1")
    later = make_linkage(earlier.referral, state=S.DISBURSED, happened_on=ago(20))
    elsewhere = make_credit(earlier.person, days=90, reference="SECRET-1")
    client = sign_in(make_liaison(earlier.institution))
    page = client.get(f"/linkages/{later.id}/refinance").text
    assert "OLD-1" in page
    assert "SECRET-1" not in page
    wrong = client.post(f"/linkages/{later.id}/refinance", data={"earlier_id": str(elsewhere.id)})
    assert wrong.status_code == 200
    assert client.post(f"/linkages/{later.id}/refinance", data={"earlier_id": str(earlier.id)}).status_code == 302
    assert db.session.get(Linkage, earlier.id).state is S.REPAID
    assert later.folio in client.get(f"/linkages/{earlier.id}").text
    assert earlier.folio in client.get(f"/linkages/{later.id}").text
    assert db.session.get(Linkage, elsewhere.id).state is S.DISBURSED


def test_pages_cost_the_same_with_many_movements(app: Flask, sign_in: Any) -> None:
    few, many = make_credit(days=300), make_credit(days=300)
    for number in range(12):
        make_movement(many, K.REPAYMENT, happened_on=ago(200 - number), amount_usd=Decimal(5))
        if number < 3:
            propose_reversal(db.session.query(CreditMovement).order_by(CreditMovement.id.desc()).first(), "x",
                             by=make_user(), now=utcnow())  # fmt: skip
    client = sign_in(make_user(Role.COORDINATOR))
    paths = [f"/linkages/{one.id}" for one in (few, many)]
    costs = [queries_of(lambda path=path: client.get(path)) for path in paths]
    assert costs[0] == costs[1]
    waiting = queries_of(lambda: client.get("/reversals"))
    assert waiting <= 8


@pytest.mark.parametrize("language", ["es", "en"])
def test_pages_speak_one_language(liaison: Any, credit: Linkage, language: str) -> None:
    for kind in K:
        page = liaison.get(path(credit, kind.value.replace("_", "-")), headers={"Accept-Language": language}).text
        assert ("Log it" in page) == (language == "en")


def test_a_second_tap_without_a_receipt_number_logs_one_movement(app: Flask, sign_in: Any) -> None:
    linkage = make_credit()
    client, number = sign_in(make_liaison(linkage.institution)), linkage.id
    address = f"/linkages/{number}/movements/repayment/log"
    key = client.get(address).text.split('name="form_key"')[1].split('value="')[1].split('"')[0]
    form = {"happened_on": ago(1).isoformat(), "amount_usd": "85", "source": "lender", "form_key": key}

    assert [client.post(address, data=form).status_code for _tap in range(2)] == [302, 302]
    changed = client.post(address, data={**form, "amount_usd": "86"})

    assert changed.status_code == 200
    assert f'value="{key}"' not in changed.text
    paid = db.session.query(CreditMovement).filter_by(linkage_id=number, kind=MovementKind.REPAYMENT)
    assert [one.amount_usd for one in paid] == [85]
