"""What follows from applications: a published selection, deliveries and linkages, for half of the people."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from grants.access.models import User
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.crypto import new_row_key
from grants.core.db import Model, db
from grants.credit.models import Institution, InstitutionKind, Linkage, Referral
from grants.delivery.models import Delivery
from grants.people.folio import new_folio
from grants.people.models import Consent, ConsentPurpose, ConsentText
from grants.selection.models import Award, Selection, SelectionApproval, SelectionRow

Insert = Callable[[type[Model], Iterator[dict[str, Any]]], None]
MODELS: tuple[type[Model], ...] = (SelectionRow, Award, Delivery, Consent, Referral, Linkage)


def fill_awards(applications: int, call: Call, coordinator: User, insert: Insert) -> None:
    """Every application is ranked; the first half is awarded, has a delivery and a credit on its way."""
    now, by, chosen = utcnow(), coordinator.id, range(1, applications // 2 + 1)
    selection = _selection(call, by)
    text = ConsentText(purpose=ConsentPurpose.REFERRAL, version=900, language="es", body="Bench")
    institution = Institution(name="Bench", kind=InstitutionKind.COOPERATIVE, created_at=now)
    db.session.add_all([selection, text, institution])
    db.session.flush()
    insert(SelectionRow, (_row(n, selection.id, n <= len(chosen)) for n in range(1, applications + 1)))
    insert(Award, (_award(n, selection.id) for n in chosen))
    insert(Delivery, (_delivery(n, by) for n in chosen))
    insert(Consent, (_consent(n, text.id, institution.id, by) for n in chosen))
    insert(Referral, (_referral(n, institution.id, by) for n in chosen))
    insert(Linkage, (_linkage(n, institution.id) for n in chosen))


def _selection(call: Call, by: int) -> Selection:
    now = utcnow()
    selection = Selection(
        call_id=call.id, state="published", places=call.places, parameters="{}", inputs_hash="0" * 64,
        created_by_id=by, created_at=now, published_at=now,
    )  # fmt: skip
    selection.approvals = [SelectionApproval(approved_by_id=by, approved_at=now)]
    return selection


def _row(n: int, selection: int, is_in: bool) -> dict[str, Any]:
    return {
        "selection_id": selection, "application_id": n, "outcome": "chosen" if is_in else "waiting", "place": n,
        "points": max(0, 10_000 - n // 10), "plan_points": 5000, "pitch_points": 5000, "reviews": 2,
        "tie_key": f"{n:064d}", "settled_by_lottery": False, "reason": "by_points" if is_in else "below_cut",
    }  # fmt: skip


def _award(n: int, selection: int) -> dict[str, Any]:
    return {
        "id": n, "selection_id": selection, "application_id": n, "state": "active", "value_usd": Decimal(700),
        "awarded_at": utcnow(),
    }  # fmt: skip


def _delivery(n: int, by: int) -> dict[str, Any]:
    is_confirmed = n % 3 == 0
    return {
        "folio": new_folio("D"), "row_key": new_row_key(), "award_id": n, "person_id": n,
        "state": "confirmed" if is_confirmed else "planned", "canton_code": "1001" if n % 2 else "2101",
        "value_usd": Decimal(700), "kit_version": 1, "approvals": 0, "created_by_id": by, "created_at": utcnow(),
        "confirmed_at": utcnow() if is_confirmed else None,
    }  # fmt: skip


def _consent(n: int, text: int, institution: int, by: int) -> dict[str, Any]:
    return {
        "id": n, "person_id": n, "text_id": text, "institution_id": institution, "read_out_by_id": by,
        "given_at": utcnow(),
    }  # fmt: skip


def _referral(n: int, institution: int, by: int) -> dict[str, Any]:
    return {
        "id": n, "folio": new_folio("R"), "person_id": n, "institution_id": institution, "consent_id": n,
        "state": "accepted", "need": "Working capital", "referred_by_id": by, "referred_at": utcnow(),
        "answered_at": utcnow(),
    }  # fmt: skip


def _linkage(n: int, institution: int) -> dict[str, Any]:
    return {
        "folio": new_folio("L"), "row_key": new_row_key(), "referral_id": n, "person_id": n,
        "institution_id": institution, "kind": "credit", "state": ("referred", "contacted", "applied")[n % 3],
        "created_at": utcnow(), "last_step_on": date(2026, 1, 1) + timedelta(days=n % 300),
    }  # fmt: skip
