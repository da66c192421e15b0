"""Reconciliation: what was sealed, what left, what the receipt says and what the stock ledger says, side by side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryEvent, DeliveryState, Duty, Reason, Receipt
from grants.delivery.queries.told import carried_among
from grants.delivery.services.moves import move
from grants.delivery.services.receipts import hash_of
from grants.delivery.services.visits import advance, hold_duty

# What the warehouse's ledger says left for these kits: units by the line's id. Lines bought for one person are absent.
Ledger = Callable[[Sequence[Delivery]], Mapping[int, int]]
ledgers: list[Ledger] = [queries.issued_by_line]

CARRIED = _("Your team carried this delivery. Somebody else must do this step.")
NOTHING = "—"
SHOWN_OF_DIGEST = 12


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records of one fact. They agree or they differ; nothing in between."""

    name: Any
    first_source: Any
    first: str
    second_source: Any
    second: str

    @property
    def agrees(self) -> bool:
        return self.first == self.second and self.first != NOTHING


@dataclass(frozen=True, slots=True)
class Comparison:
    """All pairs of one delivery; the variance is receipt less kit, in units and USD."""

    pairs: tuple[Pair, ...]
    variance_units: int
    variance_usd: Decimal

    @property
    def agrees(self) -> bool:
        return all(pair.agrees for pair in self.pairs)

    @property
    def differing(self) -> list[Pair]:
        return [pair for pair in self.pairs if not pair.agrees]


def comparisons(deliveries: Sequence[Delivery]) -> dict[int, Comparison]:
    """The comparison of each delivery by its id, at the cost of one. Load them with `queries.to_reconcile`."""
    receipts = queries.receipts_of(deliveries)
    issued: dict[int, int] = {}
    for ledger in ledgers:
        issued.update(ledger(deliveries))
    return {one.id: _compare(one, receipts.get(one.id), issued) for one in deliveries}


def reconcile(delivery: Delivery, *, by: User, now: datetime) -> None:
    """Sign that all records agree. Where they differ, a dispute follows, not a signature."""
    reconcile_many([delivery], by=by, now=now)


def reconcile_many(deliveries: Sequence[Delivery], *, by: User, now: datetime) -> None:
    """Sign for all of these, or for none when the records of one differ."""
    if not deliveries:
        raise RuleBroken(_("Choose at least one delivery."))
    # First: whoever carried one gets the same answer whatever became of it since.
    if carried_among(by, deliveries):
        raise RuleBroken(CARRIED)
    for delivery_id, found in comparisons(deliveries).items():
        if not found.agrees:
            folio = next(one.folio for one in deliveries if one.id == delivery_id)
            raise RuleBroken(
                _("The records of %(folio)s differ. Look at the pairs; if they stay so, open a dispute.", folio=folio)
            )
    for delivery in deliveries:
        if delivery.state is not DeliveryState.CONFIRMED:
            raise RuleBroken(_("Only a confirmed handover is reconciled. A disputed one is decided by two people."))
        move(delivery, DeliveryState.RECONCILED, by=by, now=now, duty=Duty.RECONCILE, reason=Reason.RECORDS_AGREE)
        advance(delivery, by=by, now=now)


