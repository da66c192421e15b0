"""Who waits for the liaison, what is owed and late; the likely next thing; a double tap; looking somebody up."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import (
    CreditMovement,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    MovementKind,
    ReferralState,
)
from grants.credit.queries import own_search, queues
from grants.credit.queries.queues import BOARD_QUEUES, OWN_QUEUES, Queue
from grants.credit.queries.referrals import own_and_consented
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_money import make_credit
from tests.factories.credit_offers import make_product, make_terms
from tests.factories.people import make_person
from tests.grants.credit.counting import queries_of

KEY = "form-key-0123456789"


def today() -> date:
    return local_day(utcnow())


def plain(page: str, typed: str) -> str:
    """A page without what it repeats and the tokens that every page holds anew."""
    return re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", page.replace(typed, ""))


@pytest.mark.parametrize(
    ("day", "owed_since"),
    [
        (date(2026, 11, 1), date(2026, 10, 31)),  # nothing of this month yet
        (date(2026, 11, 15), date(2026, 10, 31)),
        (date(2026, 10, 31), date(2026, 10, 1)),  # 30 days ago, though in this month
        (date(2027, 3, 1), date(2027, 2, 28)),
    ],
)
def test_a_report_is_owed_once_a_month_and_after_thirty_days(day: date, owed_since: date) -> None:
    assert queues.owed_since(day) == owed_since


def test_unknown_begins_on_the_forty_sixth_day() -> None:
    assert queues.unknown_from(date(2026, 10, 1)) == date(2026, 11, 16)


def test_lists_hold_who_asks_for_something_and_nobody_else(app: Flask) -> None:
    institution = make_institution()
    seen = own_and_consented(institution)
    make_linkage(make_referral(institution=institution, state=ReferralState.SENT))
    contact = make_linkage(institution=institution)
    approved = make_linkage(institution=institution, state=LinkageState.APPROVED)
    fresh = make_credit(institution, disbursed=0)
    late = make_credit(institution, disbursed=70, reported=0)
    owed = make_credit(institution, disbursed=20, reported=31)
    make_linkage(institution=institution, state=LinkageState.REPAID)
    make_linkage(institution=institution, state=LinkageState.DECLINED)
    make_linkage(state=LinkageState.APPROVED), make_credit(disbursed=70, reported=50)  # another institution's

    found = {
        queue: [one.id for one in queues.linkages_in(queue, seen, today()).items]
        for queue in OWN_QUEUES if queue is not Queue.ANSWER
    }  # fmt: skip

    assert found == {Queue.CONTACT: [contact.id], Queue.APPROVED: [approved.id], Queue.OWED: [owed.id],
                     Queue.LATE: [late.id]}  # fmt: skip
    assert queues.counts(seen, OWN_QUEUES, today()) == dict.fromkeys(OWN_QUEUES, 1)
    assert late.next_due_on < today() < fresh.next_due_on


def test_a_referral_whose_day_has_passed_is_not_to_be_answered(app: Flask) -> None:
    referral = make_referral(state=ReferralState.SENT)
    referral.expires_on = today() - timedelta(days=1)
    seen = own_and_consented(referral.institution)
    assert queues.referrals_in(Queue.ANSWER, seen, today()).items == []
    referral.expires_on = today()
    assert queues.referrals_in(Queue.EXPIRING, seen, today()).items == [referral]


def test_who_was_sent_on_is_not_to_be_sent_on(app: Flask, sign_in: Any) -> None:
    left = make_referral(state=ReferralState.DECLINED)
    sent_on = make_referral(state=ReferralState.EXPIRED)
    make_referral(sent_on.person, state=ReferralState.SENT)

    page = sign_in(make_user(Role.COORDINATOR)).get("/linkages/board?show=send-on").text

    assert left.folio in page
    assert sent_on.folio not in page


def test_pages_of_a_list_follow_one_another(app: Flask) -> None:
    institution = make_institution()
    seen = own_and_consented(institution)
    made = [make_linkage(institution=institution, happened_on=today() - timedelta(days=n)) for n in (1, 9, 5)]
    expected = [made[1].id, made[2].id, made[0].id]

    first = queues.linkages_in(Queue.CONTACT, seen, today(), size=2)
    second = queues.linkages_in(Queue.CONTACT, seen, today(), size=2, after=first.next_after)

    assert [one.id for one in (*first.items, *second.items)] == expected
    for nonsense in ("x", "2026-13-01~1", "2026-01-01~x", "~", "2026-01-01~" + "9" * 30):
        assert len(queues.linkages_in(Queue.CONTACT, seen, today(), after=nonsense).items) == 3


@pytest.mark.parametrize("path", ["/", "/my-linkages", "/my-linkages?show=owed", "/my-linkages/search?q=luz"])
def test_a_liaisons_pages_ask_as_often_for_many_as_for_one(app: Flask, sign_in: Any, path: str) -> None:
    institution = make_institution()
    client = sign_in(make_liaison(institution))
    counted = []
    for many in (1, 3):
        for _n in range(many):
            make_linkage(make_referral(make_person(given_names="Luz"), institution, state=ReferralState.SENT))
            make_linkage(institution=institution), make_linkage(institution=institution, state=LinkageState.APPROVED)
            make_credit(institution, disbursed=70, reported=50)
        db.session.commit()
        client.get(path)
        counted.append(queries_of(lambda: client.get(path)))
    assert counted[0] == counted[1] <= (12 if path == "/" else 8)


def test_the_board_asks_at_most_eight_times(app: Flask, sign_in: Any) -> None:
    client = sign_in(make_user(Role.COORDINATOR))
    counted = []
    for many in (1, 3):
        for _n in range(many):
            make_linkage(), make_credit(disbursed=70, reported=50)
            make_referral(state=ReferralState.DECLINED), make_linkage(make_referral(state=ReferralState.SENT))
        db.session.commit()
        counted.append([queries_of(lambda one=one: client.get(f"/linkages/board?show={one.value}"))
                        for one in BOARD_QUEUES])  # fmt: skip
    assert counted[0] == counted[1]
    assert max(counted[1]) <= 8


def test_the_board_narrows_and_survives_nonsense(app: Flask, sign_in: Any) -> None:
    stuck, other = make_linkage(), make_linkage()
    client = sign_in(make_user(Role.COORDINATOR))
    page = client.get(f"/linkages/board?institution={stuck.institution_id}&step=referred").text
    assert stuck.folio in page
    assert other.folio not in page
    for query in ("show=x", "institution=9999999999", "institution=x", "step=x", "after=x", "after=2026-01-01~1"):
        assert client.get(f"/linkages/board?{query}").status_code == 200


def test_the_likely_step_is_logged_with_one_form(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage()
    client = sign_in(make_liaison(linkage.institution))
    page = client.get(f"/linkages/{linkage.id}/quick").text
    assert f'action="/linkages/{linkage.id}/quick?do=contacted"' in page
    assert f'value="{today().isoformat()}"' in page

    answer = client.post(f"/linkages/{linkage.id}/quick?do=contacted", data={"happened_on": today(), "form_key": KEY})

    assert answer.location.endswith(f"/linkages/{linkage.id}")
    assert db.session.get(Linkage, linkage.id).state is LinkageState.CONTACTED


def test_a_second_tap_logs_nothing_more(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage()
    client = sign_in(make_liaison(linkage.institution))
    form = {"happened_on": today().isoformat(), "form_key": KEY}

    answers = [client.post(f"/linkages/{linkage.id}/quick?do=contacted", data=form) for _tap in range(3)]

    assert [one.status_code for one in answers] == [302] * 3
    assert db.session.query(LinkageEvent).filter_by(linkage_id=linkage.id).count() == 1
    assert db.session.get(Linkage, linkage.id).state is LinkageState.CONTACTED


def test_a_second_tap_on_a_disbursement_with_a_product_stands_once(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(state=LinkageState.APPROVED)
    product = make_product(linkage.institution)
    make_terms(product)
    client, number = sign_in(make_liaison(linkage.institution)), linkage.id
    form = {"happened_on": today().isoformat(), "amount_usd": "500", "term_months": "12", "reference": "Q-1",
            "product_id": str(product.id), "form_key": KEY}  # fmt: skip
    db.session.commit()
    db.session.expunge_all()  # a server has no object left of the request before

    answers = [client.post(f"/linkages/{number}/quick?do=disbursed", data=form).status_code for _tap in range(2)]

    assert answers == [302, 302]
    assert db.session.query(CreditMovement).filter_by(linkage_id=number).count() == 1


def test_a_payment_is_filled_in_and_a_second_tap_logs_it_once(app: Flask, sign_in: Any) -> None:
    credit = make_credit(disbursed=35, reported=0)  # 1,200 in 12 instalments without interest: 100 each
    client = sign_in(make_liaison(credit.institution))
    page = client.get(f"/linkages/{credit.id}/quick").text
    assert 'value="100,00"' in page

    form = {"happened_on": today().isoformat(), "amount_usd": "100,00", "form_key": KEY}
    for _tap in range(2):
        assert client.post(f"/linkages/{credit.id}/quick?do=repayment", data=form).status_code == 302

    paid = db.session.query(CreditMovement).filter_by(linkage_id=credit.id, kind=MovementKind.REPAYMENT).all()
    assert [one.amount_usd for one in paid] == [Decimal(100)]
    after = db.session.get(Linkage, credit.id)
    assert (after.outstanding_usd, after.state) == (Decimal(1100), LinkageState.REPAYING)
    assert after.next_due_on > today()


def test_another_amount_under_the_same_key_is_asked_about(app: Flask, sign_in: Any) -> None:
    credit = make_credit(disbursed=35, reported=0)
    client = sign_in(make_liaison(credit.institution))
    path, form = f"/linkages/{credit.id}/quick?do=repayment", {"happened_on": today().isoformat(), "form_key": KEY}
    client.post(path, data={**form, "amount_usd": "100"})

    page = client.post(path, data={**form, "amount_usd": "50"})

    assert page.status_code == 200
    assert 'value="50"' in page.text
    assert KEY not in page.text  # a fresh key: pressing again logs it
    assert db.session.query(CreditMovement).filter_by(kind=MovementKind.REPAYMENT).count() == 1


def test_what_nobody_reported_for_long_is_stated_not_guessed(app: Flask, sign_in: Any) -> None:
    credit = make_credit(disbursed=120, reported=46)
    client = sign_in(make_liaison(credit.institution))
    page = client.get(f"/linkages/{credit.id}/quick").text
    assert f"/linkages/{credit.id}/quick?do=balance" in page
    assert 'value="1200,00"' in page

    form = {"happened_on": today().isoformat(), "balance_usd": "0", "form_key": KEY}
    assert client.post(f"/linkages/{credit.id}/quick?do=balance", data=form).status_code == 302

    assert db.session.get(Linkage, credit.id).state is LinkageState.REPAID


@pytest.mark.parametrize(
    ("do", "form"),
    [
        ("repayment", {"amount_usd": "1.234"}),
        ("repayment", {"amount_usd": "-5"}),
        ("repayment", {"amount_usd": "0"}),
        ("repayment", {"amount_usd": "1e3"}),
        ("repayment", {"amount_usd": "100", "happened_on": "2199-01-01"}),
        ("repayment", {"amount_usd": "100", "form_key": ""}),
        ("repayment", {"amount_usd": "100", "form_key": "x" * 500}),
        ("balance", {"balance_usd": ""}),
        ("balance", {"balance_usd": "."}),
        ("contacted", {}),
        ("disbursed", {"amount_usd": "100"}),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_logged(
    app: Flask, sign_in: Any, do: str, form: dict[str, str]
) -> None:
    credit = make_credit(disbursed=35, reported=0)
    client = sign_in(make_liaison(credit.institution))
    before = db.session.query(CreditMovement).count()

    answer = client.post(f"/linkages/{credit.id}/quick?do={do}",
                         data={"happened_on": today().isoformat(), "form_key": KEY, **form})  # fmt: skip

    assert answer.status_code == 200
    assert db.session.query(CreditMovement).count() == before
    assert db.session.get(Linkage, credit.id).outstanding_usd == Decimal(1200)


def test_a_refused_form_may_be_corrected_and_sent_again(app: Flask, sign_in: Any) -> None:
    credit = make_credit(disbursed=35, reported=0)
    client = sign_in(make_liaison(credit.institution))
    path = f"/linkages/{credit.id}/quick?do=repayment"
    early = (credit.disbursed_on - timedelta(days=1)).isoformat()
    form = {"amount_usd": "100", "form_key": KEY}
    assert client.post(path, data={**form, "happened_on": early}).status_code == 200
    assert client.post(path, data={**form, "happened_on": today().isoformat()}).status_code == 302


def test_an_ended_linkage_leads_to_its_page(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    client = sign_in(make_liaison(institution))
    for state in (LinkageState.DECLINED, LinkageState.REPAID, LinkageState.WRITTEN_OFF):
        ended = make_linkage(institution=institution, state=state)
        assert client.get(f"/linkages/{ended.id}/quick").location.endswith(f"/linkages/{ended.id}")
    sent = make_linkage(make_referral(institution=institution, state=ReferralState.SENT))
    assert client.get(f"/linkages/{sent.id}/quick").status_code == 302


def test_opening_an_account_is_one_form(app: Flask, sign_in: Any) -> None:
    account = make_linkage(kind=LinkageKind.SAVINGS_ACCOUNT, state=LinkageState.CONTACTED)
    client = sign_in(make_liaison(account.institution))
    form = {"happened_on": today().isoformat(), "form_key": KEY}
    assert client.post(f"/linkages/{account.id}/quick?do=opened", data=form).status_code == 302
    assert db.session.get(Linkage, account.id).state is LinkageState.OPENED


def test_an_approved_credit_is_disbursed_with_the_usual_terms_filled_in(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    make_linkage(institution=institution, state=LinkageState.DISBURSED)  # 12 months at 25,12 nominal
    approved = make_linkage(institution=institution, state=LinkageState.APPROVED)
    approved.approved_usd = Decimal("730.50")
    page = sign_in(make_liaison(institution)).get(f"/linkages/{approved.id}/quick").text
    for filled in ('value="730,50"', 'value="12"', 'value="25,12"'):
        assert filled in page
    assert approved.reference is None
    assert page.split('id="reference"')[1].split(">")[0].count('value=""') == 1


def test_people_are_found_by_shared_name_folio_and_number(app: Flask) -> None:
    person = make_person(given_names="Luz Marina", first_surname="Núñez", second_surname="Vera")
    own = make_linkage(person=person, state=LinkageState.DISBURSED, reference="OP-77/b")
    for typed in ("luz", "nunez", "NÚÑEZ luz", "nuñ", own.folio, own.folio.lower().replace("-", " "),
                  own.referral.folio, person.folio, "op-77/B"):  # fmt: skip
        assert own_search.find_own(own.institution, typed) == [own], typed
    for typed in ("marina", "vera", "z", "", "   ", "%", "_", "luz ortiz", "ñ" * 60, "\x00ab"):
        assert own_search.find_own(own.institution, typed) == [], typed


def test_another_institutions_person_is_not_found_and_the_answer_is_the_same(app: Flask, sign_in: Any) -> None:
    theirs = make_linkage(person=make_person(given_names="Luz", first_surname="Ortiz"),
                          state=LinkageState.DISBURSED, reference="OP-9")  # fmt: skip
    client = sign_in(make_liaison(make_institution()))
    nobody = plain(client.get("/my-linkages/search?q=Zzyzx").text, "Zzyzx")
    for typed in ("Luz", "Ortiz", theirs.folio, theirs.referral.folio, theirs.person.folio, "OP-9"):
        answer = client.get("/my-linkages/search", query_string={"q": typed}).text
        assert plain(answer, typed) == nobody


def test_a_person_known_to_both_is_found_only_as_ones_own(app: Flask, sign_in: Any) -> None:
    both = make_person(given_names="Luz", first_surname="Ortiz")
    own, other = make_linkage(person=both), make_linkage(person=both, state=LinkageState.DISBURSED, reference="OTHER-7")
    client = sign_in(make_liaison(own.institution))
    for path in ("/", "/my-linkages", "/my-linkages?show=contact", "/my-linkages/search?q=luz",
                 f"/my-linkages/search?q={both.folio}", f"/linkages/{own.id}/quick"):  # fmt: skip
        page = client.get(path).text
        for secret in (other.folio, other.referral.folio, "OTHER-7", other.institution.name):
            assert secret not in page, path


def test_a_liaison_without_institution_is_told_what_to_do(app: Flask, sign_in: Any) -> None:
    client = sign_in(make_liaison(None))
    assert client.get("/my-linkages").status_code == 200
    assert client.get("/my-linkages/search?q=luz").status_code == 200


def test_a_month_end_moves_the_lists(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 10, 31, 18, tzinfo=UTC)):
        credit = make_credit(disbursed=20, reported=5)
        seen = own_and_consented(credit.institution)
        assert queues.linkages_in(Queue.OWED, seen, today()).items == []
    with time_machine.travel(datetime(2026, 11, 1, 18, tzinfo=UTC)):
        assert queues.linkages_in(Queue.OWED, seen, today()).items == [credit]
