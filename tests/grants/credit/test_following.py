"""Refinancing, people nobody can reach, memberships that end, and the proof of what is kept."""

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.credit import services
from grants.credit.models import (
    Amortization,
    CloseReason,
    Frequency,
    Linkage,
    LinkageKind,
    LinkageState,
    LostReason,
    MovementKind,
    RateKind,
    Segment,
)
from grants.credit.queries.movements import differing_linkages, earlier_credits, successor_of
from grants.credit.services import Movement, Step
from grants.credit.services.following import mark_found, mark_lost, refinance
from grants.credit.services.reversals import confirm_reversal, propose_reversal
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_movements import ago, make_credit, make_product, today
from tests.factories.people import make_person

S = LinkageState


def two_credits(**of_the_second: object) -> tuple[Linkage, Linkage]:
    """An earlier credit and a later one of the same person at the same institution, under one referral."""
    earlier = make_credit(days=90)
    later = make_linkage(earlier.referral, state=S.DISBURSED, happened_on=ago(20), amount_usd=Decimal(2000))
    for name, value in of_the_second.items():
        setattr(later, name, value)
    db.session.flush()
    return earlier, later


def pay_off(later: Linkage, earlier: Linkage) -> None:
    refinance(later, earlier, by=make_liaison(later.institution), now=utcnow())


def refusal(act: object, *arguments: object, **options: object) -> RuleBroken:
    with pytest.raises(RuleBroken) as refused, db.session.begin_nested():
        act(*arguments, **options)  # type: ignore[operator]
    return refused.value


def in_english(refused: RuleBroken) -> str:
    with force_locale("en"):
        return str(refused.message)


def test_a_credit_that_pays_off_another_closes_it(app: Flask) -> None:
    earlier, later = two_credits()
    assert [one.id for one in earlier_credits(later)] == [earlier.id]

    pay_off(later, earlier)

    assert (earlier.state, earlier.outstanding_usd, earlier.reported_on) == (S.REPAID, 0, ago(20))
    assert later.refinances_id == earlier.id
    closing = earlier.movements[-1]
    assert (closing.kind, closing.balance_usd, closing.happened_on) == (MovementKind.BALANCE, 0, ago(20))
    assert successor_of(earlier) is later
    assert earlier_credits(later) == []


