"""Movements of credits for programs."""

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit import queries
from grants.credit.models import CreditMovement, Linkage, LinkageRequestKey, LinkageState, MovementKind, Source
from grants.credit.services import Movement
from grants.credit.services.programs import log_movement_once
from tests.factories.access import make_token
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.grants.credit.test_api import make_token as header_of
from tests.grants.credit.test_races import THREADS, at_once

LIST = "/api/v1/linkages"


def credit(state: LinkageState = LinkageState.DISBURSED) -> Linkage:
    """850.00 dollars, disbursed 30 days ago, 12 months at 25.12 % nominal."""
    return make_linkage(state=state)


def token_of(linkage: Linkage) -> dict[str, str]:
    return {**header_of(make_liaison(linkage.institution), Permission.LOG_LINKAGE), "Accept-Language": "en"}


def send(app: Flask, linkage: Linkage, token: dict[str, str], key: str = "k-1", **body: Any) -> Any:
    body = {"happened_on": local_day(utcnow()).isoformat(), **body}
    path = f"{LIST}/{linkage.folio}/movements"
    return app.test_client().post(path, headers={**token, "Idempotency-Key": key}, json=body)


def rows(linkage: Linkage) -> int:
    return db.session.query(CreditMovement).filter_by(linkage_id=linkage.id).count()


def test_a_repayment_lowers_what_is_owed_by_its_principal(app: Flask) -> None:
    linkage = credit()
    token = token_of(linkage)

    answer = send(app, linkage, token, kind="repayment", amount_usd="85.00", principal_usd="70.00",
                  interest_usd="14.50", other_usd="0.50", reference="R-1")  # fmt: skip
    now = app.test_client().get(f"{LIST}/{linkage.folio}", headers=token).json

    assert answer.status_code == 201
    assert (answer.json["linkage"], answer.json["amount_usd"], answer.json["reference"]) == (
        linkage.folio,
        "85.00",
        "R-1",
    )
    # 850.00 − 70.00
    assert (now["outstanding_usd"], now["state"]) == ("780.00", "repaying")
    assert now["reported_on"] == local_day(utcnow()).isoformat()
    assert db.session.query(CreditMovement).filter_by(reference="R-1").one().source is Source.API


def test_a_credit_is_reported_from_a_part_to_its_write_off_and_recovery(app: Flask) -> None:
    linkage = credit()
    token = token_of(linkage)
    terms = {"instalments": 6, "first_due_on": (local_day(utcnow()) + timedelta(days=30)).isoformat(),
             "rate_percent": "15.6", "rate_kind": "nominal", "method": "german", "frequency": "monthly"}  # fmt: skip
    told = [
        {"kind": "disbursement", "amount_usd": "150.00", "net_usd": "149.00"},  # 1000.00 owed
        {"kind": "balance", "balance_usd": "900.00", "days_late": 0, "overdue_usd": "0.00"},
        {"kind": "restructure", "balance_usd": "900.00", "terms": terms},
        {"kind": "write_off", "amount_usd": "900.00"},
        {"kind": "recovery", "amount_usd": "50.00"},
    ]
    answers, owed = [], []
    for number, body in enumerate(told):
        answers.append(send(app, linkage, token, f"k-{number}", **body))
        owed.append(app.test_client().get(f"{LIST}/{linkage.folio}", headers=token).json["outstanding_usd"])

    assert [answer.status_code for answer in answers] == [201] * 5
    assert owed == ["1000.00", "900.00", "900.00", "0.00", "0.00"]
    assert answers[2].json["rate_percent"] == "15.6000"
    listed = app.test_client().get(f"{LIST}/{linkage.folio}/movements", headers=token).json["items"]
    assert [one["kind"] for one in listed] == ["disbursement", *(body["kind"] for body in told)]
    assert {one["reversed_at"] for one in listed} == {None}


def test_the_same_key_and_body_bring_the_first_answer_again(app: Flask) -> None:
    linkage = credit()
    token, body = token_of(linkage), {"kind": "repayment", "amount_usd": "85.00"}
    terms = {**TERMS, "first_due_on": (local_day(utcnow()) + timedelta(days=30)).isoformat()}

    first, again = (send(app, linkage, token, **body) for _n in range(2))
    new, repeated = (send(app, linkage, token, "k-2", kind="restructure", balance_usd="700.00", terms=terms)
                     for _n in range(2))  # fmt: skip

    assert (first.status_code, again.status_code, new.status_code, repeated.status_code) == (201,) * 4
    assert first.data == again.data
    assert new.data == repeated.data
    assert rows(linkage) == 3  # with the disbursement


