"""Runs of calls with quotas: what is stored, what can be repeated, what can never bind, what is decided otherwise."""

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Calibration, Call, CallQuota, QuotaDimension
from grants.core.clock import PROGRAMME_ZONE, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.people.models import PopulationGroup, Sex
from grants.selection import queries, services
from grants.selection.models import (
    Award,
    DepartureReason,
    Direction,
    Outcome,
    Selection,
    SelectionRecord,
    SelectionRow,
    SelectionState,
    WaitingListEntry,
)
from grants.selection.reckoning import Changes, QuotaLine
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_conflict, make_reviews
from tests.factories.people import make_canton, make_person
from tests.factories.selection import make_selection

pytestmark = pytest.mark.usefixtures("in_english")
SEX = QuotaDimension.SEX


def chair() -> User:
    return make_user(Role.COORDINATOR)


def quota(call: Call, dimension: QuotaDimension, value: str, minimum: int | None, maximum: int | None = None) -> None:
    position = len(call.quotas) + 1
    row = CallQuota(position=position, dimension=dimension, value=value, minimum=minimum, maximum=maximum)
    call.quotas.append(row)
    db.session.flush()


def women_first(places: int = 2) -> Call:
    """Two men with levels 4 and 3, two women with 2 and 1; one place is kept for women. Newest evaluators each time."""
    call = make_call(places=places, budget_usd=Decimal(700) * places)
    quota(call, SEX, "female", 1)
    for sex, level in ((Sex.MALE, 4), (Sex.MALE, 3), (Sex.FEMALE, 2), (Sex.FEMALE, 1)):
        make_reviews(make_application(call, make_person(sex=sex)), plan=level, pitch=level)
    return call


def run_of(call: Call, changes: Changes | None = None, now: datetime | None = None) -> Selection:
    return services.simulate(call, by=chair(), now=now or utcnow(), changes=changes)


def rows(selection: Selection) -> list[SelectionRow]:
    found = db.session.query(SelectionRow).filter_by(selection_id=selection.id)
    return found.order_by(SelectionRow.place).all()


def record(selection: Selection) -> SelectionRecord:
    found = queries.record_of(selection)
    assert found is not None
    return found


def test_quota_of_the_call_decides_and_is_stored_with_its_proof(app: Flask) -> None:
    run = run_of(women_first())

    assert [(row.points, row.outcome.value, row.reason) for row in rows(run)] == [
        (10000, "chosen", "by_points"),
        (5000, "chosen", "by_quota"),
        (7500, "waiting", "displaced"),
        (2500, "waiting", "below_cut"),
    ]
    found = queries.summary_of(run)
    assert found is not None
    assert (found.certificate["checked"], found.certificate["objective"], run.objective) == (True, 15000, 15000)
    assert [(step.group, step.cost) for step in found.steps] == [("sex:female", 2500)]
    assert record(run).result_hash == run_hash(run)


def run_hash(run: Selection) -> str:
    found = queries.result_of(run)
    assert found is not None
    return found.hash


def test_groups_are_those_that_quotas_name_and_age_is_that_of_the_closing_day(app: Flask) -> None:
    closing = datetime(2026, 3, 31, 18, tzinfo=PROGRAMME_ZONE)
    call = make_call(opens_at=datetime(2026, 3, 1, 8, tzinfo=PROGRAMME_ZONE), closes_at=closing)
    make_canton("2101")
    for dimension, value in (
        (QuotaDimension.AGE_BAND, "18_35"), (QuotaDimension.CANTON, "2101"), (QuotaDimension.DISABILITY, "yes"),
        (QuotaDimension.SINGLE_CARER, "yes"), (QuotaDimension.POPULATION_GROUP, "host"),
    ):  # fmt: skip
        quota(call, dimension, value, 1)
    older = make_person(birth_on=date(1990, 3, 31), canton_code="2101", is_single_carer=True)  # 36 on that very day
    younger = make_person(birth_on=date(1990, 4, 1), has_disability=True, population_group=PopulationGroup.HOST)
    folios = [make_application(call, person).folio for person in (older, younger)]

    found = {entry.folio: entry.groups for entry in queries.selection_inputs(call).entries}

    assert [found[folio] for folio in folios] == [
        ("canton:2101", "single_carer:yes"),
        ("age_band:18_35", "disability:yes", "population_group:host"),
    ]


def test_stored_inputs_name_nobody_and_no_row(app: Flask) -> None:
    call = women_first()
    run = run_of(call)
    text = record(run).inputs

    people = [row.application.person for row in rows(run)]
    assert all(name not in text for person in people for name in (person.given_names, person.first_surname))
    assert sorted(one[0] for one in json.loads(text)["applications"]) == sorted(
        row.application.folio for row in rows(run)
    )
    sealed = db.session.get_one(SelectionRecord, record(run).id)
    assert b"sex:female" not in sealed.inputs_sealed  # type: ignore[attr-defined]


