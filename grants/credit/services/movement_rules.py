"""What cannot be about a movement, and what to look at then. Asked before anything is written."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask_babel import format_currency
from flask_babel import lazy_gettext as _

from grants.core.clock import local_day
from grants.core.errors import RuleBroken
from grants.credit.amounts import MOST_RATE, MOST_USD
from grants.credit.books import terms_of
from grants.credit.models import (
    ACTIVE_STATES,
    CREDITED_STATES,
    CreditMovement,
    Linkage,
    LinkageKind,
    LinkageState,
    MovementKind,
    ReferralState,
)
from grants.credit.schedules import CENT, Terms
from grants.credit.standing import PENNIES, ZERO, Standing, standing

# In which state a credit must have been on the day of the movement.
POSSIBLE = {
    MovementKind.DISBURSEMENT: ACTIVE_STATES,
    MovementKind.REPAYMENT: ACTIVE_STATES,
    MovementKind.BALANCE: ACTIVE_STATES | {LinkageState.REPAID},
    MovementKind.RESTRUCTURE: ACTIVE_STATES,
    MovementKind.WRITE_OFF: ACTIVE_STATES,
    MovementKind.RECOVERY: frozenset({LinkageState.WRITTEN_OFF}),
}
FIRST_DUE_WITHIN = timedelta(days=5 * 366)
LEAST_MARGIN = Decimal(10)
AMOUNTS = ("amount_usd", "net_usd", "principal_usd", "interest_usd", "other_usd", "balance_usd", "overdue_usd")
MONEY_KINDS = frozenset(
    {MovementKind.DISBURSEMENT, MovementKind.REPAYMENT, MovementKind.WRITE_OFF, MovementKind.RECOVERY}
)


class Rule(StrEnum):
    """Which rule a movement breaks, for whoever says it in other words than these. Of the others: what was owed."""

    STATE = "state"
    APPROVED = "approved"
    LATER = "later"  # more would be repaid than was owed, with what is logged for later days
    LAST = "last"  # a write-off comes last


class Misfit(RuleBroken):
    """A movement that cannot be beside the others, by the rule that it breaks."""

    def __init__(self, message: Any, rule: Rule, *, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.rule = rule


def check(linkage: Linkage, row: CreditMovement, there: Sequence[CreditMovement], *, now: datetime) -> None:
    """RuleBroken unless the movement can have happened beside those that are there."""
    if linkage.referral.state is not ReferralState.ACCEPTED:
        raise RuleBroken(_("Accept the referral before you log anything."))
    if linkage.kind is not LinkageKind.CREDIT or linkage.state not in CREDITED_STATES:
        raise RuleBroken(_("That cannot be logged where the credit is now. Look at its state first."))
    check_day(row.happened_on, begun=linkage.disbursed_on, now=now)
    _check_numbers(row)
    check_beside(row, there, terms=terms_of(linkage), approved=linkage.approved_usd, today=local_day(now))


def check_beside(
    row: CreditMovement, there: Sequence[CreditMovement], *, terms: Terms, approved: Decimal | None, today: date
) -> Standing:  # fmt: skip
    """Where the credit stands today with the movement beside those that are there. RuleBroken where it cannot be.

    Asked of what a liaison logs and of the rows of a file alike, whatever day they are of: where the credit was on that
    day, what was owed then, and what is logged for later days.
    """
    before = standing(terms, there, row.happened_on)
    if before.state not in POSSIBLE[row.kind]:
        raise Misfit(_("That cannot be logged where the credit was on that day. Look at its movements first."),
                     Rule.STATE)  # fmt: skip
    if row.kind is MovementKind.DISBURSEMENT:
        # All parts count, those of later days as well.
        parts = [one.amount_usd or ZERO for one in there if one.kind is MovementKind.DISBURSEMENT and one.counts]
        check_approved(approved, sum(parts, row.amount_usd or ZERO))
    BY_KIND[row.kind](row, before)
    now, after = standing(terms, there, today), standing(terms, [*there, row], today)
    is_too_much = after.excess > margin(after) and after.excess > now.excess
    # Nor may a write-off of a later day be left with another principal than it was reckoned with.
    is_left_out = row.kind is not MovementKind.WRITE_OFF and abs(after.unaccounted) > max(PENNIES, abs(now.unaccounted))
    if is_too_much or is_left_out:
        raise Misfit(_("With what was logged for later days, more would be repaid than was owed. Look at the later "
                       "movements first."), Rule.LATER, field="amount_usd")  # fmt: skip
    if row.kind is MovementKind.WRITE_OFF and any(one.counts and one.happened_on > row.happened_on for one in there):
        raise Misfit(_("Something was logged for a later day. Check the date, or have that taken back first."),
                     Rule.LAST, field="happened_on")  # fmt: skip
    return after


def possible_now(linkage: Linkage) -> list[MovementKind]:
    """What can be logged where the credit is now, the likeliest first."""
    order = (MovementKind.REPAYMENT, MovementKind.BALANCE, MovementKind.DISBURSEMENT, MovementKind.RESTRUCTURE,
             MovementKind.WRITE_OFF, MovementKind.RECOVERY)  # fmt: skip
    if linkage.kind is not LinkageKind.CREDIT:
        return []
    found = [kind for kind in order if linkage.state in POSSIBLE[kind]]
    return [kind for kind in found if kind is not MovementKind.DISBURSEMENT or linkage.undisbursed_usd]


def check_day(day: date, *, begun: date | None, now: datetime) -> None:
    """Not before the credit began, and not in the future."""
    if day > local_day(now):
        raise RuleBroken(_("That day is in the future. Log it once it has happened."), field="happened_on")
    if begun and day < begun:
        raise RuleBroken(_("That day is before the credit was disbursed. Check the date."), field="happened_on")


def check_first_due(first: date, *, begun: date) -> None:
    """After the money, and within five years of it."""
    if not begun < first <= begun + FIRST_DUE_WITHIN:
        raise RuleBroken(_("The first instalment falls due after that day and within five years of it. Check the "
                           "date."), field="first_due_on")  # fmt: skip


def check_net(net: Decimal | None, amount: Decimal) -> None:
    """What the person received in hand is no more than what was disbursed."""
    if net is not None and not ZERO < net <= amount:
        raise RuleBroken(_("What the person received in hand cannot be more than what was disbursed. Check both."),
                         field="net_usd")  # fmt: skip


def check_approved(approved: Decimal | None, total: Decimal) -> None:
    """No more than was approved, all parts together. None: nobody said how much."""
    if approved is not None and total > approved:
        raise Misfit(
            _("That is more than the %(approved)s that were approved. Check the amount; what the person borrows beyond "
              "it is another credit.", approved=_dollars(approved)), Rule.APPROVED, field="amount_usd"
        )  # fmt: skip


def margin(found: Standing) -> Decimal:
    """By how much a lender's sum may exceed ours: penalties, fees, another way of rounding."""
    return max(found.disbursed / 10, LEAST_MARGIN).quantize(CENT)


