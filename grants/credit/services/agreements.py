"""Agreements with institutions: recorded, and ended before their day."""

from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import Agreement, AgreementEnd, AgreementKind, Institution


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """What was signed. `valid_until`: the last day, None until somebody ends it; the focal point is personal data."""

    kind: AgreementKind
    signed_on: date
    valid_from: date
    valid_until: date | None = None
    flexible_terms: str = ""
    focal_name: str | None = None
    focal_contact: str | None = None


def record_agreement(institution: Institution, facts: AgreementFacts, *, by: User, now: datetime) -> Agreement:
    """Keep what the programme and the institution signed. What was agreed before stays as it is."""
    if facts.signed_on > local_day(now):
        raise RuleBroken(_("That day is in the future. Record the agreement once it is signed."), field="signed_on")
    if facts.valid_from < facts.signed_on:
        raise RuleBroken(_("An agreement cannot hold before it is signed. Check the days."), field="valid_from")
    if facts.valid_until is not None and facts.valid_until < facts.valid_from:
        raise RuleBroken(_("The last day is before the first. Check the days."), field="valid_until")
    agreement = Agreement(
        institution_id=institution.id, kind=facts.kind, signed_on=facts.signed_on, valid_from=facts.valid_from,
        valid_until=facts.valid_until, flexible_terms=facts.flexible_terms, recorded_by_id=by.id, recorded_at=now,
    )  # fmt: skip
    agreement.focal_name, agreement.focal_contact = facts.focal_name, facts.focal_contact
    db.session.add(agreement)
    db.session.flush()
    journal.record(by, "agreement.recorded", agreement, at=now, institution_id=institution.id)
    return agreement


def end_agreement(agreement: Agreement, reason: AgreementEnd, *, by: User, now: datetime) -> None:
    """From now on it holds no more. It stays on record; of two people at once one ends it."""
    statement = (
        update(Agreement)
        .where(Agreement.id == agreement.id, Agreement.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(db.session.execute(statement)):
        raise RuleBroken(_("This agreement was ended already. Look at it again."))
    journal.record(by, "agreement.ended", agreement, at=now, institution_id=agreement.institution_id,
                   reason=reason.value)  # fmt: skip
    db.session.refresh(agreement)
