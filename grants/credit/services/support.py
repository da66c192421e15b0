"""What the programme gave a savings bank: recorded with purpose and evidence, cancelled when it was a mistake."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.attachments import CleanFile
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import Institution, InstitutionKind, InstitutionSupport, SupportEvidence, SupportKind
from grants.credit.queries.matching import memberships_of
from grants.delivery.models import Delivery, DeliveryState
from grants.people.folio import normal_folio

MOST_EVIDENCE = 10
GIVEN = (DeliveryState.CONFIRMED, DeliveryState.RECONCILED, DeliveryState.MONITORED, DeliveryState.CLOSED)


@dataclass(frozen=True, slots=True)
class SupportFacts:
    """What was given. Office equipment is told by the folio of its delivery; value and day are the delivery's."""

    kind: SupportKind
    purpose: str
    amount_usd: Decimal | None = None
    given_on: date | None = None
    accounts: int | None = None
    delivery_folio: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A cleaned file and the name under which it is stored."""

    file: CleanFile
    name: str


def record_support(
    institution: Institution, facts: SupportFacts, *, evidence: StoredFile | None, by: User, now: datetime
) -> InstitutionSupport:
    """Keep what the programme gave a savings bank. Without evidence only goods, whose delivery has its own."""
    if institution.kind is not InstitutionKind.SAVINGS_BANK:
        raise RuleBroken(_("The programme supports savings banks only. Choose one from the list of institutions."))
    if not facts.purpose:
        raise RuleBroken(_("Write what it is for."), field="purpose")
    if evidence is None and facts.kind is not SupportKind.OFFICE_EQUIPMENT:
        raise RuleBroken(_("Add the receipt or a photo of it: support is recorded with its evidence."), field="file")
    support = _goods(institution, facts) if facts.kind is SupportKind.OFFICE_EQUIPMENT else _money(facts, now=now)
    support.institution_id, support.kind, support.purpose = institution.id, facts.kind, facts.purpose
    support.recorded_by_id, support.recorded_at = by.id, now
    try:
        with db.session.begin_nested():
            db.session.add(support)
    except IntegrityError:
        raise RuleBroken(_("This delivery is recorded as support already. Each one counts once."),
                         field="delivery_folio") from None  # fmt: skip
    journal.record(by, "support.recorded", support, at=now, institution_id=institution.id, kind=facts.kind.value)
    if evidence is not None:
        add_evidence(support, evidence, by=by, now=now)
    return support


def add_evidence(support: InstitutionSupport, stored: StoredFile, *, by: User, now: datetime) -> SupportEvidence:
    """Keep a file that shows it. The door has stored it, and takes it away if this is refused."""
    if not support.counts:
        raise RuleBroken(_("This support was cancelled. Record it again before you add a file."))
    kept = select(func.count()).select_from(SupportEvidence).where(SupportEvidence.support_id == support.id)
    if (db.session.scalar(kept) or 0) >= MOST_EVIDENCE:
        raise RuleBroken(_("There are %(most)d files already: that is enough.", most=MOST_EVIDENCE), field="file")
    file = stored.file
    evidence = SupportEvidence(
        support_id=support.id, storage_name=stored.name, media_type=file.media_type, size_bytes=len(file.content),
        sha256=file.sha256, added_by_id=by.id, added_at=now,
    )  # fmt: skip
    evidence.file_name = file.name
    db.session.add(evidence)
    db.session.flush()
    journal.record(by, "support.evidence_added", evidence, at=now, support_id=support.id)
    return evidence


def note_evidence_opened(evidence: SupportEvidence, *, by: User, now: datetime) -> None:
    """Somebody looked at it."""
    journal.record(by, "support.evidence_seen", evidence, at=now, support_id=evidence.support_id)


def cancel_support(support: InstitutionSupport, reason: str, *, by: User, now: datetime) -> None:
    """It was recorded by mistake: it stays on record and counts no more. Its delivery can be recorded again."""
    if not reason:
        raise RuleBroken(_("Write why it is cancelled."), field="reason")
    statement = (
        update(InstitutionSupport)
        .where(InstitutionSupport.id == support.id, InstitutionSupport.cancelled_at.is_(None))
        .values(cancelled_at=now, cancel_reason=reason)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(db.session.execute(statement)):
        raise RuleBroken(_("This support was cancelled already. Look at it again."))
    journal.record(by, "support.cancelled", support, at=now, institution_id=support.institution_id)
    db.session.refresh(support)


def _goods(institution: Institution, facts: SupportFacts) -> InstitutionSupport:
    """Goods go through the delivery protocol: what they are worth and when they were given is the delivery's.

    A delivery is one person's. That the person is a member here is all that can be known; what a member took for an
    own venture is told from the savings bank's equipment by who records it.
    """
    folio = normal_folio(facts.delivery_folio or "")
    delivery = db.session.scalar(select(Delivery).where(Delivery.folio == folio)) if folio else None
    if delivery is None:
        raise RuleBroken(_("No delivery has this folio. Look it up in the list of deliveries."), field="delivery_folio")
    if delivery.state is DeliveryState.DISPUTED:
        raise RuleBroken(_("This delivery is disputed. Record it once the dispute is decided."), field="delivery_folio")
    if delivery.state not in GIVEN or delivery.confirmed_at is None:
        raise RuleBroken(_("This delivery is not handed over. Record it once its handover is confirmed."),
                         field="delivery_folio")  # fmt: skip
    if institution.id not in memberships_of(delivery.person_id):
        raise RuleBroken(_("This delivery was handed to somebody of whom no open membership at this savings bank is "
                           "logged, so it is a kit of their own. Check the folio, or log the membership first."),
                         field="delivery_folio")  # fmt: skip
    return InstitutionSupport(
        delivery_id=delivery.id, amount_usd=delivery.value_usd, given_on=local_day(delivery.confirmed_at)
    )


def _money(facts: SupportFacts, *, now: datetime) -> InstitutionSupport:
    if facts.amount_usd is None or facts.amount_usd <= 0:
        raise RuleBroken(_("Write an amount above zero."), field="amount_usd")
    if facts.given_on is None:
        raise RuleBroken(_("Write the day on which it was given."), field="given_on")
    if facts.given_on > local_day(now):
        raise RuleBroken(_("That day is in the future. Record it once it is given."), field="given_on")
    accounts = facts.accounts if facts.kind is SupportKind.ACCOUNT_OPENING else None
    if facts.kind is SupportKind.ACCOUNT_OPENING and (accounts is None or accounts <= 0):
        raise RuleBroken(_("Write how many accounts were opened."), field="accounts")
    return InstitutionSupport(amount_usd=facts.amount_usd, given_on=facts.given_on, accounts=accounts)
