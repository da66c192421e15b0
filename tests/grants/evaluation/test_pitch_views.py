"""The pages of pitch sessions: planning, the day, the panel, and who may open which."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import ApplicationState
from grants.calls.models import Stage
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.evaluation.models import (
    Assignment,
    PitchSession,
    PitchSlot,
    PitchState,
    PitchUnavailability,
    ScoreSheet,
    SlotState,
)
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_conflict
from tests.factories.people import make_canton
from tests.factories.pitch import make_pitch_session, make_running, make_slot
from tests.grants.evaluation.test_views import queries_of

SignIn = Callable[[User], FlaskClient]
S = SlotState
KEY = "0123456789abcdef"
JSON = {"Accept": "application/json"}


def entered(evaluator: User, **overrides: str) -> dict[str, object]:
    day = local_day(utcnow() + timedelta(days=3)).isoformat()
    return {
        "canton_code": "1001", "place": "Casa comunal", "starts_at": f"{day}T09:00", "turns": "6",
        "slot_minutes": "8", "break_minutes": "4", "panel": [str(evaluator.id)], **overrides,
    }  # fmt: skip


def levels_for(slot: PitchSlot, level: object = 3, **more: str) -> dict[str, str]:
    criteria = slot.application.rubric.criteria_of(Stage.PITCH)
    return {f"level_{criterion.id}": str(level) for criterion in criteria} | {"key": KEY} | more


def sheets() -> list[tuple[str, list[int]]]:
    db.session.expire_all()
    found = db.session.query(ScoreSheet).order_by(ScoreSheet.id)
    return [(sheet.state.value, sorted(sheet.levels.values())) for sheet in found]


def tap(client: FlaskClient, path: str) -> str:
    """Press a button and read the page that comes after."""
    return client.get(client.post(path).location).text


def state_of(slot: PitchSlot) -> SlotState:
    db.session.expire_all()
    return slot.state


def test_coordinator_plans_a_session_and_gives_out_its_slots(app: Flask, sign_in: SignIn) -> None:
    call, evaluator, client = make_call(), make_user(Role.EVALUATOR), sign_in(make_user(Role.COORDINATOR))
    make_canton("1001")
    application = make_application(call)

    made = client.post(f"/calls/{call.id}/pitch-sessions/new", data=entered(evaluator))
    filled = client.post(f"/calls/{call.id}/pitch-sessions/fill")
    page = client.get(made.location).text

    assert (made.status_code, filled.status_code) == (302, 302)
    assert application.folio in page
    assert "09:00" in page
    assert application.person.first_surname not in page
    assert application.folio not in client.get(f"/calls/{call.id}/pitch-sessions").text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("place", ""), ("place", "a\x00b"), ("place", "x" * 10_000), ("starts_at", "2020-01-01T09:00"),
        ("starts_at", "NaN"), ("turns", "0"), ("turns", "1e999"), ("slot_minutes", "-1"), ("break_minutes", "9" * 400),
        ("canton_code", "9999"), ("panel", "9" * 5000), ("panel", "2147483648"),
    ],
)  # fmt: skip
def test_session_entered_wrongly_gets_a_sentence_beside_the_field(
    app: Flask, sign_in: SignIn, name: str, value: str
) -> None:
    call, evaluator, client = make_call(), make_user(Role.EVALUATOR), sign_in(make_user(Role.COORDINATOR))
    make_canton("1001")

    answer = client.post(f"/calls/{call.id}/pitch-sessions/new", data=entered(evaluator, **{name: value}))

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.query(PitchSession).count() == 0


def test_session_is_changed_until_it_begins(app: Flask, sign_in: SignIn) -> None:
    session, client = make_pitch_session(), sign_in(make_user(Role.COORDINATOR))
    path, data = f"/pitch-sessions/{session.id}/edit", entered(session.panel[0], place="Coliseo")

    assert "Casa comunal El Olivo" in client.get(path).text
    assert client.post(path, data=data).status_code == 302
    db.session.expire_all()
    assert session.place == "Coliseo"
    session.state, session.opened_at = PitchState.RUNNING, utcnow()
    refused = client.post(path, data=entered(session.panel[0], place="Otra"))

    assert (refused.status_code, "notice-bad" in refused.text) == (200, True)
    db.session.expire_all()
    assert session.place == "Coliseo"


def test_second_tap_on_each_button_goes_back_to_the_list_and_changes_nothing(app: Flask, sign_in: SignIn) -> None:
    session, client = make_pitch_session(), sign_in(make_user(Role.COORDINATOR))
    slot = make_slot(session)
    steps = [
        (f"/pitch-sessions/{session.id}/open", S.PLANNED), (f"/pitch-slots/{slot.id}/present", S.PRESENT),
        (f"/pitch-slots/{slot.id}/start", S.PITCHING), (f"/pitch-slots/{slot.id}/put-back", S.PRESENT),
        (f"/pitch-slots/{slot.id}/start", S.PITCHING), (f"/pitch-slots/{slot.id}/end", S.DONE),
        (f"/pitch-sessions/{session.id}/close", S.DONE),
    ]  # fmt: skip

    for path, state in steps:
        first = tap(client, path)
        assert ("notice-good" in first, state_of(slot)) == (True, state), path
        revision = session.revision
        again = tap(client, path)
        assert ("notice-warn" in again, state_of(slot), session.revision) == (True, state, revision), path
    assert session.state is PitchState.CLOSED


def test_absent_late_swapped_and_moved_by_one_tap_each(app: Flask, sign_in: SignIn) -> None:
    session, client = make_running(), sign_in(make_user(Role.COORDINATOR))
    first, second, other = make_slot(session), make_slot(session), make_pitch_session(session.call)

    client.post(f"/pitch-slots/{first.id}/absent")
    assert state_of(first) is S.ABSENT
    client.post(f"/pitch-slots/{first.id}/late")
    late = db.session.query(PitchSlot).filter_by(application_id=first.application_id, state=S.PRESENT).one()
    client.post(f"/pitch-slots/{second.id}/swap", data={"other": late.id, "seen_at": second.position})
    assert (second.position, late.position) == (1, 2)
    stale = client.post(f"/pitch-slots/{second.id}/swap", data={"other": late.id, "seen_at": "2"})
    assert (stale.status_code, "notice-bad" in stale.text, second.position) == (200, True, 1)
    client.post(f"/applications/{second.application_id}/pitch-slot", data={"session": other.id})

    assert state_of(second) is S.MOVED
    assert [slot.application_id for slot in db.session.query(PitchSlot).filter_by(session_id=other.id)] == [
        second.application_id
    ]


def test_swap_and_move_entered_wrongly_change_nothing(app: Flask, sign_in: SignIn) -> None:
    slot, client = make_slot(), sign_in(make_user(Role.COORDINATOR))

    assert client.post(f"/pitch-slots/{slot.id}/swap", data={"other": "9" * 400, "seen_at": "NaN"}).status_code == 200
    assert client.post(f"/applications/{slot.application_id}/pitch-slot", data={"session": "x"}).status_code == 302
    assert (state_of(slot), slot.position) == (S.PLANNED, 1)


def test_session_called_off_frees_who_waits(app: Flask, sign_in: SignIn) -> None:
    slot, client = make_slot(), sign_in(make_user(Role.COORDINATOR))

    page = tap(client, f"/pitch-sessions/{slot.session_id}/call-off")

    assert ("notice-good" in page, state_of(slot)) == (True, S.MOVED)
    assert slot.application.folio in client.get(f"/calls/{slot.session.call_id}/pitch-sessions").text


def test_printed_order_is_a_pdf_without_the_place_in_its_name(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(make_user(Role.COORDINATOR))
    for session in (make_slot().session, make_pitch_session()):
        answer = client.get(f"/pitch-sessions/{session.id}/order")

        assert (answer.status_code, answer.mimetype, answer.data[:5]) == (200, "application/pdf", b"%PDF-")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="orden-pitch-{session.id}.pdf"'


def test_enumerator_notes_when_their_applicant_cannot_come(app: Flask, sign_in: SignIn) -> None:
    rosa = make_user(Role.ENUMERATOR)
    session = make_pitch_session()
    application, of_another = make_application(session.call, created_by=rosa), make_application(session.call)
    client, path = sign_in(rosa), f"/applications/{application.id}/availability"

    assert path in client.get(f"/applications/{application.id}").text
    assert "Casa comunal El Olivo" in client.get(path).text
    assert client.post(path, data={"cannot": session.id}).status_code == 302
    noted = [(row.application_id, row.session_id, row.noted_by_id) for row in db.session.query(PitchUnavailability)]
    wrong = client.post(path, data={"cannot": "9" * 400})

    assert noted == [(application.id, session.id, rosa.id)]
    assert (wrong.status_code, "field-error" in wrong.text) == (200, True)
    assert client.get(f"/applications/{of_another.id}/availability").status_code == 404
    assert client.post(path).status_code == 302
    assert db.session.query(PitchUnavailability).count() == 0


def test_panel_sees_who_pitches_with_the_sheet_in_the_page_and_no_person(app: Flask, sign_in: SignIn) -> None:
    session = make_running()
    coming, now = make_slot(session, state=S.PRESENT), make_slot(session, state=S.PITCHING)
    client = sign_in(session.panel[0])

    page = client.get(f"/pitch-sessions/{session.id}/panel").text

    assert f'action="/pitch-slots/{now.id}/sheet"' in page
    assert "Claridad" in page
    assert "data-timer" in page
    assert now.application.person.first_surname not in page
    chosen = client.get(f"/pitch-sessions/{session.id}/panel?slot={coming.id}").text
    assert f'action="/pitch-slots/{coming.id}/sheet"' in chosen
    assert f"/pitch-sessions/{session.id}/panel" in client.get("/pitch-sessions").text


def test_sheet_sent_twice_with_one_key_is_taken_once_by_page_and_by_module(app: Flask, sign_in: SignIn) -> None:
    slot = make_slot(state=S.PITCHING)
    first, second = (sign_in(one) for one in slot.session.panel)
    path = f"/pitch-slots/{slot.id}/sheet"

    assert first.post(path, data=levels_for(slot, 3)).status_code == 302
    assert first.post(path, data=levels_for(slot, 1)).status_code == 302
    for level in (2, 1):
        answer = second.post(path, data=levels_for(slot, level), headers=JSON)
        assert (answer.status_code, answer.get_json()["is_in"]) == (200, True)

    assert sheets() == [("submitted", [3, 3]), ("submitted", [2, 2])]
    assert "notice-good" in first.get(f"/pitch-sessions/{slot.session_id}/panel").text


def test_sheet_that_is_in_is_not_replaced_under_another_key(app: Flask, sign_in: SignIn) -> None:
    slot = make_slot(state=S.PITCHING)
    client, path = sign_in(slot.session.panel[0]), f"/pitch-slots/{slot.id}/sheet"
    client.post(path, data=levels_for(slot, 3))

    answer = client.post(path, data=levels_for(slot, 1, key="another-key-of-16"), headers=JSON)

    assert (answer.status_code, answer.get_json()["is_in"]) == (422, True)
    assert sheets() == [("submitted", [3, 3])]


def test_sheet_with_a_gap_names_it_beside_the_field_and_stays_a_draft(app: Flask, sign_in: SignIn) -> None:
    slot = make_slot(state=S.PITCHING)
    client, path = sign_in(slot.session.panel[0]), f"/pitch-slots/{slot.id}/sheet"
    data = levels_for(slot, 3, comment="Habla claro")
    missing = next(name for name in data if name.startswith("level_"))
    del data[missing]

    module, page = client.post(path, data=data, headers=JSON), client.post(path, data=data)

    assert module.status_code == 422
    assert list(module.get_json()["errors"]) == [missing]
    assert (page.status_code, "Habla claro" in page.text) == (200, True)
    assert sheets() == [("draft", [3])]


@pytest.mark.parametrize("change", [{"key": ""}, {"key": "x" * 10_000}, {"key": "a\x00b"}, {"comment": "a\x00b"}])
def test_hostile_key_or_comment_gets_a_sentence(app: Flask, sign_in: SignIn, change: dict[str, str]) -> None:
    slot = make_slot(state=S.PITCHING)
    client, path = sign_in(slot.session.panel[0]), f"/pitch-slots/{slot.id}/sheet"

    assert client.post(path, data=levels_for(slot, 3, **change)).status_code == 200
    assert client.post(path, data=levels_for(slot, 3, **change), headers=JSON).status_code == 422
    assert sheets() == []


def test_session_of_another_panel_is_not_found(app: Flask, sign_in: SignIn) -> None:
    slot, stranger = make_slot(state=S.PITCHING), sign_in(make_user(Role.EVALUATOR))
    paths = [f"/pitch-sessions/{slot.session_id}/{page}" for page in ("panel", "state")]

    assert [stranger.get(path).status_code for path in paths] == [404, 404]
    assert stranger.post(f"/pitch-slots/{slot.id}/sheet", data=levels_for(slot)).status_code == 404
    assert sheets() == []
    # Even with a sheet about the application at hand: the slot belongs to its own panel.
    reader = make_user(Role.EVALUATOR)
    db.session.add(
        Assignment(application=slot.application, evaluator=reader, stage=Stage.PITCH, assigned_by_id=reader.id,
                   assigned_at=utcnow())
    )  # fmt: skip
    db.session.flush()
    assert sign_in(reader).post(f"/pitch-slots/{slot.id}/sheet", data=levels_for(slot)).status_code == 404


def test_conflict_hides_the_slot_from_panel_and_runner(app: Flask, sign_in: SignIn) -> None:
    evaluator = make_user(Role.EVALUATOR, Role.COORDINATOR)
    session = make_running(panel=[evaluator])
    slot, other = make_slot(session, state=S.PITCHING), make_slot(session)
    make_conflict(slot.application, evaluator)
    client = sign_in(evaluator)

    panel, run = (client.get(f"/pitch-sessions/{session.id}{page}").text for page in ("/panel", ""))

    assert (slot.application.folio in panel, slot.application.folio in run) == (False, False)
    assert (other.application.folio in panel, other.application.folio in run) == (True, True)
    assert client.post(f"/pitch-slots/{slot.id}/end").status_code == 404
    assert client.post(f"/pitch-slots/{slot.id}/sheet", data=levels_for(slot)).status_code == 404
    assert client.get(f"/pitch-sessions/{session.id}/panel?slot={slot.id}").status_code == 200
    assert state_of(slot) is S.PITCHING


def test_withdrawn_application_has_no_sheet_and_the_runner_sees_why(app: Flask, sign_in: SignIn) -> None:
    session = make_running()
    slot = make_slot(session)
    slot.application.state, slot.application.withdrawn_at = ApplicationState.WITHDRAWN, utcnow()
    slot.application.withdrawal_reason = "Se mudó"
    db.session.flush()
    evaluator, chair = sign_in(session.panel[0]), sign_in(make_user(Role.COORDINATOR))

    panel, run = evaluator.get(f"/pitch-sessions/{session.id}/panel"), chair.get(f"/pitch-sessions/{session.id}")

    assert (panel.status_code, 'data-sheet="' in panel.text) == (200, False)
    assert "badge-bad" in run.text
    assert evaluator.post(f"/pitch-slots/{slot.id}/sheet", data=levels_for(slot)).status_code == 404


def test_phones_hear_of_changes_and_of_nothing_else(app: Flask, sign_in: SignIn) -> None:
    slot = make_slot(state=S.PRESENT)
    evaluator, chair = sign_in(slot.session.panel[0]), sign_in(make_user(Role.COORDINATOR))
    path = f"/pitch-sessions/{slot.session_id}/state"

    first = evaluator.get(path)
    quiet = evaluator.get(path, headers={"If-None-Match": first.headers["ETag"]})
    chair.post(f"/pitch-slots/{slot.id}/start")
    changed = evaluator.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, quiet.status_code, quiet.data, changed.status_code) == (200, 304, b"", 200)
    assert "Date" in quiet.headers
    assert changed.get_json() == {"revision": 1, "state": "running"}
    page = evaluator.get(f"/pitch-sessions/{slot.session_id}/panel").text
    assert json.loads(re.findall(r"data-etag='([^']+)'", page)[0]) == changed.headers["ETag"].strip('"')
    assert chair.get(path).status_code == 200


@pytest.mark.parametrize("number", [1, 3])
def test_pages_cost_the_same_with_one_slot_and_with_three(app: Flask, sign_in: SignIn, number: int) -> None:
    session = make_running()
    for state in (S.PITCHING, S.DONE, S.PLANNED)[:number]:
        make_slot(session, state=state)
    for _n in range(number):
        make_application(session.call)
    chair, evaluator = sign_in(make_user(Role.COORDINATOR)), sign_in(session.panel[0])
    chair.get("/"), evaluator.get("/")

    costs = {
        "sessions": queries_of(chair, f"/calls/{session.call_id}/pitch-sessions"),
        "session": queries_of(chair, f"/pitch-sessions/{session.id}"),
        "mine": queries_of(evaluator, "/pitch-sessions"),
        "panel": queries_of(evaluator, f"/pitch-sessions/{session.id}/panel"),
        "state": queries_of(evaluator, f"/pitch-sessions/{session.id}/state"),
    }

    # A list at most 8, a page at most 15, whatever the number of slots.
    assert costs == {"sessions": 8, "session": 10, "mine": 4, "panel": 15, "state": 3}
