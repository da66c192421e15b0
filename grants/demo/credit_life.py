"""What became of the demo's 94 credits of 2022. All of it is invented: the report ends with their disbursement.

Most are repaid. Some got new terms and are still being repaid, some are late, two were written off, and of some nobody
reported anything for a long time.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from grants.access.models import User
from grants.core import journal
from grants.credit.books import kept_columns, standing_of, terms_of
from grants.credit.models import (
    Amortization,
    CreditMovement,
    Frequency,
    Linkage,
    LinkageEvent,
    LinkageState,
    MovementKind,
    RateKind,
)
from grants.credit.schedules import Instalment, Terms, months_later, schedule
from grants.demo.facts import Chance, morning

# How the credits fared, as many of each; in all as many as the report counts.
FATES = {"repaid": 70, "late": 2, "silent": 8, "renewed": 6, "renewed_late": 6, "written_off": 1, "recovered": 1}
LONG = 60  # months of new terms: from 2023 until 2028
SEED = 2022
K, S = MovementKind, LinkageState


class Lives:
    """The rest of each credit's life, one after another. Of a chance of its own, so that all else stays as it was."""

    def __init__(self, today: date) -> None:
        self.chance, self.today = Chance(SEED), today
        self._fates: Iterator[str] = iter(self.chance.deck(FATES))

    def live(self, linkage: Linkage, by: User) -> None:
        """Give a credit that was just disbursed its movements, the steps that follow from them, and what is kept."""
        fate = next(self._fates)
        terms = terms_of(linkage)
        due = schedule(linkage.amount_usd or Decimal(0), terms)
        rows = sorted(self._told(fate, linkage, due), key=lambda row: row.happened_on)
        for row in rows:
            row.institution_id, row.logged_by = linkage.institution.id, by
            row.logged_at = morning(row.happened_on, minutes=450)
            journal.record(by, "credit.movement", linkage, at=row.logged_at, kind=row.kind.value)
        linkage.movements += rows
        _keep(linkage, by, self.today)

    def _told(self, fate: str, linkage: Linkage, due: Sequence[Instalment]) -> list[CreditMovement]:
        if fate == "repaid":
            return self._paid(due)
        some = due[: len(due) // 2]
        if fate in ("late", "silent"):
            return self._stopped(fate, linkage, some)
        if fate in ("renewed", "renewed_late"):
            return self._renewed(fate, linkage, due[: len(due) // 3])
        owed = (linkage.amount_usd or Decimal(0)) - sum((one.principal for one in some), Decimal(0))
        gone = months_later(due[-1].due_on, 7)
        told = [*self._paid(some), CreditMovement(kind=K.WRITE_OFF, happened_on=gone, amount_usd=owed)]
        if fate == "recovered":
            back = (owed / 4).quantize(Decimal(1))
            told.append(CreditMovement(kind=K.RECOVERY, happened_on=months_later(gone, 5), amount_usd=back))
        return told

    def _paid(self, due: Sequence[Instalment]) -> list[CreditMovement]:
        """Each instalment on its day or a few days later, while those days have come."""
        days = [(one, one.due_on + timedelta(days=self.chance.randint(0, 3))) for one in due]
        return [
            CreditMovement(kind=K.REPAYMENT, happened_on=day, amount_usd=one.total, principal_usd=one.principal,
                           interest_usd=one.interest)
            for one, day in days if day <= self.today
        ]  # fmt: skip

    def _stopped(self, fate: str, linkage: Linkage, some: Sequence[Instalment]) -> list[CreditMovement]:
        """Paid for a while. Of a late one the lender goes on saying what is owed; of a silent one nobody does."""
        told = self._paid(some)
        if fate == "late":
            owed = (linkage.amount_usd or Decimal(0)) - sum((one.principal for one in some), Decimal(0))
            told += [
                CreditMovement(kind=K.BALANCE, happened_on=self.today - timedelta(days=days), balance_usd=owed)
                for days in (190, 100, self.chance.randint(5, 25))
            ]
        return told

    def _renewed(self, fate: str, linkage: Linkage, some: Sequence[Instalment]) -> list[CreditMovement]:
        """Paid for a while, then under new terms that are not over yet."""
        owed = (linkage.amount_usd or Decimal(0)) - sum((one.principal for one in some), Decimal(0))
        day = some[-1].due_on + timedelta(days=75)
        terms = Terms(linkage.rate_percent or Decimal(0), RateKind.NOMINAL, Amortization.FRENCH, Frequency.MONTHLY,
                      LONG, months_later(day, 1))  # fmt: skip
        renewed = CreditMovement(
            kind=K.RESTRUCTURE, happened_on=day, balance_usd=owed, instalments=terms.instalments,
            first_due_on=terms.first_due_on, rate_percent=terms.rate_percent, rate_kind=terms.rate_kind,
            method=terms.method, frequency=terms.frequency,
        )  # fmt: skip
        paid = self._paid(schedule(owed, terms))
        return [*self._paid(some), renewed, *(paid[: -self.chance.randint(2, 5)] if fate == "renewed_late" else paid)]


def _keep(linkage: Linkage, by: User, today: date) -> None:
    """What stands beside the linkage, and the steps on the way there."""
    found = standing_of(linkage, today)
    for name, value in kept_columns(found).items():
        setattr(linkage, name, value)
    linkage.last_step_on = found.reported_on or linkage.last_step_on
    paid = [one.happened_on for one in linkage.movements if one.kind is K.REPAYMENT]
    steps: list[tuple[LinkageState, date]] = [(S.REPAYING, paid[0])] if paid else []
    if found.state is not S.REPAYING and found.reported_on:
        ended = [one.happened_on for one in linkage.movements if one.kind is K.WRITE_OFF]
        steps.append((found.state, ended[0] if ended else found.reported_on))
    before = S.DISBURSED
    for after, day in steps:
        linkage.events.append(_event(before, after, day, by))
        before = after


def _event(before: LinkageState, after: LinkageState, day: date, by: User) -> LinkageEvent:
    facts: dict[str, Any] = {"from_state": before, "to_state": after, "happened_on": day}
    return LinkageEvent(**facts, logged_at=morning(day, minutes=450), logged_by=by)
