from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications import queries, services
from grants.applications.models import Application, ApplicationState, BusinessPlan
from grants.applications.services import ItemFields, PlanFields
from grants.calls.models import Call, CallKind, CallState
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import NotFound, RuleBroken
from grants.core.journal import JournalEntry
from grants.people.models import Consent, ConsentPurpose, Person
from grants.training.models import CourseKind
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call, make_rubric
from tests.factories.people import make_consent, make_consent_text, make_person
from tests.factories.training import make_completion, make_course

PLAN = PlanFields(
    venture="Peluquería Norte",
    sector="S",
    is_existing=False,
    description="Cortes y peinados.",
    customers="Vecinas.",
    monthly_sales_usd=Decimal("0.00"),
    jobs=1,
    items=(ItemFields("Secadora", 2, Decimal("49.99")), ItemFields("Silla", 1, Decimal("120.00"))),
)


@pytest.fixture
def rosa(app: Flask) -> User:
    return make_user(Role.ENUMERATOR)


def ready(by: User, **overrides: Any) -> Application:
    """A complete draft of a person who consents."""
    application = make_application(submitted=False, created_by=by, **overrides)
    make_consent(application.person)
    db.session.commit()
    return application


def last_action() -> str | None:
    return db.session.scalars(select(JournalEntry.action).order_by(JournalEntry.id.desc())).first()


def test_draft_starts_empty_under_the_rubric_in_force(rosa: User) -> None:
    call, person = make_call(), make_person()

    with transaction():
        application = services.start(person, call, by=rosa, now=utcnow())

    assert (application.state, application.plan.revision) == (ApplicationState.DRAFT, 0)
    assert application.rubric_id == call.rubric.id
    assert application.folio.startswith("A-")
    assert last_action() == "application.started"


@pytest.mark.parametrize("overrides", [
    {"state": CallState.CLOSED},
    {"state": CallState.DRAFT},
    {"opens_at": utcnow() + timedelta(hours=1)},
    {"opens_at": utcnow() - timedelta(days=2), "closes_at": utcnow() - timedelta(seconds=1)},
])  # fmt: skip
def test_call_that_is_not_open_takes_no_draft(rosa: User, overrides: dict[str, Any]) -> None:
    call, person = make_call(**overrides), make_person()
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.start(person, call, by=rosa, now=utcnow())

    assert db.session.scalar(select(func.count(Application.id))) == 0


def test_second_application_to_the_same_call_is_refused(rosa: User) -> None:
    first = make_application(submitted=False)
    call, person = first.call, first.person
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.start(person, call, by=rosa, now=utcnow())

    assert db.session.scalars(select(Application.id)).all() == [first.id]


def test_saving_replaces_the_plan_and_its_items(rosa: User) -> None:
    application = ready(rosa)

    with transaction():
        revision = services.save_plan(application, PLAN, revision=0, by=rosa, now=utcnow())

    plan = db.session.get_one(BusinessPlan, application.plan.id, populate_existing=True)
    assert revision == plan.revision == 1
    assert (plan.venture, plan.sector, plan.is_existing, plan.monthly_sales_usd) == ("Peluquería Norte", "S", False, 0)
    assert [(i.name, i.quantity, i.unit_price_usd) for i in plan.items] == [
        ("Secadora", 2, Decimal("49.99")),
        ("Silla", 1, Decimal("120.00")),
    ]
    assert plan.total_usd == Decimal("219.98")  # 2 × 49.99 + 120.00
    assert application.left_usd == Decimal("480.02")


def test_save_over_a_newer_text_changes_nothing(rosa: User) -> None:
    application = ready(rosa)
    with transaction():
        services.save_plan(application, PLAN, revision=0, by=rosa, now=utcnow())

    with pytest.raises(services.StalePlan), transaction():
        services.save_plan(application, replace(PLAN, venture="Otra"), revision=0, by=rosa, now=utcnow())

    db.session.expire_all()
    assert (application.plan.venture, application.plan.revision) == ("Peluquería Norte", 1)
    assert len(application.plan.items) == 2


def test_plan_of_another_enumerator_cannot_be_saved_or_submitted(rosa: User) -> None:
    application = ready(rosa)
    other = make_user(Role.ENUMERATOR)
    db.session.commit()

    for change in (
        lambda: services.save_plan(application, PLAN, revision=0, by=other, now=utcnow()),
        lambda: services.submit(application, consents=True, by=other, now=utcnow()),
        lambda: services.withdraw(application, reason="x", by=other, now=utcnow()),
    ):
        with pytest.raises(RuleBroken), transaction():
            change()
    db.session.expire_all()
    assert (application.state, application.plan.revision) == (ApplicationState.DRAFT, 0)


def test_coordinator_may_finish_somebody_elses_draft(rosa: User) -> None:
    application = ready(rosa)
    ana = make_user(Role.COORDINATOR)

    with transaction():
        services.submit(application, consents=False, by=ana, now=utcnow())

    assert application.state is ApplicationState.SUBMITTED


