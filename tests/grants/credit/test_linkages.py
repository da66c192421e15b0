"""The steps of a linkage."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit import services
from grants.credit.models import (
    LINKAGE_MOVES,
    OPEN_STATES,
    DeclineReason,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    RateKind,
    ReferralState,
)
from grants.credit.services import Step
from tests.factories.credit import make_liaison, make_linkage, make_referral

S = LinkageState


def today() -> date:
    return local_day(utcnow())


def disbursement(**changes: object) -> Step:
    step = Step(S.DISBURSED, today(), Decimal("980.50"), 12, Decimal("25.12"), RateKind.EFFECTIVE, "OP-1")
    return replace(step, **changes)


def log(linkage: Linkage, step: Step) -> LinkageEvent:
    return services.log_step(linkage, step, by=make_liaison(linkage.institution), now=utcnow())


def refusal(linkage: Linkage, step: Step) -> str | None:
    """The field that the refusal names; nothing may have changed."""
    before, events = linkage.state, db.session.query(LinkageEvent).count()
    with pytest.raises(RuleBroken) as refused:
        log(linkage, step)
    db.session.refresh(linkage)
    assert (linkage.state, db.session.query(LinkageEvent).count()) == (before, events)
    return refused.value.field


def test_a_credit_goes_from_contact_to_disbursement(app: Flask) -> None:
    linkage = make_linkage()
    log(linkage, Step(S.CONTACTED, today()))
    log(linkage, Step(S.DOCUMENTS, today()))
    log(linkage, Step(S.APPLIED, today(), Decimal("1200")))
    log(linkage, Step(S.APPROVED, today(), Decimal("1000")))
    event = log(linkage, disbursement())

    assert linkage.state is S.DISBURSED
    assert (linkage.requested_usd, linkage.approved_usd, linkage.amount_usd) == (1200, 1000, Decimal("980.50"))
    assert (linkage.disbursed_on, linkage.term_months, linkage.reference) == (today(), 12, "OP-1")
    assert (linkage.rate_percent, linkage.rate_kind) == (Decimal("25.12"), RateKind.EFFECTIVE)
    assert (event.from_state, event.happened_on) == (S.APPROVED, today())
    assert [one.to_state for one in linkage.events] == [S.CONTACTED, S.DOCUMENTS, S.APPLIED, S.APPROVED, S.DISBURSED]


@pytest.mark.parametrize("kind", [LinkageKind.SAVINGS_ACCOUNT, LinkageKind.MEMBERSHIP])
def test_an_account_or_membership_ends_opened(app: Flask, kind: LinkageKind) -> None:
    linkage = make_linkage(kind=kind, state=S.CONTACTED)
    log(linkage, Step(S.OPENED, today(), reference="SOCIA-9"))
    assert (linkage.state, linkage.reference, linkage.next_states) == (S.OPENED, "SOCIA-9", [S.CLOSED])


@pytest.mark.parametrize("kind", LinkageKind)
def test_every_step_outside_the_table_is_refused(app: Flask, kind: LinkageKind) -> None:
    referral = make_referral()
    for state in OPEN_STATES & LINKAGE_MOVES[kind].keys():
        linkage = make_linkage(referral, kind=kind, state=state)
        for to_state in set(S) - LINKAGE_MOVES[kind][state]:
            assert refusal(linkage, replace(disbursement(), to_state=to_state)) == "to_state"


@pytest.mark.parametrize("state", [S.DISBURSED, S.DECLINED, S.WITHDRAWN])
def test_an_ended_credit_takes_no_step(app: Flask, state: LinkageState) -> None:
    assert refusal(make_linkage(state=state), Step(S.CONTACTED, today())) == "to_state"


def test_no_step_before_the_referral_is_accepted(app: Flask) -> None:
    linkage = make_linkage(make_referral(state=ReferralState.SENT))
    assert refusal(linkage, Step(S.CONTACTED, today())) == "to_state"


def test_a_step_cannot_happen_in_the_future(app: Flask) -> None:
    assert refusal(make_linkage(), Step(S.CONTACTED, today() + timedelta(days=1))) == "happened_on"


def test_a_step_cannot_happen_before_the_referral(app: Flask) -> None:
    linkage = make_linkage()
    day = local_day(linkage.referral.referred_at)
    assert refusal(linkage, Step(S.CONTACTED, day - timedelta(days=1))) == "happened_on"
    assert log(linkage, Step(S.CONTACTED, day)).happened_on == day


def test_a_step_cannot_happen_before_the_previous_one(app: Flask) -> None:
    linkage = make_linkage(state=S.CONTACTED, happened_on=today() - timedelta(days=5))
    assert refusal(linkage, Step(S.DOCUMENTS, today() - timedelta(days=6))) == "happened_on"
    log(linkage, Step(S.DOCUMENTS, today() - timedelta(days=5)))
    assert linkage.last_step_on == today() - timedelta(days=5)


def test_when_it_happened_is_kept_apart_from_when_it_was_logged(app: Flask) -> None:
    linkage = make_linkage()
    event = log(linkage, Step(S.CONTACTED, today() - timedelta(days=3)))
    assert event.happened_on == today() - timedelta(days=3)
    assert local_day(event.logged_at) == today()


@pytest.mark.parametrize("field", ["amount_usd", "term_months", "rate_percent", "rate_kind", "reference"])
def test_a_disbursement_needs_each_of_its_terms(app: Flask, field: str) -> None:
    assert refusal(make_linkage(state=S.APPROVED), disbursement(**{field: None})) == field


@pytest.mark.parametrize(("before", "to_state"), [(S.CONTACTED, S.APPLIED), (S.APPLIED, S.APPROVED)])
def test_application_and_approval_need_their_amount(app: Flask, before: LinkageState, to_state: LinkageState) -> None:
    linkage = make_linkage(state=before)
    assert refusal(linkage, Step(to_state, today())) == "amount_usd"
    assert refusal(linkage, Step(to_state, today(), Decimal(0))) == "amount_usd"


def test_declining_needs_a_reason(app: Flask) -> None:
    linkage = make_linkage(state=S.APPLIED)
    assert refusal(linkage, Step(S.DECLINED, today())) == "decline_reason"
    log(linkage, Step(S.DECLINED, today(), decline_reason=DeclineReason.CREDIT_BUREAU))
    assert linkage.decline_reason is DeclineReason.CREDIT_BUREAU


def test_a_reference_is_unique_within_the_institution(app: Flask) -> None:
    first = make_linkage(state=S.DISBURSED, reference="OP-1")
    second = make_linkage(institution=first.institution, state=S.APPROVED)
    assert refusal(second, disbursement(reference="OP-1")) == "reference"
    log(second, disbursement(reference="OP-2"))
    assert second.reference == "OP-2"


def test_another_institutions_reference_is_free_and_untold(app: Flask) -> None:
    make_linkage(state=S.DISBURSED, reference="OP-1")
    own = make_linkage(state=S.APPROVED)
    log(own, disbursement(reference="OP-1"))
    assert own.reference == "OP-1"


def test_days_since_the_last_step_are_counted(app: Flask) -> None:
    linkage = make_linkage(state=S.CONTACTED, happened_on=date(2026, 3, 1))
    assert linkage.days_since_step(date(2026, 3, 31)) == 30
    assert linkage.days_since_step(date(2026, 2, 1)) == 0


def test_a_linkage_made_without_a_step_waits_since_its_creation(app: Flask) -> None:
    made = make_linkage()
    other = Linkage(folio="L-000000001", referral_id=made.referral_id, person_id=made.person_id,
                    institution_id=made.institution_id, created_at=utcnow())  # fmt: skip
    db.session.add(other)
    db.session.flush()
    assert other.last_step_on == today()
