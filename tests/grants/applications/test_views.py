import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import event, func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState, BusinessPlan
from grants.core.clock import utcnow
from grants.core.db import db
from grants.people.models import Consent
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.people import make_consent, make_consent_text, make_person

SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def rosa(app: Flask) -> User:
    return make_user(Role.ENUMERATOR)


@pytest.fixture
def client(sign_in: SignIn, rosa: User) -> FlaskClient:
    return sign_in(rosa)


@pytest.fixture
def draft(rosa: User) -> Application:
    application = make_application(submitted=False, created_by=rosa, complete=False)
    make_consent(application.person)
    return application


def plan_form(**overrides: Any) -> dict[str, Any]:
    form: dict[str, Any] = {
        "revision": "0",
        "venture": "Peluquería Norte",
        "sector": "S",
        "is_existing": "yes",
        "description": "Cortes y peinados.",
        "customers": "Vecinas.",
        "monthly_sales_usd": "150,50",
        "jobs": "2",
        "items-0-name": "Secadora",
        "items-0-quantity": "2",
        "items-0-unit_price_usd": "49.99",
        "items-1-name": "",
        "items-1-quantity": "",
        "items-1-unit_price_usd": "",
    }
    return {**form, **overrides}


def plan_of(application: Application) -> BusinessPlan:
    return db.session.scalars(select(BusinessPlan).where(BusinessPlan.application_id == application.id)).one()


def test_application_goes_from_start_to_receipt(app: Flask, client: FlaskClient) -> None:
    call, person = make_call(), make_person()
    make_consent_text()
    db.session.commit()

    answer = client.post(f"/applications/start/{person.id}", data={"call_id": call.id})
    application = db.session.scalars(select(Application)).one()
    assert answer.location.endswith(f"/applications/{application.id}/edit")
    answer = client.post(f"/applications/{application.id}/edit", data=plan_form(check="1"))
    assert answer.location.endswith(f"/applications/{application.id}/submit")
    assert "Texto sobre grant." in client.get(answer.location).text
    refused = client.post(f"/applications/{application.id}/submit", data={})
    assert "field-error" in refused.text
    answer = client.post(f"/applications/{application.id}/submit", data={"consents": "y"})
    assert answer.location.endswith(f"/applications/{application.id}")
    again = client.post(f"/applications/{application.id}/submit", data={"consents": "y"})
    assert again.location == answer.location

    db.session.refresh(application)
    assert application.state is ApplicationState.SUBMITTED
    assert db.session.scalar(select(func.count(Consent.id))) == 1
    words = PdfReader(io.BytesIO(client.get(f"/applications/{application.id}/receipt").data)).pages[0].extract_text()
    assert application.folio in words
    assert "Peluquería Norte" in words
    assert "USD 99,98" in words  # 2 × 49.99
    assert person.first_surname not in words


def test_draft_keeps_what_is_unfinished(app: Flask, client: FlaskClient, draft: Application) -> None:
    answer = client.post(f"/applications/{draft.id}/edit", data={"revision": "0", "venture": "Peluquería"})

    assert answer.status_code == 302
    plan = plan_of(draft)
    assert (plan.venture, plan.sector, plan.jobs, plan.items) == ("Peluquería", None, None, [])


@pytest.mark.parametrize(("field", "value"), [
    ("monthly_sales_usd", "1e999"), ("monthly_sales_usd", "NaN"), ("monthly_sales_usd", "-1"),
    ("monthly_sales_usd", "Infinity"), ("monthly_sales_usd", "9" * 10000), ("jobs", "2.5"), ("jobs", "9" * 400),
    ("jobs", "٣"), ("sector", "Z"), ("sector", "\x00"), ("is_existing", "maybe"), ("venture", "a\x00b"),
    ("venture", "x" * 10000), ("description", "x" * 10000), ("customers", "\x00"), ("items-0-quantity", "0"),
    ("items-0-quantity", "1000000"), ("items-0-unit_price_usd", "0"), ("items-0-unit_price_usd", "doce"),
    ("items-0-unit_price_usd", ""), ("items-0-name", ""), ("items-0-name", "\x00"), ("revision", "x"),
])  # fmt: skip
def test_malformed_value_stays_on_the_page_with_a_sentence(
    app: Flask, client: FlaskClient, draft: Application, field: str, value: str
) -> None:
    answer = client.post(f"/applications/{draft.id}/edit", data=plan_form(**{field: value}))

    assert answer.status_code in (200, 409)
    assert "notice-bad" in answer.text
    assert "Cortes y peinados." in answer.text or field == "description"
    assert plan_of(draft).revision == 0