def test_submission_takes_the_rubric_in_force_then(rosa: User) -> None:
    application = ready(rosa)
    call = application.call
    call.rubric.is_current = False
    db.session.flush()
    second = make_rubric(call, version=2)
    db.session.commit()
    db.session.expire_all()
    now = utcnow()

    with transaction():
        services.submit(application, consents=False, by=rosa, now=now)

    db.session.expire_all()
    assert (application.state, application.submitted_at, application.rubric_id) == (
        ApplicationState.SUBMITTED, now, second.id,
    )  # fmt: skip
    assert last_action() == "application.submitted"


def test_second_submission_changes_nothing(rosa: User) -> None:
    application = ready(rosa)
    with transaction():
        services.submit(application, consents=False, by=rosa, now=utcnow())
    db.session.expire_all()
    first = application.submitted_at

    with pytest.raises(RuleBroken), transaction():
        services.submit(application, consents=False, by=rosa, now=utcnow() + timedelta(minutes=1))

    db.session.expire_all()
    assert application.submitted_at == first


@pytest.mark.parametrize(("field", "value"), [
    ("venture", ""), ("sector", None), ("is_existing", None), ("description", ""), ("customers", ""),
    ("monthly_sales_usd", None), ("jobs", None), ("items", ()),
])  # fmt: skip
def test_unfinished_plan_is_kept_as_a_draft(rosa: User, field: str, value: Any) -> None:
    application = ready(rosa)
    with transaction():
        services.save_plan(application, replace(PLAN, **{field: value}), revision=0, by=rosa, now=utcnow())

    with pytest.raises(RuleBroken) as refusal, transaction():
        services.submit(application, consents=False, by=rosa, now=utcnow())

    db.session.expire_all()
    assert refusal.value.field == field
    assert (application.state, application.plan.revision) == (ApplicationState.DRAFT, 1)


@pytest.mark.parametrize(("price", "fits"), [("700.00", True), ("700.01", False)])
def test_items_must_fit_the_award(rosa: User, price: str, fits: bool) -> None:
    application = ready(rosa)
    items = (ItemFields("Horno", 1, Decimal(price)),)
    with transaction():
        services.save_plan(application, replace(PLAN, items=items), revision=0, by=rosa, now=utcnow())

    found = services.obstacles(application, now=utcnow())

    assert [obstacle.field for obstacle in found] == ([] if fits else ["items"])


def test_after_the_window_the_draft_is_kept(rosa: User) -> None:
    application = ready(rosa)
    late = application.call.closes_at

    with pytest.raises(RuleBroken), transaction():
        services.submit(application, consents=False, by=rosa, now=late)
    with transaction():
        services.save_plan(application, PLAN, revision=0, by=rosa, now=late)

    db.session.expire_all()
    assert (application.state, application.plan.venture) == (ApplicationState.DRAFT, "Peluquería Norte")


@pytest.mark.parametrize(("grade", "met"), [("60", True), ("59.99", False), (None, False)])
def test_grade_decides_where_the_call_asks_for_one(rosa: User, grade: str | None, met: bool) -> None:
    call = make_call(required_course=CourseKind.DIGITAL, minimum_grade=Decimal(60))
    person = make_person()
    make_completion(
        make_course(kind=CourseKind.DIGITAL, has_grade=True), person, grade=None if grade is None else Decimal(grade)
    )
    make_completion(make_course(kind=CourseKind.ENTREPRENEURSHIP, has_grade=True), person, grade=Decimal(100))
    application = ready(rosa, call=call, person=person)

    assert queries.eligibility(person.id, call).is_met is met
    assert len(services.obstacles(application, now=utcnow())) == (0 if met else 1)


def test_completion_is_enough_where_no_grade_is_asked(rosa: User) -> None:
    call, person, other = make_call(required_course=CourseKind.ENTREPRENEURSHIP), make_person(), make_person()
    make_completion(make_course(), person)

    assert queries.eligibility(person.id, call).is_met
    assert not queries.eligibility(other.id, call).is_met


def test_submission_records_the_consent_once(rosa: User) -> None:
    application = make_application(submitted=False, created_by=rosa)
    text = make_consent_text(ConsentPurpose.GRANT)
    db.session.commit()

    with pytest.raises(RuleBroken) as refusal, transaction():
        services.submit(application, consents=False, by=rosa, now=utcnow())
    assert refusal.value.field == "consents"
    db.session.expire_all()
    assert application.state is ApplicationState.DRAFT

    with transaction():
        services.submit(application, consents=True, by=rosa, now=utcnow())

    consents = db.session.scalars(select(Consent)).all()
    assert [(c.person_id, c.text_id, c.read_out_by_id) for c in consents] == [(application.person_id, text.id, rosa.id)]


