"""The acta de entrega-recepción: made from the confirmed row, hashed, printed again at any time."""

import secrets
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _

from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db
from grants.core.documents import pdf, qr_svg
from grants.core.errors import RuleBroken
from grants.delivery.models import Delivery, Receipt
from grants.delivery.models.documents import hash_of
from grants.people.folio import ALPHABET

__all__ = ["hash_of", "make_receipt", "new_number", "receipt_data", "receipt_document"]

NUMBER_LENGTH = 16  # characters of 32: 80 bits, not to be guessed
GROUP = 4
ONLINE = "A"  # the grade of evidence of a handover that was confirmed over a connection


def make_receipt(delivery: Delivery, *, now: datetime) -> Receipt:
    """The receipt of a confirmed delivery. Its content never changes afterwards."""
    if delivery.confirmed_at is None:
        raise RuleBroken(_("Only a confirmed handover has a receipt."))
    receipt = Receipt(delivery_id=delivery.id, number=new_number(), created_at=now)
    content = _content(delivery, receipt.number)
    receipt.content = content
    receipt.content_hash = hash_of(content)
    db.session.add(receipt)
    return receipt


def receipt_document(receipt: Receipt, address: str, watermark: dict[str, str] | None = None) -> bytes:
    """The acta in PDF, the same bytes each time for one row and one address to verify it at."""
    return pdf("delivery/receipt.typ", receipt_data(receipt, address, watermark))


def receipt_data(receipt: Receipt, address: str, watermark: dict[str, str] | None = None) -> dict[str, Any]:
    """What the acta's template shows. Receipts of before say nothing of weight and digest."""
    content = receipt.content
    at = datetime.fromisoformat(content["confirmed_at"]).astimezone(PROGRAMME_ZONE)
    return {**content, "time": f"{at:%H:%M}", "hash": receipt.content_hash, "address": address, "qr": qr_svg(address),
            "watermark": watermark}  # fmt: skip


def _content(delivery: Delivery, number: str) -> dict[str, Any]:
    confirmed_at = delivery.confirmed_at or delivery.created_at
    call = delivery.award.selection.call
    return {
        "number": number,
        # So that nobody finds a name by trying names against the public hash.
        "salt": secrets.token_hex(16),
        "folio": delivery.folio,
        "day": local_day(confirmed_at).isoformat(),
        "confirmed_at": confirmed_at.isoformat(timespec="seconds"),
        "person": {"folio": delivery.person.folio, "name": delivery.person.full_name},
        # Who received, when it was not the person.
        "receiver": _receiver(delivery),
        "call": {"code": call.code, "name": call.name},
        "canton": delivery.canton.name,
        "seal": delivery.seal_number,
        "weight_grams": delivery.weight_grams,
        "digest": delivery.digest,
        "evidence": ONLINE,
        "value_usd": f"{delivery.value_usd:.2f}",
        "lines": [
            {
                "name": line.name,
                "quantity": line.quantity,
                "unit_price_usd": f"{line.unit_price_usd:.2f}",
                "total_usd": f"{line.total_usd:.2f}",
                "serial": line.serial_number or "",
            }
            for line in delivery.lines
        ],
    }


def _receiver(delivery: Delivery) -> dict[str, str] | None:
    alternate = delivery.alternate
    if alternate is None:
        return None
    return {"folio": alternate.folio, "name": alternate.name, "relation": alternate.relation.value}


def new_number() -> str:
    """Four groups of four characters, drawn at random."""
    letters = "".join(secrets.choice(ALPHABET) for _n in range(NUMBER_LENGTH))
    return "-".join(letters[start : start + GROUP] for start in range(0, NUMBER_LENGTH, GROUP))
