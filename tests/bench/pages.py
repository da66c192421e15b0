"""Which pages are measured, and beside which floor."""

from collections.abc import Iterator

from flask import Flask
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.db import db
from grants.evaluation.models import Assignment
from grants.people.models import Person
from grants.selection.models import Selection
from tests.bench import flows
from tests.bench.costs import Cost, cost_of, get
from tests.bench.floor import floor_client
from tests.factories.access import make_user, signed_in_client

Measure = tuple[str, Cost, Cost]


def measures(app: Flask) -> Iterator[Measure]:
    """All of them, reading first, since writing adds rows."""
    call = db.session.scalars(select(Call)).one()
    middle = _middle(call)
    bare = floor_client(db.engine, middle.id)
    floors = {name: cost_of(get(bare, f"/{name}")) for name in ("list", "page", "sheet")}
    for name, cost in floors.items():
        yield f"floor: {name}", cost, cost
    yield from _lists(app, call, middle, floors["list"])
    yield from _pages(app, call, middle, floors)
    yield from _acts(app, call, floors["page"])


def _lists(app: Flask, call: Call, middle: Application, floor: Cost) -> Iterator[Measure]:
    client = signed_in_client(app, make_user(Role.COORDINATOR))
    person = db.session.get_one(Person, middle.person_id)
    paths = {
        "list: first page": f"/applications?call_id={call.id}",
        "list: deep page": f"/applications?call_id={call.id}&after={middle.folio}~{middle.id}",
        "list: filter": f"/applications?call_id={call.id}&state=submitted",
        "list: all calls": "/applications",
        "people: first page": "/people/",
        "people: deep page": f"/people/?after={person.folio}~{person.id}",
        "board: first page": f"/calls/{call.id}/evaluation",
        "selections": "/selections",
        "selection: first page": f"/selections/{db.session.scalar(select(Selection.id))}",
        "deliveries": "/deliveries/",
        "linkages": "/linkages",
    }
    for name, path in paths.items():
        yield name, cost_of(get(client, path)), floor


def _pages(app: Flask, call: Call, middle: Application, floors: dict[str, Cost]) -> Iterator[Measure]:
    client = signed_in_client(app, make_user(Role.COORDINATOR))
    task = db.session.scalars(select(Assignment).where(Assignment.application_id == middle.id).limit(1)).one()
    reader = signed_in_client(app, db.session.get_one(User, task.evaluator_id))
    yield "application page", cost_of(get(client, f"/applications/{middle.id}")), floors["page"]
    yield "score sheet", cost_of(get(reader, f"/score-sheets/{task.id}")), floors["sheet"]
    yield "my sheets", cost_of(get(reader, "/score-sheets")), floors["list"]
    yield "home of a coordinator", cost_of(get(client, "/")), floors["page"]
    yield "home of an evaluator", cost_of(get(reader, "/")), floors["page"]
    registrar = signed_in_client(app, db.session.get_one(User, middle.person.registered_by_id))
    yield "home of an enumerator", cost_of(get(registrar, "/")), floors["page"]
    yield "person", cost_of(get(client, f"/people/{middle.person_id}")), floors["page"]
    yield "call", cost_of(get(client, f"/calls/{call.id}")), floors["page"]


def _acts(app: Flask, call: Call, floor: Cost) -> Iterator[Measure]:
    yield "submit a score sheet", cost_of(flows.submit_sheets(app, call), 302), floor
    yield "submit an application", cost_of(flows.submit_applications(app, call), 302), floor
    yield "confirm a handover", cost_of(flows.confirm_handovers(app, call)), floor
    yield "sign-in: password", cost_of(flows.passwords_right(app), 302), floor
    yield "sign-in: code", cost_of(flows.codes_right(app), 302), floor


def _middle(call: Call) -> Application:
    """The application half-way down the list."""
    mine = select(Application).where(Application.call_id == call.id)
    half = (db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0) // 2
    return db.session.scalars(mine.order_by(Application.folio).offset(half).limit(1)).one()
