"""The person's own receipt of a referral: what was shared with whom, under which words, and how to take it back."""

from datetime import datetime
from typing import Any

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.crypto import lookup_hash
from grants.core.documents import pdf
from grants.credit.models import Referral
from grants.credit.sharing import SharedField
from grants.people.folio import ALPHABET

LANGUAGES = ("es", "en")
LENGTH, GROUP = 16, 4


def verification_code(referral: Referral) -> str:
    """What proves a receipt in the programme's office: only Semilla can compute it from what the receipt says."""
    told = [referral.folio, referral.institution_id, referral.consent_id, referral.referred_at.isoformat(),
            *sorted(referral.covers)]  # fmt: skip
    letters = "".join(ALPHABET[byte % len(ALPHABET)] for byte in lookup_hash("receipt", "|".join(map(str, told))))
    return "-".join(letters[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def make_receipt(referral: Referral, *, contact: str, by: User, now: datetime) -> bytes:
    """The receipt as a PDF in the person's language, Spanish where it has none. `contact`: whom to turn to."""
    journal.record(by, "referral.receipt_downloaded", referral, at=now)
    return pdf("credit/receipt.typ", receipt_data(referral, contact=contact))


def receipt_data(referral: Referral, *, contact: str) -> dict[str, Any]:
    """What the receipt's template shows. The group is named as shared, without saying which: papers are lost."""
    consent, shared = referral.consent, referral.shared
    return {
        "language": referral.person.language if referral.person.language in LANGUAGES else "es",
        "folio": referral.folio,
        "person": shared.folio,
        "day": local_day(referral.referred_at).isoformat(),
        "institution": referral.institution.name,
        "product": referral.product.name if referral.product is not None else None,
        "kinds": [one.kind.value for one in referral.linkages],
        "name": shared.name,
        "contact": shared.contact,
        "canton": shared.canton,
        "need": shared.need,
        "shares_group": SharedField.GROUP in referral.covers,
        "text": {"language": consent.text.language, "version": consent.text.version},
        "given_on": local_day(consent.given_at).isoformat(),
        "revoked_on": local_day(consent.revoked_at).isoformat() if consent.revoked_at else None,
        "expires_on": referral.expires_on.isoformat() if referral.expires_on else None,
        "code": verification_code(referral),
        "support": contact,
    }
