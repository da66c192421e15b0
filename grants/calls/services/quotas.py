"""Quotas of a draft: declared before anybody can apply, refused when they contradict each other on their face."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import delete

from grants.access.models import User
from grants.calls.models import (
    DIMENSION_NAMES,
    EXHAUSTIVE,
    QUOTA_VALUES,
    Call,
    CallQuota,
    CallState,
    QuotaDimension,
)
from grants.calls.services.moving import move
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.people.models import Canton

MOST_QUOTAS = 20


@dataclass(frozen=True, slots=True)
class Share:
    """So many places, or so many percent of them."""

    number: Decimal
    is_percent: bool = False

    def at_least(self, places: int) -> int:
        """As a minimum: part of a place counts as a whole one. 60 % of 129 are 78."""
        return self._of(places, ROUND_CEILING)

    def at_most(self, places: int) -> int:
        """As a maximum: part of a place is none. 60 % of 129 are 77."""
        return self._of(places, ROUND_FLOOR)

    def _of(self, places: int, rounding: str) -> int:
        exact = self.number * places / 100 if self.is_percent else self.number
        return int(exact.quantize(Decimal(1), rounding=rounding))


@dataclass(frozen=True, slots=True)
class QuotaFields:
    """One quota as counts of places; None where it sets no such bound."""

    dimension: QuotaDimension
    value: str
    minimum: int | None
    maximum: int | None


def fields_of(quota: CallQuota) -> QuotaFields:
    """A quota as stored."""
    return QuotaFields(quota.dimension, quota.value, quota.minimum, quota.maximum)


def save_quotas(call: Call, quotas: Sequence[QuotaFields], *, by: User, now: datetime) -> None:
    """Write a draft's quotas in their order, in place of those before. RuleBroken once people were told of them."""
    if call.state is not CallState.DRAFT:
        raise RuleBroken(_("The quotas were made public with the call and do not change any more."))
    check_quotas(quotas, call.places)
    _check_values(quotas)
    move(call, CallState.DRAFT, CallState.DRAFT)
    db.session.execute(delete(CallQuota).where(CallQuota.call_id == call.id))
    db.session.add_all(_rows(call, quotas))
    db.session.flush()
    db.session.expire(call, ["quotas"])
    journal.record(by, "quotas.saved", call, at=now, quotas=len(quotas))


def _rows(call: Call, quotas: Sequence[QuotaFields]) -> list[CallQuota]:
    return [
        CallQuota(call_id=call.id, position=position, dimension=quota.dimension, value=quota.value,
                  minimum=quota.minimum, maximum=quota.maximum)
        for position, quota in enumerate(quotas, 1)
    ]  # fmt: skip


def check_quotas(quotas: Sequence[QuotaFields], places: int) -> None:
    """Refuse quotas that no list of people could meet, whoever applies."""
    if len(quotas) > MOST_QUOTAS:
        raise RuleBroken(_("Use at most %(most)d quotas.", most=MOST_QUOTAS))
    named = [(quota.dimension, quota.value) for quota in quotas]
    for number, quota in enumerate(quotas, 1):
        if named.index(named[number - 1]) < number - 1:
            raise RuleBroken(_("Quota %(number)d is about a group that another quota names already. Put both bounds "
                               "into one.", number=number))  # fmt: skip
        _check_bounds(number, quota, places)
    for dimension in QuotaDimension:
        _check_together([quota for quota in quotas if quota.dimension is dimension], dimension, places)


def _check_bounds(number: int, quota: QuotaFields, places: int) -> None:
    if quota.minimum is None and quota.maximum is None:
        raise RuleBroken(_("Quota %(number)d needs a minimum or a maximum.", number=number))
    if quota.minimum == 0 and quota.maximum is None:
        raise RuleBroken(_("Quota %(number)d keeps 0 places and limits none: it says nothing. Write a number above 0, "
                           "or take it out.", number=number))  # fmt: skip
    if quota.minimum is not None and quota.maximum is not None and quota.minimum > quota.maximum:
        raise RuleBroken(_("Quota %(number)d asks for at least %(minimum)d and at most %(maximum)d places. Lower the "
                           "minimum or raise the maximum.", number=number, minimum=quota.minimum,
                           maximum=quota.maximum))  # fmt: skip
    if (quota.minimum or 0) > places:
        raise RuleBroken(_("Quota %(number)d keeps %(minimum)d places, but the call has %(places)d.", number=number,
                           minimum=quota.minimum, places=places))  # fmt: skip


def _check_together(quotas: Sequence[QuotaFields], dimension: QuotaDimension, places: int) -> None:
    """Nobody has two values of one dimension: minimums add up, and maximums for all values bound the whole list."""
    kept = _sum(quota.minimum for quota in quotas)
    if kept > places:
        raise RuleBroken(_("The minimums by “%(dimension)s” add up to %(kept)d places, but the call has %(places)d. "
                           "Lower some of them.", dimension=DIMENSION_NAMES[dimension], kept=kept,
                           places=places))  # fmt: skip
    capped = {quota.value for quota in quotas if quota.maximum is not None}
    most = _sum(quota.maximum for quota in quotas)
    if dimension in EXHAUSTIVE and capped == set(QUOTA_VALUES[dimension]) and most < places:
        raise RuleBroken(_("The maximums by “%(dimension)s” leave only %(most)d of the %(places)d places to give. "
                           "Raise some of them.", dimension=DIMENSION_NAMES[dimension], most=most,
                           places=places))  # fmt: skip


def _sum(bounds: Iterable[int | None]) -> int:
    return sum(bound or 0 for bound in bounds)


def _check_values(quotas: Sequence[QuotaFields]) -> None:
    for number, quota in enumerate(quotas, 1):
        known = QUOTA_VALUES.get(quota.dimension)
        if quota.value not in known if known else db.session.get(Canton, quota.value) is None:
            raise RuleBroken(_("Choose the group of quota %(number)d from the list.", number=number))
