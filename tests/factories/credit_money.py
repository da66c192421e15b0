"""Credits whose days are kept beside them, as services leave them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import Amortization, Frequency, Institution, Linkage, LinkageState, RateKind
from grants.credit.services.retain import fill
from tests.factories.credit import make_linkage, make_referral


def make_credit(
    institution: Institution | None = None,
    *,
    disbursed: int,
    reported: int | None = None,
    term: int = 12,
    amount: str = "1200.00",
    **facts: Any,
) -> Linkage:
    """A credit without interest, disbursed and last reported so many days ago: equal instalments, monthly."""
    today = local_day(utcnow())
    day = today - timedelta(days=disbursed)
    referral = facts.pop("referral", None) or make_referral(
        facts.pop("person", None), institution, referred_at=utcnow() - timedelta(days=disbursed + 20)
    )
    linkage = make_linkage(referral, state=LinkageState.DISBURSED, happened_on=day, amount_usd=Decimal(amount), **facts)
    linkage.rate_percent, linkage.rate_kind, linkage.term_months = Decimal(0), RateKind.NOMINAL, term
    linkage.method, linkage.frequency = Amortization.FRENCH, Frequency.MONTHLY
    db.session.flush()
    while fill(now=utcnow()):
        db.session.flush()
    if reported is not None:
        linkage.reported_on = today - timedelta(days=reported)
    db.session.flush()
    return linkage


def years_ago(years: int, *, days: int = 0) -> date:
    """That day of the year so many years back, and `days` before it."""
    today = local_day(utcnow())
    return today.replace(year=today.year - years) - timedelta(days=days)