def test_another_body_another_row_or_another_door_under_the_key_is_refused(app: Flask) -> None:
    linkage = credit()
    other = make_linkage(make_referral(institution=linkage.institution), state=LinkageState.DISBURSED)
    on_its_way = make_linkage(make_referral(institution=linkage.institution))
    token, body = token_of(linkage), {"kind": "repayment", "amount_usd": "85.00"}
    first_step = {"to_state": "contacted", "happened_on": local_day(utcnow()).isoformat()}
    assert send(app, linkage, token, **body).status_code == 201

    different = send(app, linkage, token, kind="repayment", amount_usd="85.01")
    elsewhere = send(app, other, token, **body)
    step = app.test_client().post(f"{LIST}/{on_its_way.folio}/events", headers={**token, "Idempotency-Key": "k-1"},
                                  json=first_step)  # fmt: skip

    for answer in (different, elsewhere, step):
        assert answer.status_code == 422
        assert list(answer.json["errors"]["headers"]) == ["Idempotency-Key"]
    assert (rows(linkage), rows(other)) == (2, 1)


def test_a_key_of_a_step_is_not_one_of_a_movement(app: Flask) -> None:
    linkage = make_linkage()
    token, day = token_of(linkage), local_day(utcnow()).isoformat()
    step = {"to_state": "contacted", "happened_on": day}
    client, header = app.test_client(), {**token, "Idempotency-Key": "k-1"}
    assert client.post(f"{LIST}/{linkage.folio}/events", headers=header, json=step).status_code == 201
    assert send(app, linkage, token, kind="repayment", amount_usd="1.00").status_code == 422


def test_a_movement_without_a_key_is_refused(app: Flask) -> None:
    linkage = credit()
    body = {"kind": "repayment", "amount_usd": "85.00", "happened_on": local_day(utcnow()).isoformat()}
    answer = app.test_client().post(f"{LIST}/{linkage.folio}/movements", headers=token_of(linkage), json=body)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json["errors"]["headers"]
    assert rows(linkage) == 1


def test_a_refused_movement_leaves_its_key_free(app: Flask) -> None:
    linkage = credit()
    token = token_of(linkage)
    refused = send(app, linkage, token, kind="recovery", amount_usd="85.00")
    taken = send(app, linkage, token, kind="repayment", amount_usd="85.00")
    assert (refused.status_code, taken.status_code) == (409, 201)


TERMS = {"instalments": 6, "first_due_on": "2027-01-31", "rate_percent": "15.6", "rate_kind": "nominal",
         "method": "german", "frequency": "monthly"}  # fmt: skip
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"kind": "repayment"}, "amount_usd"),
    ({"kind": "repayment", "amount_usd": "0.00"}, "amount_usd"),
    ({"kind": "repayment", "amount_usd": "5.00", "balance_usd": "1.00"}, "balance_usd"),
    ({"kind": "repayment", "amount_usd": "5.00", "interest_usd": "5.00"}, "principal_usd"),
    ({"kind": "repayment", "amount_usd": "5.00", "principal_usd": "6.00"}, "principal_usd"),
    ({"kind": "repayment", "amount_usd": "5.00", "principal_usd": "4.00", "interest_usd": "0.99"}, "principal_usd"),
    ({"kind": "repayment", "amount_usd": "5.00", "terms": TERMS}, "terms"),
    ({"kind": "balance"}, "balance_usd"),
    ({"kind": "balance", "balance_usd": "5.00", "overdue_usd": "5.01"}, "overdue_usd"),
    ({"kind": "balance", "balance_usd": "5.00", "amount_usd": "5.00"}, "amount_usd"),
    ({"kind": "restructure", "balance_usd": "5.00"}, "terms"),
    ({"kind": "restructure", "terms": TERMS}, "balance_usd"),
    ({"kind": "disbursement", "amount_usd": "5.00", "net_usd": "5.01"}, "net_usd"),
    ({"kind": "disbursement", "amount_usd": "5.00", "net_usd": "0.00"}, "net_usd"),
    ({"kind": "write_off", "balance_usd": "5.00"}, "amount_usd"),
    ({"kind": "repayment", "amount_usd": "5.00", "happened_on": "2099-01-01"}, "happened_on"),
    ({"kind": "repayment", "amount_usd": "5.00", "happened_on": "2001-01-01"}, "happened_on"),
]  # fmt: skip