def close(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The last signature: visited as its level asks, or left out by the sample. By somebody whose only part is this."""
    if queries.was_on_the_team(delivery, by):
        raise RuleBroken(CARRIED)
    if any(visit.is_due for visit in queries.visits_of(delivery)):
        raise RuleBroken(_("A visit is still open. Close the delivery after it."))
    if delivery.state is DeliveryState.RECONCILED and not queries.was_spared(delivery):
        raise RuleBroken(_("Nobody has visited this person yet. Plan the visits of the call first."))
    hold_duty(delivery, Duty.RECONCILE, by=by)
    move(delivery, DeliveryState.CLOSED, by=by, now=now)


def _compare(delivery: Delivery, receipt: Receipt | None, issued: Mapping[int, int]) -> Comparison:
    said: dict[str, Any] = receipt.content if receipt else {}
    written: list[dict[str, Any]] = said.get("lines", [])
    units = sum(line.quantity for line in delivery.lines)
    usd = sum((line.total_usd for line in delivery.lines), Decimal("0.00"))
    receipt_units = sum(int(line["quantity"]) for line in written)
    receipt_usd = sum((Decimal(line["total_usd"]) for line in written), Decimal("0.00"))
    kit, paper = _("The kit"), _("The receipt")
    pairs = (
        Pair(_("Seal"), kit, delivery.seal_number or NOTHING, paper, said.get("seal") or NOTHING),
        _devices(delivery, written),
        Pair(_("Units"), kit, str(units), paper, str(receipt_units)),
        Pair(_("Value"), kit, f"{usd:.2f}", paper, f"{receipt_usd:.2f}"),
        Pair(_("Value of the delivery"), _("The plan"), f"{delivery.value_usd:.2f}", paper,
             str(said.get("value_usd") or NOTHING)),
        *_on_the_way(delivery),
        *_in_stock(delivery, issued),
        _paper_is_whole(receipt, said),
    )  # fmt: skip
    return Comparison(pairs, receipt_units - units, receipt_usd - usd)


def _devices(delivery: Delivery, written: Sequence[Mapping[str, Any]]) -> Pair:
    packed = sorted(line.serial_number for line in delivery.lines if line.serial_number)
    received = sorted(line["serial"] for line in written if line["serial"])
    return Pair(_("Serial numbers"), _("The kit"), _list(packed), _("The receipt"), _list(received))


def _on_the_way(delivery: Delivery) -> list[Pair]:
    """The waybill against the handover: the same officer, and the same sealed kit from the door to the point."""
    left, arrived = _last(delivery, DeliveryState.IN_TRANSIT), _last(delivery, DeliveryState.CONFIRMED)
    lead = delivery.run.officer_id if delivery.run is not None else delivery.officer_id
    sealed = _short(delivery.digest_over(delivery.receiver_folio))
    waybill, handed_over = _digest(left), _digest(arrived)
    return [
        Pair(
            _("Officer"),
            _("The delivery run"),
            _number(lead),
            _("The handover"),
            _number(arrived.by_id if arrived else None),
        ),
        Pair(_("What was sealed and what left"), _("Recomputed from the kit"), sealed, _("The waybill"), waybill),
        Pair(_("What left and what was handed over"), _("The waybill"), waybill, _("The handover"), handed_over),
    ]


def _in_stock(delivery: Delivery, issued: Mapping[int, int]) -> list[Pair]:
    of_stock = [line for line in delivery.lines if line.id in issued]
    if not of_stock:
        return []
    # Line by line: one unit too many of one article and one too few of another make the same sum.
    in_kit, from_shelf = (
        ", ".join(str(units) for units in found)
        for found in ([line.quantity for line in of_stock], [issued[line.id] for line in of_stock])
    )
    return [Pair(_("Stock"), _("The kit"), in_kit, _("The stock ledger"), from_shelf)]


def _paper_is_whole(receipt: Receipt | None, said: dict[str, Any]) -> Pair:
    computed = _short(hash_of(said)) if receipt else NOTHING
    kept = _short(receipt.content_hash) if receipt else NOTHING
    return Pair(_("The receipt is unchanged"), _("Its hash"), kept, _("Computed again"), computed)


def _last(delivery: Delivery, to: DeliveryState) -> DeliveryEvent | None:
    return next((event for event in reversed(delivery.events) if event.to_state is to), None)


def _list(serials: Sequence[str]) -> str:
    return ", ".join(serials) or "0"


def _number(user_id: int | None) -> str:
    return str(user_id) if user_id is not None else NOTHING


def _digest(event: DeliveryEvent | None) -> str:
    return _short(event.digest if event else None)


def _short(digest: str | None) -> str:
    return digest[:SHOWN_OF_DIGEST] if digest else NOTHING
