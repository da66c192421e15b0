"""The corner of these days: every role finds something to do, and no published figure moves."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallState, Stage
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import Linkage, LinkageState, Referral, ReferralState
from grants.credit.queries import liaison_institution, reassignment, stuck, waiting_for
from grants.delivery import queries as deliveries
from grants.delivery.models import Delivery, DeliveryState, Permit, PermitKind
from grants.delivery.queries.risk import snapshot_in_force
from grants.demo import queries
from grants.demo.corner.credit import FATES
from grants.evaluation.models import Assignment, PitchState, ScoreSheet, SheetState
from grants.evaluation.queries import count_without_slot, left_to_score, live_slots, pitch_sessions_of
from grants.reports import queries as reports
from grants.selection.models import Award, AwardState, Selection
from tests.factories.access import signed_in_client


def account(name: str):
    return next(user for user in queries.accounts() if user.email.startswith(f"{name}@"))


def call_of(code: str) -> Call:
    return db.session.scalars(select(Call).where(Call.code == code)).one()


@pytest.mark.parametrize(
    ("name", "lines"),
    # Lines of work: sheets left; drafts; a kit to pack and one to seal; a stop; referrals; calls and stuck linkages.
    [("evaluacion1", 4), ("evaluacion2", 5), ("registro1", 3), ("bodega1", 2), ("logistica1", 1), ("enlace1", 5),
     ("enlace2", 5), ("coordinacion1", 3), ("seguridad1", 3), ("direccion1", 2)],
)  # fmt: skip
def test_home_page_has_work(demo, name, lines):
    page = signed_in_client(demo, account(name)).get("/").text

    assert page.count('class="line-main"') >= lines


def test_open_call_takes_applications_now(demo):
    call, now = call_of("SEGUNDA"), utcnow()
    states = db.session.scalars(select(Application.state).where(Application.call_id == call.id)).all()

    assert call.is_open(now)
    assert local_day(call.closes_at) == local_day(now) + timedelta(days=20)
    assert states.count(ApplicationState.SUBMITTED) == 9
    assert states.count(ApplicationState.DRAFT) == 3


def test_evaluators_have_sheets_in_and_sheets_left(demo):
    """Six of the nine plans are read by the first two: two and one are in, so four and five are left. Of all 18, 7
    are in. Both sit on the panel of today's six pitches.
    """
    call = call_of("SEGUNDA")
    sheets = select(func.count(ScoreSheet.id)).join(ScoreSheet.application).where(Application.call_id == call.id)
    due = select(Assignment.due_on).join(Assignment.application).where(Application.call_id == call.id).distinct()

    left = [left_to_score(account(name)) for name in ("evaluacion1", "evaluacion2")]

    assert [one.sheets for one in left] == [4 + 6, 5 + 6]
    assert db.session.scalar(sheets.where(ScoreSheet.state == SheetState.SUBMITTED)) == 7
    assert db.session.scalar(sheets.where(ScoreSheet.state == SheetState.DRAFT)) == 1
    assert db.session.scalars(due.where(Assignment.stage == Stage.PLAN)).all() == [
        local_day(utcnow()) + timedelta(days=7)
    ]


def test_pitch_session_of_today_has_its_slots_given_out(demo):
    """Nine handed in, six slots: three are without one. Planned, so that whoever tries it opens it."""
    call = call_of("SEGUNDA")
    [session] = pitch_sessions_of(call)

    assert (session.state, local_day(session.starts_at), len(session.panel)) == (
        PitchState.PLANNED, local_day(utcnow()), 4,
    )  # fmt: skip
    assert [slot.position for slot in live_slots(session)] == [1, 2, 3, 4, 5, 6]
    assert count_without_slot(call) == 3


def test_pilot_is_published_with_two_waiting(demo):
    call = call_of("PILOTO")
    selection = db.session.scalars(select(Selection).where(Selection.call_id == call.id)).one()
    awards = db.session.scalars(select(Award).where(Award.selection_id == selection.id)).all()

    assert call.state is CallState.CLOSED
    assert [award.state for award in awards] == [AwardState.ACTIVE] * 8
    assert len(selection.rows) == 10


def test_pilot_kits_wait_for_different_hands(demo):
    states = db.session.scalars(select(Delivery.state).where(Delivery.state != DeliveryState.CONFIRMED)).all()
    stop = deliveries.shown_to(account("logistica1"), utcnow()).next

    assert sorted(states) == ["approved", "cleared", "held", "in_transit", "packed", "planned", "scheduled", "sealed"]
    assert stop.state is DeliveryState.IN_TRANSIT
    assert deliveries.live_card(stop.award_id).is_ready


def test_risk_of_the_tense_canton_is_known_for_a_day(demo):
    """Cleared there: the stop of tomorrow's run. What was held yesterday waits for the director alone."""
    now = utcnow()
    levels = {code: snapshot_in_force(code, now) for code in ("1001", "2101", "1004")}
    planned = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.SCHEDULED)).one()
    held = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.HELD)).one()
    permit = db.session.scalars(select(Permit)).one()

    assert [one.level if one else None for one in levels.values()] == [1, 2, None]
    assert (planned.canton_code, planned.level) == ("2101", 2)
    assert planned.run.day == local_day(planned.run.created_at) + timedelta(days=1)
    assert (permit.delivery_id, permit.kind, permit.signed_at) == (held.id, PermitKind.RESUME, None)


