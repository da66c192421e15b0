"""What a kit may be worth: never more than its award, at the list's prices and at what the goods cost; and what the
goods cost is not far from what the list says."""

from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, KitSubstitution, SubstitutionState

USUAL_PERCENT = Decimal(5)  # how far a value may move before somebody else agrees


def moves_too_far(value_usd: Decimal, agreed_usd: Decimal, percent: Decimal) -> bool:
    """Whether a value is more than so many percent away from the value that was approved, up or down.

    >>> moves_too_far(Decimal("665.00"), Decimal("700.00"), Decimal(5))
    False
    >>> moves_too_far(Decimal("664.99"), Decimal("700.00"), Decimal(5))
    True
    """
    return abs(value_usd - agreed_usd) * 100 > agreed_usd * percent


def refuse_far_cost(delivery: Delivery, cost_usd: Decimal, percent: Decimal) -> None:
    """RuleBroken when the goods from the shelf make the kit cost more than `percent` more or less than its list says:
    then it does not hold what was approved."""
    if moves_too_far(cost_usd, delivery.value_usd, percent):
        raise RuleBroken(
            _("With what is on the shelf this kit costs USD %(cost)s, and its list says USD %(value)s. Correct the "
              "prices of its articles in the catalogue, then replace its lines: if the value moves too far, somebody "
              "else agrees.", cost=f"{cost_usd:.2f}", value=f"{delivery.value_usd:.2f}")
        )  # fmt: skip


def refuse_above_ceiling(delivery: Delivery, worth_usd: Decimal) -> None:
    """RuleBroken when that is more than the award's value less what stayed with the person from an earlier kit."""
    ceiling_usd = delivery.award.value_usd if delivery.ceiling_usd is None else delivery.ceiling_usd
    if worth_usd > ceiling_usd:
        raise RuleBroken(
            _("The kit would cost USD %(worth)s, above the USD %(ceiling)s that are left of the award. Propose a "
              "substitution: fewer units, or a cheaper article.",
              worth=f"{worth_usd:.2f}", ceiling=f"{ceiling_usd:.2f}")
        )  # fmt: skip


def refuse_other_worth(delivery: Delivery) -> None:
    """RuleBroken when the list's total is not the worth that was approved, or is above its ceiling."""
    total = sum((line.total_usd for line in delivery.lines), Decimal("0.00"))
    if total != delivery.value_usd:
        raise RuleBroken(_("The list's total is not the value of this kit. Cancel the delivery and plan it again."))
    refuse_above_ceiling(delivery, total)


def refuse_while_open(delivery: Delivery) -> None:
    """RuleBroken while a substitution waits for approval."""
    if open_substitution(delivery) is not None:
        raise RuleBroken(_("A substitution of this kit waits for approval. Somebody who did not propose it decides."))


def open_substitution(delivery: Delivery) -> KitSubstitution | None:
    """The substitution of this kit that waits for approval."""
    waiting = select(KitSubstitution).where(
        KitSubstitution.delivery_id == delivery.id, KitSubstitution.state == SubstitutionState.OPEN
    )
    return db.session.scalar(waiting.order_by(KitSubstitution.id))