def test_replay_gives_the_same_bytes_whatever_the_day(app: Flask) -> None:
    call = women_first()
    early = run_of(call, now=datetime(2024, 2, 29, 23, 59, tzinfo=PROGRAMME_ZONE))
    late = run_of(call)

    assert services.replay(record(early), early.inputs_hash).difference is None
    assert record(early).inputs == record(late).inputs
    assert record(early).result_hash == record(late).result_hash == services.replay(
        record(late), late.inputs_hash
    ).result.hash  # fmt: skip


def test_changed_result_and_changed_inputs_are_found(app: Flask) -> None:
    run = run_of(women_first())
    kept = record(run)
    kept.result = kept.result.replace('"by_quota"', '"by_points"')

    assert services.replay(kept, run.inputs_hash).difference == 'lines[1][3]: "by_points" / "by_quota"'
    kept.inputs = kept.inputs.replace('"places":2', '"places":3')
    with pytest.raises(RuleBroken, match="hash differs"):
        services.replay(kept, run.inputs_hash)


def test_change_of_a_persons_group_stops_the_run(app: Flask) -> None:
    run = run_of(women_first())
    rows(run)[0].application.person.sex = Sex.FEMALE
    db.session.flush()

    with pytest.raises(RuleBroken, match="Simulate again"):
        services.propose(run, by=chair(), now=utcnow())
    assert queries.get_selection(run.id).state is SelectionState.SIMULATED


def test_run_from_before_is_read_but_neither_proposed_nor_replayed(app: Flask) -> None:
    old = make_selection(state=SelectionState.SIMULATED)

    with pytest.raises(RuleBroken, match="before inputs were stored"):
        services.propose(old, by=chair(), now=utcnow())
    answer = app.test_cli_runner().invoke(args=["selection", "replay", str(old.id)], env={"LANG": "C"})
    assert (answer.exit_code, "cannot be computed again" in answer.output) == (1, True)
    assert queries.stored_inputs(old) is None


def test_what_if_changes_what_was_asked_and_can_never_be_proposed(app: Flask) -> None:
    call = women_first()
    base = run_of(call)
    tried = run_of(call, Changes(places=3, quotas=(QuotaLine("sex:female", 2, None),), plan_weight=Decimal(50)))

    assert [row.reason for row in rows(tried)] == ["by_points", "by_quota", "by_quota", "displaced"]
    assert (tried.is_what_if, tried.places, tried.settings["pitch_weight"]) == (True, 3, "50.00")
    with pytest.raises(RuleBroken, match="never be proposed"):
        services.propose(tried, by=chair(), now=utcnow())
    with pytest.raises(IntegrityError), db.session.begin_nested():
        tried.state = SelectionState.PROPOSED
        db.session.flush()
    db.session.expire_all()
    assert (tried.state, base.state) == (SelectionState.SIMULATED, SelectionState.SIMULATED)
    assert call.places == 2
    services.discard(tried, by=chair(), now=utcnow())


def test_what_if_is_compared_with_the_run_as_declared(app: Flask) -> None:
    """Without the quota the second man (75) takes the place of the first woman (50): 25 points more together."""
    call = women_first()
    base = run_of(call)
    tried = run_of(call, Changes(quotas=()))
    other = run_of(call, Changes(plan_weight=Decimal(10)))

    found = queries.compare(tried, base)

    assert ([row.points for row in found.entered], [row.points for row in found.left]) == ([7500], [5000])
    assert (found.entered_count, found.left_count, found.lost) == (1, 1, -2500)
    assert queries.base_run(call.id) == base
    assert queries.what_ifs_of(call) == [other, tried]
    assert queries.compare(other, base).lost is None  # points on another scale


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (Changes(places=1, quotas=(QuotaLine("sex:female", 2, None),)), "keeps 2 places, but the call has 1"),
        (Changes(quotas=(QuotaLine("sex:female", 2, 1),)), "at least 2 and at most 1"),
    ],
)
def test_what_if_that_no_call_could_be_published_with_is_refused(app: Flask, changes: Changes, words: str) -> None:
    call = women_first()

    with pytest.raises(RuleBroken, match=words):
        run_of(call, changes)
    assert db.session.query(Selection).count() == 0


def test_binding_call_without_a_bridge_says_which_is_missing(app: Flask) -> None:
    call = women_first()  # every sheet is by an evaluator of its own
    call.calibration = Calibration.BINDING

    with pytest.raises(RuleBroken, match=r"share no application|too few sheets"):
        run_of(call)
    assert db.session.query(Selection).count() == 0