def _check_numbers(row: CreditMovement) -> None:
    """Amounts that can be kept: whole cents, not negative, above zero where money moves."""
    needed = "amount_usd" if row.kind in MONEY_KINDS else "balance_usd"
    if getattr(row, needed) is None:
        raise RuleBroken(_("This needs an amount. Fill it in."), field=needed)
    for name in AMOUNTS:
        amount: Decimal | None = getattr(row, name)
        if amount is None:
            continue
        if not amount.is_finite() or amount < 0 or amount > MOST_USD or amount != amount.quantize(CENT):
            raise RuleBroken(_("Write an amount in dollars and whole cents, not below zero."), field=name)
    if row.amount_usd is not None and not row.amount_usd:
        raise RuleBroken(_("Write an amount above zero."), field="amount_usd")


def _check_disbursement(row: CreditMovement, _before: Standing) -> None:
    check_net(row.net_usd, row.amount_usd or ZERO)


def _check_repayment(row: CreditMovement, before: Standing) -> None:
    amount = row.amount_usd or ZERO
    parts = (row.principal_usd, row.interest_usd, row.other_usd)
    if any(part is not None for part in parts):
        if row.principal_usd is None:
            raise RuleBroken(_("Write the principal too, or leave the parts empty."), field="principal_usd")
        if sum((part or ZERO for part in parts), ZERO) != amount:
            raise RuleBroken(_("Principal, interest and other charges must add up to the amount. Check the receipt."),
                             field="principal_usd")  # fmt: skip
    most = before.owed + margin(before)
    if (row.principal_usd or ZERO) > most or amount - (row.other_usd or ZERO) > most + before.interest_due:
        raise RuleBroken(
            _("On that day %(owed)s were owed and %(interest)s of interest. Check the amount and the date; if the "
              "lender says otherwise, log its balance first.", owed=_dollars(before.owed),
              interest=_dollars(before.interest_due)), field="amount_usd"
        )  # fmt: skip


