"""A run from its inputs: points, who is in under the quotas, why, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import scoring
from grants.selection.models import Outcome, Reason
from grants.selection.reckoning.canonical import Entry, RunInputs
from grants.selection.reckoning.points import Pointer, Scored
from grants.selection.reckoning.reasons import Explainer
from grants.selection.reckoning.result import Line, QuotaCount, RelaxedLine, RunResult, StepLine, Unranked
from grants.selection.reckoning.sureness import Sureness, sureness

Chosen = scoring.Selection[str]


@dataclass(frozen=True, slots=True)
class Field:
    """Those who can be ranked: their points, and everything the choice among them needs."""

    scored: Mapping[str, Scored]
    people: Mapping[str, scoring.Candidate[str]]
    quotas: Sequence[scoring.Quota]
    lottery: Sequence[str]
    places: int


def reckon(inputs: RunInputs) -> RunResult:
    """The result of a run. ValueError (NotComparable) where calibration must decide but sheets cannot be compared."""
    pointer = Pointer(inputs)
    scored = {entry.folio: pointer.scored(entry) for entry in inputs.entries if entry.is_eligible}
    ranked = {folio: points for folio, points in scored.items() if points is not None}
    sure = sureness(inputs, pointer, ranked)
    field = _field(inputs, ranked, sure)
    found = scoring.select(field.people.values(), field.places, field.quotas, field.lottery)
    sure = sure.with_chances(field)
    return RunResult(
        _lines(inputs, field, found, sure),
        _unranked(inputs, pointer, ranked),
        _counts(field, found),
        [StepLine(str(step.group), step.entered, step.left, step.cost) for step in found.steps],
        [RelaxedLine(str(one.group), one.kind, one.asked, one.possible) for one in found.relaxed],
        _certificate(field, found),
        sure.told,
    )


def _field(inputs: RunInputs, ranked: Mapping[str, Scored], sure: Sureness) -> Field:
    call, seed = inputs.settings["call"], inputs.settings["tie_seed"]
    groups = {entry.folio: frozenset(entry.groups) for entry in inputs.entries}
    names = {f"{call}|{folio}": folio for folio in ranked}
    return Field(
        ranked,
        {
            folio: scoring.Candidate(folio, sure.points(folio, points.total or 0), groups[folio])
            for folio, points in ranked.items()
        },
        [scoring.Quota(quota.group, quota.minimum, quota.maximum) for quota in inputs.quotas],
        [names[name] for name in scoring.lottery_order(seed, names)],
        int(inputs.settings["places"]),
    )


def _lines(inputs: RunInputs, field: Field, found: Chosen, sure: Sureness) -> list[Line]:
    turn = {folio: number for number, folio in enumerate(field.lottery)}
    plain = scoring.choose({f: person.points for f, person in field.people.items()}, field.places, field.lottery)
    is_drawn = all(points.total is None for points in field.scored.values())
    explainer = Explainer(found, field.people, field.quotas, turn, frozenset(plain.chosen), is_drawn)
    settled = found.settled | _tied_in_line(found, field.people)
    lines = []
    for place, folio in enumerate((*found.chosen, *found.waiting), 1):
        is_in = place <= len(found.chosen)
        reason, quotas = explainer.why_in(folio) if is_in else explainer.why_out(folio)
        points = field.scored[folio]
        lines.append(
            Line(
                folio,
                place,
                (Outcome.CHOSEN if is_in else Outcome.WAITING).value,
                reason.value,
                None if is_drawn else field.people[folio].points,
                points.plan,
                points.pitch,
                points.total,
                *sure.of(folio),
                points.reviews,
                folio in settled,
                None if is_in else explainer.short(folio),
                quotas,
                tuple(sorted(field.people[folio].groups)),
            )
        )
    return lines


def _tied_in_line(found: Chosen, people: Mapping[str, scoring.Candidate[str]]) -> set[str]:
    """Those on the waiting list whose turn among equals the lottery decided."""
    levels = {
        folio: people[folio].points + sum(found.bonuses.get(group, 0) for group in people[folio].groups)
        for folio in found.waiting
    }
    return {folio for pair in pairwise(found.waiting) if levels[pair[0]] == levels[pair[1]] for folio in pair}


def _unranked(inputs: RunInputs, pointer: Pointer, ranked: Mapping[str, Scored]) -> list[Unranked]:
    return [
        Unranked(entry.folio, _why_unranked(entry), len(list(pointer.whole_sheets(entry))))
        for entry in sorted(inputs.entries)
        if entry.folio not in ranked
    ]


def _why_unranked(entry: Entry) -> str:
    return (Reason.SHEETS_MISSING if entry.is_eligible else Reason.NOT_ELIGIBLE).value


def _counts(field: Field, found: Chosen) -> list[QuotaCount]:
    chosen = [field.people[folio].groups for folio in found.chosen]
    return [
        QuotaCount(
            str(quota.group),
            quota.minimum,
            quota.maximum,
            sum(quota.group in person.groups for person in field.people.values()),
            sum(quota.group in groups for groups in chosen),
            found.bonuses.get(quota.group, 0),
        )
        for quota in field.quotas
    ]


def _certificate(field: Field, found: Chosen) -> dict[str, object]:
    return {
        "objective": found.objective,
        "bound": found.bound,
        "gap": found.gap,
        "cut": found.cut if found.waiting and found.chosen else None,
        "checked": scoring.check_certificate(field.people.values(), field.places, field.quotas, found),
    }
