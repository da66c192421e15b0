"""Logging what happened to a credit: what is counted, and what cannot be."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.credit import services
from grants.credit.models import (
    Amortization,
    CreditMovement,
    Frequency,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    MovementKind,
    RateKind,
    ReferralState,
    Source,
)
from grants.credit.queries.movements import differing_linkages
from grants.credit.schedules import Terms
from grants.credit.services import Movement
from tests.factories.credit import make_liaison, make_linkage, make_referral
from tests.factories.credit_movements import ago, make_credit, today

K, S = MovementKind, LinkageState


def log(linkage: Linkage, kind: MovementKind, day: date, **details: Any) -> CreditMovement:
    money = {name: Decimal(value) if name.endswith("_usd") else value for name, value in details.items()}
    movement = Movement(kind, day, **money)
    return services.log_movement(linkage, movement, by=make_liaison(linkage.institution), now=utcnow())


def refusal(linkage: Linkage, kind: MovementKind, day: date, **details: Any) -> str | None:
    """The field that the refusal names; nothing may have changed."""
    before = snapshot(linkage)
    with pytest.raises(RuleBroken) as refused:
        log(linkage, kind, day, **details)
    assert snapshot(linkage) == before
    return refused.value.field


def snapshot(linkage: Linkage) -> tuple[object, ...]:
    db.session.refresh(linkage)
    kept = (linkage.state, linkage.outstanding_usd, linkage.reported_on, linkage.last_step_on, linkage.amount_usd)
    count = db.session.query(CreditMovement).count(), db.session.query(LinkageEvent).count()
    return (*kept, linkage.settled, *count)


def new_terms(**changes: Any) -> Terms:
    terms = Terms(
        Decimal(12), RateKind.NOMINAL, Amortization.FRENCH, Frequency.MONTHLY, 6, today() + timedelta(days=20)
    )
    return replace(terms, **changes)


def test_a_repayment_brings_the_credit_up_to_date(app: Flask) -> None:
    """1,200 at 1 % a month: of 112 on the first due day 12 are interest."""
    linkage = make_credit()
    row = log(linkage, K.REPAYMENT, ago(10), amount_usd="112", reference="R-1", source=Source.CALL)

    assert (linkage.state, linkage.outstanding_usd) == (S.REPAYING, Decimal("1100.00"))
    assert (linkage.reported_on, linkage.last_step_on) == (ago(10), ago(10))
    assert (row.source, row.reference, row.happened_on) == (Source.CALL, "R-1", ago(10))
    assert row.logged_at > utcnow() - timedelta(minutes=1)
    event = linkage.events[-1]
    assert (event.from_state, event.to_state, event.happened_on) == (S.DISBURSED, S.REPAYING, ago(10))


def test_parts_add_up_as_decimals_and_not_as_binary_fractions(app: Flask) -> None:
    """104.93 + 3.48 is 108.41, and 108.41000000000001 where a database adds floats."""
    linkage = make_credit()
    log(linkage, K.REPAYMENT, ago(10), amount_usd="108.41", principal_usd="104.93", interest_usd="3.48")
    assert linkage.outstanding_usd == Decimal("1095.07")


def test_the_last_payment_ends_the_credit(app: Flask) -> None:
    linkage = make_credit()
    log(linkage, K.REPAYMENT, ago(10), amount_usd="1212")
    assert (linkage.state, linkage.outstanding_usd) == (S.REPAID, 0)
    assert not linkage.is_active_credit


def test_a_whole_life_from_parts_to_recovery(app: Flask) -> None:
    linkage = make_credit(amount="1200", approved="1500", days=100)
    log(linkage, K.DISBURSEMENT, ago(90), amount_usd="300", net_usd="280")
    log(linkage, K.REPAYMENT, ago(60), amount_usd="150", principal_usd="120", interest_usd="25", other_usd="5")
    log(linkage, K.RESTRUCTURE, ago(30), balance_usd="1390", terms=new_terms())
    log(linkage, K.BALANCE, ago(20), balance_usd="1390", days_late=0)
    log(linkage, K.WRITE_OFF, ago(5), amount_usd="1390")
    log(linkage, K.RECOVERY, ago(1), amount_usd="90")

    assert (linkage.state, linkage.amount_usd, linkage.outstanding_usd) == (S.WRITTEN_OFF, 1500, 0)
    assert (linkage.restructured_on, linkage.reported_on) == (ago(30), ago(1))
    found = services.standing_of(linkage, today())
    assert (found.written_off, found.recovered) == (1390, 90)
    assert list(differing_linkages()) == []


def test_a_movement_logged_late_takes_its_place(app: Flask) -> None:
    """The booklet of the first payment turns up after the second was logged: as if it had been logged first."""
    linkage, other = make_credit(days=70), make_credit(days=70)
    for one, order in ((linkage, (40, 10)), (other, (10, 40))):
        for days in order:
            log(one, K.REPAYMENT, ago(days), amount_usd="112")
    assert linkage.outstanding_usd == other.outstanding_usd
    assert [one.happened_on for one in other.movements] == [ago(70), ago(40), ago(10)]


def test_a_payment_before_a_statement_changes_nothing_after_it(app: Flask) -> None:
    linkage = make_credit(days=70)
    log(linkage, K.BALANCE, ago(10), balance_usd="1000")
    log(linkage, K.REPAYMENT, ago(40), amount_usd="112")
    assert (linkage.outstanding_usd, linkage.state) == (1000, S.REPAYING)


def test_a_late_payment_that_would_pay_more_than_was_owed_is_refused(app: Flask) -> None:
    linkage = make_credit(days=70)
    log(linkage, K.REPAYMENT, ago(10), amount_usd="1200", principal_usd="1200")
    assert refusal(linkage, K.REPAYMENT, ago(40), amount_usd="800", principal_usd="800") == "amount_usd"


def test_a_balance_of_zero_ends_it_and_a_later_one_opens_it_again(app: Flask) -> None:
    linkage = make_credit()
    log(linkage, K.BALANCE, ago(10), balance_usd="0")
    assert linkage.state is S.REPAID
    log(linkage, K.BALANCE, ago(5), balance_usd="400")
    assert (linkage.state, linkage.outstanding_usd) == (S.REPAYING, 400)


REFUSED: list[tuple[str, MovementKind, int, dict[str, Any], str | None]] = [
    ("tomorrow", K.REPAYMENT, -1, {"amount_usd": "10"}, "happened_on"),
    ("before the disbursement", K.REPAYMENT, 41, {"amount_usd": "10"}, "happened_on"),
    ("no amount", K.REPAYMENT, 10, {}, "amount_usd"),
    ("nothing", K.REPAYMENT, 10, {"amount_usd": "0"}, "amount_usd"),
    ("below zero", K.REPAYMENT, 10, {"amount_usd": "-5"}, "amount_usd"),
    ("a third decimal", K.REPAYMENT, 10, {"amount_usd": "10.005"}, "amount_usd"),
    ("not a number", K.REPAYMENT, 10, {"amount_usd": "NaN"}, "amount_usd"),
    ("without an end", K.REPAYMENT, 10, {"amount_usd": "Infinity"}, "amount_usd"),
    ("1e308", K.REPAYMENT, 10, {"amount_usd": "1e308"}, "amount_usd"),
    # 1,200 owed, 12 of interest in the running period and a margin of 120
    ("more than all that is owed", K.REPAYMENT, 10, {"amount_usd": "1332.01"}, "amount_usd"),
    ("principal above what is owed", K.REPAYMENT, 10, {"amount_usd": "1330", "principal_usd": "1330"}, "amount_usd"),
    ("parts that do not add up", K.REPAYMENT, 10,
     {"amount_usd": "100", "principal_usd": "90", "interest_usd": "9"}, "principal_usd"),
    ("interest without principal", K.REPAYMENT, 10, {"amount_usd": "100", "interest_usd": "9"}, "principal_usd"),
    ("a part below zero", K.REPAYMENT, 10,
     {"amount_usd": "100", "principal_usd": "110", "interest_usd": "-10"}, "interest_usd"),
    ("a balance above what was lent", K.BALANCE, 10, {"balance_usd": "1200.01"}, "balance_usd"),
    ("a balance below zero", K.BALANCE, 10, {"balance_usd": "-1"}, "balance_usd"),
    ("no balance", K.BALANCE, 10, {}, "balance_usd"),
    ("late for longer than it exists", K.BALANCE, 10, {"balance_usd": "900", "days_late": 31}, "days_late"),
    ("days below zero", K.BALANCE, 10, {"balance_usd": "900", "days_late": -1}, "days_late"),
    ("late although paid", K.BALANCE, 10, {"balance_usd": "0", "days_late": 3}, "days_late"),
    ("more overdue than owed", K.BALANCE, 10, {"balance_usd": "900", "overdue_usd": "900.01"}, "overdue_usd"),
    ("new terms without terms", K.RESTRUCTURE, 10, {"balance_usd": "1200"}, "instalments"),
    ("new terms of nothing", K.RESTRUCTURE, 10, {"balance_usd": "0", "terms": "new"}, "balance_usd"),
    ("new terms of more than is owed", K.RESTRUCTURE, 10, {"balance_usd": "1400", "terms": "new"}, "balance_usd"),
    ("a write-off of a part", K.WRITE_OFF, 10, {"amount_usd": "600"}, "amount_usd"),
    ("a write-off of more", K.WRITE_OFF, 10, {"amount_usd": "1400"}, "amount_usd"),
    # All that is owed; lenders round to other pennies
    ("a write-off of less by six cents", K.WRITE_OFF, 10, {"amount_usd": "1199.94"}, "amount_usd"),
    ("a write-off of more by six cents", K.WRITE_OFF, 10, {"amount_usd": "1200.06"}, "amount_usd"),
    ("a recovery of what was not written off", K.RECOVERY, 10, {"amount_usd": "10"}, None),
    ("a further part beyond the approval", K.DISBURSEMENT, 10, {"amount_usd": "0.01"}, "amount_usd"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "days", "details", "field"), [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])  # fmt: skip
def test_what_cannot_be_is_refused(
    app: Flask, kind: MovementKind, days: int, details: dict[str, Any], field: str | None
) -> None:
    given = {**details, "terms": new_terms()} if "terms" in details else details
    assert refusal(make_credit(), kind, ago(days), **given) == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"instalments": 0}, "instalments"), ({"instalments": 601}, "instalments"),
     ({"rate_percent": Decimal("100.01")}, "rate_percent"), ({"rate_percent": Decimal("-1")}, "rate_percent"),
     ({"rate_percent": Decimal("NaN")}, "rate_percent"), ({"first_due_on": ago(10)}, "first_due_on"),
     ({"first_due_on": date(9999, 12, 31)}, "first_due_on")],
)  # fmt: skip
def test_new_terms_that_cannot_be_are_refused(app: Flask, changes: dict[str, Any], field: str) -> None:
    assert refusal(make_credit(), K.RESTRUCTURE, ago(10), balance_usd="1200", terms=new_terms(**changes)) == field


def test_the_margin_lets_penalties_through(app: Flask) -> None:
    """1,200 owed, 12 of interest and a tenth of what was lent."""
    linkage = make_credit()
    log(linkage, K.REPAYMENT, ago(10), amount_usd="1332")
    assert linkage.state is S.REPAID


def test_other_charges_do_not_count_towards_what_is_owed(app: Flask) -> None:
    linkage = make_credit(amount="100")
    log(linkage, K.REPAYMENT, ago(10), amount_usd="180", principal_usd="100", interest_usd="1", other_usd="79")
    assert linkage.state is S.REPAID


@pytest.mark.parametrize("state", [S.APPLIED, S.APPROVED, S.DECLINED, S.WITHDRAWN])
def test_nothing_moves_before_a_disbursement(app: Flask, state: LinkageState) -> None:
    linkage = make_linkage(state=state)
    for kind in K:
        assert refusal(linkage, kind, today(), amount_usd="10", balance_usd="10") is None


def test_an_account_has_no_movements(app: Flask) -> None:
    linkage = make_linkage(kind=LinkageKind.SAVINGS_ACCOUNT, state=S.OPENED)
    assert refusal(linkage, K.REPAYMENT, today(), amount_usd="10") is None


def test_a_referral_that_was_withdrawn_takes_no_movement(app: Flask) -> None:
    linkage = make_credit()
    linkage.referral.state = ReferralState.WITHDRAWN
    db.session.flush()
    assert refusal(linkage, K.REPAYMENT, ago(10), amount_usd="10") is None


def test_a_write_off_before_a_later_movement_is_refused(app: Flask) -> None:
    linkage = make_credit()
    log(linkage, K.REPAYMENT, ago(5), amount_usd="50")
    assert refusal(linkage, K.WRITE_OFF, ago(10), amount_usd="1200") == "happened_on"


def test_a_payment_that_a_later_write_off_left_out_is_refused(app: Flask) -> None:
    """All 1,200 were written off: 9 of them cannot have been repaid before."""
    linkage = make_credit()
    log(linkage, K.WRITE_OFF, ago(10), amount_usd="1200")
    assert refusal(linkage, K.REPAYMENT, ago(11), amount_usd="9", principal_usd="9") == "amount_usd"
    assert (linkage.state, linkage.outstanding_usd) == (S.WRITTEN_OFF, 0)


@pytest.mark.parametrize("amount", ["1199.95", "1200", "1200.05"])
def test_a_write_off_takes_all_but_pennies(app: Flask, amount: str) -> None:
    linkage = make_credit()
    log(linkage, K.WRITE_OFF, ago(10), amount_usd=amount)
    assert (linkage.state, linkage.outstanding_usd) == (S.WRITTEN_OFF, 0)


def test_no_less_than_nothing_is_missing_of_a_write_off(app: Flask) -> None:
    """1,300 recovered of 1,200, with the penalties: the sentence says that nothing is missing, not -100."""
    linkage = make_credit()
    log(linkage, K.WRITE_OFF, ago(10), amount_usd="1200")
    log(linkage, K.RECOVERY, ago(5), amount_usd="1300")
    with pytest.raises(RuleBroken) as error, db.session.begin_nested(), force_locale("en"):
        log(linkage, K.RECOVERY, ago(4), amount_usd="30")
    with force_locale("en"):
        assert "USD 0.00 are missing" in str(error.value.message).replace("\xa0", " ")


def test_no_more_is_recovered_than_was_written_off(app: Flask) -> None:
    linkage = make_credit()
    log(linkage, K.WRITE_OFF, ago(10), amount_usd="1200")
    assert refusal(linkage, K.RECOVERY, ago(5), amount_usd="1320.01") == "amount_usd"
    assert refusal(linkage, K.RECOVERY, ago(11), amount_usd="10") is None
    log(linkage, K.RECOVERY, ago(5), amount_usd="1200")
    assert refusal(linkage, K.REPAYMENT, ago(5), amount_usd="10") is None


def test_the_same_receipt_counts_once(app: Flask) -> None:
    linkage = make_credit()
    log(linkage, K.REPAYMENT, ago(10), amount_usd="50", reference="R-1")
    assert refusal(linkage, K.REPAYMENT, ago(9), amount_usd="60", reference="R-1") == "reference"
    other = make_credit(institution=linkage.institution)
    assert refusal(other, K.REPAYMENT, ago(9), amount_usd="60", reference="R-1") == "reference"
    elsewhere = make_credit()
    log(elsewhere, K.REPAYMENT, ago(9), amount_usd="60", reference="R-1")
    assert elsewhere.outstanding_usd == 1152  # 60 less 12 of interest


def test_empty_receipts_do_not_collide(app: Flask) -> None:
    linkage = make_credit()
    log(linkage, K.REPAYMENT, ago(10), amount_usd="12", reference="")
    log(linkage, K.REPAYMENT, ago(9), amount_usd="50", reference="")
    assert linkage.outstanding_usd == 1150


def test_a_part_is_refused_in_words_when_it_is_more_than_was_approved(app: Flask) -> None:
    linkage = make_credit(amount="1000", approved="1500")
    log(linkage, K.DISBURSEMENT, ago(20), amount_usd="300")
    assert refusal(linkage, K.DISBURSEMENT, ago(10), amount_usd="200.01") == "amount_usd"
    assert refusal(linkage, K.DISBURSEMENT, ago(10), amount_usd="100", net_usd="100.01") == "net_usd"
    log(linkage, K.DISBURSEMENT, ago(10), amount_usd="200", net_usd="190")
    assert (linkage.amount_usd, linkage.undisbursed_usd, linkage.disbursed_on) == (1500, None, ago(40))


def test_a_stale_reader_is_refused(app: Flask) -> None:
    linkage = make_credit()
    linkage_id, seen = linkage.id, linkage.settled
    log(linkage, K.REPAYMENT, ago(10), amount_usd="12", reference="R-1")
    db.session.query(Linkage).filter_by(id=linkage_id).update({"settled": seen + 5}, synchronize_session=False)
    assert refusal_unseen(linkage) is None


def refusal_unseen(linkage: Linkage) -> str | None:
    before = db.session.query(CreditMovement).count()
    with pytest.raises(RuleBroken) as refused, db.session.begin_nested():
        log(linkage, K.REPAYMENT, ago(9), amount_usd="12")
    assert db.session.query(CreditMovement).count() == before
    return refused.value.field


def test_the_journal_holds_ids_and_kinds_only(app: Flask) -> None:
    linkage = make_credit()
    log(linkage, K.REPAYMENT, ago(10), amount_usd="112", reference="R-77")
    db.session.commit()
    entries = db.session.scalars(select(JournalEntry).where(JournalEntry.action == "credit.movement")).all()
    assert len(entries) == 1
    assert "R-77" not in entries[0].details
    assert "112" not in entries[0].details.replace(str(linkage.id), "")


def test_an_answered_referral_is_needed(app: Flask) -> None:
    linkage = make_credit()
    other = make_referral(institution=linkage.institution, state=ReferralState.SENT)
    linkage.referral_id = other.id
    db.session.flush()
    db.session.refresh(linkage)
    assert refusal(linkage, K.REPAYMENT, ago(10), amount_usd="10") is None
