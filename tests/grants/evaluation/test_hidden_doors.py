"""What evaluators open of an application: the files they need, and nothing under a conflict, by any door."""

import io
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.applications.models import Application, ApplicationState, Attachment
from grants.core.clock import utcnow
from grants.core.db import db
from tests.factories.access import make_token, make_user
from tests.factories.applications import make_application
from tests.factories.evaluation import make_assignment, make_conflict
from tests.grants.applications.test_attachments import document, photo

SignIn = Callable[[User], FlaskClient]


def application_with_files(sign_in: SignIn) -> Application:
    """A submitted application with a photo and a PDF whose names tell whose they are."""
    rosa = make_user(Role.ENUMERATOR)
    application, client = make_application(submitted=False, created_by=rosa), sign_in(rosa)
    for name, content in (("Marisol Quintero.jpg", photo()), ("Cédula de Marisol.pdf", document())):
        client.post(f"/applications/{application.id}/attachments", data={"file": (io.BytesIO(content), name)})
    application.state, application.submitted_at = ApplicationState.SUBMITTED, utcnow()
    db.session.commit()
    return application


def test_conflict_closes_every_door_of_the_application(app: Flask, sign_in: SignIn) -> None:
    application, other = application_with_files(sign_in), make_application()
    both, free = make_user(Role.COORDINATOR, Role.EVALUATOR), make_user(Role.COORDINATOR)
    make_conflict(application, both)
    file = db.session.scalars(select(Attachment).order_by(Attachment.id)).first()
    assert file is not None
    doors = [f"/applications/{application.id}{rest}" for rest in ("", "/edit", "/receipt", f"/attachments/{file.id}")]
    posts = [f"/applications/{application.id}/{verb}" for verb in ("withdraw", "autosave", "attachments")]

    closed, opened = sign_in(both), sign_in(free)

    assert [closed.get(door).status_code for door in doors] == [404] * 4
    assert [closed.post(door, data={"reason": "Se mudó"}).status_code for door in posts] == [404] * 3
    assert [opened.get(door).status_code for door in doors] == [200] * 4
    assert application.folio not in closed.get("/applications").text
    assert other.folio in closed.get("/applications").text
    assert application.folio in opened.get("/applications").text
    assert application.folio not in closed.get(f"/people/{application.person_id}").text
    assert f'href="/applications/{application.id}"' in opened.get(f"/people/{application.person_id}").text
    assert closed.get(f"/applications/{other.id}").status_code == 200


def test_conflict_closes_the_api_too(app: Flask) -> None:
    application, other = make_application(), make_application()
    both = make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_conflict(application, both)
    headers = {"Authorization": f"Bearer {make_token(both, Permission.VIEW_APPLICATION)}"}
    client = app.test_client()

    listed = client.get("/api/v1/applications", headers=headers).get_data(as_text=True)

    assert client.get(f"/api/v1/applications/{application.folio}", headers=headers).status_code == 404
    assert client.get(f"/api/v1/applications/{other.folio}", headers=headers).status_code == 200
    assert application.folio not in listed
    assert other.folio in listed


def test_evaluator_downloads_files_under_neutral_names(app: Flask, sign_in: SignIn) -> None:
    application = application_with_files(sign_in)
    assignment = make_assignment(application)
    client = sign_in(assignment.evaluator)
    door = f"/score-sheets/{assignment.id}/attachments"

    page = client.get(f"/score-sheets/{assignment.id}").text
    image, paper = client.get(f"{door}/1"), client.get(f"{door}/2")

    assert f'href="{door}/2"' in page
    assert "Marisol" not in page
    assert (image.mimetype, paper.mimetype) == ("image/jpeg", "application/pdf")
    named = [answer.headers["Content-Disposition"] for answer in (image, paper)]
    assert named == [f"attachment; filename={application.folio}-{n}" for n in ("1.jpg", "2.pdf")]
    assert paper.data.startswith(b"%PDF")
    assert paper.headers["X-Content-Type-Options"] == "nosniff"
    assert [client.get(f"{door}/{number}").status_code for number in (0, 3, 99999999999)] == [404] * 3


def test_files_open_only_with_a_live_assignment_and_no_conflict(app: Flask, sign_in: SignIn) -> None:
    application = application_with_files(sign_in)
    own, ended, recused = (make_assignment(application) for _n in range(3))
    ended.ended_at = utcnow()
    make_conflict(application, recused.evaluator)
    db.session.commit()

    for assignment, reader, status in (
        (own, own.evaluator, 200),
        (own, ended.evaluator, 404),
        (ended, ended.evaluator, 404),
        (recused, recused.evaluator, 404),
    ):
        assert sign_in(reader).get(f"/score-sheets/{assignment.id}/attachments/1").status_code == status
    coordinator = sign_in(make_user(Role.COORDINATOR))
    assert coordinator.get(f"/score-sheets/{own.id}/attachments/1").status_code == 403


def test_removed_file_is_not_counted(app: Flask, sign_in: SignIn) -> None:
    application = application_with_files(sign_in)
    first = db.session.scalars(select(Attachment).order_by(Attachment.id)).first()
    assert first is not None
    first.removed_at, first.file_name_sealed = utcnow(), None
    assignment = make_assignment(application)
    db.session.commit()
    client = sign_in(assignment.evaluator)

    assert client.get(f"/score-sheets/{assignment.id}/attachments/1").mimetype == "application/pdf"
    assert client.get(f"/score-sheets/{assignment.id}/attachments/2").status_code == 404
