"""A savings bank's own figures. A later row for the same day corrects the earlier one; nothing is edited."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import Institution, InstitutionKind, SavingsBankReport


@dataclass(frozen=True, slots=True)
class Figures:
    """A savings bank at the end of a day. `in_mobility`: members in human mobility, None where it does not know."""

    as_of: date
    members: int
    women: int
    in_mobility: int | None
    savings_usd: Decimal
    loans: int
    loans_usd: Decimal


def report_figures(institution: Institution, figures: Figures, *, by: User, now: datetime) -> SavingsBankReport:
    """Keep the figures of a day. Those of the same day before them stay on record and count no more."""
    if institution.kind is not InstitutionKind.SAVINGS_BANK:
        raise RuleBroken(_("Only a savings bank reports these figures."))
    if figures.as_of > local_day(now):
        raise RuleBroken(_("That day is in the future. Report it once it has passed."), field="as_of")
    _refuse_impossible(figures)
    report = SavingsBankReport(
        institution_id=institution.id, as_of=figures.as_of, members=figures.members, women=figures.women,
        in_mobility=figures.in_mobility, savings_usd=figures.savings_usd, loans=figures.loans,
        loans_usd=figures.loans_usd, recorded_by_id=by.id, recorded_at=now,
    )  # fmt: skip
    db.session.add(report)
    db.session.flush()
    journal.record(by, "savings_bank.reported", report, at=now, institution_id=institution.id)
    return report


def _refuse_impossible(figures: Figures) -> None:
    if figures.women > figures.members:
        raise RuleBroken(_("There cannot be more women than members. Check both."), field="women")
    if figures.in_mobility is not None and figures.in_mobility > figures.members:
        raise RuleBroken(_("There cannot be more people in human mobility than members. Check both."),
                         field="in_mobility")  # fmt: skip
    if figures.loans == 0 and figures.loans_usd > 0:
        raise RuleBroken(_("Principal is owed, so there is at least one loan. Check both."), field="loans")
