"""The demo's two selections: the best plans by points, and devices for those who completed the course."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core import journal
from grants.core.db import db
from grants.demo.facts import Chance, morning, programme
from grants.demo.scores import REVIEWS, Scored, build_sheets, draw_scores
from grants.demo.staff import Staff
from grants.people.models import Sex
from grants.selection.models import (
    Award,
    Outcome,
    Selection,
    SelectionApproval,
    SelectionRow,
    SelectionState,
    WaitingListEntry,
)

SELECTED_ON = date(2023, 7, 5)
DEVICES_SELECTED_ON = date(2023, 7, 17)


def build_seed_capital_awards(
    chance: Chance, staff: Staff, call: Call, applications: Sequence[Application]
) -> list[Award]:
    """Score every application, choose the best, publish: the published counts by sex come out of the points."""
    drawn = draw_scores(chance, call, len(applications))
    ordered = _in_published_order(chance, applications)
    scored = list(zip(ordered, drawn, strict=True))
    build_sheets(chance, staff, chance.shuffled(scored))
    scored.sort(key=lambda pair: (-pair[1].points, tie_key(call, pair[0])))
    selection = _selection(staff, call, morning(SELECTED_ON), [(a.folio, s.points) for a, s in scored])
    for place, (application, points) in enumerate(scored, 1):
        selection.rows.append(_row(call, application, points, place))
    waiting = [application for application, _points in scored[call.places :]]
    ties = Counter(points.points for _application, points in scored[call.places :])
    for row in selection.rows[call.places :]:
        row.settled_by_lottery = ties[row.points or 0] > 1
    for position, application in enumerate(waiting, 1):
        db.session.add(WaitingListEntry(selection=selection, application_id=application.id, position=position))
    return _award(staff, selection, [application for application, _points in scored[: call.places]])


def build_device_awards(staff: Staff, call: Call, applications: Sequence[Application]) -> list[Award]:
    """Everyone who completed and applied gets one: no sheets, no order but the lottery's."""
    ordered = sorted(applications, key=lambda application: tie_key(call, application))
    selection = _selection(staff, call, morning(DEVICES_SELECTED_ON), [(a.folio, 0) for a in ordered])
    for place, application in enumerate(ordered, 1):
        selection.rows.append(
            SelectionRow(
                application_id=application.id, outcome=Outcome.CHOSEN, place=place,
                tie_key=tie_key(call, application), reason="all_fit",
            )
        )  # fmt: skip
    return _award(staff, selection, ordered)


def tie_key(call: Call, application: Application) -> str:
    """The public lottery: SHA-256 of seed, call and folio."""
    return hashlib.sha256(f"{call.tie_seed}|{call.code}|{application.folio}".encode()).hexdigest()


def _in_published_order(chance: Chance, applications: Sequence[Application]) -> list[Application]:
    """Applications in the order of merit, at random but for how many of each sex are among the chosen."""
    chosen: list[Application] = []
    rest: list[Application] = []
    for sex, places in programme()["awards"]["sex"].items():
        of_sex = chance.shuffled([one for one in applications if one.person.sex is Sex(sex)])
        chosen += of_sex[:places]
        rest += of_sex[places:]
    return [*chance.shuffled(chosen), *chance.shuffled(rest)]


def _selection(staff: Staff, call: Call, at: datetime, inputs: Sequence[tuple[str, int]]) -> Selection:
    creator, *signers = staff[Role.COORDINATOR]
    canonical = json.dumps(sorted(inputs), separators=(",", ":"))
    parameters = {
        "plan_weight": str(call.plan_weight),
        "pitch_weight": str(call.pitch_weight),
        "reviews": call.reviews_per_application,
        "tie_seed": call.tie_seed,
    }
    selection = Selection(
        call=call, state=SelectionState.PUBLISHED, places=call.places, created_by=creator, created_at=at,
        parameters=json.dumps(parameters, sort_keys=True, ensure_ascii=False), published_at=at + timedelta(days=2),
        inputs_hash=hashlib.sha256(canonical.encode()).hexdigest(),
    )  # fmt: skip
    selection.approvals = [
        SelectionApproval(approved_by=signer, approved_at=at + timedelta(days=1, hours=number))
        for number, signer in enumerate(signers[:2])
    ]
    db.session.add(selection)
    journal.record(creator, "selection.proposed", selection, at=at)
    for approval in selection.approvals:
        journal.record(approval.approved_by, "selection.approved", selection, at=approval.approved_at)
    journal.record(creator, "selection.published", selection, at=at + timedelta(days=2))
    return selection


def _row(call: Call, application: Application, scored: Scored, place: int) -> SelectionRow:
    is_in = place <= call.places
    return SelectionRow(
        application_id=application.id, outcome=Outcome.CHOSEN if is_in else Outcome.WAITING, place=place,
        points=scored.points, plan_points=scored.stage_points[Stage.PLAN],
        pitch_points=scored.stage_points[Stage.PITCH], reviews=2 * REVIEWS,
        tie_key=tie_key(call, application), reason="by_points" if is_in else "below_cut",
    )  # fmt: skip


def _award(staff: Staff, selection: Selection, applications: Sequence[Application]) -> list[Award]:
    at = selection.published_at or selection.created_at
    awards = [
        Award(selection=selection, application=application, value_usd=selection.call.value_per_award_usd, awarded_at=at)
        for application in applications
    ]
    db.session.add_all(awards)
    db.session.flush()
    for award in awards:
        journal.record(staff[Role.COORDINATOR][0], "award.made", award, at=at)
    return awards
