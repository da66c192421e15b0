"""The act of a selection as plain data for its printed form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from grants.core.clock import local_day
from grants.selection.models import DEPARTURE_REASON_NAMES, Departure, Direction, Outcome, Selection, SelectionRow
from grants.selection.queries.departures import departures_of
from grants.selection.queries.explaining import group_names
from grants.selection.queries.records import record_of, summary_of
from grants.selection.queries.runs import rows_for_act
from grants.selection.reckoning import RunResult


def act_data(selection: Selection) -> dict[str, Any]:
    """Folios, points and places, quotas with their cost, certificate, decisions, signatures, hashes. No names of
    people who applied, nor what any of them counts for."""
    departures = departures_of(selection)
    record = record_of(selection)
    return {
        "call": {"code": selection.call.code, "name": selection.call.name},
        "run": selection.id,
        "is_published": selection.state.value == "published",
        "places": selection.places,
        "seed": selection.settings.get("tie_seed", ""),
        "inputs_hash": selection.inputs_hash,
        "result_hash": record.result_hash if record else "",
        "software": record.software if record else "",
        "made_by": selection.created_by.name,
        "made_on": _day(selection.created_at),
        "published_on": _day(selection.published_at),
        "signatures": [{"name": one.approved_by.name, "on": _day(one.approved_at)} for one in selection.approvals],
        "departures": [_departure(one) for one in departures],
        "rows": _rows(selection, {one.application_id: one for one in departures}),
        **_under_quotas(summary_of(selection)),
    }


def _under_quotas(result: RunResult | None) -> dict[str, Any]:
    if result is None:
        return {"quotas": [], "relaxed": [], "certificate": None}
    names, costs = group_names(result), {step.group: step for step in result.steps}
    quotas = []
    for quota in result.quotas:
        step = costs.get(quota.group)
        quotas.append(
            {
                "name": names[quota.group],
                "minimum": _bound(quota.minimum),
                "maximum": _bound(quota.maximum),
                "chosen": quota.chosen,
                "bonus": _points(quota.bonus),
                "moved": len(step.entered) if step else 0,
                "cost": _points(step.cost) if step else "—",
            }
        )
    relaxed = [
        {"name": names[one.group], "kind": one.kind, "asked": one.asked, "possible": one.possible}
        for one in result.relaxed
    ]
    return {"quotas": quotas, "relaxed": relaxed, "certificate": _certificate(result)}


def _certificate(result: RunResult) -> dict[str, Any]:
    facts = result.certificate
    return {
        "objective": _points(facts["objective"]),
        "bound": _points(facts["bound"]),
        "cut": _points(facts["cut"]),
        "is_checked": facts["checked"],
        "gap": _points(facts["gap"]),
    }


def _departure(departure: Departure) -> dict[str, Any]:
    return {
        "folio": departure.application.folio,
        "is_in": departure.direction is Direction.PUT_IN,
        "reason": str(DEPARTURE_REASON_NAMES[departure.reason]),
        "words": departure.words,
    }


def _rows(selection: Selection, decided: Mapping[int, Departure]) -> Sequence[dict[str, Any]]:
    found = []
    for row in rows_for_act(selection):
        departure = decided.get(row.application_id)
        is_in = departure.direction is Direction.PUT_IN if departure else row.outcome is Outcome.CHOSEN
        if is_in or departure is None:  # who was put out stands under the decisions alone
            found.append(_row(row, is_in=is_in, is_decided=departure is not None))
    return found


def _row(row: SelectionRow, *, is_in: bool, is_decided: bool) -> dict[str, Any]:
    return {
        "folio": row.application.folio,
        "place": row.place,
        "plan": _points(row.plan_points),
        "pitch": _points(row.pitch_points),
        "total": _points(row.points),
        "is_in": is_in,
        "is_decided": is_decided,
        "by_lottery": row.settled_by_lottery,
    }


def _bound(places: int | None) -> str:
    return "—" if places is None else str(places)


def _points(hundredths: int | None) -> str:
    if hundredths is None:
        return "—"
    sign, size = ("−" if hundredths < 0 else ""), abs(hundredths)
    return f"{sign}{size // 100},{size % 100:02d}"


def _day(moment: datetime | None) -> str:
    return local_day(moment).strftime("%d/%m/%Y") if moment else "—"
