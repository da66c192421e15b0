from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls import queries, services
from grants.calls.models import Call, CallKind, CallState, ExtensionReason, Level, Phase, Stage
from grants.calls.services import CallFields, CriterionFields
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from tests.factories.access import make_user
from tests.factories.calls import make_call, make_programme


def fields(**overrides: Any) -> CallFields:
    now = utcnow()
    values: dict[str, Any] = {
        "programme_id": overrides.pop("programme_id", None) or make_programme().id,
        "code": "CAP-2026",
        "name": "Capital semilla",
        "description": "",
        "kind": CallKind.SEED_CAPITAL,
        "opens_at": now + timedelta(days=1),
        "closes_at": now + timedelta(days=31),
        "places": 129,
        "budget_usd": Decimal("90300.00"),
        "value_per_award_usd": Decimal("700.00"),
        "plan_weight": Decimal(60),
        "pitch_weight": Decimal(40),
        "reviews_per_application": 2,
        "required_course": None,
        "minimum_grade": None,
        **overrides,
    }
    return CallFields(**values)


def criterion(stage: Stage, weight: str, *, name: str = "Mercado", levels: int = 3) -> CriterionFields:
    return CriterionFields(stage, name, "", Decimal(weight), tuple(f"Nivel {n}" for n in range(levels)))


def actions() -> list[str]:
    return list(db.session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))


@pytest.fixture
def ana(app: Flask) -> User:
    return make_user(Role.COORDINATOR)


RIGHT = [criterion(Stage.PLAN, "75"), criterion(Stage.PLAN, "25"), criterion(Stage.PITCH, "100")]


def test_call_starts_as_a_draft_without_a_seed(ana: User) -> None:
    with transaction():
        call = services.create_call(fields(), by=ana, now=utcnow())

    assert (call.state, call.tie_seed, call.phase(utcnow())) == (CallState.DRAFT, "", Phase.DRAFT)
    assert actions()[-1] == "call.created"


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        # 129 places of USD 700 cost USD 90,300.
        ({"budget_usd": Decimal("90299.99")}, "budget_usd"),
        ({"pitch_weight": Decimal("39.99")}, "pitch_weight"),
        ({"closes_at": utcnow()}, "closes_at"),
        ({"minimum_grade": Decimal(60)}, "required_course"),
        ({"programme_id": 987654}, "programme_id"),
    ],
)
def test_call_that_does_not_add_up_is_refused(ana: User, overrides: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleBroken) as refusal, transaction():
        services.create_call(fields(**overrides), by=ana, now=utcnow())

    assert refusal.value.field == field
    assert db.session.scalars(select(Call)).all() == []


def test_second_call_with_the_same_code_is_refused(ana: User) -> None:
    make_call(code="CAP-2026")
    db.session.commit()

    with pytest.raises(RuleBroken) as refusal, transaction():
        services.create_call(fields(), by=ana, now=utcnow())

    assert refusal.value.field == "code"


def test_declared_weight_is_the_effective_weight(ana: User) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="", rubric=False)

    with transaction():
        services.save_rubric(call, RIGHT, reason="", by=ana, now=utcnow())

    shares = [c.share_of_total for stage in Stage for c in call.rubric.criteria_of(stage)]
    assert shares == [Decimal(45), Decimal(15), Decimal(40)]  # 60 % × 75 %, 60 % × 25 %, 40 % × 100 %
    assert sum(shares) == 100


def test_weight_does_not_depend_on_the_number_of_criteria(ana: User) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="", rubric=False)
    many = [criterion(Stage.PLAN, "12.5", name=f"C{n}") for n in range(8)] + [criterion(Stage.PITCH, "100")]

    with transaction():
        services.save_rubric(call, many, reason="", by=ana, now=utcnow())

    plan = [c.share_of_total for c in call.rubric.criteria_of(Stage.PLAN)]
    assert plan == [Decimal("7.5")] * 8
    assert sum(plan) == 60


@pytest.mark.parametrize(
    "criteria",
    [
        [],
        [criterion(Stage.PLAN, "100")],
        [criterion(Stage.PLAN, "99.99"), criterion(Stage.PITCH, "100")],
        [criterion(Stage.PLAN, "100"), criterion(Stage.PITCH, "60"), criterion(Stage.PITCH, "60")],
        [criterion(Stage.PLAN, "100", levels=1), criterion(Stage.PITCH, "100")],
        [
            criterion(Stage.PLAN, "100"),
            CriterionFields(Stage.PITCH, "Voz", "", Decimal(100), ("Nada", "", "Mucho")),
        ],
    ],
)
def test_rubric_that_does_not_add_up_is_refused(ana: User, criteria: list[CriterionFields]) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="")
    before = [c.name for c in call.rubric.criteria]
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.save_rubric(call, criteria, reason="", by=ana, now=utcnow())

    db.session.expire_all()
    assert sorted(c.name for c in call.rubric.criteria) == sorted(before)


def test_stage_without_weight_takes_no_criteria(ana: User) -> None:
    call = make_call(
        state=CallState.DRAFT, tie_seed="", plan_weight=Decimal(100), pitch_weight=Decimal(0), rubric=False
    )
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.save_rubric(call, RIGHT, reason="", by=ana, now=utcnow())
    with transaction():
        services.save_rubric(call, RIGHT[:2], reason="", by=ana, now=utcnow())

    assert call.stages == [Stage.PLAN]