def test_taking_the_balance_back_parts_the_two(app: Flask) -> None:
    earlier, later = two_credits()
    pay_off(later, earlier)
    proposal = propose_reversal(earlier.movements[-1], "No fue así", by=make_user(), now=utcnow())
    confirm_reversal(proposal, by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.refresh(later)
    assert (earlier.state, earlier.outstanding_usd, later.refinances_id) == (S.DISBURSED, 1200, None)


def test_the_disbursement_of_a_credit_that_paid_off_another_stays(app: Flask) -> None:
    earlier, later = two_credits()
    pay_off(later, earlier)
    refused = refusal(propose_reversal, later.movements[0], "Error", by=make_user(), now=utcnow())
    assert "paid off another" in in_english(refused)


def test_only_an_own_earlier_credit_of_the_same_person_can_be_paid_off(app: Flask) -> None:
    earlier, later = two_credits()
    elsewhere = make_credit(earlier.person, days=90)
    others = make_credit(institution=earlier.institution, days=90)
    ended = make_linkage(earlier.referral, state=S.REPAID, happened_on=ago(80))
    assert [one.id for one in earlier_credits(later)] == [earlier.id]
    for wrong in (elsewhere, others, ended, later):
        assert refusal(pay_off, later, wrong).field == "earlier_id"
    assert refusal(pay_off, earlier, later).field == "earlier_id"
    assert (earlier.state, later.refinances_id) == (S.DISBURSED, None)


def test_a_payment_after_the_new_credit_stands_in_the_way(app: Flask) -> None:
    earlier, later = two_credits()
    payment = Movement(MovementKind.REPAYMENT, ago(5), amount_usd=Decimal(50))
    services.log_movement(earlier, payment, by=make_liaison(earlier.institution), now=utcnow())
    assert refusal(pay_off, later, earlier).field == "earlier_id"


def test_a_credit_pays_off_one_other(app: Flask) -> None:
    earlier, later = two_credits()
    pay_off(later, earlier)
    third = make_linkage(earlier.referral, state=S.DISBURSED, happened_on=ago(80))
    assert "on record already" in in_english(refusal(pay_off, later, third))


def test_lost_is_a_mark_and_not_a_default(app: Flask) -> None:
    linkage = make_credit()
    by = make_liaison(linkage.institution)
    mark_lost(linkage, LostReason.LEFT_COUNTRY, by=by, now=utcnow())
    assert (linkage.lost_on, linkage.state, linkage.outstanding_usd) == (today(), S.DISBURSED, 1200)
    refusal(mark_lost, linkage, LostReason.DIED, by=by, now=utcnow())
    mark_found(linkage, by=by, now=utcnow())
    assert linkage.lost_on is None
    refusal(mark_found, linkage, by=by, now=utcnow())
    db.session.commit()
    entries = db.session.query(JournalEntry).filter(JournalEntry.action.in_(["credit.lost", "credit.found"]))
    assert [("left_country" in one.details, one.subject_id) for one in entries.order_by(JournalEntry.id)] == [
        (True, linkage.id), (False, linkage.id)
    ]  # fmt: skip


@pytest.mark.parametrize("state", [S.REPAID, S.WRITTEN_OFF, S.DECLINED, S.WITHDRAWN])
def test_nobody_is_lost_after_the_end(app: Flask, state: LinkageState) -> None:
    linkage = make_linkage(state=state)
    refusal(mark_lost, linkage, LostReason.DIED, by=make_user(), now=utcnow())
    assert linkage.lost_on is None


@pytest.mark.parametrize("kind", [LinkageKind.MEMBERSHIP, LinkageKind.SAVINGS_ACCOUNT])
def test_a_membership_ends_with_a_reason(app: Flask, kind: LinkageKind) -> None:
    linkage = make_linkage(kind=kind, state=S.OPENED, happened_on=ago(10))
    by = make_liaison(linkage.institution)
    assert refusal(services.log_step, linkage, Step(S.CLOSED, today()), by=by, now=utcnow()).field == "close_reason"
    step = Step(S.CLOSED, today(), close_reason=CloseReason.MOVED_AWAY)
    services.log_step(linkage, step, by=by, now=utcnow())
    assert (linkage.state, linkage.close_reason, linkage.next_states) == (S.CLOSED, CloseReason.MOVED_AWAY, [])
    assert linkage.events[-1].to_state is S.CLOSED


def test_a_credit_cannot_be_closed(app: Flask) -> None:
    step = Step(S.CLOSED, today(), close_reason=CloseReason.COSTS)
    linkage = make_credit()
    assert refusal(services.log_step, linkage, step, by=make_user(), now=utcnow()).field == "to_state"


# --- a disbursement, from the product's terms ---


def approved(**columns: object) -> Linkage:
    linkage = make_linkage(make_referral(), state=S.APPROVED, happened_on=ago(20))
    linkage.approved_usd = Decimal(1000)
    for name, value in columns.items():
        setattr(linkage, name, value)
    db.session.flush()
    return linkage


def disburse(linkage: Linkage, day: date | None = None, **details: object) -> Linkage:
    given: dict[str, object] = {"amount_usd": Decimal(1000), "term_months": 12, "reference": "OP-1", **details}
    step = Step(S.DISBURSED, day or ago(10), **given)  # type: ignore[arg-type]
    services.log_step(linkage, step, by=make_liaison(linkage.institution), now=utcnow())
    return linkage


def test_a_product_says_what_the_liaison_need_not(app: Flask) -> None:
    linkage = approved()
    product = make_product(
        linkage.institution,
        rate_percent=Decimal("19.5"),
        rate_kind=RateKind.EFFECTIVE,
        segment=Segment.MINORISTA,
        method=Amortization.GERMAN,
        frequency=Frequency.WEEKLY,
    )
    disburse(linkage, product=product, net_usd=Decimal(950))

    assert (linkage.rate_percent, linkage.rate_kind, linkage.segment) == (
        Decimal("19.5"), RateKind.EFFECTIVE, Segment.MINORISTA)  # fmt: skip
    assert (linkage.method, linkage.frequency, linkage.instalments) == (Amortization.GERMAN, Frequency.WEEKLY, 52)
    assert (linkage.first_due_on, linkage.product_id) == (ago(3), product.id)
    assert linkage.movements[0].net_usd == 950


def test_what_the_liaison_says_wins_over_the_product(app: Flask) -> None:
    linkage = approved()
    product = make_product(linkage.institution, rate_percent=Decimal("19.5"), rate_kind=RateKind.EFFECTIVE,
                           method=Amortization.GERMAN)  # fmt: skip
    disburse(linkage, product=product, rate_percent=Decimal(15), rate_kind=RateKind.NOMINAL,
             method=Amortization.SINGLE, instalments=3, first_due_on=today())  # fmt: skip
    assert (linkage.rate_percent, linkage.rate_kind, linkage.method) == (15, RateKind.NOMINAL, Amortization.SINGLE)
    assert (linkage.instalments, linkage.first_due_on) == (3, today())


def test_without_a_product_it_is_the_usual(app: Flask) -> None:
    linkage = disburse(approved(), rate_percent=Decimal(15), rate_kind=RateKind.NOMINAL)
    assert (linkage.method, linkage.frequency, linkage.instalments) == (Amortization.FRENCH, Frequency.MONTHLY, 12)
    assert linkage.segment is None


REFUSED_STEPS: list[tuple[str, dict[str, object], str]] = [
    ("more than approved", {"amount_usd": Decimal("1000.01")}, "amount_usd"),
    ("more in hand", {"net_usd": Decimal("1000.01")}, "net_usd"),
    ("nothing in hand", {"net_usd": Decimal(0)}, "net_usd"),
    ("due before the money", {"first_due_on": ago(10)}, "first_due_on"),
    ("due in ten years", {"first_due_on": date(2036, 1, 1)}, "first_due_on"),
    ("too many instalments", {"instalments": 601}, "instalments"),
    ("weekly for thirty years", {"term_months": 360, "frequency": Frequency.WEEKLY}, "instalments"),
    ("no rate", {"rate_percent": None}, "rate_percent"),
    ("a rate of no kind", {"rate_kind": None}, "rate_kind"),
]


@pytest.mark.parametrize(
    ("details", "field"), [row[1:] for row in REFUSED_STEPS], ids=[row[0] for row in REFUSED_STEPS]
)
def test_a_disbursement_that_cannot_be_is_refused(app: Flask, details: dict[str, object], field: str) -> None:
    linkage = approved()
    given = {"rate_percent": Decimal(15), "rate_kind": RateKind.NOMINAL, **details}
    assert refusal(disburse, linkage, **given).field == field
    db.session.refresh(linkage)
    assert (linkage.state, linkage.movements) == (S.APPROVED, [])


def test_products_of_others_and_of_other_kinds_are_refused(app: Flask) -> None:
    linkage = approved()
    rate = {"rate_percent": Decimal(15), "rate_kind": RateKind.NOMINAL}
    for product in (make_product(make_institution(), **rate),
                    make_product(linkage.institution, kind=LinkageKind.MEMBERSHIP),
                    make_product(linkage.institution, name="Nuevo", valid_from=today(), **rate)):  # fmt: skip
        assert refusal(disburse, linkage, product=product).field == "product_id"


def test_due_on_the_31st_where_a_month_has_one(app: Flask) -> None:
    linkage = make_credit()
    linkage.disbursed_on, linkage.first_due_on = date(2026, 1, 31), date(2026, 2, 28)
    terms = services.terms_of(linkage)
    assert (terms.first_due_on, terms.due_day) == (date(2026, 2, 28), 31)


# --- the proof ---


def test_verify_names_what_differs(app: Flask) -> None:
    good, wrong = make_credit(), make_credit()
    runner = app.test_cli_runner()
    assert list(differing_linkages()) == []
    wrong.outstanding_usd, wrong.reported_on = Decimal("1199.99"), ago(1)
    db.session.flush()
    (found,) = differing_linkages()
    assert (found.folio, found.columns) == (wrong.folio, ("outstanding_usd", "reported_on"))
    db.session.commit()

    answer = runner.invoke(args=["credit", "verify"])

    assert answer.exit_code == 1
    assert wrong.folio in answer.output
    assert "outstanding_usd" in answer.output
    assert good.folio not in answer.output


def test_verify_is_content_with_what_services_keep(app: Flask) -> None:
    make_credit()
    make_linkage(state=S.APPLIED)
    db.session.commit()
    answer = app.test_cli_runner().invoke(args=["credit", "verify"])
    assert (answer.exit_code, answer.output.count("\n")) == (0, 1)


def test_several_credits_of_one_person_stand_side_by_side(app: Flask) -> None:
    person = make_person()
    one, other = make_credit(person, days=90), make_credit(person, days=30)
    payment = Movement(MovementKind.REPAYMENT, ago(10), amount_usd=Decimal(1212))
    services.log_movement(one, payment, by=make_liaison(one.institution), now=utcnow())
    # Two instalments have fallen due and a third is running: 12, 11 and 10 of interest, 1,179 of principal.
    assert (one.outstanding_usd, other.outstanding_usd, other.state) == (21, 1200, S.DISBURSED)
