"""What people agreed to, and what they took back."""

from collections.abc import Callable
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, hold_row, rows_hit
from grants.core.errors import RuleBroken
from grants.people import queries
from grants.people.models import Consent, ConsentPurpose, Person

EndWithConsent = Callable[[Consent, User, datetime], None]
# What ends when a consent is taken back, in the same transaction. Features further down the river add theirs.
_ends_with_consent: list[EndWithConsent] = []


def ends_with_consent(end: EndWithConsent) -> EndWithConsent:
    """Add what ends with a consent. It runs once the consent's row is revoked, and may refuse with RuleBroken."""
    _ends_with_consent.append(end)
    return end


def give_consent(
    person: Person,
    purpose: ConsentPurpose,
    *,
    language: str,
    by: User,
    now: datetime,
    institution_id: int | None = None,
) -> Consent:
    """Record that the person agreed after `by` read out the newest words in this language ("es", "en").

    `institution_id` names the one institution of a referral. Refused when the same consent is already in force.
    """
    text = queries.current_text(purpose, language)
    if text is None:
        raise RuleBroken(_("There is no text for this permission in that language. Choose another language."),
                         field="consent_language")  # fmt: skip
    hold_row(Person.language, person.id)  # whoever waited finds this consent
    if queries.active_consent(person.id, purpose, institution_id=institution_id):
        raise RuleBroken(_("This permission was already given. Nothing more to do."), field="purpose")
    consent = Consent(person_id=person.id, text_id=text.id, institution_id=institution_id, given_at=now,
                      read_out_by_id=by.id)  # fmt: skip
    db.session.add(consent)
    journal.record(by, "consent.given", person, at=now, purpose=purpose.value, version=text.version,
                   language=language, institution_id=institution_id)  # fmt: skip
    db.session.flush()
    return consent


def revoke_consent(consent: Consent, *, by: User, now: datetime) -> None:
    """Record that the person took a consent back. What goes on under it ends; what was done under it stays done."""
    open_one = update(Consent).where(Consent.id == consent.id, Consent.revoked_at.is_(None))
    if not rows_hit(db.session.execute(open_one.values(revoked_at=now))):
        raise RuleBroken(_("This permission was already withdrawn."))
    journal.record(by, "consent.revoked", consent, at=now, purpose=consent.text.purpose.value,
                   person_id=consent.person_id)  # fmt: skip
    for end in _ends_with_consent:
        end(consent, by, now)
