"""The stored inputs and results of runs."""

from dataclasses import dataclass

from sqlalchemy import select

import scoring
from grants.applications.models import Application
from grants.core.db import db
from grants.selection.models import Departure, Direction, Selection, SelectionRecord
from grants.selection.reckoning import RunInputs, RunResult


@dataclass(frozen=True, slots=True)
class StoredInputs:
    """What `scoring.select` was given in a run, as `scoring.substitute` takes it again; keys are folios."""

    candidates: tuple[scoring.Candidate[str], ...]
    places: int
    quotas: tuple[scoring.Quota, ...]
    lottery: tuple[str, ...]


def record_of(selection: Selection) -> SelectionRecord | None:
    """The run's stored inputs and result; None for a run from before they were stored."""
    found = select(SelectionRecord).where(SelectionRecord.selection_id == selection.id)
    return db.session.scalars(found).first()


def result_of(selection: Selection) -> RunResult | None:
    """The run's result as it was stored; None for a run from before."""
    record = record_of(selection)
    return RunResult.parse(record.result) if record else None


def summary_of(selection: Selection) -> RunResult | None:
    """The run's result without its lines: quotas, cost, certificate. It tells nobody's groups beyond their numbers."""
    record = record_of(selection)
    return RunResult.parse(record.summary) if record else None


def stored_inputs(selection: Selection) -> StoredInputs | None:
    """Everybody who could be ranked with the points that were ranked, places, quotas and lottery.

    Without those put out by decision: no place that falls free is theirs. None for a run from before inputs were
    stored.
    """
    record = record_of(selection)
    if record is None:
        return None
    inputs, result = RunInputs.parse(record.inputs), RunResult.parse(record.result)
    groups = {entry.folio: frozenset(entry.groups) for entry in inputs.entries}
    call, seed = inputs.settings["call"], inputs.settings["tie_seed"]
    out = _put_out(selection)
    lines = [line for line in result.lines if line.folio not in out]
    names = {f"{call}|{line.folio}": line.folio for line in lines}
    return StoredInputs(
        tuple(scoring.Candidate(line.folio, line.points or 0, groups[line.folio]) for line in lines),
        int(inputs.settings["places"]),
        tuple(scoring.Quota(quota.group, quota.minimum, quota.maximum) for quota in inputs.quotas),
        tuple(names[name] for name in scoring.lottery_order(seed, names)),
    )


def _put_out(selection: Selection) -> frozenset[str]:
    statement = (
        select(Application.folio)
        .join(Departure, Departure.application_id == Application.id)
        .where(Departure.selection_id == selection.id, Departure.direction == Direction.PUT_OUT)
    )
    return frozenset(db.session.scalars(statement))
