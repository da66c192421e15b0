"""What was overturned or denied is made again by another team, and nobody of the first learns why."""

from datetime import timedelta

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryState, DisputeOutcome, Reason, Run, SealState, Team
from grants.delivery.services import Evidence, Left, ReleaseCodes
from grants.selection.models import Award
from tests.factories.access import make_user
from tests.factories.delivery import (
    DESK,
    clear,
    make_card,
    make_carried,
    make_confirmed,
    make_delivery,
    make_officer,
    make_run,
    make_vehicle,
    stop_at,
    totp_at,
)
from tests.factories.outcomes import coordinator, decide, keeper, make_dispute, monitor, sign_return, whole

S = DeliveryState
SAID = Evidence(said="Solo quiso una parte")


def overturned() -> tuple[Award, Team]:
    """An award whose handover was overturned, and the team that carried it."""
    carried = make_confirmed()
    decide(make_dispute(carried), DisputeOutcome.REPLACEMENT)
    assert carried.delivery.run is not None
    return carried.delivery.award, carried.delivery.run.team


def join(team: Team) -> User:
    mate = make_officer()
    services.join_team(mate, team, by=coordinator(), now=utcnow())
    return mate


def run_of(team: Team, officer: User) -> Run:
    return services.plan_run(
        team, officer=officer, vehicle=make_vehicle(), day=local_day(utcnow()), by=coordinator(), now=utcnow()
    )


def made_again(award: Award) -> Delivery:
    again = make_delivery(S.SEALED, award=award)
    clear(again)
    return again


def give(delivery: Delivery, run: Run) -> None:
    services.schedule(delivery, run, stop_at(utcnow()), by=coordinator(), now=utcnow())


def send_out(run: Run) -> None:
    releases, now = make_user(Role.WAREHOUSE), utcnow()
    codes = ReleaseCodes(warehouse=totp_at(releases, now), officer=totp_at(run.officer, now))
    services.dispatch(run, codes, desk=DESK, by=releases, now=now)


def test_replacement_is_given_to_no_run_of_the_team_that_carried_the_first(app: Flask) -> None:
    award, team = overturned()
    lead, mate = team.members[0].user, join(team)
    again = made_again(award)

    for officer in (lead, mate):
        run = run_of(team, officer)
        with pytest.raises(RuleBroken) as refusal:
            give(again, run)
        services.cancel_run(run, by=coordinator(), now=utcnow())
        assert (refusal.value.field, again.state) == ("run", S.CLEARED)
        assert not any(word in str(refusal.value.message).lower() for word in ("reclam", "dispu", "award", "carried"))
    services.leave_team(mate, team, by=coordinator(), now=utcnow())
    with pytest.raises(RuleBroken):
        give(again, make_run(mate))  # in a team of their own since
    give(again, make_run())

    assert again.state is S.SCHEDULED


def test_replacement_does_not_leave_with_somebody_of_the_first_team(app: Flask, in_english: None) -> None:
    award, team = overturned()
    again, run = made_again(award), make_run()
    make_card(award)
    give(again, run)
    (late,) = [member.user for member in team.members]
    services.leave_team(late, team, by=coordinator(), now=utcnow())
    services.join_team(late, run.team, by=coordinator(), now=utcnow())

    with pytest.raises(RuleBroken) as refusal:
        send_out(run)
    assert refusal.value.message == f"Choose another team for {again.folio}."
    assert again.state is S.SCHEDULED
    services.leave_team(late, run.team, by=coordinator(), now=utcnow())
    send_out(run)

    assert again.state is S.IN_TRANSIT


def test_team_whose_word_the_person_denied_does_not_bring_the_rest(app: Flask, in_english: None) -> None:
    carried, now = make_carried(), utcnow()
    first, by = carried.delivery, {"by": carried.officer, "now": now}
    services.partly(first, {2: Left(with_person=3)}, reason=Reason.DID_NOT_WANT, evidence=SAID, **by)
    services.turn_back(first, reason=None, **by)
    counted = whole(first, units={1: 1, 2: 7, 3: 1}, seal_state=SealState.BROKEN)
    services.count_back(first, counted, reason=Reason.DID_NOT_WANT, by=keeper(), now=now)
    sign_return(first, by=keeper(), now=now)
    again, run = made_again(first.award), make_run(carried.officer)
    give(again, run)  # nobody has denied anything yet
    (visit,) = queries.visits_of(first)
    answers = {"received_what_stayed": "no", "asked_to_pay": "no", "felt_safe": "yes"}
    services.answer(visit, answers, by=monitor(), now=now + timedelta(days=1))

    with pytest.raises(RuleBroken) as refusal:
        send_out(run)

    assert refusal.value.message == f"Choose another team for {again.folio}."
    assert again.state is S.SCHEDULED
