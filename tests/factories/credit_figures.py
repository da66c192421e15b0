"""Credits with instalments, steps with days, and answers for tests of the figures."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import (
    Amortization,
    CreditAnswer,
    Frequency,
    Linkage,
    LinkageEvent,
    LinkageState,
    MovementKind,
    Outcome,
    SavingsBankReport,
    SurveyChannel,
)
from tests.factories.access import make_user
from tests.factories.credit import make_linkage, make_movement, make_referral


def make_credit(day: date, amount: int = 1200, *, instalments: int = 12, first_due_on: date, **facts: Any) -> Linkage:
    """A disbursed credit with equal parts of principal and no movement but its disbursement."""
    linkage = make_linkage(state=LinkageState.DISBURSED, happened_on=day, amount_usd=Decimal(amount), **facts)
    linkage.method, linkage.frequency = Amortization.GERMAN, Frequency.MONTHLY
    linkage.instalments, linkage.first_due_on = instalments, first_due_on
    db.session.flush()
    return linkage


def repay(linkage: Linkage, day: date, principal: int) -> None:
    make_movement(linkage, MovementKind.REPAYMENT, happened_on=day, amount_usd=Decimal(principal),
                  principal_usd=Decimal(principal))  # fmt: skip


def make_decided(ago: int, *, state: LinkageState = LinkageState.DECLINED, **facts: Any) -> Linkage:
    """A credit linkage approved or declined so many days ago."""
    day = local_day(utcnow()) - timedelta(days=ago)
    referral = make_referral(facts.pop("person", None), facts.pop("institution", None),
                             referred_at=utcnow() - timedelta(days=ago + 10))  # fmt: skip
    return make_linkage(referral, state=state, happened_on=day, **facts)


def make_step(linkage: Linkage, state: LinkageState, day: date) -> None:
    event = LinkageEvent(
        linkage_id=linkage.id,
        from_state=LinkageState.REFERRED,
        to_state=state,
        happened_on=day,
        logged_at=utcnow(),
        logged_by_id=linkage.referral.referred_by_id,
    )
    db.session.add(event)
    db.session.flush()


def make_answer(
    overall: int | None, *, linkage: Linkage | None = None, asked_on: date | None = None, by: User | None = None
) -> CreditAnswer:
    """What somebody said; None: they refused."""
    linkage = linkage or make_decided(20)
    answer = CreditAnswer(
        linkage_id=linkage.id,
        person_id=linkage.person_id,
        outcome=Outcome.DECLINED if linkage.state is LinkageState.DECLINED else Outcome.APPROVED,
        refused=overall is None,
        overall=overall,
        channel=SurveyChannel.PHONE,
        asked_on=asked_on or local_day(utcnow()),
        asked_by_id=(by or make_user(Role.MONITORING)).id,
        recorded_at=utcnow(),
    )
    db.session.add(answer)
    db.session.flush()
    return answer


def make_report(institution_id: int, as_of: date, **facts: Any) -> SavingsBankReport:
    values = {"members": 40, "women": 25, "in_mobility": 12, "savings_usd": Decimal("1234.50"), "loans": 9,
              "loans_usd": Decimal(800), **facts}  # fmt: skip
    report = SavingsBankReport(institution_id=institution_id, as_of=as_of, recorded_by_id=make_user().id,
                               recorded_at=utcnow(), **values)  # fmt: skip
    db.session.add(report)
    db.session.flush()
    return report
