"""Appeals: a clock, a panel without a part in the result, one decision, and no change to the run."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import NotFound, RuleBroken
from grants.core.journal import JournalEntry
from grants.selection import queries, services
from grants.selection.models import Appeal, AppealOutcome, AppealPanelist, Award, AwardState, SelectionRow
from tests.factories.access import make_user
from tests.factories.after import letter_for, make_appeal, make_email, make_release, messages
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_sheet
from tests.factories.selection import make_award, make_selection, make_waiting

pytestmark = pytest.mark.usefixtures("in_english")
UPHELD, REJECTED = AppealOutcome.UPHELD, AppealOutcome.REJECTED
LAST_SECOND = datetime(2026, 12, 3, 4, 59, 59, tzinfo=UTC)  # 2 December, 23:59:59 in Guayaquil
RELEASED = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def panelists(number: int = 2) -> tuple[User, ...]:
    return tuple(make_user(Role.EVALUATOR) for _n in range(number))


def decided(appeal: Appeal, outcome: AppealOutcome = UPHELD) -> Appeal:
    first, second = (one.user for one in appeal.panel[:2])
    services.propose_decision(appeal, outcome=outcome, answer="La nota 2 se leyó mal.", by=first, now=utcnow())
    db.session.expire_all()
    services.confirm_decision(appeal, proposal=appeal.proposal, by=second, now=utcnow())
    db.session.expire_all()
    return appeal


@pytest.mark.parametrize(
    ("seconds", "is_late"), [(-1, False), (0, False), (1, True)], ids=["before", "at the deadline", "after"]
)
def test_appeal_a_second_after_the_deadline_is_recorded_as_late(app: Flask, seconds: int, is_late: bool) -> None:
    award = make_award()
    make_release(award.selection, now=RELEASED)

    appeal = make_appeal(award.application, now=LAST_SECOND + timedelta(seconds=seconds))

    assert appeal.is_late is is_late


def test_answer_is_due_at_the_end_of_a_day(app: Flask) -> None:
    award = make_award()
    make_release(award.selection, now=RELEASED)

    appeal = make_appeal(award.application, now=RELEASED)

    assert appeal.decide_by.astimezone(UTC) == datetime(2026, 12, 8, 4, 59, 59, tzinfo=UTC)
    assert not appeal.is_overdue(datetime(2026, 12, 8, 4, 59, 59, tzinfo=UTC))
    assert appeal.is_overdue(datetime(2026, 12, 8, 5, 0, 0, tzinfo=UTC))


def test_one_appeal_for_each_application(app: Flask) -> None:
    appeal = make_appeal()

    with pytest.raises(RuleBroken, match="received already"):
        make_appeal(appeal.application)

    assert db.session.query(Appeal).count() == 1


def test_no_appeal_before_the_letters_and_none_without_words(app: Flask) -> None:
    award = make_award()
    with pytest.raises(RuleBroken, match="not been released"):
        make_appeal(award.application)
    make_release(award.selection)

    with pytest.raises(RuleBroken, match="in your own words"):
        services.file_appeal(award.application, text=" \n ", by=None, now=utcnow())

    assert db.session.query(Appeal).count() == 0


def test_receipt_names_number_and_time_and_not_the_text(app: Flask) -> None:
    award = make_award()
    make_email(award.application.person)
    make_release(award.selection)

    appeal = make_appeal(award.application)
    db.session.commit()

    (receipt,) = messages("appeal")
    assert appeal.folio in receipt.body
    assert "No leyeron" not in receipt.body
    entry = db.session.query(JournalEntry).filter_by(action="appeal.filed").one()
    assert "leyeron" not in entry.details
    sealed = db.session.execute(db.text("SELECT text_sealed FROM appeal")).scalar_one()
    assert b"leyeron" not in bytes(sealed)


def test_whoever_had_a_part_does_not_hear_it(app: Flask) -> None:
    award = make_award()
    application, run = award.application, award.selection
    scorer, drafter, assigned, conflicted = (make_user(Role.EVALUATOR) for _n in range(4))
    make_sheet(application, scorer)
    make_sheet(application, drafter, submitted=False)
    make_assignment(application, assigned)
    make_conflict(application, conflicted)
    make_release(run)
    appeal, free = make_appeal(application), make_user(Role.EVALUATOR)
    signers = [approval.approved_by for approval in run.approvals]

    for partial in (scorer, drafter, assigned, conflicted, run.created_by, *signers):
        with pytest.raises(RuleBroken, match="no part in it"):
            services.name_panel(appeal, [partial, free], by=make_user(Role.COORDINATOR), now=utcnow())

    assert db.session.query(AppealPanelist).count() == 0
    candidates = {user.id for user in queries.panel_candidates(appeal)}
    assert free.id in candidates
    assert not candidates & {scorer.id, drafter.id, assigned.id, conflicted.id, run.created_by_id}


@pytest.mark.parametrize("number", [0, 1, 4])
def test_panel_is_two_or_three(app: Flask, number: int) -> None:
    with pytest.raises(RuleBroken, match="two or three"):
        services.name_panel(make_appeal(), panelists(number), by=make_user(Role.COORDINATOR), now=utcnow())


def test_panel_members_must_be_entitled_and_active(app: Flask) -> None:
    gone = make_user(Role.EVALUATOR)
    gone.deactivated_at = utcnow()
    for other in (make_user(Role.ENUMERATOR), gone):
        with pytest.raises(RuleBroken, match="active account"):
            services.name_panel(make_appeal(), [other, *panelists(1)], by=make_user(Role.COORDINATOR), now=utcnow())


def test_panel_changes_until_a_decision_is_proposed(app: Flask) -> None:
    appeal, by = make_appeal(), make_user(Role.COORDINATOR)
    first, second, third = panelists(3)
    services.name_panel(appeal, [first, second], by=by, now=utcnow())
    services.name_panel(appeal, [first, third], by=by, now=utcnow())
    assert [one.user_id for one in appeal.panel] == [first.id, third.id]
    services.propose_decision(appeal, outcome=REJECTED, answer="Bien puntuado.", by=first, now=utcnow())

    with pytest.raises(RuleBroken, match="stays as it is"):
        services.name_panel(appeal, [second, third], by=by, now=utcnow())


def test_decision_needs_a_second_person(app: Flask) -> None:
    first, second = panelists()
    appeal = make_appeal(panel=(first, second))
    services.propose_decision(appeal, outcome=UPHELD, answer="Tiene razón.", by=first, now=utcnow())
    db.session.expire_all()

    with pytest.raises(RuleBroken, match="cannot confirm"):
        services.confirm_decision(appeal, proposal=1, by=first, now=utcnow())
    db.session.expire_all()
    assert not appeal.is_decided

    services.confirm_decision(appeal, proposal=1, by=second, now=utcnow())
    db.session.expire_all()
    assert (appeal.outcome, appeal.decided_by_id, appeal.answer) == (UPHELD, second.id, "Tiene razón.")


def test_appeal_is_decided_once(app: Flask) -> None:
    appeal = decided(make_appeal(panel=panelists(3)), REJECTED)
    first, second, third = (one.user for one in appeal.panel)

    with pytest.raises(RuleBroken, match="decided"):
        services.confirm_decision(appeal, proposal=1, by=third, now=utcnow())
    with pytest.raises(RuleBroken, match="faster"):
        services.propose_decision(appeal, outcome=UPHELD, answer="No.", by=second, now=utcnow())

    db.session.expire_all()
    assert (appeal.outcome, appeal.decided_by_id, appeal.proposed_by_id) == (REJECTED, second.id, first.id)


def test_only_the_proposal_that_was_read_is_confirmed(app: Flask) -> None:
    first, second, third = panelists(3)
    appeal = make_appeal(panel=(first, second, third))
    services.propose_decision(appeal, outcome=UPHELD, answer="Sí.", by=first, now=utcnow())
    db.session.expire_all()
    services.propose_decision(appeal, outcome=REJECTED, answer="No.", by=second, now=utcnow())
    db.session.expire_all()

    with pytest.raises(RuleBroken, match="has changed"):
        services.confirm_decision(appeal, proposal=1, by=third, now=utcnow())

    db.session.expire_all()
    assert not appeal.is_decided


def test_strangers_and_those_with_a_new_conflict_do_not_decide(app: Flask) -> None:
    first, second = panelists()
    appeal = make_appeal(panel=(first, second))
    with pytest.raises(RuleBroken, match="Only the panel"):
        services.propose_decision(appeal, outcome=UPHELD, answer="Sí.", by=make_user(Role.EVALUATOR), now=utcnow())
    make_conflict(appeal.application, first)

    with pytest.raises(RuleBroken, match="had a part"):
        services.propose_decision(appeal, outcome=UPHELD, answer="Sí.", by=first, now=utcnow())
    with pytest.raises(NotFound):
        queries.get_appeal(appeal.id, first)

    db.session.expire_all()
    assert appeal.outcome is None


def test_decision_changes_no_run_and_is_told(app: Flask) -> None:
    award = make_award()
    entry = make_waiting(award.selection)
    make_email(entry.application.person)
    make_release(award.selection)
    before = [(row.application_id, row.outcome, row.place) for row in db.session.query(SelectionRow).order_by("id")]

    decided(make_appeal(entry.application, panel=panelists()))

    rows = [(row.application_id, row.outcome, row.place) for row in db.session.query(SelectionRow).order_by("id")]
    assert rows == before
    assert db.session.query(Award).count() == 1
    assert "was decided" in messages("appeal")[-1].body or "fue resuelta" in messages("appeal")[-1].body


def upheld_with_places(places: int) -> Appeal:
    call = make_call(places=places, budget_usd=Decimal("7000.00"))
    award = make_award(call=call)
    entry = make_waiting(award.selection)
    make_release(award.selection)
    return decided(make_appeal(entry.application, panel=panelists()))


def test_upheld_appeal_gets_a_free_place(app: Flask) -> None:
    appeal = upheld_with_places(2)

    award = services.grant_place(appeal, by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.expire_all()
    assert (award.application_id, award.state, award.value_usd) == (
        appeal.application_id, AwardState.ACTIVE, Decimal("700.00"),
    )  # fmt: skip
    assert appeal.award_id == award.id
    assert letter_for(appeal.application).kind == "chosen"
    with pytest.raises(RuleBroken):
        services.grant_place(appeal, by=make_user(Role.COORDINATOR), now=utcnow())
    assert db.session.query(Award).count() == 2


def test_no_place_without_a_free_one(app: Flask) -> None:
    appeal = upheld_with_places(1)

    with pytest.raises(RuleBroken, match="No place is free"):
        services.grant_place(appeal, by=make_user(Role.COORDINATOR), now=utcnow())

    assert db.session.query(Award).count() == 1


def test_rejected_appeal_gets_no_place(app: Flask) -> None:
    appeal = decided(make_appeal(panel=panelists()), REJECTED)

    with pytest.raises(RuleBroken, match="upheld"):
        services.grant_place(appeal, by=make_user(Role.COORDINATOR), now=utcnow())


def test_panel_sees_its_appeals_only_and_coordination_all(app: Flask) -> None:
    selection = make_selection()
    awards = [make_award(application=make_application(selection.call)) for _n in range(2)]
    make_release(selection)
    panel = panelists()
    heard, other = make_appeal(awards[0].application, panel=panel), make_appeal(awards[1].application)

    assert [one.id for one in queries.appeals_page(panel[0]).items] == [heard.id]
    coordinator = make_user(Role.COORDINATOR)
    assert [one.id for one in queries.appeals_waiting(coordinator, limit=8)] == [heard.id, other.id]
    with pytest.raises(NotFound):
        queries.get_appeal(other.id, panel[0])
