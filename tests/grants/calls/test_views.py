from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call, CallState, Programme
from grants.core.clock import PROGRAMME_ZONE, utcnow
from grants.core.db import db
from tests.factories.access import make_user
from tests.factories.calls import make_call, make_programme

SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def coordinator(sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


def local(moment: Any) -> str:
    return str(moment.astimezone(PROGRAMME_ZONE).strftime("%Y-%m-%dT%H:%M"))


def call_form(**overrides: Any) -> dict[str, Any]:
    programme_id = overrides.pop("programme_id", None) or make_programme().id
    return {
        "programme_id": programme_id,
        "code": "cap-2026",
        "name": "Capital semilla",
        "kind": "seed_capital",
        "opens_at": "2026-03-01T08:00",
        "closes_at": "2026-03-31T18:00",
        "places": "129",
        "value_per_award_usd": "700.00",
        "budget_usd": "90300",
        "plan_weight": "60",
        "pitch_weight": "40",
        "reviews_per_application": "2",
        "required_course": "entrepreneurship",
        "minimum_grade": "60",
        **overrides,
    }


def rubric_form(**overrides: Any) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for row, (stage, name, weight) in enumerate((("plan", "Mercado", "100"), ("pitch", "Voz", "100"))):
        form |= {
            f"criteria-{row}-stage": stage,
            f"criteria-{row}-name": name,
            f"criteria-{row}-weight": weight,
            f"criteria-{row}-levels-0": "Nada",
            f"criteria-{row}-levels-1": "Mucho",
        }
    return {**form, **overrides}


def test_call_is_prepared_and_published_through_its_pages(app: Flask, coordinator: FlaskClient) -> None:
    closes = utcnow() + timedelta(days=30)
    answer = coordinator.post("/calls/new", data=call_form(opens_at=local(utcnow()), closes_at=local(closes)))
    call = db.session.scalars(select(Call)).one()
    assert answer.location.endswith(f"/calls/{call.id}/rubric")
    assert call.code == "CAP-2026"

    coordinator.post(f"/calls/{call.id}/rubric", data=rubric_form())
    coordinator.post(f"/calls/{call.id}/publish")

    page = coordinator.get(f"/calls/{call.id}").text
    db.session.refresh(call)
    assert call.state is CallState.PUBLISHED
    assert call.tie_seed in page
    assert "60 %" in page
    assert "129" in page


def test_window_is_read_in_the_programmes_time(app: Flask, coordinator: FlaskClient) -> None:
    coordinator.post("/calls/new", data=call_form(opens_at="2026-03-01T08:00"))

    call = db.session.scalars(select(Call)).one()
    assert call.opens_at.isoformat() == "2026-03-01T13:00:00+00:00"  # Guayaquil is five hours behind UTC


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("places", "9" * 5000),
        ("places", "-1"),
        ("places", "0"),
        ("budget_usd", "1e999"),
        ("budget_usd", "NaN"),
        ("budget_usd", "Infinity"),
        ("budget_usd", "90.300,00"),
        ("plan_weight", "1000"),
        ("minimum_grade", "-5"),
        ("name", "x" * 10000),
        ("name", "a\x00b"),
        ("description", "\x00"),
        ("code", "CAP 2026"),
        ("code", "\x00\x00"),
        ("opens_at", "soon"),
        ("opens_at", "2026-02-31T08:00"),
        ("closes_at", "9999-12-31T23:59"),
        ("kind", "cash"),
        ("programme_id", "0"),
        ("programme_id", "9" * 40),
        ("required_course", "\x00"),
        ("name", ""),
    ],
)
def test_bad_value_gets_a_sentence_and_nothing_is_stored(
    app: Flask, coordinator: FlaskClient, field: str, value: str
) -> None:
    make_programme()

    answer = coordinator.post("/calls/new", data=call_form(**{field: value}))

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert "Capital semilla" in answer.text or field == "name"
    assert db.session.scalars(select(Call)).all() == []


def test_broken_rule_stands_beside_its_field(app: Flask, coordinator: FlaskClient) -> None:
    answer = coordinator.post("/calls/new", data=call_form(budget_usd="90299.99"))

    assert 'id="budget_usd-error"' in answer.text
    assert "90.300,00" in answer.text


def test_adding_a_criterion_keeps_what_was_typed_and_saves_nothing(app: Flask, coordinator: FlaskClient) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="", rubric=False)

    answer = coordinator.post(f"/calls/{call.id}/rubric", data=rubric_form(add="1"))

    assert answer.text.count("<fieldset") == 3
    assert "Mercado" in answer.text
    assert not db.session.get_one(Call, call.id).has_rubric


def test_removed_and_blank_criteria_are_left_out(app: Flask, coordinator: FlaskClient) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="", rubric=False)
    extra = {
        "criteria-2-stage": "plan",
        "criteria-2-name": "Sobra",
        "criteria-2-weight": "x",
        "criteria-2-removed": "y",
        "criteria-3-stage": "pitch",
    }

    answer = coordinator.post(f"/calls/{call.id}/rubric", data=rubric_form(**extra))

    assert answer.status_code == 302
    assert [c.name for c in db.session.get_one(Call, call.id).rubric.criteria] == ["Voz", "Mercado"]


