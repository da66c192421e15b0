"""Doors of letters, results and appeals: the happy path, and that a refusal changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from sqlalchemy import event

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.evaluation.models import Moderation
from grants.people.folio import new_folio
from grants.people.models import ContactPoint
from grants.selection.models import Appeal, Letter, LetterRelease, ResultCode
from tests.factories.access import make_user
from tests.factories.after import letter_for, make_appeal, make_code, make_email, make_release, messages
from tests.factories.applications import make_application
from tests.factories.evaluation import make_conflict, make_sheet
from tests.factories.selection import make_award, make_selection, make_waiting
from tests.grants.selection.test_appeals import upheld_with_places

SignIn = Callable[[User], FlaskClient]
ENGLISH = {"Accept-Language": "en"}


def opened(visitor: FlaskClient, application: Any) -> FlaskClient:
    code = make_code(application)
    answer = visitor.post("/my-result", data={"folio": application.folio, "code": code}, headers=ENGLISH)
    assert answer.status_code == 302
    return visitor


def test_coordinator_previews_and_releases_all_letters(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    make_waiting(award.selection)
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/selections/{award.selection_id}/letters"

    preview = client.get(path, headers=ENGLISH)
    assert "Your application was selected." in preview.text
    assert db.session.query(Letter).count() == 0

    answer = client.post(f"{path}/release", data={"appeal_days": "10", "decision_days": "15"}, headers=ENGLISH)
    again = client.post(f"{path}/release", data={"appeal_days": "10", "decision_days": "15"}, headers=ENGLISH)

    assert answer.status_code == 302
    assert "released already" in again.text
    assert db.session.query(Letter).count() == 2
    assert client.get(path, headers=ENGLISH).text.count("Not yet") == 2


@pytest.mark.parametrize("days", ["", "0", "61", "-1", "1e3", "１０", "9" * 5000, "\x00"])
def test_odd_days_are_refused_beside_the_field(app: Flask, sign_in: SignIn, days: str) -> None:
    award = make_award()
    client = sign_in(make_user(Role.COORDINATOR))

    typed = {"appeal_days": days, "decision_days": "15"}
    answer = client.post(f"/selections/{award.selection_id}/letters/release", data=typed, headers=ENGLISH)

    assert answer.status_code == 200
    assert "between 1 and 60 days" in answer.text
    assert db.session.query(LetterRelease).count() == 0


def test_monitoring_reads_but_does_not_release(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    client, path = sign_in(make_user(Role.MONITORING)), f"/selections/{award.selection_id}/letters"

    assert client.get(path).status_code == 200
    assert client.post(f"{path}/release", data={"appeal_days": "10", "decision_days": "15"}).status_code == 403
    assert db.session.query(LetterRelease).count() == 0


def test_notices_are_one_sheet_each_without_names(app: Flask, sign_in: SignIn) -> None:
    from io import BytesIO

    from pypdf import PdfReader

    award = make_award()
    entry = make_waiting(award.selection)
    make_release(award.selection)
    client = sign_in(make_user(Role.COORDINATOR))

    answer = client.get(f"/selections/{award.selection_id}/letters/notices")

    pages = [page.extract_text() for page in PdfReader(BytesIO(answer.data)).pages]
    folios = sorted([award.application.folio, entry.application.folio])
    assert [[folio for folio in folios if folio in page] for page in pages] == [[folio] for folio in folios]
    assert award.application.person.first_surname not in "".join(pages)


def test_enumerator_issues_a_code_and_records_telling(app: Flask, sign_in: SignIn) -> None:
    enumerator = make_user(Role.ENUMERATOR)
    award = make_award(application=make_application(created_by=enumerator))
    make_release(award.selection)
    client, path = sign_in(enumerator), f"/applications/{award.application_id}/result"

    assert award.application.folio in client.get("/").text
    page = client.get(path, headers=ENGLISH)
    shown = client.post(f"{path}/code", headers=ENGLISH)
    client.post(f"{path}/told")
    assert award.application.folio not in client.get("/").text

    assert "selected" not in page.text
    assert "Result and code" in client.get(f"/applications/{award.application_id}", headers=ENGLISH).text
    code = shown.text.split('class="code-shown"><strong>')[1].split("<")[0]
    assert code not in client.get(path).text
    assert letter_for(award.application).told_by_id == enumerator.id
    answer = app.test_client().post("/my-result", data={"folio": award.application.folio, "code": code})
    assert answer.location.endswith("/my-result/evaluation")


def test_result_of_somebody_elses_application_is_not_there(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    make_release(award.selection)
    coordinator = make_user(Role.COORDINATOR)
    make_conflict(award.application, coordinator)

    for user in (make_user(Role.ENUMERATOR), coordinator):
        client = sign_in(user)
        for path in ("", "/code", "/told"):
            method = client.post if path else client.get
            assert method(f"/applications/{award.application_id}/result{path}").status_code == 404

    assert db.session.query(ResultCode).count() == 0


def test_applicant_reads_points_levels_and_comments_without_names(app: Flask, visitor: FlaskClient) -> None:
    award = make_award()
    evaluator = make_user(Role.EVALUATOR)
    sheet = make_sheet(award.application, evaluator, Stage.PLAN, [4, 2, 3], comment="Buen conocimiento del barrio.")
    sheet.scores[1].comment = "Faltan precios."
    db.session.flush()
    award.selection.created_at = utcnow()
    make_release(award.selection)

    page = opened(visitor, award.application).get("/my-result/evaluation", headers=ENGLISH)

    # 50 % × 4/4 + 30 % × 2/4 + 20 % × 3/4 = 50 + 15 + 15 = 80 points
    for expected in ("80", "Muy bien", "Suficiente", "Faltan precios.", "Buen conocimiento del barrio.", "Viabilidad"):
        assert expected in page.text
    assert evaluator.name not in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_sheets_of_other_applications_and_later_ones_are_not_shown(app: Flask, visitor: FlaskClient) -> None:
    award = make_award()
    other = make_award(application=make_application(award.application.call))
    make_sheet(other.application, comment="De otra persona.")
    award.selection.created_at = utcnow()
    make_sheet(award.application, comment="Después de la corrida.", submitted_at=utcnow())
    make_release(award.selection)

    page = opened(visitor, award.application).get("/my-result/evaluation")

    assert "De otra persona." not in page.text
    assert "Después de la corrida." not in page.text
    assert other.application.folio not in page.text


def test_unknown_folio_and_wrong_code_get_the_same_answer(app: Flask, visitor: FlaskClient) -> None:
    award = make_award()
    make_release(award.selection)
    make_code(award.application)

    known, unknown = (
        app.test_client().post("/my-result", data={"folio": folio, "code": "0000-0000-0000"}, headers=ENGLISH)
        for folio in (award.application.folio, new_folio("A"))
    )

    assert (known.status_code, len(known.data)) == (unknown.status_code, len(unknown.data))
    assert dict(known.headers).keys() == dict(unknown.headers).keys()
    assert "open nothing" in known.text


def test_unknown_folio_costs_the_same_statements(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)
    make_code(award.application)
    db.session.commit()
    counted = []
    for folio in (award.application.folio, new_folio("A")):
        statements: list[str] = []

        def note(_c: Any, _cur: Any, statement: str, *_rest: Any, into: list[str] = statements) -> None:
            into.append(statement.split()[0])

        event.listen(db.engine, "before_cursor_execute", note)
        app.test_client().post("/my-result", data={"folio": folio, "code": "0000-0000-0000"})
        event.remove(db.engine, "before_cursor_execute", note)
        counted.append(statements)
    assert counted[0] == counted[1]


@pytest.mark.parametrize("typed", ["", " ", "\x00", "x" * 41, "\ud800", "１２３"])
def test_odd_codes_are_refused_in_words(app: Flask, visitor: FlaskClient, typed: str) -> None:
    body = typed.encode("utf-8", "surrogatepass")

    answer = visitor.post("/my-result", data={"folio": body, "code": body}, headers=ENGLISH)

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text


def test_page_is_closed_without_a_code_and_after_closing(app: Flask, visitor: FlaskClient) -> None:
    award = make_award()
    make_release(award.selection)
    assert visitor.get("/my-result/evaluation").location.endswith("/my-result")

    opened(visitor, award.application).post("/my-result/close")

    assert visitor.get("/my-result/evaluation").location.endswith("/my-result")
    assert visitor.post("/my-result/appeal", data={"text": "Tarde"}).location.endswith("/my-result")
    assert db.session.query(Appeal).count() == 0


@pytest.mark.parametrize("typed", [b"\x00", b"x" * 10_000, b"   "], ids=["NUL", "long", "blank"])
def test_odd_appeals_are_refused_in_words(app: Flask, visitor: FlaskClient, typed: bytes) -> None:
    award = make_award()
    make_release(award.selection)

    answer = opened(visitor, award.application).post("/my-result/appeal", data={"text": typed}, headers=ENGLISH)

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert db.session.query(Appeal).count() == 0


def test_applicant_appeals_once_from_their_page(app: Flask, visitor: FlaskClient) -> None:
    award = make_award()
    make_release(award.selection)
    opened(visitor, award.application)

    empty = visitor.post("/my-result/appeal", data={"text": " "}, headers=ENGLISH)
    assert "in your own words" in empty.text
    visitor.post("/my-result/appeal", data={"text": "No leyeron mi plan."})
    again = visitor.post("/my-result/appeal", data={"text": "Otra vez."}, headers=ENGLISH)

    appeal = db.session.query(Appeal).one()
    assert (appeal.text, appeal.filed_by_id, appeal.is_late) == ("No leyeron mi plan.", None, False)
    assert "received already" in again.text
    assert appeal.folio in visitor.get("/my-result/evaluation").text


def test_coordinator_writes_an_appeal_down_and_names_its_panel(app: Flask, sign_in: SignIn) -> None:
    award, coordinator = make_award(), make_user(Role.COORDINATOR)
    make_release(award.selection)
    first, second = make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)
    client = sign_in(coordinator)

    filed = client.post(f"/applications/{award.application_id}/appeal", data={"text": "Dice que no leyeron."})
    appeal = db.session.query(Appeal).one()
    client.post(f"/appeals/{appeal.id}/panel", data={"people": [first.id, second.id]})

    assert filed.location.endswith(f"/appeals/{appeal.id}")
    assert (appeal.filed_by_id, [one.user_id for one in appeal.panel]) == (coordinator.id, [first.id, second.id])
    assert appeal.folio in client.get("/", headers=ENGLISH).text


def test_panel_of_somebody_with_a_part_is_refused(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    scorer = make_user(Role.EVALUATOR)
    make_sheet(award.application, scorer)
    make_release(award.selection)
    appeal = make_appeal(award.application)

    answer = sign_in(make_user(Role.COORDINATOR)).post(
        f"/appeals/{appeal.id}/panel", data={"people": [scorer.id, make_user(Role.EVALUATOR).id]}
    )

    assert answer.status_code == 200
    db.session.expire_all()
    assert appeal.panel == []


def test_panel_decides_and_the_applicant_reads_the_answer(app: Flask, sign_in: SignIn, visitor: FlaskClient) -> None:
    award = make_award()
    make_release(award.selection)
    first, second = make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)
    appeal = make_appeal(award.application, panel=(first, second))
    path = f"/appeals/{appeal.id}"

    client = sign_in(first)
    assert "No leyeron mi plan." in client.get(path).text
    client.post(f"{path}/decision", data={"outcome": "partly", "answer": "Se leyó, pero falta un comentario."})
    refused = client.post(f"{path}/confirm", data={"proposal": "1"}, headers=ENGLISH)
    assert "cannot confirm" in refused.text
    sign_in(second).post(f"{path}/confirm", data={"proposal": "1"})

    db.session.expire_all()
    assert (appeal.outcome, appeal.decided_by_id) == ("partly", second.id)
    assert "falta un comentario" in opened(visitor, award.application).get("/my-result/evaluation").text


def test_appeal_is_closed_to_those_who_do_not_hear_it(app: Flask, sign_in: SignIn) -> None:
    appeal = make_appeal(panel=(make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)))
    evaluator, auditor = sign_in(make_user(Role.EVALUATOR)), sign_in(make_user(Role.AUDITOR))
    coordinator = sign_in(make_user(Role.COORDINATOR))

    assert evaluator.get(f"/appeals/{appeal.id}").status_code == 404
    assert "No leyeron" not in auditor.get(f"/appeals/{appeal.id}").text
    decision = {"outcome": "rejected", "answer": "No."}
    assert coordinator.post(f"/appeals/{appeal.id}/decision", data=decision).status_code == 404
    assert coordinator.post(f"/appeals/{appeal.id}/place").status_code == 200
    db.session.expire_all()
    assert (appeal.outcome, appeal.award_id) == (None, None)


def counted_queries(action: Callable[[], Any]) -> int:
    statements: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert action().status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(statements)


def test_lists_cost_the_same_with_one_and_with_three(app: Flask, sign_in: SignIn) -> None:
    selection, client = make_selection(), sign_in(make_user(Role.COORDINATOR))
    make_award(application=make_application(selection.call))
    release = make_release(selection)
    make_appeal(db.session.query(Letter).one().application)
    paths = (f"/selections/{selection.id}/letters", "/appeals")
    before = [counted_queries(lambda path=path: client.get(path)) for path in paths]

    for _n in range(2):
        award = make_award(application=make_application(selection.call))
        letter = Letter(release=release, application=award.application, kind="chosen", channel="in_person",
                        language="es", created_at=utcnow())  # fmt: skip
        letter.body = "x"
        db.session.add(letter)
        db.session.flush()
        make_appeal(award.application)

    assert [counted_queries(lambda path=path: client.get(path)) for path in paths] == before
    assert max(before) <= 8


def test_code_goes_by_mail_to_a_verified_address_only(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    make_email(award.application.person)
    make_release(award.selection)
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/applications/{award.application_id}/result"

    assert client.post(f"{path}/code-by-mail").status_code == 302
    db.session.query(ContactPoint).update({"failed_on": utcnow().date()})
    refused = client.post(f"{path}/code-by-mail", headers=ENGLISH)

    assert "in person" in refused.text
    assert len(messages("result_code")) == 1


def test_upheld_appeal_leads_the_coordinator_to_a_moderation(app: Flask, sign_in: SignIn) -> None:
    appeal = upheld_with_places(1)
    stage = Stage.PLAN
    for _n in range(2):
        make_sheet(appeal.application, make_user(Role.EVALUATOR), stage)
    client = sign_in(make_user(Role.COORDINATOR))

    page = client.get(f"/appeals/{appeal.id}")
    with app.test_request_context():
        address = url_for("evaluation.open_moderation", application_id=appeal.application_id, _external=False)
    assert address in page.text
    client.post(address, data={"stage": "plan"})

    opened_ones = db.session.query(Moderation).filter_by(application_id=appeal.application_id).all()
    assert [(one.stage, len(one.replies)) for one in opened_ones] == [(stage, 2)]