@pytest.mark.parametrize("amount", ["1.00\n", "1.00 ", "1.0", "1,00"])
def test_an_amount_has_nothing_after_it(app: Flask, amount: str) -> None:
    linkage = credit()
    answer = send(app, linkage, token_of(linkage), kind="repayment", amount_usd=amount)
    assert (answer.status_code, list(answer.json["errors"]["json"])) == (422, ["amount_usd"])


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b" " * (1024 * 1024 + 1), 413)], ids=["empty", "too large"])
def test_a_body_is_one_document_of_a_mebibyte_at_most(app: Flask, body: bytes, status: int) -> None:
    linkage = credit()
    headers = {**token_of(linkage), "Idempotency-Key": "k-1"}
    answer = app.test_client().post(f"{LIST}/{linkage.folio}/movements", data=body, headers=headers,
                                    content_type="application/json")  # fmt: skip
    assert (answer.status_code, answer.json["code"]) == (status, status)


@pytest.mark.parametrize(("body", "field"), BROKEN)
def test_a_movement_that_does_not_fit_is_refused_with_its_member(app: Flask, body: dict[str, Any], field: str) -> None:
    linkage = credit()
    answer = send(app, linkage, token_of(linkage), **body)
    assert (answer.status_code, answer.json["field"]) == (409, field)
    assert rows(linkage) == 1
    assert db.session.query(LinkageRequestKey).count() == 0


HOSTILE: list[dict[str, Any]] = [
    {},
    {"kind": "refund", "amount_usd": "5.00"},
    {"kind": "repayment", "amount_usd": 5.00},
    {"kind": "repayment", "amount_usd": "5,00"},
    {"kind": "repayment", "amount_usd": "-5.00"},
    {"kind": "repayment", "amount_usd": "1.234"},
    {"kind": "repayment", "amount_usd": "1e308"},
    {"kind": "repayment", "amount_usd": "99999999.00"},
    {"kind": "repayment", "amount_usd": "5.00", "reference": "=1+1"},
    {"kind": "repayment", "amount_usd": "5.00", "happened_on": "05/01/2026"},
    {"kind": "balance", "balance_usd": "5.00", "days_late": -1},
    {"kind": "balance", "balance_usd": "5.00", "days_late": True},
    {"kind": "balance", "balance_usd": "5.00", "days_late": 10**30},
    {"kind": "restructure", "balance_usd": "5.00", "terms": {**TERMS, "instalments": 601}},
    {"kind": "restructure", "balance_usd": "5.00", "terms": {**TERMS, "rate_percent": "101"}},
    {"kind": "restructure", "balance_usd": "5.00", "terms": {}},
    {"kind": "repayment", "amount_usd": "5.00", "source": "visit"},
]


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_bodies_are_refused_with_the_member_named(app: Flask, body: dict[str, Any]) -> None:
    linkage = credit()
    answer = send(app, linkage, token_of(linkage), **body)
    assert answer.status_code == 422
    assert answer.json["errors"]["json"]
    assert rows(linkage) == 1


@pytest.mark.parametrize("happened_on", ["0001-01-01", "9999-12-31"])
def test_new_instalments_at_the_edge_of_the_calendar_are_refused(app: Flask, happened_on: str) -> None:
    linkage = credit()
    terms = {**TERMS, "first_due_on": happened_on, "instalments": 600}
    answer = send(app, linkage, token_of(linkage), kind="restructure", balance_usd="5.00", terms=terms)
    assert (answer.status_code, answer.json["field"]) == (409, "terms")


def test_more_than_is_owed_is_no_server_error(app: Flask) -> None:
    for body in ({"kind": "repayment", "amount_usd": "9999999.99"}, {"kind": "write_off", "amount_usd": "9999999.99"},
                 {"kind": "balance", "balance_usd": "9999999.99"}):  # fmt: skip
        linkage = credit()
        answer = send(app, linkage, token_of(linkage), **body)
        assert answer.status_code in {201, 409}
        assert db.session.get(Linkage, linkage.id).outstanding_usd >= 0


def test_a_receipt_number_serves_once_in_an_institution_and_again_in_another(app: Flask) -> None:
    mine, theirs = credit(), credit()
    body = {"kind": "repayment", "amount_usd": "5.00", "reference": "9041"}
    token = token_of(mine)

    first, second = send(app, mine, token, "a", **body), send(app, mine, token, "b", **body)
    elsewhere = send(app, theirs, token_of(theirs), **body)

    assert (first.status_code, second.status_code, elsewhere.status_code) == (201, 409, 201)
    assert second.json["field"] == "reference"


