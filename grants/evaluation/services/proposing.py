"""Who would read what: planned with `scoring.assign`, shown, then written exactly as it was shown."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime

from flask_babel import lazy_gettext as _

import scoring
from grants.access.models import User
from grants.calls.models import Call, Stage
from grants.core import journal
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Panelist
from grants.evaluation.services.calibration import hand_out_calibration
from grants.evaluation.services.giving import give

Pair = tuple[int, int]  # application, evaluator
Loads = Mapping[int, tuple[int, int]]

MANY = 1_000  # applications from which a tenth of bridges is enough
ASK_FIRST = -10


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposal did: sheets given, and sheets for which no evaluator was left."""

    made: int
    short: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Who would get what, before anything is written. `digest` stands for the inputs and the pairs.

    `before` and `new` count sheets of the stage by evaluator; `short` are reviews without a reader by application;
    `limits` says why, with ids as keys; `parts` are the groups of evaluators that nothing links; `cross_panel_se` is
    in residual standard deviations; `to_ask` are pairs of the plan whose evaluator the records link to the applicant.
    """

    pairs: tuple[Pair, ...]
    before: Mapping[int, int]
    new: Mapping[int, int]
    panel_of: Mapping[int, str]
    short: Mapping[int, int]
    limits: tuple[scoring.Limit, ...]
    bridges: int
    parts: tuple[frozenset[int], ...]
    panel_parts: tuple[frozenset[str], ...]
    cross_panel_se: float
    to_ask: frozenset[Pair]
    digest: str

    @property
    def missing(self) -> int:
        return sum(self.short.values())

    @property
    def is_comparable(self) -> bool:
        return len(self.parts) < 2 and len(self.panel_parts) < 2


@dataclass(frozen=True, slots=True)
class Desk:
    """What is asked for at one stage: missing reviews, who may read at all, their loads left, and what is given."""

    demand: dict[int, int]
    members: dict[int, Panelist | None]
    counting: list[Pair]  # reviews that stand
    barred: AbstractSet[Pair]
    to_ask: frozenset[Pair] = field(default=frozenset())

    @property
    def panels(self) -> dict[int, str]:
        """Panel by member; empty while there is one only."""
        found = {who: seat.panel if seat else "" for who, seat in self.members.items()}
        return found if len(set(found.values())) > 1 else {}


def usual_bridge(applications: int) -> int:
    """The share of applications, in percent, that two panels should read: a third of a few, a tenth of many."""
    return 33 if applications < MANY else 10


def plan_assignments(
    call: Call, *, stage: Stage, bridge: int | None = None, only: AbstractSet[int] | None = None
) -> Plan:
    """Plan what is missing at a stage; nothing is written. `only` limits it to some applications.

    Nobody gets an application twice, nor one they have a conflict about, nor one from their own province or in a
    language they do not read. What was given before stays, extra reviews too.
    """
    desk = lay_out(call, stage, only)
    share = (usual_bridge(len(desk.demand)) if bridge is None else bridge) / 100
    pairs, limits = _solve(desk, share, seed=f"{call.tie_seed}|{stage.value}")
    return _described(call, stage, desk, tuple(sorted(pairs)), limits)


def lay_out(call: Call, stage: Stage, only: AbstractSet[int] | None = None) -> Desk:
    """The desk of a stage. RuleBroken when there is nobody to read, or nothing to be read."""
    inputs = queries.proposal_inputs(call, stage)
    seats = {seat.evaluator_id: seat for seat in queries.panel_of(call)}
    members = {who: seats.get(who) for who in inputs.evaluators if not seats or _sits(seats.get(who))}
    if not members:
        raise RuleBroken(_("There is no active evaluator. Ask an administrator to invite one."))
    if not inputs.applications:
        raise RuleBroken(_("Nobody has submitted an application to this call yet."))
    counting = [(app, who) for app, who, is_open, is_in in inputs.taken if is_open or is_in]
    counting = [pair for pair in counting if pair not in inputs.conflicts]
    reviewed = Counter(app for app, _who in counting)
    demand = {
        app: max(call.reviews_per_application - reviewed[app], 0)
        for app in inputs.applications
        if only is None or app in only
    }
    barred = {(app, who) for app, who, *_rest in inputs.taken} | inputs.conflicts | _unsuited(call, demand, members)
    possible = ((app, who) for app, wanted in demand.items() if wanted for who in members if (app, who) not in barred)
    return Desk(demand, members, counting, barred, queries.possible_conflicts(possible))


def _sits(seat: Panelist | None) -> bool:
    return seat is not None and seat.stopped_at is None


def _unsuited(call: Call, applications: Iterable[int], members: Mapping[int, Panelist | None]) -> set[Pair]:
    """Pairs of the evaluator's own province, or in a language they do not read."""
    seats = [seat for seat in members.values() if seat is not None and (seat.canton_code or seat.languages)]
    if not seats:
        return set()
    facts = queries.applicant_facts(call)
    return {
        (app, seat.evaluator_id)
        for app in applications
        for seat in seats
        if seat.province_code == facts[app].province_code or (seat.spoken and facts[app].language not in seat.spoken)
    }