def test_draft_rubric_is_rewritten_in_place(ana: User) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="")
    first = call.rubric

    with transaction():
        services.save_rubric(call, RIGHT, reason="", by=ana, now=utcnow())

    db.session.expire_all()
    assert [(r.id, r.version) for r in call.rubrics] == [(first.id, 1)]
    assert len(call.rubric.criteria) == 3
    assert len(db.session.scalars(select(Level)).all()) == 9


def test_published_rubric_becomes_a_new_version_and_the_old_one_stays(ana: User) -> None:
    call = make_call()
    first = call.rubric
    before = [(c.id, c.name, c.weight) for c in first.criteria]

    with transaction():
        services.save_rubric(call, RIGHT, reason="El pitch pesaba de más", by=ana, now=utcnow())

    db.session.expire_all()
    assert [(r.version, r.is_current, r.reason) for r in call.rubrics] == [
        (1, False, ""),
        (2, True, "El pitch pesaba de más"),
    ]
    assert sorted((c.id, c.name, c.weight) for c in first.criteria) == sorted(before)
    assert actions()[-1] == "rubric.saved"


def test_new_version_needs_a_reason(ana: User) -> None:
    call = make_call()
    db.session.commit()

    with pytest.raises(RuleBroken) as refusal, transaction():
        services.save_rubric(call, RIGHT, reason="", by=ana, now=utcnow())

    assert refusal.value.field == "reason"
    assert [r.version for r in call.rubrics] == [1]


def test_publishing_commits_to_a_random_seed(ana: User) -> None:
    calls = [make_call(state=CallState.DRAFT, tie_seed="") for _n in range(2)]

    with transaction():
        for call in calls:
            services.publish(call, by=ana, now=utcnow())

    db.session.expire_all()
    seeds = {call.tie_seed for call in calls}
    assert len(seeds) == 2
    assert {len(bytes.fromhex(seed)) * 8 for seed in seeds} == {128}
    assert {call.state for call in calls} == {CallState.PUBLISHED}


@pytest.mark.parametrize(
    "overrides",
    [
        {"rubric": False},
        {"opens_at": utcnow() - timedelta(days=9), "closes_at": utcnow() - timedelta(days=1)},
        {"plan_weight": Decimal(100), "pitch_weight": Decimal(0)},  # the rubric has criteria of the pitch
    ],
)
def test_call_that_is_not_ready_stays_a_draft(ana: User, overrides: dict[str, Any]) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="", **overrides)
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.publish(call, by=ana, now=utcnow())

    db.session.expire_all()
    assert (call.state, call.tie_seed) == (CallState.DRAFT, "")


def test_publishing_twice_keeps_the_first_seed(ana: User) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="")
    with transaction():
        services.publish(call, by=ana, now=utcnow())
    db.session.expire_all()
    seed = call.tie_seed

    with pytest.raises(RuleBroken), transaction():
        services.publish(call, by=ana, now=utcnow())

    db.session.expire_all()
    assert call.tie_seed == seed


def test_published_call_cannot_be_edited(ana: User) -> None:
    call = make_call(places=10)
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.edit_call(call, fields(programme_id=call.programme_id, places=5), by=ana, now=utcnow())

    db.session.expire_all()
    assert call.places == 10


def test_window_grows_with_a_reason_in_the_journal(ana: User) -> None:
    call = make_call()
    later = call.closes_at + timedelta(days=7)

    with transaction():
        services.extend(call, closes_at=later, reason=ExtensionReason.EMERGENCY, by=ana, now=utcnow())

    db.session.expire_all()
    entry = db.session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc())).first()
    assert call.closes_at == later
    assert entry is not None
    assert (entry.action, "state_of_emergency" in entry.details) == ("call.extended", True)


def test_window_never_shrinks(ana: User) -> None:
    call = make_call()
    before = call.closes_at
    db.session.commit()

    with pytest.raises(RuleBroken), transaction():
        services.extend(call, closes_at=before - timedelta(days=1), reason=ExtensionReason.WEATHER,
                        by=ana, now=utcnow())  # fmt: skip

    db.session.expire_all()
    assert call.closes_at == before


def test_closed_call_takes_no_extension_and_no_rubric(ana: User) -> None:
    call = make_call()
    with transaction():
        services.close(call, by=ana, now=utcnow())
    db.session.expire_all()

    for refused in (
        lambda: services.close(call, by=ana, now=utcnow()),
        lambda: services.save_rubric(call, RIGHT, reason="x", by=ana, now=utcnow()),
        lambda: services.extend(
            call, closes_at=call.closes_at + timedelta(days=1), reason=ExtensionReason.WEATHER, by=ana, now=utcnow()
        ),  # fmt: skip
    ):
        with pytest.raises(RuleBroken), transaction():
            refused()
    assert call.phase(utcnow()) is Phase.CLOSED


def test_open_calls_are_published_and_inside_their_window(ana: User) -> None:
    now = utcnow()
    late = make_call(closes_at=now + timedelta(days=9))
    soon = make_call(closes_at=now + timedelta(days=2))
    make_call(opens_at=now + timedelta(days=1))
    make_call(opens_at=now - timedelta(days=9), closes_at=now)
    make_call(state=CallState.CLOSED)
    make_call(state=CallState.DRAFT)

    assert [call.id for call in queries.open_calls(now)] == [soon.id, late.id]
