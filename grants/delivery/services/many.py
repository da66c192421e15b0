"""Many at once: each row succeeds or is refused for itself, and says so."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core import journal
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, DeliveryState
from grants.delivery.services.planning import approve, plan_delivery
from grants.selection.models import Award

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: its folio, whether it was done, and what was done or what to do next."""

    folio: str
    done: bool
    sentence: Any  # translated when it is shown


def approve_many(deliveries: Sequence[Delivery], *, by: User, now: datetime) -> list[Outcome]:
    """Sign each plan that this person may sign."""

    def sign(delivery: Delivery) -> Any:
        approve(delivery, by=by, now=now)
        if delivery.state is DeliveryState.APPROVED:
            return _("Approved.")
        return _("Signed. One more person approves it.")

    return one_by_one(((delivery.folio, delivery) for delivery in deliveries), sign)


def plan_many(awards: Sequence[Award], *, by: User, now: datetime) -> list[Outcome]:
    """Plan the delivery of each award."""

    def plan(award: Award) -> Any:
        return _("Planned as %(folio)s.", folio=plan_delivery(award, by=by, now=now).folio)

    return one_by_one(((award.application.folio, award) for award in awards), plan)


def one_by_one(rows: Iterable[tuple[str, T]], act: Callable[[T], Any]) -> list[Outcome]:
    """Act on each row in a savepoint of its own; a refused one leaves nothing behind."""
    outcomes = []
    for folio, row in rows:
        try:
            with journal.savepoint():
                outcomes.append(Outcome(folio, True, act(row)))
        except RuleBroken as error:
            outcomes.append(Outcome(folio, False, error.message))
    return outcomes
