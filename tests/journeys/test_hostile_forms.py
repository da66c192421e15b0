"""Whatever is typed into any form, query or address: an answer in words, never a server error."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, got_request_exception
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from grants.access.models import User
from grants.access.permissions import GRANTED, Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.web import RowNumber
from grants.delivery import services as deliveries
from grants.delivery.models import BatchKind, DeliveryState
from grants.delivery.plan_sheet import Line
from grants.delivery.signals import PUBLIC_KEY_FILE
from grants.people.models import ConsentPurpose
from tests.factories.access import make_invitation, make_token, make_user, signed_in_client
from tests.factories.after import make_appeal, make_release
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.delivery import (
    DESK_PUBLIC,
    make_carried,
    make_confirmed,
    make_delivery,
    make_officer,
    make_run,
    stop_at,
)
from tests.factories.desk import make_practice, make_request
from tests.factories.evaluation import make_assignment, make_moderation
from tests.factories.goods import make_correction, make_item, make_kit, make_lot, make_recipe, make_substitution
from tests.factories.outcomes import make_dispute, make_incident, make_returning, make_visit
from tests.factories.papers import make_batch
from tests.factories.people import make_consent, make_consent_text, make_document, make_person, make_phone
from tests.factories.pitch import make_running, make_slot
from tests.factories.risk import make_held_on_the_road, make_hub, make_lowering, make_permit
from tests.factories.road import make_case, make_notice
from tests.factories.selection import make_award, make_selection
from tests.factories.training import make_course, make_enrolment

HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "spaces": b"   ",
    "NUL": b"a%00b",
    "only NUL": b"%00",
    "long": b"x" * 10_000,
    "full-width digits": "１２３".encode(),
    "superscript": "²".encode(),
    "beyond a float": b"1e999",
    "NaN": b"NaN",
    "negative": b"-1",
    "400 digits": b"9" * 400,
    "5,000 digits": b"9" * 5000,
    "2**31": b"2147483648",
    "2**63": b"9223372036854775808",
    "markup": b"<script>alert(1)</script>",
    "half a surrogate pair": b"%ED%A0%80",
    "half a word": b"%C3",
    "formula": b"=1+1",
    "first day": b"0001-01-01",
    "last day": b"9999-12-31",
    "no day": b"31/02/2026",
    "first moment": b"0001-01-01T00:00",
    "last moment": b"9999-12-31T23:59",
    "unknown choice": b"nonsense",
    "right to left": "\u202eabc".encode(),
}
IDS = ("0", str(2**31 - 1), str(2**31), str(2**63), str(10**40), "9" * 5000, "１")
QUERIES = ("after", "state", "call_id", "year", "folio", "dimension", "value", "show", "institution", "format", "with",
           "action", "next", "sex", "group", "canton", "name", "stage", "sort", "apart", "page", "q", "do",
           "step", "day", "since", "product", "figure", "slot", "kind", "amount", "months")  # fmt: skip
MARKERS = (b"~", b"x~1", b"%00~1", b"-1~-1", b"9" * 5000 + b"~1", "１~１".encode(), b"9999-99-99~1")


class Fields(HTMLParser):
    """The names of a page's fields, by the address their form is sent to."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._open: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "form" and (known.get("method") or "").lower() == "post":
            self._open = self.forms.setdefault(known.get("action") or "", {})
        elif self._open is not None and known.get("name") and tag in ("input", "select", "textarea", "button"):
            self._open.setdefault(str(known["name"]), known.get("value") or "1")
        elif self._open and tag == "option" and known.get("value"):
            self._open[list(self._open)[-1]] = str(known["value"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@dataclass
class World:
    """One row behind each kind of id, and for each role somebody who may see it."""

    app: Flask
    ids: dict[str, object]
    by_endpoint: dict[str, object]
    users: dict[Role, User]
    failures: list[str]
    at: str = ""
    clients: dict[int, FlaskClient] = field(default_factory=dict)

    def user_for(self, rule: Rule) -> User | None:
        """Somebody who may; None where nobody has to sign in."""
        needed = getattr(self.app.view_functions[rule.endpoint], "permissions", frozenset())
        if not needed or Permission.PUBLIC in needed:
            return None
        roles = [role for role in self.users if needed & (GRANTED[role] | {Permission.SIGNED_IN})]
        return self.users[roles[0]]

    def client_for(self, rule: Rule) -> FlaskClient:
        """A browser for the rule; pages about one's own account may end the session, so theirs is new each time."""
        user = self.user_for(rule)
        if user is None:
            return self.app.test_client()
        if rule.endpoint.startswith("access.") or user.id not in self.clients:
            self.clients[user.id] = signed_in_client(self.app, user)
        return self.clients[user.id]

    def path(self, rule: Rule) -> str:
        values = {name: self.value(rule, name) for name in rule.arguments}
        if rule.endpoint in self.by_endpoint:
            values["delivery_id" if "delivery_id" in values else "application_id"] = self.by_endpoint[rule.endpoint]
        with self.app.test_request_context():
            return rule.build(values, append_unknown=False)[1]  # type: ignore[index]

    def value(self, rule: Rule, name: str) -> object:
        """What stands in this place of an address: the row made for it, else the first of its kind."""
        value = self.ids.get(name, 1)
        is_number = isinstance(rule._converters[name], RowNumber)
        return 1 if is_number and not isinstance(value, int) else value

    def send(self, client: FlaskClient, method: str, path: str, what: str, **more: Any) -> Any:
        """Send it; a server error is kept with what caused it."""
        self.at = f"{method} {path[:80]} with {what}"
        answer = client.open(path, method=method, **more)
        if answer.status_code >= 500 and answer.status_code != 503:
            self.failures.append(f"{self.at}: {answer.status_code}")
        return answer

    def note(self, _sender: Any, exception: Exception, **_more: Any) -> None:
        self.failures.append(f"{self.at}: {type(exception).__name__}: {str(exception)[:160]}")


@pytest.fixture
def world(real_app: Flask) -> Iterator[World]:
    (Path(real_app.instance_path) / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
    real_app.config["PROPAGATE_EXCEPTIONS"] = False
    made = build(real_app)
    got_request_exception.connect(made.note)
    yield made
    got_request_exception.disconnect(made.note)
    real_app.config["PROPAGATE_EXCEPTIONS"] = None
    (Path(real_app.instance_path) / PUBLIC_KEY_FILE).unlink()


def build(app: Flask) -> World:
    users = {role: make_user(role) for role in (Role.COORDINATOR, Role.ENUMERATOR, Role.EVALUATOR, Role.WAREHOUSE,
                                                 Role.MONITORING, Role.AUDITOR, Role.ADMINISTRATOR, Role.DESK,
                                                 Role.DIRECTOR)}  # fmt: skip
    institution = make_institution()
    users[Role.LIAISON], users[Role.OFFICER] = make_liaison(institution), make_officer()
    person, award, call = make_person(), make_award(), make_call()
    for purpose in ConsentPurpose:
        make_consent_text(purpose)
    draft = make_application(call, person, submitted=False, created_by=users[Role.COORDINATOR])
    assignment = make_assignment(evaluator=users[Role.EVALUATOR])
    carried = make_carried(DeliveryState.IN_TRANSIT, officer=users[Role.OFFICER])
    standing = make_carried(officer=users[Role.OFFICER], at=utcnow() - timedelta(hours=2))  # a code works once
    returning, handed_over = make_returning().delivery, make_confirmed().delivery
    told = make_award()
    make_release(told.selection)
    appeal = make_appeal(told.application, panel=(users[Role.EVALUATOR], users[Role.COORDINATOR]))
    session = make_running(panel=[users[Role.EVALUATOR]])
    slot, _other = make_slot(session), make_slot(session)
    lot = make_lot(make_item(needs_serial=True))
    _invited, link = make_invitation()
    _api = make_token(users[Role.COORDINATOR], Permission.VIEW_CALL)
    asked, practice = make_request(now=utcnow() - timedelta(minutes=11)), make_practice(users[Role.OFFICER])
    ids = {
        "person_id": person.id, "call_id": call.id, "application_id": draft.id, "assignment_id": assignment.id,
        "award_id": award.id, "selection_id": make_selection().id, "course_id": make_enrolment(make_course()).course_id,
        "delivery_id": make_delivery().id, "institution_id": institution.id, "programme_id": call.programme_id,
        "referral_id": make_referral(institution=institution).id, "user_id": make_user(Role.EVALUATOR).id,
        "linkage_id": make_linkage(institution=institution).id, "consent_id": make_consent(person).id,
        "document_id": make_document(person).id, "point_id": make_phone(person).id, "post_id": 1, "token_id": 1,
        "appeal_id": appeal.id, "dispute_id": make_dispute().id, "visit_id": make_visit().id,
        "incident_id": make_incident().id, "flag_id": 1,
        "session_id": 1, "reset_id": 1, "attachment_id": 1, "token": link, "step": "disbursed", "code": "1.2b",
        "number": "x", "folio": draft.folio, "filename": "x",
        "request_id": asked.id, "drill_id": practice.drill_id, "practice_id": practice.id,
        "moderation_id": make_moderation().id, "pitch_session_id": session.id, "slot_id": slot.id,
        "batch_id": make_batch(BatchKind.CARDS, by=users[Role.COORDINATOR]).id,
        "item_id": lot.item_id, "lot_id": lot.id, "supplier_id": lot.supplier_id, "recipe_id": make_recipe().id,
        "line_id": make_kit((make_item(), 1)).lines[0].id, "substitution_id": make_substitution().id,
        "correction_id": make_correction().id, "notice_id": make_notice().id, "case_id": make_case().id,
    }  # fmt: skip
    run, kit = make_run(), make_delivery(DeliveryState.CLEARED)
    deliveries.schedule(kit, run, stop_at(utcnow()), by=users[Role.COORDINATOR], now=utcnow())
    row = Line(2, {"folio": kit.folio})
    kept = deliveries.preview_import(award.selection.call, [row], by=users[Role.COORDINATOR], now=utcnow())
    ids |= {"run_id": run.id, "team_id": run.team_id, "vehicle_id": run.vehicle_id, "import_id": kept.id}
    approved, packed, sealed = (
        make_delivery(state).id for state in (DeliveryState.APPROVED, DeliveryState.PACKED, DeliveryState.SEALED)
    )
    by_endpoint: dict[str, object] = {
        "delivery.pack": approved, "delivery.seal": packed, "delivery.way": sealed, "delivery.ask_field": sealed,
        "delivery.move_stop": kit.id, "delivery.take_off": kit.id, "delivery.clear": sealed,
        "delivery.take_back": returning.id, "delivery.sign_return": returning.id,
        "delivery.arrive": carried.delivery.id,
        "delivery.turn_back": carried.delivery.id, "delivery.handover": standing.delivery.id,
        "delivery.otherwise": standing.delivery.id, "delivery.nobody_came": standing.delivery.id,
        "delivery.refused": standing.delivery.id, "delivery.partial": standing.delivery.id,
        "delivery.taken": standing.delivery.id, "delivery.seized": standing.delivery.id,
        "delivery.open_dispute": handed_over.id, "delivery.compare": handed_over.id,
        "delivery.reconcile": handed_over.id, "delivery.close": handed_over.id,
        "delivery.phone_code": standing.delivery.id,
        "delivery.add_photo": standing.delivery.id,
        "selection.result": told.application_id, "selection.issue_code": told.application_id,
        "selection.mail_code": told.application_id, "selection.told": told.application_id,
        "selection.file_appeal": told.application_id,
    }  # fmt: skip
    world_of_risk(ids, by_endpoint)
    db.session.commit()
    return World(app, ids, by_endpoint, users, [])


def world_of_risk(ids: dict[str, object], by_endpoint: dict[str, object]) -> None:
    """A canton with a level to sign, a hub, a permit to sign and a held kit on the road."""
    lowering, permit, held = make_lowering(), make_permit(), make_held_on_the_road()
    ids |= {
        "canton_code": lowering.canton_code, "snapshot_id": lowering.id, "permit_id": permit.id,
        "hub_id": make_hub().id,
    }  # fmt: skip
    by_endpoint["delivery.receive"] = held.id


def pages(app: Flask, method: str) -> list[Rule]:
    """The routes outside the API that answer this method; those with a page of their own come first."""
    rules = [
        rule for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and not rule.rule.startswith("/api/") and "static" not in rule.endpoint
    ]  # fmt: skip
    return sorted(rules, key=lambda rule: ("GET" not in (rule.methods or ()), rule.rule))


def known_fields(world: World) -> dict[str, dict[str, str]]:
    """The fields of every form on every page, by the path the form is sent to."""
    found: dict[str, dict[str, str]] = {}
    for rule in pages(world.app, "GET"):
        path = world.path(rule)
        answer = world.send(world.client_for(rule), "GET", path, "its own ids")
        if answer.mimetype != "text/html":
            continue
        reader = Fields()
        reader.feed(answer.text)
        for action, fields in reader.forms.items():
            found.setdefault(action.partition("?")[0] or path, {}).update(fields)
    return found


def form_body(fields: dict[str, bytes]) -> bytes:
    return b"&".join(quote(name).encode() + b"=" + value for name, value in fields.items())


def post(world: World, client: FlaskClient, path: str, what: str, fields: dict[str, bytes]) -> None:
    world.send(client, "POST", path, what, data=form_body(fields), content_type="application/x-www-form-urlencoded")


GENERIC = dict.fromkeys(
    ["reason", "state", "stage", "evaluator", "due_on", "folios", "completed_on", "done-1", "grade-1", "comment",
     "conflict_reason", "amendment_reason", "language", "next", "folio", "code", "kind", "revision", "text", "q"], "1"
)  # fmt: skip
# Buttons alone; which of them a page shows depends on how far a pitch session is.
ONLY_BUTTONS = re.compile(r"/pitch-(slots|sessions)/")
WORST = ("NUL",)
# An address is read by a few shared functions: these are what they could stumble over.
HARD_TO_READ = ("NUL", "long", "full-width digits", "superscript", "5,000 digits", "2**63", "half a surrogate pair",
                "last day")  # fmt: skip
# Of these, what reaches a query and is refused there.
HARD_FOR_POSTGRESQL = ("NUL", "5,000 digits", "2**63", "half a surrogate pair")
# PostgreSQL refuses most of what is odd; these are what Python's driver of SQLite itself stumbles over.
HARD_FOR_SQLITE = ("NUL", "long", "5,000 digits", "2**63", "half a surrogate pair", "beyond a float", "last moment")


def test_no_form_breaks_on_what_is_typed(world: World) -> None:
    forms = known_fields(world)
    for rule in pages(world.app, "POST"):
        path, client = world.path(rule), world.client_for(rule)
        usual = forms.get(path) or ({"csrf_token": "1"} if ONLY_BUTTONS.match(rule.rule) else GENERIC)
        type_hostile_values(world, client, path, usual)
        if is_sqlite():  # the shape of a body is read before any database is asked
            send_odd_shapes(world, client, path, usual)
    assert len(forms) > 40
    assert world.failures == []


def is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def type_hostile_values(world: World, client: FlaskClient, path: str, usual: dict[str, str]) -> None:
    """Each hostile value in all fields at once, and the worst in one field with the others as they were."""
    plain = {name: quote(value).encode() for name, value in usual.items()}
    for name in HARD_FOR_SQLITE if is_sqlite() else HOSTILE:
        post(world, client, path, f"{name} everywhere", dict.fromkeys(usual, HOSTILE[name]))
    if is_sqlite():
        return
    for one in usual:
        for name in WORST:
            post(world, client, path, f"{name} as {one}", {**plain, one: HOSTILE[name]})


def send_odd_shapes(world: World, client: FlaskClient, path: str, usual: dict[str, str]) -> None:
    """Fields missing, unknown, in arrays or twice; other content types; a file with a strange name."""
    plain = {name: quote(value).encode() for name, value in usual.items()}
    post(world, client, path, "nothing", {})
    post(world, client, path, "unknown fields", {**plain, "unknown": b"1", "\0": b"%00", "items-99999-name": b"x"})
    post(world, client, path, "arrays", {f"{field}{end}": b"1" for field in usual for end in ("[]", "-0")})
    twice = form_body(plain) + b"&" + form_body(plain)
    world.send(client, "POST", path, "all twice", data=twice, content_type="application/x-www-form-urlencoded")
    for content_type in ("application/json", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain"):
        world.send(client, "POST", path, content_type, data=b"[" * 5000, content_type=content_type)
    numbers = b'{"%s": [1, {"a": null}], "days": 5, "reason": 5}' % next(iter(usual)).encode()
    world.send(client, "POST", path, "JSON", data=numbers, content_type="application/json")
    upload = {**usual, "file": (BytesIO(b"%PDF-\0"), "\u202e/../x.pdf")}
    world.send(client, "POST", path, "a strange file", data=upload)


def test_no_query_breaks_a_page(world: World) -> None:
    for rule in pages(world.app, "GET"):
        client, path = world.client_for(rule), world.path(rule)
        hostile = [(name, HOSTILE[name]) for name in (HARD_TO_READ if is_sqlite() else HARD_FOR_POSTGRESQL)]
        for name, value in [*hostile, *((str(marker[:12]), marker) for marker in MARKERS)]:
            world.send(
                client, "GET", f"{path}?" + form_body(dict.fromkeys(QUERIES, value)).decode(), f"{name} as query"
            )
    assert world.failures == []


def test_no_id_breaks_a_page(world: World) -> None:
    wrong = []
    for method in ("GET", "POST"):
        for rule in pages(world.app, method):
            client = world.client_for(rule)
            numbers = [name for name in rule.arguments if name.endswith("_id")]
            for name in numbers:
                for number in IDS:
                    odd = rule_path(rule, world, name, number)
                    answer = world.send(client, method, odd, f"{name} {number[:12]}")
                    if answer.status_code != 404:
                        wrong.append((method, rule.rule, name, number[:12], answer.status_code))
            if not numbers and rule.arguments:
                for value in ("%00", "%ED%A0%80", "x" * 5000, "%F0%9F%98%80", "-1"):
                    odd = re.sub("<[^>]+>", value, rule.rule)
                    world.send(client, method, odd, f"{value[:12]} in the path")
    assert world.failures == []
    assert wrong == []


def rule_path(rule: Rule, world: World, name: str, number: str) -> str:
    """The rule's path with a number in one place."""
    path = rule.rule
    for argument in rule.arguments:
        value = number if argument == name else str(world.value(rule, argument))
        path = re.sub(rf"<(\w+:)?{argument}>", value, path)
    return path
