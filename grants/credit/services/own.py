"""What a liaison's pages are made of: the rows of a queue with the likely next thing, and what fills a quick form."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from grants.core.db import db
from grants.credit.likely import Likely, amount_of
from grants.credit.models import CreditMovement, Linkage, LinkageState, MovementKind
from grants.credit.services.movements import POSSIBLE, movements_of, terms_of
from grants.credit.standing import standing


def filled(linkage: Linkage, likely: Likely, today: date) -> dict[str, Any]:
    """What stands in the form of the likely thing: today, the amount it probably comes to, the usual terms."""
    facts: dict[str, Any] = {"happened_on": today}
    if likely.movement is not None:
        found = standing(terms_of(linkage), movements_of(linkage), today)
        name = "balance_usd" if likely.movement is MovementKind.BALANCE else "amount_usd"
        return {**facts, name: amount_of(likely.movement, found, linkage.next_due_on)}
    facts["amount_usd"] = likely.amount_usd
    return {**facts, **_usual_terms(linkage)} if likely.step is LinkageState.DISBURSED else facts


def is_possible(linkage: Linkage, likely: Likely) -> bool:
    """Whether it can still be logged: who comes back to a page after a lost answer must not log the step after it."""
    if likely.movement is not None:
        return linkage.state in POSSIBLE[likely.movement]
    return likely.step in linkage.next_states


def logged_on(linkage: Linkage, likely: Likely, day: date) -> CreditMovement | None:
    """The latest movement of this kind on the day: worth a look before another is logged."""
    same = [
        one for one in movements_of(linkage) if one.counts and one.kind is likely.movement and one.happened_on == day
    ]
    return same[-1] if same else None


def _usual_terms(linkage: Linkage) -> dict[str, Any]:
    """Term and rate of the institution's latest credit: most are alike. The number is the credit's own."""
    latest = db.session.execute(
        select(Linkage.term_months, Linkage.rate_percent, Linkage.rate_kind)
        .where(Linkage.institution_id == linkage.institution_id, Linkage.rate_percent.is_not(None))
        .order_by(Linkage.disbursed_on.desc(), Linkage.id.desc())
        .limit(1)
    ).first()
    if latest is None:
        return {}
    return {
        "term_months": str(latest.term_months) if latest.term_months else None,
        "rate_percent": _plain(latest.rate_percent),
        "rate_kind": latest.rate_kind.value,
    }


def _plain(rate: Decimal) -> str:
    return f"{rate.normalize():f}".replace(".", ",")
