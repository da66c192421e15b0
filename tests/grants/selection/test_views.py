"""The pages of selection: who is in and why, signatures, awards."""

import io
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import Engine, event

from grants.access.models import User
from grants.access.permissions import GRANTED, Permission, Role
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import db
from grants.selection import services
from grants.selection.models import Award, AwardState, Selection, SelectionState, WaitingListEntry
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_reviews
from tests.factories.selection import make_award, make_selection, make_waiting
from tests.pairs import masked

SignIn = Callable[[User], FlaskClient]


def scored_call(levels: tuple[int, ...] = (4, 3, 1), places: int = 2) -> Call:
    call = make_call(places=places, budget_usd=Decimal("700.00") * places)
    for level in levels:
        make_reviews(make_application(call), plan=level, pitch=level)
    return call


def simulated(call: Call) -> Selection:
    return services.simulate(call, by=make_user(Role.COORDINATOR), now=utcnow())


def state_of(selection: Selection) -> str:
    db.session.expire_all()
    return db.session.get_one(Selection, selection.id).state.value


def queries_of(client: FlaskClient, path: str) -> int:
    statements: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(statements)


def test_from_simulation_to_awards_through_the_pages(app: Flask, sign_in: SignIn) -> None:
    call = scored_call()
    author, first, second = (sign_in(make_user(Role.COORDINATOR)) for _n in range(3))

    assert author.post(f"/calls/{call.id}/selections").status_code == 302
    run = db.session.query(Selection).one()
    path = f"/selections/{run.id}"
    assert author.post(f"{path}/propose").status_code == 302
    assert author.post(f"{path}/approve").status_code == 200  # refused: made by herself
    assert state_of(run) == "proposed"
    assert first.post(f"{path}/approve").status_code == 302
    assert author.post(f"{path}/publish").status_code == 200  # refused: one signature is missing
    assert second.post(f"{path}/approve").status_code == 302
    assert author.post(f"{path}/publish").status_code == 302

    assert state_of(run) == "published"
    assert db.session.query(Award).count() == 2
    assert db.session.query(WaitingListEntry).count() == 1
    page = author.get(f"/calls/{call.id}/awards").text
    assert all(award.application.folio in page for award in db.session.query(Award))
    assert author.get(f"/calls/{call.id}/waiting-list").status_code == 200


def test_run_page_shows_points_cut_and_why_and_says_it_is_a_simulation(app: Flask, sign_in: SignIn) -> None:
    """Levels 4, 3 and 1 of 4 everywhere are 100, 75 and 25 points; with two places the cut line is at 75."""
    run = simulated(scored_call())
    client = sign_in(make_user(Role.COORDINATOR))

    page = client.get(f"/selections/{run.id}", headers={"Accept-Language": "en"}).text

    assert "This is a simulation: it binds nobody." in page
    assert "In: its 75.00 points reach the cut line of 75.00." in page
    assert "Number 1 on the waiting list: its 25.00 points are below the cut line of 75.00." in page


def test_unranked_applications_say_what_is_missing(app: Flask, sign_in: SignIn) -> None:
    call = scored_call()
    short = make_application(call)
    make_reviews(short, reviews=1)
    run = simulated(call)

    page = (
        sign_in(make_user(Role.MONITORING))
        .get(f"/selections/{run.id}?show=not_ranked", headers={"Accept-Language": "en"})
        .text
    )

    assert short.folio in page
    assert "it has 2 whole sheets of the 4 that are needed" in page


def test_coordinator_who_still_owes_a_sheet_sees_no_points(app: Flask, sign_in: SignIn) -> None:
    call = scored_call((3, 3), places=1)
    run = simulated(call)
    me = make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_assignment(run.rows[0].application, me)
    client = sign_in(me)

    page = masked(client.get(f"/selections/{run.id}").data).decode()

    # As a number of its own: a folio, a hash or somebody's name may hold these digits.
    assert re.search(r"(?<![0-9A-Za-z])75(?![0-9A-Za-z])", page) is None
    assert run.rows[0].application.folio not in page
    assert client.post(f"/calls/{call.id}/selections").status_code == 200
    assert db.session.query(Selection).count() == 1


def test_act_names_folios_points_signatures_and_hash(app: Flask, sign_in: SignIn) -> None:
    run = simulated(scored_call())
    client = sign_in(make_user(Role.AUDITOR))
    assert client.get(f"/selections/{run.id}/act").status_code == 409
    services.propose(run, by=make_user(Role.COORDINATOR), now=utcnow())
    signers = [make_user(Role.COORDINATOR, name=f"Firmante {letter}") for letter in "AB"]
    for signer in signers:
        services.approve(run, by=signer, now=utcnow())

    answer = client.get(f"/selections/{run.id}/act")

    assert answer.mimetype == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    compact = "".join(text.split())
    assert run.inputs_hash in compact
    assert "FirmanteA" in compact
    assert "75,00" in compact
    for row in run.rows:
        assert row.application.folio in compact
        assert row.application.person.first_surname not in compact