@pytest.mark.parametrize(
    "bad",
    [
        {"criteria-0-weight": "NaN"},
        {"criteria-0-weight": "99"},
        {"criteria-0-name": ""},
        {"criteria-0-stage": "lottery"},
        {"criteria-0-levels-1": ""},
        {"criteria-0-levels-1": "a\x00"},
        {"criteria-0-levels-0": "x" * 10000},
    ],
)
def test_bad_rubric_is_shown_again_with_its_text(app: Flask, coordinator: FlaskClient, bad: dict[str, str]) -> None:
    call = make_call(state=CallState.DRAFT, tie_seed="", rubric=False)

    answer = coordinator.post(f"/calls/{call.id}/rubric", data=rubric_form(**bad))

    assert answer.status_code == 200
    assert "notice-bad" in answer.text
    assert "Voz" in answer.text
    assert not db.session.get_one(Call, call.id).has_rubric


def test_rubric_of_a_published_call_shows_its_versions(app: Flask, coordinator: FlaskClient) -> None:
    call = make_call()

    coordinator.post(f"/calls/{call.id}/rubric", data=rubric_form(reason="Se pidió en el comité"))

    page = coordinator.get(f"/calls/{call.id}").text
    assert "Se pidió en el comité" in page
    assert "Viabilidad" in page  # the version before stays readable


def test_editing_and_extending_and_closing(app: Flask, coordinator: FlaskClient) -> None:
    draft = make_call(state=CallState.DRAFT, tie_seed="")
    published = make_call()
    later = published.closes_at + timedelta(days=3)

    assert coordinator.get(f"/calls/{draft.id}/edit").status_code == 200
    coordinator.post(f"/calls/{draft.id}/edit", data=call_form(programme_id=draft.programme_id, places="12"))
    coordinator.post(
        f"/calls/{published.id}/extend", data={"closes_at": local(later), "reason": "weather"}
    )  # fmt: skip
    assert db.session.get_one(Call, draft.id).places == 12
    assert db.session.get_one(Call, published.id).closes_at == later.replace(second=0, microsecond=0)

    coordinator.post(f"/calls/{published.id}/close")
    assert db.session.get_one(Call, published.id).state is CallState.CLOSED
    assert coordinator.post(f"/calls/{published.id}/close").status_code == 409


def test_programme_is_created_and_edited(app: Flask, coordinator: FlaskClient) -> None:
    data = {"code": "PRG-EC", "name": "Medios de vida", "starts_on": "2022-01-01", "ends_on": "2024-12-31"}

    coordinator.post("/calls/programmes/new", data=data)
    programme = db.session.scalars(select(Programme)).one()
    coordinator.post(f"/calls/programmes/{programme.id}/edit", data={**data, "name": "Medios de vida sostenibles"})
    refused = coordinator.post("/calls/programmes/new", data=data)

    assert "sostenibles" in coordinator.get("/calls/programmes").text
    assert 'id="code-error"' in refused.text
    assert len(db.session.scalars(select(Programme)).all()) == 1


@pytest.mark.parametrize("role", [Role.ENUMERATOR, Role.EVALUATOR, Role.AUDITOR, Role.MONITORING])
def test_drafts_are_for_those_who_prepare_them(app: Flask, sign_in: SignIn, role: Role) -> None:
    draft, published = make_call(state=CallState.DRAFT, tie_seed="", code="BORRADOR"), make_call()
    reader = sign_in(make_user(role))

    assert reader.get(f"/calls/{draft.id}").status_code == 404
    assert reader.get(f"/calls/{published.id}").status_code == 200
    assert "BORRADOR" not in reader.get("/calls").text
    assert reader.post(f"/calls/{published.id}/close").status_code == 403


def queries_of(client: FlaskClient, path: str) -> int:
    seen: list[str] = []
    engine = db.engine

    def note(*args: Any) -> None:
        if args[2].lstrip().upper().startswith("SELECT"):
            seen.append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_list_costs_the_same_with_one_row_and_with_many(app: Flask, coordinator: FlaskClient) -> None:
    make_call()
    one = queries_of(coordinator, "/calls")
    for _n in range(2):
        make_call()

    assert queries_of(coordinator, "/calls") == one
    assert one <= 8


def test_page_of_a_call_costs_at_most_fifteen_queries(app: Flask, coordinator: FlaskClient) -> None:
    call = make_call()

    assert queries_of(coordinator, f"/calls/{call.id}") <= 15


def test_unknown_call_is_a_404(app: Flask, coordinator: FlaskClient) -> None:
    for path in ("/calls/999999", "/calls/99999999999999999999", "/calls/programmes/99999999999999999999/edit"):
        assert coordinator.get(path).status_code == 404
