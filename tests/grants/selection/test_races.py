"""Two at the same moment: one outcome, on both databases, with real commits."""

from collections.abc import Callable
from decimal import Decimal

from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.evaluation import queries as sheets
from grants.evaluation import services as scoring_services
from grants.evaluation.models import Assignment, ScoreSheet, SheetState
from grants.evaluation.services import Entries
from grants.selection import queries, services
from grants.selection.models import Award, AwardState, Selection, SelectionState, WaitingListEntry
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_reviews
from tests.factories.selection import make_award, make_waiting
from tests.races import errors_of


def at_once(app: Flask, *actions: Callable[[], object]) -> list[bool]:
    """Run each in a thread of its own, starting together; whether each was accepted."""
    errors = errors_of(app, actions)
    for error in errors:
        if error is not None and not isinstance(error, RuleBroken):
            raise error
    return [error is None for error in errors]


def proposed_run() -> Selection:
    call = make_call(places=1, budget_usd=Decimal("700.00"))
    for _n in range(2):
        make_reviews(make_application(call))
    author = make_user(Role.COORDINATOR)
    selection = services.simulate(call, by=author, now=utcnow())
    services.propose(selection, by=author, now=utcnow())
    return selection


def signer(selection_id: int, user: User) -> Callable[[], None]:
    number = user.id

    def sign() -> None:
        by = db.session.get_one(User, number)
        services.approve(queries.get_selection(selection_id), by=by, now=utcnow())

    return sign


def test_two_signatures_at_once_approve_exactly_once(real_app: Flask) -> None:
    with transaction():
        number = proposed_run().id
        signers = [signer(number, make_user(Role.COORDINATOR)) for _n in range(2)]

    assert at_once(real_app, *signers) == [True, True]

    db.session.expire_all()
    selection = queries.get_selection(number)
    assert selection.state is SelectionState.APPROVED
    assert len(selection.approvals) == 2
    assert db.session.query(JournalEntry).filter_by(action="selection.approved").count() == 1


def test_four_signatures_at_once_leave_two(real_app: Flask) -> None:
    with transaction():
        number = proposed_run().id
        signers = [signer(number, make_user(Role.COORDINATOR)) for _n in range(4)]

    accepted = at_once(real_app, *signers)

    db.session.expire_all()
    assert sum(accepted) == 2
    assert len(queries.get_selection(number).approvals) == 2
    assert db.session.query(JournalEntry).filter_by(action="selection.approved").count() == 1


def test_same_person_in_two_tabs_signs_once(real_app: Flask) -> None:
    with transaction():
        number, user = proposed_run().id, make_user(Role.COORDINATOR)
        sign = signer(number, user)

    assert sorted(at_once(real_app, sign, sign)) == [False, True]

    db.session.expire_all()
    assert queries.get_selection(number).state is SelectionState.PROPOSED


def test_two_publications_at_once_give_each_award_once(real_app: Flask) -> None:
    with transaction():
        selection, user = proposed_run(), make_user(Role.COORDINATOR)
        for _n in range(2):
            services.approve(selection, by=make_user(Role.COORDINATOR), now=utcnow())
        number, by = selection.id, user.id

    def publish() -> None:
        services.publish(queries.get_selection(number), by=db.session.get_one(User, by), now=utcnow())

    assert sorted(at_once(real_app, publish, publish)) == [False, True]

    db.session.expire_all()
    assert db.session.query(Award).count() == 1
    assert db.session.query(WaitingListEntry).count() == 1


def test_places_freed_at_once_go_to_different_people(real_app: Flask) -> None:
    with transaction():
        first = make_award()
        awards = [first, *(make_award(call=first.application.call) for _n in range(3))]
        waiting = [make_waiting(first.selection).application_id for _n in range(5)]
        numbers, by = [award.id for award in awards], make_user(Role.COORDINATOR).id

    def decline(number: int) -> Callable[[], None]:
        def run() -> None:
            award = db.session.get_one(Award, number)
            services.decline_award(award, reason="Se mudó", by=db.session.get_one(User, by), now=utcnow())

        return run

    assert at_once(real_app, *(decline(number) for number in numbers)) == [True] * 4

    db.session.expire_all()
    promoted = db.session.query(Award).filter_by(state=AwardState.ACTIVE).all()
    assert sorted(award.application_id for award in promoted) == waiting[:4]
    assert sorted(award.replaces_id or 0 for award in promoted) == numbers


def test_same_award_declined_twice_at_once_frees_one_place(real_app: Flask) -> None:
    with transaction():
        award = make_award()
        make_waiting(award.selection)
        make_waiting(award.selection)
        number, by = award.id, make_user(Role.COORDINATOR).id

    def decline() -> None:
        found = db.session.get_one(Award, number)
        services.decline_award(found, reason="Se mudó", by=db.session.get_one(User, by), now=utcnow())

    assert sorted(at_once(real_app, decline, decline)) == [False, True]

    db.session.expire_all()
    assert db.session.query(Award).filter_by(state=AwardState.ACTIVE).count() == 1


def test_two_tabs_submit_a_sheet_once(real_app: Flask) -> None:
    with transaction():
        number = make_assignment().id

    def submit(level: int) -> Callable[[], None]:
        def run() -> None:
            mine = db.session.get_one(Assignment, number)
            numbers = [c.id for c in sheets.criteria_for(mine)]
            entries = Entries(dict.fromkeys(numbers, level), dict.fromkeys(numbers, "Por lo que dice el plan."))
            scoring_services.submit(mine, entries, by=mine.evaluator, now=utcnow())

        return run

    accepted = at_once(real_app, *(submit(level) for level in (0, 1, 2, 3)))

    db.session.expire_all()
    assert sum(accepted) == 1
    sheet = db.session.query(ScoreSheet).one()
    assert sheet.state is SheetState.SUBMITTED
    assert list(sheet.levels.values()) == [accepted.index(True)] * 3