def test_revoked_consent_does_not_count(rosa: User) -> None:
    application = make_application(submitted=False, created_by=rosa)
    make_consent(application.person, revoked_at=utcnow())
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.submit(application, consents=False, by=rosa, now=utcnow())

    db.session.expire_all()
    assert application.submitted_at is None


@pytest.mark.parametrize("submitted", [True, False])
def test_withdrawal_keeps_its_reason_and_is_final(rosa: User, submitted: bool) -> None:
    application = make_application(submitted=submitted, created_by=rosa)

    with transaction():
        services.withdraw(application, reason="Se muda", by=rosa, now=utcnow())
    db.session.expire_all()

    assert (application.state, application.withdrawal_reason) == (ApplicationState.WITHDRAWN, "Se muda")
    for change in (
        lambda: services.withdraw(application, reason="Otra vez", by=rosa, now=utcnow()),
        lambda: services.save_plan(application, PLAN, revision=0, by=rosa, now=utcnow()),
        lambda: services.submit(application, consents=True, by=rosa, now=utcnow()),
    ):
        with pytest.raises(RuleBroken), transaction():
            change()
    assert application.withdrawal_reason == "Se muda"


def test_device_call_asks_only_what_the_device_is_for(rosa: User) -> None:
    application = ready(rosa, call=make_call(kind=CallKind.DEVICES))
    short = PlanFields("", None, None, "Vender en línea.", "", None, None, (ItemFields("Tableta", 1, Decimal(200)),))
    with transaction():
        services.save_plan(application, short, revision=0, by=rosa, now=utcnow())

    assert services.obstacles(application, now=utcnow()) == []


def test_enumerators_see_their_own_and_coordination_sees_all(rosa: User) -> None:
    own, other = make_application(created_by=rosa), make_application()

    def seen(user: User) -> set[int]:
        return {row.id for row in queries.page_of_applications(user).items}

    assert seen(rosa) == {own.id}
    assert seen(make_user(Role.COORDINATOR)) == seen(make_user(Role.MONITORING)) == {own.id, other.id}
    with pytest.raises(NotFound):
        queries.get_application(other.id, rosa)


def test_unfinished_drafts_come_in_the_order_their_calls_close(rosa: User) -> None:
    late, soon = make_call(closes_at=utcnow() + timedelta(days=20)), make_call(closes_at=utcnow() + timedelta(days=2))
    second = make_application(late, submitted=False, created_by=rosa)
    first = make_application(soon, submitted=False, created_by=rosa)
    make_application(soon, created_by=rosa)
    make_application(soon, submitted=False)

    assert [row.id for row in queries.unfinished_drafts(rosa)] == [first.id, second.id]


def in_threads(app: Flask, count: int, act: Callable[[], None]) -> list[str]:
    """Do the same in several threads at once; "done" or the name of what stopped each."""
    gate = Barrier(count)

    def run(_number: int) -> str:
        with app.app_context():
            gate.wait()
            try:
                act()
            except RuleBroken as refusal:
                return type(refusal).__name__
            finally:
                db.session.remove()
            return "done"

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(run, range(count)))


def test_race_for_one_application_has_one_winner(real_app: Flask) -> None:
    with transaction():
        user, call, person = make_user(Role.ENUMERATOR), make_call(), make_person()
    ids = (person.id, call.id, user.id)

    def act() -> None:
        with transaction():
            rows = [db.session.get_one(model, key) for model, key in zip((Person, Call, User), ids, strict=True)]
            services.start(rows[0], rows[1], by=rows[2], now=utcnow())  # type: ignore[arg-type]

    assert in_threads(real_app, 6, act) == ["RuleBroken"] * 5 + ["done"]
    assert db.session.scalar(select(func.count(Application.id))) == 1


def test_double_tap_submits_once(real_app: Flask) -> None:
    with transaction():
        application = make_application(submitted=False, created_by=make_user(Role.ENUMERATOR))
        make_consent(application.person)
    key, writer = application.id, application.created_by_id

    def act() -> None:
        with transaction():
            services.submit(
                db.session.get_one(Application, key), consents=False, by=db.session.get_one(User, writer), now=utcnow()
            )

    assert in_threads(real_app, 6, act).count("done") == 1
    entries = db.session.scalars(select(JournalEntry).where(JournalEntry.action == "application.submitted")).all()
    assert len(entries) == 1


def test_race_of_two_saves_keeps_one_and_tells_the_other(real_app: Flask) -> None:
    with transaction():
        application = make_application(submitted=False, created_by=make_user(Role.ENUMERATOR))
    key, writer = application.id, application.created_by_id

    def act() -> None:
        with transaction():
            services.save_plan(
                db.session.get_one(Application, key), PLAN, revision=0,
                by=db.session.get_one(User, writer), now=utcnow(),
            )  # fmt: skip

    assert in_threads(real_app, 4, act) == ["StalePlan"] * 3 + ["done"]
    db.session.expire_all()
    assert db.session.scalars(select(BusinessPlan)).one().revision == 1