def test_forty_first_item_is_not_swallowed(app: Flask, client: FlaskClient, draft: Application) -> None:
    rows = {f"items-{n}-{part}": value for n in range(45)
            for part, value in (("name", f"Cosa {n}"), ("quantity", "1"), ("unit_price_usd", "1"))}  # fmt: skip

    answer = client.post(f"/applications/{draft.id}/edit", data=plan_form(**rows))

    assert len(plan_of(draft).items) == 0
    assert answer.status_code == 200


def test_adding_rows_saves_nothing_and_keeps_the_text(app: Flask, client: FlaskClient, draft: Application) -> None:
    answer = client.post(f"/applications/{draft.id}/edit", data=plan_form(add_row="1"))

    assert answer.text.count("data-item>") == 5  # two that were there and three new ones
    assert "Cortes y peinados." in answer.text
    assert plan_of(draft).revision == 0


def test_page_shows_the_total_and_what_is_left(app: Flask, client: FlaskClient, draft: Application) -> None:
    client.post(f"/applications/{draft.id}/edit", data=plan_form())

    page = client.get(f"/applications/{draft.id}/edit").text

    assert "USD 99,98" in page
    assert "USD 600,02" in page  # 700.00 − 99.98


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_saved_answer_is_shown_as_chosen(app: Flask, client: FlaskClient, draft: Application, answer: str) -> None:
    client.post(f"/applications/{draft.id}/edit", data=plan_form(is_existing=answer))

    page = client.get(f"/applications/{draft.id}/edit").text

    (chosen,) = [line for line in page.splitlines() if "checked" in line]
    assert f'value="{answer}"' in chosen


def test_save_over_a_newer_text_shows_both(app: Flask, client: FlaskClient, draft: Application) -> None:
    client.post(f"/applications/{draft.id}/edit", data=plan_form(venture="Del otro teléfono"))

    answer = client.post(f"/applications/{draft.id}/edit", data=plan_form(venture="De este teléfono"))

    assert answer.status_code == 409
    assert "Del otro teléfono" in answer.text
    assert "De este teléfono" in answer.text
    assert 'value="1"' in answer.text  # the revision to save over
    assert plan_of(draft).venture == "Del otro teléfono"
    client.post(f"/applications/{draft.id}/edit", data=plan_form(venture="De este teléfono", revision="1"))
    assert (plan_of(draft).venture, plan_of(draft).revision) == ("De este teléfono", 2)


def test_autosave_answers_in_json(app: Flask, client: FlaskClient, draft: Application) -> None:
    path = f"/applications/{draft.id}/autosave"

    saved = client.post(path, data=plan_form())
    stale = client.post(path, data=plan_form())
    wrong = client.post(path, data=plan_form(revision="1", jobs="muchos"))

    assert (saved.status_code, saved.json["status"], saved.json["revision"]) == (200, "saved", 1)
    assert (stale.status_code, stale.json["status"]) == (409, "stale")
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["jobs"])
    assert plan_of(draft).revision == 1


def test_autosave_of_a_submitted_application_is_refused(app: Flask, client: FlaskClient, rosa: User) -> None:
    application = make_application(created_by=rosa)

    answer = client.post(f"/applications/{application.id}/autosave", data=plan_form())

    assert (answer.status_code, answer.json["status"]) == (409, "refused")
    assert plan_of(application).venture == "Panadería La Espiga"


def test_second_application_links_to_the_first(app: Flask, client: FlaskClient, draft: Application) -> None:
    answer = client.post(f"/applications/start/{draft.person_id}", data={"call_id": draft.call_id})

    assert answer.status_code == 200
    assert f"/applications/{draft.id}" in answer.text
    assert db.session.scalar(select(func.count(Application.id))) == 1


def test_checklist_says_what_is_missing(app: Flask, client: FlaskClient, draft: Application) -> None:
    page = client.get(f"/applications/{draft.id}/submit").text

    assert page.count("<li>") >= 8
    client.post(f"/applications/{draft.id}/submit", data={})
    assert db.session.get_one(Application, draft.id).state is ApplicationState.DRAFT


