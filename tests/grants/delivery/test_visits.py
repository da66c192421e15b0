"""Visits after a delivery: who is drawn, who may go, what is kept and what the answers say."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services, sheets
from grants.delivery.estimates import wilson
from grants.delivery.models import (
    AttemptReason,
    Delivery,
    DeliveryState,
    DrawEntry,
    Duty,
    Incident,
    IncidentKind,
    MonitoringDraw,
    Reason,
    SealState,
    Urgency,
    Visit,
    VisitState,
)
from grants.delivery.queries.monitoring import ShareLine, _protected_shares
from grants.delivery.questionnaire import PREFERS_NOT, QUESTIONNAIRES
from grants.delivery.services import Evidence, Left
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import Carried, make_carried, make_confirmed, make_officer, make_team
from tests.factories.outcomes import (
    ALL_WELL,
    coordinator,
    keeper,
    make_answered,
    make_visit,
    monitor,
    sign_return,
    whole,
)
from tests.factories.selection import make_award

S = DeliveryState
SignIn = Callable[[User], FlaskClient]


def confirmed(number: int, *, level: int = 1) -> tuple[Call, list[Carried]]:
    """Handovers of one call."""
    call = make_call()
    made = [make_confirmed(make_award(call=call)) for _n in range(number)]
    ids = [one.delivery.id for one in made]
    db.session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(level=level))
    db.session.expire_all()
    return call, made


def test_lowest_level_draws_a_share_and_anybody_can_check_it(app: Flask) -> None:
    call, made = confirmed(6)

    planned = services.plan_visits(call, by=monitor(), now=utcnow())

    # A fifth of six, rounded up, is two.
    draw = db.session.scalars(select(MonitoringDraw)).one()
    assert (planned, draw.population, draw.drawn, draw.share_percent) == (2, 6, 2, 20)
    folios = [one.delivery.folio for one in made]
    lowest = sorted(folios, key=lambda folio: sha256(f"{draw.seed}|{folio}".encode()).hexdigest())[:2]
    assert {one.delivery.folio for one in db.session.scalars(select(Visit))} == set(lowest)
    spared = db.session.scalars(select(DrawEntry.delivery_id).where(DrawEntry.is_drawn.is_(False))).all()
    assert len(spared) == 4


def test_nobody_is_drawn_twice_and_each_draw_has_its_own_seed(app: Flask) -> None:
    call, _first = confirmed(1)
    services.plan_visits(call, by=monitor(), now=utcnow())
    assert services.plan_visits(call, by=monitor(), now=utcnow()) == 0
    make_confirmed(make_award(call=call))

    assert services.plan_visits(call, by=monitor(), now=utcnow()) == 1

    seeds = db.session.scalars(select(MonitoringDraw.seed)).all()
    assert len(set(seeds)) == 2


@pytest.mark.parametrize(("level", "windows"), [(2, [(7, 14)]), (3, [(7, 14), (45, 60)])])
def test_higher_levels_visit_everybody_in_their_days(app: Flask, level: int, windows: list[tuple[int, int]]) -> None:
    call, made = confirmed(2, level=level)

    services.plan_visits(call, by=monitor(), now=utcnow())

    day = local_day(made[0].delivery.confirmed_at or utcnow())
    for one in made:
        visits = queries.visits_of(one.delivery)
        assert [((v.due_from - day).days, (v.due_until - day).days) for v in visits] == windows
    assert db.session.scalars(select(MonitoringDraw)).all() == []


def test_visit_that_was_not_planned_in_time_is_due_within_a_week(app: Flask) -> None:
    call, made = confirmed(1, level=2)
    now = utcnow() + timedelta(days=100)

    services.plan_visits(call, by=monitor(), now=now)

    visit = queries.visits_of(made[0].delivery)[0]
    assert (visit.due_from, visit.due_until) == (local_day(now), local_day(now) + timedelta(7))


@pytest.mark.parametrize("share", [0, 101])
def test_share_that_is_none_is_refused(app: Flask, share: int) -> None:
    call, _made = confirmed(1)

    with pytest.raises(RuleBroken):
        services.plan_visits(call, share_percent=share, by=monitor(), now=utcnow())

    assert [count for _call, count in queries.calls_to_plan()] == [1]


def test_answers_are_sealed_and_the_interviewer_holds_the_duty(app: Flask) -> None:
    visit, by = make_visit(), monitor()

    services.answer(visit, {**ALL_WELL, "comment": " Gracias "}, by=by, now=utcnow())

    assert visit.answers == {**ALL_WELL, "comment": "Gracias"}
    assert b"Gracias" not in bytes(visit.answers_sealed)  # type: ignore[attr-defined]
    assert (visit.state, visit.version, visit.interviewer_id) == (VisitState.ANSWERED, 1, by.id)
    assert queries.duty_of(visit.delivery, by) is Duty.MONITOR
    assert db.session.scalars(select(Incident)).all() == []


def test_prefers_not_to_say_is_an_answer_to_everything(app: Flask) -> None:
    visit = make_visit()

    services.answer(visit, {question.code: PREFERS_NOT for question in QUESTIONNAIRES[1]}, by=monitor(), now=utcnow())

    assert visit.state is VisitState.ANSWERED
    assert queries.extortion_by_canton(utcnow()) == {}


@pytest.mark.parametrize("bad", [{"asked_to_pay": ""}, {"satisfied": "6"}, {"asked_by": "x"}, {"comment": "x" * 2001}])
def test_answer_that_is_no_choice_is_refused(app: Flask, bad: dict[str, str]) -> None:
    visit = make_visit()

    with pytest.raises(RuleBroken) as refusal:
        services.answer(visit, {**ALL_WELL, **bad}, by=monitor(), now=utcnow())

    assert refusal.value.field == next(iter(bad))
    assert visit.state is VisitState.DUE


@pytest.mark.parametrize(("safe", "urgency"), [("yes", Urgency.TODAY), ("no", Urgency.NOW)])
def test_asked_to_pay_opens_an_incident_in_neutral_words(app: Flask, safe: str, urgency: Urgency) -> None:
    visit = make_answered(asked_to_pay="yes", asked_by="neighbour", felt_safe=safe)

    incident = db.session.scalars(select(Incident)).one()
    assert (incident.kind, incident.urgency, incident.delivery_id) == (
        IncidentKind.EXTORTION, urgency, visit.delivery_id,
    )  # fmt: skip
    assert not any(word in incident.said.lower() for word in ("pag", "pay", "extor"))


STAYED_WELL = {"received_what_stayed": "yes", "asked_to_pay": "no", "felt_safe": "yes"}


def left_with_person(carried: Carried | None = None) -> tuple[Carried, Visit]:
    """The oven and three sacks are said to have stayed with the person; the visit that follows."""
    carried = carried or make_carried()
    services.partly(
        carried.delivery, {1: Left(with_person=1), 2: Left(with_person=3)}, reason=Reason.DID_NOT_WANT,
        evidence=Evidence(said="Solo quiso una parte"), by=carried.officer, now=utcnow(),
    )  # fmt: skip
    (visit,) = queries.visits_of(carried.delivery)
    return carried, visit


def bring_rest_back(carried: Carried) -> None:
    services.turn_back(carried.delivery, reason=None, by=carried.officer, now=utcnow())
    counted = whole(carried.delivery, units={1: 0, 2: 7, 3: 1}, seal_state=SealState.BROKEN)
    services.count_back(carried.delivery, counted, reason=Reason.DID_NOT_WANT, by=keeper(), now=utcnow())
    sign_return(carried.delivery, by=keeper(), now=utcnow())


@pytest.mark.parametrize("level", [1, 2, 3])
def test_what_stayed_without_a_card_is_always_asked_about(app: Flask, level: int) -> None:
    carried = make_carried(level=level)

    _carried, visit = left_with_person(carried)

    today = local_day(utcnow())
    assert (visit.due_from, visit.due_until) == (today + timedelta(1), today + timedelta(14))
    assert (visit.state, visit.round, visit.version) == (VisitState.DUE, 1, 2)


def test_nothing_stayed_and_nobody_is_asked(app: Flask) -> None:
    carried = make_carried()

    services.partly(
        carried.delivery, {2: Left(missing=1)}, reason=Reason.SOME_MISSING, evidence=Evidence(said="Faltaba uno"),
        by=carried.officer, now=utcnow(),
    )  # fmt: skip

    assert queries.visits_of(carried.delivery) == []


def test_officer_does_not_ask_what_they_said_to_have_left(app: Flask) -> None:
    carried, visit = left_with_person()
    tomorrow = utcnow() + timedelta(1)

    for by in (carried.officer, monitor()):
        with pytest.raises(RuleBroken):  # the officer, and anybody on the same day
            services.answer(visit, STAYED_WELL, by=by, now=tomorrow if by is carried.officer else utcnow())
    with pytest.raises(RuleBroken):
        services.answer(visit, {**STAYED_WELL, "received_what_stayed": ""}, by=monitor(), now=tomorrow)
    services.answer(visit, STAYED_WELL, by=monitor(), now=tomorrow)

    assert (visit.state, visit.version, visit.answers) == (VisitState.ANSWERED, 2, STAYED_WELL)


@pytest.mark.parametrize("said", ["yes", PREFERS_NOT])
def test_what_stayed_counts_unless_the_person_says_no(app: Flask, said: str) -> None:
    carried, visit = left_with_person()
    bring_rest_back(carried)
    before = len(db.session.scalars(select(Incident)).all())

    services.answer(visit, {**STAYED_WELL, "received_what_stayed": said}, by=monitor(), now=utcnow() + timedelta(1))

    again = services.plan_delivery(carried.delivery.award, by=coordinator(), now=utcnow())
    # 700.00 less the oven's 450.00 and three sacks of 15.50.
    assert (again.ceiling_usd, again.value_usd) == (Decimal("203.50"), Decimal("203.50"))
    assert len(db.session.scalars(select(Incident)).all()) == before


@pytest.mark.parametrize("counted_first", [True, False])
def test_what_the_person_did_not_receive_is_a_case_and_counts_no_more(app: Flask, counted_first: bool) -> None:
    carried, visit = left_with_person()
    oven = carried.delivery.lines[0]
    oven.serial_number = "HN-1"
    db.session.flush()
    steps = [
        lambda: bring_rest_back(carried),
        lambda: services.answer(
            visit, {**STAYED_WELL, "received_what_stayed": "no"}, by=monitor(), now=utcnow() + timedelta(1)
        ),
    ]

    for step in steps if counted_first else reversed(steps):
        step()

    newest = db.session.scalars(select(Incident).order_by(Incident.id.desc())).first()
    assert newest is not None
    assert (newest.kind, newest.delivery_id) == (IncidentKind.LOST_KIT, carried.delivery.id)
    lost = {one.line.position: one.unaccounted for one in queries.line_outcomes(carried.delivery).values()}
    assert lost == {1: 1, 2: 3, 3: 0}
    assert [flag.serial_number for flag in queries.flags()] == ["HN-1"]
    again = services.plan_delivery(carried.delivery.award, by=coordinator(), now=utcnow())
    assert (again.ceiling_usd, again.value_usd) == (Decimal("700.00"), Decimal("700.00"))


def unfit(who: str) -> tuple[Visit, Any]:
    officer, mate = make_officer(), make_officer()
    if who == "a team mate":
        carried = make_carried(officer=officer, team=make_team(officer, mate))
        visit = make_visit(carried)
        return visit, mate
    carried = make_confirmed()
    by = carried.officer if who == "the officer" else monitor()
    visit = make_visit(carried)
    if who == "too early":
        visit.due_from, visit.due_until = local_day(utcnow()) + timedelta(1), local_day(utcnow()) + timedelta(2)
        db.session.flush()
    if who == "ended":
        services.no_consent(visit, by=monitor(), now=utcnow())
    return visit, by


@pytest.mark.parametrize("who", ["the officer", "a team mate", "too early", "ended"])
def test_visit_is_not_made_by_the_team_nor_out_of_its_days(app: Flask, who: str) -> None:
    visit, by = unfit(who)
    before = visit.state

    for step in (
        lambda: services.answer(visit, ALL_WELL, by=by, now=utcnow()),
        lambda: services.no_consent(visit, by=by, now=utcnow()),
        lambda: services.note_attempt(visit, AttemptReason.MOVED, by=by, now=utcnow()),
    ):
        with pytest.raises(RuleBroken):
            step()

    assert (visit.state, visit.tries) == (before, 0)


def test_third_try_ends_the_visit_as_not_reached(app: Flask) -> None:
    carried, by = make_confirmed(), monitor()
    visit = make_visit(carried)
    services.reconcile(queries.get_to_compare(carried.delivery.id), by=coordinator(), now=utcnow())

    for day, reason in enumerate((AttemptReason.NO_ANSWER, AttemptReason.NUMBER_DEAD)):
        services.note_attempt(visit, reason, by=by, now=utcnow() + timedelta(days=day))
    assert (visit.state, carried.delivery.state) == (VisitState.DUE, S.RECONCILED)
    services.note_attempt(visit, AttemptReason.MOVED, by=by, now=utcnow() + timedelta(days=2))

    assert (visit.state, visit.tries, carried.delivery.state) == (VisitState.NOT_REACHED, 3, S.MONITORED)


def test_tries_of_one_day_where_the_programme_works_count_once(app: Flask) -> None:
    visit, by = make_visit(), monitor()
    # 23:59 and 00:01 in Ecuador, five hours behind UTC.
    late = datetime.combine(local_day(utcnow()) + timedelta(days=1), time(4, 59), tzinfo=UTC)
    services.note_attempt(visit, AttemptReason.NO_ANSWER, by=by, now=late)

    with pytest.raises(RuleBroken):
        services.note_attempt(visit, AttemptReason.MOVED, by=monitor(), now=late + timedelta(seconds=30))
    assert (visit.state, visit.tries) == (VisitState.DUE, 1)
    services.note_attempt(visit, AttemptReason.MOVED, by=by, now=late + timedelta(minutes=2))

    assert visit.tries == 2


def test_no_consent_keeps_no_answer_and_still_ends_the_visit(app: Flask) -> None:
    visit = make_visit()

    services.no_consent(visit, by=monitor(), now=utcnow())

    assert (visit.state, visit.answers, visit.version) == (VisitState.NO_CONSENT, None, None)


def test_second_round_is_made_by_the_same_person_and_closing_waits_for_it(app: Flask) -> None:
    carried, by, finance = make_confirmed(), monitor(), coordinator()
    first, second = make_visit(carried), make_visit(carried, number=2)
    services.reconcile(queries.get_to_compare(carried.delivery.id), by=finance, now=utcnow())
    services.answer(first, ALL_WELL, by=by, now=utcnow())
    assert carried.delivery.state is S.MONITORED

    with pytest.raises(RuleBroken):
        services.close(carried.delivery, by=finance, now=utcnow())
    services.answer(second, ALL_WELL, by=by, now=utcnow())
    services.close(carried.delivery, by=finance, now=utcnow())

    assert carried.delivery.state is S.CLOSED


def test_spared_by_the_sample_is_closed_after_reconciliation(app: Flask) -> None:
    call, made = confirmed(2)
    services.plan_visits(call, by=monitor(), now=utcnow())
    spared = next(one for one in made if queries.was_spared(one.delivery))
    finance = coordinator()
    services.reconcile(queries.get_to_compare(spared.delivery.id), by=finance, now=utcnow())

    assert [one.id for one in queries.ready_to_close(monitor())] == [spared.delivery.id]
    services.close(spared.delivery, by=finance, now=utcnow())

    assert spared.delivery.state is S.CLOSED


def test_list_shows_each_reader_what_they_may_visit(app: Flask) -> None:
    today = local_day(utcnow())
    officer = make_officer()
    own, other = make_confirmed(), make_confirmed()
    db.session.execute(update(Delivery).where(Delivery.id == own.delivery.id).values(officer_id=officer.id))
    visits = [make_visit(own), make_visit(other)]
    services.note_attempt(visits[1], AttemptReason.LATER, by=monitor(), now=utcnow())

    assert {one.id for one in queries.visits_due(monitor(), today)} == {one.id for one in visits}
    assert [one.id for one in queries.visits_due(officer, today)] == [visits[1].id]
    assert queries.visits_coming(monitor(), today) == []


def test_extortion_is_counted_by_canton_and_person(app: Flask) -> None:
    first = make_confirmed(make_award(canton="1001"))
    make_answered(first, asked_to_pay="yes")
    services.answer(make_visit(first, number=2), ALL_WELL, by=monitor(), now=utcnow())
    make_answered(make_confirmed(make_award(canton="1001")))
    make_answered(make_confirmed(make_award(canton="2101")), asked_to_pay=PREFERS_NOT)

    assert queries.extortion_by_canton(utcnow()) == {"1001": (1, 2)}


def test_interval_is_wilsons() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662, 15 of 148 gives 0.0624 to 0.1605.
    assert [round(end, 4) for end in wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(end, 4) for end in wilson(15, 148)] == [0.0624, 0.1605]


@pytest.mark.usefixtures("in_english")
def test_few_answers_are_protected_from_who_may_not_open_records(app: Flask) -> None:
    for _n in range(2):
        make_answered(asked_to_pay="yes", satisfied="2")

    shown = queries.monitoring_results(utcnow(), protected=False)
    hidden = queries.monitoring_results(utcnow(), protected=True)

    assert (shown.asked.share, hidden.asked.share) == (1.0, None)
    assert [(one.mean, one.satisfied) for one in shown.grades["total"] or []] == [(2.0, 0.0)]
    assert hidden.grades["total"] is None
    assert "1.0" not in sheets.as_csv(hidden).decode("utf-8-sig").split("Response rate")[-1].partition("\n")[2]


def test_few_answers_of_a_canton_are_protected_on_the_risk_page_too(app: Flask, sign_in: SignIn) -> None:
    make_answered(make_confirmed(make_award(canton="1001")), asked_to_pay="yes")
    make_answered(make_confirmed(make_award(canton="1001")))
    director, monitoring = sign_in(make_user(Role.DIRECTOR)), sign_in(make_user(Role.MONITORING))

    risk, results = (director.get(f"/deliveries/{page}").text for page in ("risk", "visits/results"))
    file = monitoring.get("/deliveries/visits/results.csv").text

    assert "1 de 2" not in risk
    assert "protegido" in risk
    assert "protegido" in results
    assert "protegido" in file
    assert "0.5" not in file


def test_one_hidden_canton_takes_another_with_it() -> None:
    # With only canton "a" hidden, the total less "b" and "c" would tell it.
    lines = [ShareLine("a", 2, 20), ShareLine("b", 6, 12), ShareLine("c", 9, 30)]

    assert [one.hidden for one in _protected_shares(lines)] == [True, True, False]


def test_response_rate_counts_ended_visits_only(app: Flask) -> None:
    make_answered()
    services.no_consent(make_visit(), by=monitor(), now=utcnow())
    make_visit()

    results = queries.monitoring_results(utcnow(), protected=False)

    assert (results.due, results.response_rate) == (1, 0.5)


def test_file_names_nobody_and_starts_no_formula(app: Flask) -> None:
    visit = make_answered(satisfied="4")
    results = queries.monitoring_results(utcnow(), protected=False)

    text = sheets.as_csv(results).decode("utf-8-sig")

    person = visit.delivery.person
    assert not any(word in text for word in (person.folio, person.first_surname, visit.delivery.folio))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in sheets.rows(results) for cell in row
                   if isinstance(cell, str))  # fmt: skip
    assert sheets.as_workbook(results)[:2] == b"PK"