def test_award_is_declined_with_a_reason_and_the_next_moves_up(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    entry = make_waiting(award.selection)
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/awards/{award.id}"
    assert entry.application.folio in client.get(path).text

    assert client.post(f"{path}/end", data={"state": "declined", "reason": "Se mudó"}).status_code == 302

    db.session.expire_all()
    assert award.state is AwardState.DECLINED
    promoted = db.session.query(Award).filter_by(replaces_id=award.id).one()
    assert promoted.application_id == entry.application_id
    assert "Se mudó" in client.get(path).text
    assert award.application.folio in client.get(f"/awards/{promoted.id}").text
    again = client.post(f"{path}/end", data={"state": "withdrawn", "reason": "Otra vez"})
    assert again.status_code == 200
    assert db.session.query(Award).count() == 2


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"state": "active", "reason": "x"},
        {"state": "declined", "reason": ""},
        {"state": "declined", "reason": "  "},
        {"state": "declined", "reason": "a\x00b"},
        {"state": "declined", "reason": "x" * 10_000},
        {"state": "9" * 5000, "reason": "x"},
    ],
)
def test_hostile_end_of_an_award_gets_a_sentence(app: Flask, sign_in: SignIn, data: dict[str, str]) -> None:
    award = make_award()

    answer = sign_in(make_user(Role.COORDINATOR)).post(f"/awards/{award.id}/end", data=data)

    assert answer.status_code == 200
    assert "field-error" in answer.text
    db.session.expire_all()
    assert award.state is AwardState.ACTIVE


def test_conflict_hides_an_award_and_its_venture(app: Flask, sign_in: SignIn) -> None:
    award, me = make_award(), make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_conflict(award.application, me)
    client = sign_in(me)

    assert client.get(f"/awards/{award.id}").status_code == 404
    assert client.post(f"/awards/{award.id}/end", data={"state": "declined", "reason": "x"}).status_code == 404
    for path in (f"/calls/{award.selection.call_id}/awards", f"/selections/{award.selection_id}"):
        assert "La Espiga" not in client.get(path).text
    assert award.state is AwardState.ACTIVE


@pytest.mark.parametrize("number", [999_999, 10**12, 10**30])
def test_what_does_not_exist_is_not_found(app: Flask, sign_in: SignIn, number: int) -> None:
    client = sign_in(make_user(Role.COORDINATOR))

    for path in ("/selections/{}", "/selections/{}/act", "/awards/{}", "/calls/{}/awards", "/calls/{}/waiting-list"):
        assert client.get(path.format(number)).status_code == 404
    assert client.post(f"/calls/{number}/selections").status_code == 404
    assert client.get(f"/selections?call_id={number}").status_code == 404


@pytest.mark.parametrize("after", ["x", "~", "1~", "9" * 40 + "~1", "\x00~1", "1~1"])
def test_strange_page_marker_is_no_error(app: Flask, sign_in: SignIn, after: str) -> None:
    run = simulated(scored_call())
    client = sign_in(make_user(Role.COORDINATOR))

    for path in ("/selections", f"/selections/{run.id}", f"/calls/{run.call_id}/awards"):
        assert client.get(path, query_string={"after": after}).status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_roles_open_what_the_table_grants(app: Flask, sign_in: SignIn, role: Role) -> None:
    award = make_award()
    run = make_selection(award.application.call, state=SelectionState.SIMULATED)
    client, granted = sign_in(make_user(role)), GRANTED[role]
    reads = (f"/selections/{run.id}", "/selections", f"/calls/{run.call_id}/awards", f"/awards/{award.id}")
    writes = (f"/calls/{run.call_id}/selections", f"/selections/{run.id}/propose", f"/selections/{run.id}/discard",
              f"/selections/{run.id}/publish", f"/awards/{award.id}/end")  # fmt: skip

    for path in reads:
        assert (client.get(path).status_code == 200) == (Permission.VIEW_SELECTION in granted)
    if Permission.RUN_SELECTION not in granted:
        for path in (*writes, f"/selections/{run.id}/approve"):
            assert client.post(path).status_code == 403
        assert state_of(run) == "simulated"


def test_lists_cost_the_same_with_one_row_and_with_three(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    call = award.application.call
    make_waiting(award.selection)
    client = sign_in(make_user(Role.COORDINATOR))
    paths = (
        "/selections",
        f"/selections/{award.selection_id}",
        f"/calls/{call.id}/awards",
        f"/calls/{call.id}/waiting-list",
    )
    one = [queries_of(client, path) for path in paths]

    for _n in range(2):
        make_award(call=call)
        make_waiting(award.selection)
        make_selection(call, state=SelectionState.SIMULATED)

    assert [queries_of(client, path) for path in paths] == one
    assert max(one[0], one[2], one[3]) <= 8
    assert one[1] <= 12


def test_award_page_stays_within_its_queries(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    make_waiting(award.selection)

    assert queries_of(sign_in(make_user(Role.COORDINATOR)), f"/awards/{award.id}") <= 15