def test_place_of_tomorrow_is_not_shown_today(demo):
    stops = deliveries.shown_to(account("logistica2"), utcnow()).stops

    assert DeliveryState.SCHEDULED not in [one.state for one in stops]


def test_referrals_wait_and_some_are_stuck(demo):
    now = utcnow()
    for name in ("enlace1", "enlace2"):
        institution = liaison_institution(account(name))
        recent = [one for one in waiting_for(institution, limit=99) if one.referral.referred_at > now - timedelta(90)]
        assert len(recent) == len(FATES) + 1  # and one whose credit is approved
        assert sum(one.referral.state is ReferralState.SENT for one in recent) == 2
        assert sum(one in stuck(now, limit=999) for one in recent) == 2


def test_some_wait_to_be_sent_on_and_one_was(demo):
    """Of the bank's: one not answered, one declined; another is asked elsewhere, and its liaison sees none of them."""
    institution = liaison_institution(account("enlace1"))
    waiting = reassignment.to_send_on(after=None).items
    (old,) = db.session.scalars(select(Referral).where(Referral.state == ReferralState.REASSIGNED)).all()
    after = reassignment.chain_of(old).after

    assert sorted((one.state.value, one.institution_id) for one in waiting) == [
        ("declined", institution.id), ("expired", institution.id),
    ]  # fmt: skip
    assert (old.institution_id, old.linkages[0].state) == (institution.id, LinkageState.WITHDRAWN)
    assert (after.state, after.person_id, after.institution.name) == (
        ReferralState.SENT, old.person_id, "Cooperativa de Ahorro y Crédito San Antonio",
    )  # fmt: skip
    assert after.consent_id != old.consent_id


def test_corner_reaches_no_indicator(demo):
    """Nobody is counted after the reported programme ended in March 2024."""
    counted = [one for people in reports.people_reached().values() for one in people]

    assert max(one.on.year for one in counted) == 2023
    credited = select(func.count(Linkage.person_id.distinct())).where(Linkage.disbursed_on.is_not(None))
    assert db.session.scalar(credited) == 94


def test_every_referral_of_the_demo_has_a_linkage(demo):
    alone = select(func.count(Referral.id)).where(~Referral.linkages.any())

    assert db.session.scalar(alone) == 0
    for linkage in db.session.scalars(select(Linkage).where(Linkage.state != LinkageState.REFERRED)):
        assert linkage.last_step_on == max(linkage.events[-1].happened_on, linkage.reported_on or date.min)