def test_stored_inputs_are_what_substitution_solves_again(app: Flask) -> None:
    run = run_of(women_first())
    folio = {row.points: row.application.folio for row in rows(run)}
    services.depart(run, folio=folio[10000], direction=Direction.PUT_OUT, reason=DepartureReason.FALSE_DATA,
                    words="Acta", by=chair(), now=utcnow())  # fmt: skip

    found = queries.stored_inputs(run)

    assert found is not None
    assert {one.key: (one.points, one.groups) for one in found.candidates} == {
        folio[7500]: (7500, frozenset()),
        folio[5000]: (5000, frozenset({"sex:female"})),
        folio[2500]: (2500, frozenset({"sex:female"})),
    }
    assert (found.places, [(q.group, q.minimum, q.maximum) for q in found.quotas]) == (2, [("sex:female", 1, None)])
    assert set(found.lottery) == {one.key for one in found.candidates}


def depart(run: Selection, row: SelectionRow, direction: Direction, words: str = "Consta en el acta.") -> None:
    services.depart(run, folio=row.application.folio.lower(), direction=direction, reason=DepartureReason.SAFETY,
                    words=words, by=chair(), now=utcnow())  # fmt: skip


def test_decision_against_the_order_moves_the_award_and_stays_in_the_record(app: Flask) -> None:
    run = run_of(women_first())
    first, _second, third, fourth = rows(run)
    depart(run, first, Direction.PUT_OUT, "Recibe el mismo apoyo.")
    depart(run, fourth, Direction.PUT_IN)
    services.propose(run, by=chair(), now=utcnow())
    for _n in range(2):
        services.approve(run, by=chair(), now=utcnow())
    services.publish(run, by=chair(), now=utcnow())
    db.session.commit()

    awarded = {award.application_id for award in db.session.query(Award)}
    waiting = [entry.application_id for entry in db.session.query(WaitingListEntry)]
    assert awarded == {rows(run)[1].application_id, fourth.application_id}
    assert waiting == [third.application_id]
    assert first.outcome is Outcome.CHOSEN  # the run itself says what the rules said
    entries = db.session.query(JournalEntry).filter_by(action="selection.departed").all()
    assert len(entries) == 2
    assert not any("apoyo" in entry.details for entry in entries)


def test_decisions_that_give_more_awards_than_places_are_not_proposed(app: Flask) -> None:
    run = run_of(women_first())
    depart(run, rows(run)[3], Direction.PUT_IN)

    with pytest.raises(RuleBroken, match="3 awards for 2 places"):
        services.propose(run, by=chair(), now=utcnow())
    services.take_back(queries.departures_of(run)[0], by=chair(), now=utcnow())
    services.propose(run, by=chair(), now=utcnow())
    assert queries.get_selection(run.id).state is SelectionState.PROPOSED


def test_decision_is_refused_where_it_makes_no_sense_or_comes_too_late(app: Flask) -> None:
    call = women_first()
    run, tried = run_of(call), run_of(call, Changes(places=1))
    first, _second, third, _fourth = rows(run)
    refusals = [
        (run, third, Direction.PUT_OUT, "x", "no place that could be taken"),
        (run, first, Direction.PUT_IN, "x", "waiting list can be given"),
        (run, first, Direction.PUT_OUT, "  ", "Write why"),
        (tried, first, Direction.PUT_OUT, "x", "what-if"),
    ]
    for where, row, direction, words, sentence in refusals:
        with pytest.raises(RuleBroken, match=sentence):
            depart(where, row, direction, words)
    depart(run, first, Direction.PUT_OUT)
    with pytest.raises(RuleBroken, match="already"):
        depart(run, first, Direction.PUT_OUT)
    services.propose(run, by=chair(), now=utcnow())
    with pytest.raises(RuleBroken, match="no longer a simulation"):
        depart(run, third, Direction.PUT_IN)
    with pytest.raises(RuleBroken, match="no longer a simulation"):
        services.take_back(queries.departures_of(run)[0], by=chair(), now=utcnow())

    assert [one.application_id for one in queries.departures_of(run)] == [first.application_id]


def test_conflict_hides_an_application_from_whoever_would_decide_on_it(app: Flask) -> None:
    run, me = run_of(women_first()), chair()
    make_conflict(rows(run)[0].application, me)

    for folio in (rows(run)[0].application.folio, "A-00000000", "x" * 300):
        with pytest.raises(RuleBroken, match="No application of this run"):
            services.depart(run, folio=folio, direction=Direction.PUT_OUT, reason=DepartureReason.ERROR, words="x",
                            by=me, now=utcnow())  # fmt: skip
    assert queries.departures_of(run) == []