def _solve(desk: Desk, share: float, *, seed: str) -> tuple[list[Pair], tuple[scoring.Limit, ...]]:
    """The best pairs: loads as equal as they can be, else looser. What then still fails is filled as far as it goes."""
    demand = {app: wanted for app, wanted in desk.demand.items() if wanted}
    if not demand:
        return [], ()
    affinity = dict.fromkeys(desk.to_ask, ASK_FIRST)
    barred = desk.barred | _other_panels(desk)
    forbidden = {(app, who) for app, who in barred if app in demand and who in desk.members}
    limits: tuple[scoring.Limit, ...] = ()
    for capacity in _capacities(desk):
        try:
            panels = desk.panels or None
            return list(scoring.assign(demand, capacity, affinity, forbidden, panels, share, seed).pairs), ()
        except scoring.Infeasible as error:
            limits = error.limits
    return _as_far_as_it_goes(desk, demand), limits


def _other_panels(desk: Desk) -> set[Pair]:
    """Readers outside the one panel that already reads an application: it goes on there while that has room."""
    panels = desk.panels
    reading: dict[int, set[str]] = {}
    for app, who in desk.counting:
        if who in panels:
            reading.setdefault(app, set()).add(panels[who])
    closed = set()
    for app, found in reading.items():
        left = [who for who in panels if panels[who] in found and (app, who) not in desk.barred]
        if len(found) == 1 and len(left) >= desk.demand.get(app, 0):
            closed |= {(app, who) for who in panels if panels[who] not in found}
    return closed


def _own_limits(desk: Desk) -> dict[int, tuple[int, int]]:
    """What each member may still get: their declared loads less what they have."""
    have = Counter(who for _app, who in desk.counting)
    most = len(desk.demand)
    return {
        who: (
            max((seat.load_min if seat else 0) - have[who], 0),
            max((seat.load_max if seat and seat.load_max is not None else most + have[who]) - have[who], 0),
        )
        for who, seat in desk.members.items()
    }


def _capacities(desk: Desk) -> list[Loads]:
    """Loads from the most equal to the loosest that is allowed."""
    own, have = _own_limits(desk), Counter(who for _app, who in desk.counting)
    level = dict.fromkeys(own, 0)
    for who, (least, _most) in own.items():
        level[who] = least
    for _review in range(sum(desk.demand.values()) - sum(level.values())):
        free = [who for who, (_least, most) in own.items() if level[who] < most]
        if not free:
            return [own]
        lowest = min(free, key=lambda who: (have[who] + level[who], who))
        level[lowest] += 1
    even = {who: (level[who], level[who]) for who in own}
    near = {who: (max(level[who] - 2, least), min(level[who] + 2, most)) for who, (least, most) in own.items()}
    return [even, near, own]


def _as_far_as_it_goes(desk: Desk, demand: Mapping[int, int]) -> list[Pair]:
    """Where not everything can be met: each application in turn gets the least loaded of those who may read it."""
    load = Counter(who for _app, who in desk.counting)
    left = {who: most for who, (_least, most) in _own_limits(desk).items()}
    pairs: list[Pair] = []
    for app, wanted in demand.items():
        free = [who for who in desk.members if (app, who) not in desk.barred and left[who] > 0]
        picked = sorted(free, key=lambda who: ((app, who) in desk.to_ask, load[who], who))[:wanted]
        for who in picked:
            load[who] += 1
            left[who] -= 1
        pairs += [(app, who) for who in picked]
    return pairs


def _described(
    call: Call, stage: Stage, desk: Desk, pairs: tuple[Pair, ...], limits: tuple[scoring.Limit, ...]
) -> Plan:
    given = Counter(app for app, _who in pairs)
    groups: dict[int, list[int]] = {}
    for app, who in (*desk.counting, *pairs):
        if who in desk.members:
            groups.setdefault(app, []).append(who)
    panels = desk.panels
    named = {app: {panels[who] for who in group} for app, group in groups.items()} if panels else {}
    before = Counter(who for _app, who in desk.counting)
    text = json.dumps([call.id, stage.value, sorted(desk.demand.items()), sorted(before.items()), pairs])
    return Plan(
        pairs=pairs,
        before={who: before[who] for who in desk.members},
        new=Counter(who for _app, who in pairs),
        panel_of=panels,
        short={app: wanted - given[app] for app, wanted in desk.demand.items() if wanted > given[app]},
        limits=limits,
        bridges=sum(1 for found in named.values() if len(found) > 1),
        parts=scoring.connected(groups.values()),
        panel_parts=scoring.connected(named.values()),
        cross_panel_se=scoring.cross_panel_se(groups, panels) if panels else 0.0,
        to_ask=desk.to_ask & set(pairs),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def propose_assignments(
    call: Call,
    *,
    stage: Stage,
    due_on: date | None,
    by: User,
    now: datetime,
    bridge: int | None = None,
    digest: str | None = None,
) -> Proposal:
    """Fill every application of the stage up to the call's reviews, as `plan_assignments` plans it.

    With the digest of a plan that was shown: exactly that plan, or a refusal when what it rests on has changed.
    """
    plan = plan_assignments(call, stage=stage, bridge=bridge)
    if digest is not None and digest != plan.digest:
        raise RuleBroken(_("Something changed since this proposal was shown. Look at the new one below, then confirm."))
    give(plan.pairs, stage, due_on=due_on, by_id=by.id, now=now)
    hand_out_calibration(call, stage, due_on=due_on, by=by, now=now)
    made, short = len(plan.pairs), plan.missing
    journal.record(by, "assignments.proposed", call, at=now, stage=stage.value, made=made, short=short)
    return Proposal(made, short)