def test_pages_of_movements_go_on_where_the_last_ended(app: Flask) -> None:
    linkage = credit()
    token = token_of(linkage)
    client, path = app.test_client(), f"{LIST}/{linkage.folio}/movements"
    for number in range(26):
        assert send(app, linkage, token, f"k-{number}", kind="repayment", amount_usd="1.00").status_code == 201

    first = client.get(path, headers=token).json
    second = client.get(f"{path}?after={first['next_after']}", headers=token).json

    assert (len(first["items"]), len(second["items"]), second["next_after"]) == (25, 2, None)
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(set(ids))


def test_the_schedule_sums_to_the_credit_and_is_empty_before_it(app: Flask) -> None:
    linkage, waiting = credit(), make_linkage()
    paid = app.test_client().get(f"{LIST}/{linkage.folio}/schedule", headers=token_of(linkage)).json
    empty = app.test_client().get(f"{LIST}/{waiting.folio}/schedule", headers=token_of(waiting)).json

    assert len(paid["instalments"]) == 12
    assert sum(Decimal(one["principal_usd"]) for one in paid["instalments"]) == Decimal("850.00")
    # The first month's interest: 850.00 × 25.12 % / 12 = 17.7933…
    assert paid["instalments"][0]["interest_usd"] == "17.79"
    assert empty["instalments"] == []


def test_a_membership_takes_no_movement(app: Flask) -> None:
    from grants.credit.models import LinkageKind

    linkage = make_linkage(kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    assert send(app, linkage, token_of(linkage), kind="repayment", amount_usd="5.00").status_code == 409


def test_the_same_key_at_once_logs_one_movement(real_app: Flask) -> None:
    linkage = credit()
    liaison = make_liaison(linkage.institution)
    db.session.commit()
    ids, day = (liaison.id, linkage.folio), local_day(utcnow())

    def log() -> None:
        user = db.session.get(User, ids[0])
        movement = Movement(MovementKind.REPAYMENT, day, amount_usd=Decimal("85.00"))
        log_movement_once(queries.linkage_by_folio(user, ids[1], own=True), movement, key="k-1", request="same",
                          by=user, now=utcnow())  # fmt: skip

    assert at_once(real_app, log) == ["done"] * THREADS
    assert rows(linkage) == 2


KILLED = """
import os, signal, sys
from sqlalchemy import event
from grants import create_app
from grants.core.db import db
from tests.clock import move
move()
url, folder, path, token, when = sys.argv[1:]
app = create_app({"DATABASE_URL": url, "INSTANCE_PATH": folder, "ENVIRONMENT": "test", "RATELIMIT_ENABLED": False})
die = lambda session: session.in_nested_transaction() or os.kill(os.getpid(), signal.SIGKILL)
event.listen(db.session, "before_commit" if when == "before" else "after_commit", die)
app.test_client().post(path, headers={"Authorization": "Bearer " + token, "Idempotency-Key": "k-1"},
                       json={"kind": "repayment", "happened_on": sys.stdin.read(), "amount_usd": "85.00"})
"""


@pytest.mark.no_rollback
@pytest.mark.parametrize(("when", "kept"), [("before", 1), ("after", 2)])
def test_the_answer_survives_a_process_killed_at_the_commit(real_app: Flask, when: str, kept: int) -> None:
    linkage = credit()
    token = make_token(make_liaison(linkage.institution), Permission.LOG_LINKAGE)
    day, path = linkage.last_step_on, f"{LIST}/{linkage.folio}/movements"
    db.session.remove()
    command = [sys.executable, "-c", KILLED, str(real_app.config["DATABASE_URL"]), str(real_app.instance_path), path,
               token, when]  # fmt: skip
    died = subprocess.run(command, input=day.isoformat(), text=True, capture_output=True, cwd=Path(__file__).parents[3],
                          env=dict(os.environ), check=False)  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert rows(linkage) == kept

    body = {"kind": "repayment", "happened_on": day.isoformat(), "amount_usd": "85.00"}
    header = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
    first, again = (real_app.test_client().post(path, headers=header, json=body) for _n in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert rows(linkage) == 2


def test_an_institution_without_people_lists_nothing(app: Flask) -> None:
    header = header_of(make_liaison(make_institution()), Permission.LOG_LINKAGE)
    assert app.test_client().get(LIST, headers=header).json == {"items": [], "next_after": None}


def test_days_in_answers_are_plain(app: Flask) -> None:
    linkage = credit()
    answer = send(app, linkage, token_of(linkage), kind="repayment", amount_usd="5.00")
    assert date.fromisoformat(answer.json["happened_on"]) == local_day(utcnow())
