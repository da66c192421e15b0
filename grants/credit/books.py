"""A linkage's own terms and standing, and which of its columns keep what the movements come to."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from grants.credit.models import Amortization, Frequency, Linkage, RateKind
from grants.credit.schedules import Terms, due_day, one_period_later
from grants.credit.standing import Moved, Standing, standing

TERMS = ("rate_percent", "rate_kind", "method", "frequency", "instalments", "term_months", "first_due_on")


def terms_of(linkage: Linkage | Row[Any]) -> Terms:
    """How a disbursed credit is to be repaid."""
    said = {name: getattr(linkage, name) for name in TERMS}
    return terms_from(said, begun=linkage.disbursed_on or linkage.last_step_on)


def terms_from(said: Mapping[str, Any], *, begun: date) -> Terms:
    """Terms from a linkage's columns, by name; unsaid is the usual: French, monthly, from a period on."""
    frequency = said["frequency"] or Frequency.MONTHLY
    first = said["first_due_on"] or one_period_later(begun, frequency)
    return Terms(
        rate_percent=said["rate_percent"] or Decimal(0),
        rate_kind=said["rate_kind"] or RateKind.NOMINAL,
        method=said["method"] or Amortization.FRENCH,
        frequency=frequency,
        instalments=said["instalments"] or said["term_months"] or 1,
        first_due_on=first,
        due_day=due_day(begun, first),
    )


def standing_of(linkage: Linkage, day: date) -> Standing:
    """The credit on a day. Reads `movements`: load them before."""
    return standing(terms_of(linkage), linkage.movements, day)


def standing_with(linkage: Linkage, movements: Iterable[Moved], day: date) -> Standing:
    """The credit on a day, if these were its movements."""
    return standing(terms_of(linkage), movements, day)


def kept_columns(found: Standing) -> dict[str, Any]:
    """What stands beside the linkage, by column. `grants credit verify` computes it anew and compares."""
    is_disbursed = found.disbursed > 0
    return {
        "state": found.state,
        "amount_usd": found.disbursed if is_disbursed else None,
        "disbursed_on": found.disbursed_on,
        "outstanding_usd": found.owed if is_disbursed else None,
        "reported_on": found.reported_on if is_disbursed else None,
        "restructured_on": found.restructured_on,
    }