def _check_balance(row: CreditMovement, before: Standing) -> None:
    balance, most = row.balance_usd or ZERO, sum((one.principal for one in before.instalments), ZERO)
    if balance > most:
        raise RuleBroken(
            _("That is more than the %(most)s lent. Write the principal only, without interest and penalties; log a "
              "further disbursement or new terms first.", most=_dollars(most)), field="balance_usd"
        )  # fmt: skip
    if row.overdue_usd is not None and row.overdue_usd > balance:
        raise RuleBroken(_("No more can be overdue than is owed. Check the balance and the overdue amount."),
                         field="overdue_usd")  # fmt: skip
    if row.days_late is None:
        return
    begun = before.disbursed_on or row.happened_on
    if not 0 <= row.days_late <= (row.happened_on - begun).days:
        raise RuleBroken(_("The credit cannot be late for longer than since it was disbursed. Check the days."),
                         field="days_late")  # fmt: skip
    if row.days_late and not balance:
        raise RuleBroken(_("Nothing is owed, so nothing is late. Check the balance and the days."), field="days_late")


def _check_restructure(row: CreditMovement, before: Standing) -> None:
    if not (row.instalments and row.first_due_on and row.rate_percent is not None and row.rate_kind and row.method
            and row.frequency):  # fmt: skip
        raise RuleBroken(_("Write all the new terms: rate, way of paying, how many instalments, the first due day."),
                         field="instalments")  # fmt: skip
    if not 1 <= row.instalments <= 600:
        raise RuleBroken(_("Write how many instalments there are, 600 at most."), field="instalments")
    if not (row.rate_percent.is_finite() and 0 <= row.rate_percent <= MOST_RATE):
        raise RuleBroken(_("Write a yearly rate between 0 and 100."), field="rate_percent")
    check_first_due(row.first_due_on, begun=row.happened_on)
    balance = row.balance_usd or ZERO
    if not balance:
        raise RuleBroken(_("Nothing would be owed, so there is nothing to restructure. Check the balance."),
                         field="balance_usd")  # fmt: skip
    if balance > before.owed + before.interest_due + margin(before):
        raise RuleBroken(
            _("On that day %(owed)s were owed and %(interest)s of interest. Check the balance, or log a further "
              "disbursement first.", owed=_dollars(before.owed), interest=_dollars(before.interest_due)),
            field="balance_usd",
        )  # fmt: skip


def _check_write_off(row: CreditMovement, before: Standing) -> None:
    amount = row.amount_usd or ZERO
    if abs(amount - before.owed) > PENNIES:
        raise RuleBroken(
            _("On that day %(owed)s were owed. A write-off takes all of it: write that principal, or log the lender's "
              "balance first.", owed=_dollars(before.owed)), field="amount_usd"
        )  # fmt: skip


def _check_recovery(row: CreditMovement, before: Standing) -> None:
    missing = before.written_off - before.recovered  # below zero where penalties were recovered too
    if (row.amount_usd or ZERO) > missing + margin(before):
        raise RuleBroken(
            _(
                "Of what was written off %(missing)s are missing. Check the amount.",
                missing=_dollars(max(missing, ZERO)),
            ),
            field="amount_usd",
        )


def _dollars(amount: Decimal) -> str:
    return str(format_currency(amount, "USD", "¤¤ #,##0.00"))


BY_KIND: dict[MovementKind, Callable[[CreditMovement, Standing], None]] = {
    MovementKind.DISBURSEMENT: _check_disbursement,
    MovementKind.REPAYMENT: _check_repayment,
    MovementKind.BALANCE: _check_balance,
    MovementKind.RESTRUCTURE: _check_restructure,
    MovementKind.WRITE_OFF: _check_write_off,
    MovementKind.RECOVERY: _check_recovery,
}