def test_late_submission_is_refused_and_kept(app: Flask, client: FlaskClient, rosa: User) -> None:
    call = make_call(opens_at=utcnow() - timedelta(days=9), closes_at=utcnow() - timedelta(minutes=1))
    application = make_application(call, submitted=False, created_by=rosa)
    make_consent(application.person)

    answer = client.post(f"/applications/{application.id}/submit", data={})

    assert "notice-bad" in answer.text
    assert plan_of(application).venture == "Panadería La Espiga"
    assert db.session.get_one(Application, application.id).submitted_at is None


def test_withdrawing_needs_a_reason(app: Flask, client: FlaskClient, draft: Application) -> None:
    refused = client.post(f"/applications/{draft.id}/withdraw", data={"reason": " "})
    assert "field-error" in refused.text
    assert db.session.get_one(Application, draft.id).state is ApplicationState.DRAFT

    client.post(f"/applications/{draft.id}/withdraw", data={"reason": "Se muda"})
    assert "Se muda" in client.get(f"/applications/{draft.id}").text


def test_strangers_find_nothing(app: Flask, sign_in: SignIn, draft: Application) -> None:
    stranger = sign_in(make_user(Role.ENUMERATOR))

    for path in ("", "/edit", "/submit", "/receipt"):
        assert stranger.get(f"/applications/{draft.id}{path}").status_code == 404
    for path in ("/edit", "/autosave", "/submit", "/withdraw"):
        assert stranger.post(f"/applications/{draft.id}{path}", data=plan_form()).status_code == 404
    assert draft.folio not in stranger.get("/applications").text
    assert plan_of(draft).revision == 0


def test_monitoring_reads_and_changes_nothing(app: Flask, sign_in: SignIn, draft: Application) -> None:
    reader = sign_in(make_user(Role.MONITORING))

    assert reader.get(f"/applications/{draft.id}").status_code == 200
    assert reader.post(f"/applications/{draft.id}/edit", data=plan_form()).status_code == 403
    assert plan_of(draft).revision == 0


def test_search_by_folio_forgives_how_it_is_typed(app: Flask, client: FlaskClient, draft: Application) -> None:
    typed = draft.folio.lower().replace("-", " ")

    assert client.get("/applications/search", query_string={"folio": typed}).location.endswith(f"/{draft.id}")
    assert client.get("/applications/search?folio=%00").location.endswith("/applications")


def test_list_is_narrowed_by_call_and_state(app: Flask, client: FlaskClient, rosa: User) -> None:
    first, second = make_application(created_by=rosa), make_application(created_by=rosa, submitted=False)

    page = client.get(f"/applications?call_id={first.call_id}&state=submitted").text
    assert first.folio in page
    assert second.folio not in page
    for odd in ("call_id=x&state=y", "call_id=99999999999999", "after=%00~1", "call_id=%D9%A3", "state=%00"):
        assert client.get(f"/applications?{odd}").status_code == 200


def test_drafts_page_shows_when_each_call_closes(app: Flask, client: FlaskClient, draft: Application) -> None:
    assert draft.folio in client.get("/applications/drafts").text


def test_receipt_is_verified_in_public_without_names(
    app: Flask, visitor: FlaskClient, rosa: User, draft: Application
) -> None:
    application = make_application(created_by=rosa)

    page = visitor.get(f"/applications/receipts/{application.folio}")

    assert page.status_code == 200
    assert application.call.code in page.text
    for private in (application.person.full_name, application.person.folio, application.plan.venture):
        assert private not in page.text
    for unknown in (draft.folio, "A-000000000", "%00", "x" * 300):
        assert visitor.get(f"/applications/receipts/{unknown}").status_code == 404


def queries_of(client: FlaskClient, path: str) -> int:
    seen: list[str] = []

    def note(*args: Any) -> None:
        if args[2].lstrip().upper().startswith("SELECT"):
            seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize("path", ["/applications", "/applications/drafts"])
def test_lists_cost_the_same_with_one_row_and_with_many(app: Flask, client: FlaskClient, rosa: User, path: str) -> None:
    make_application(created_by=rosa, submitted=False)
    one = queries_of(client, path)
    for _n in range(2):
        make_application(created_by=rosa, submitted=False)

    assert queries_of(client, path) == one
    assert one <= 8


def test_pages_cost_at_most_fifteen_queries(app: Flask, client: FlaskClient, draft: Application) -> None:
    assert max(queries_of(client, f"/applications/{draft.id}{page}") for page in ("", "/edit", "/submit")) <= 15
