"""The example client of the documentation, against a server that runs, and receiving from the worker that sends."""

import importlib.util
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Permission, Role
from grants.core import outbox
from grants.core.clock import local_day, utcnow
from grants.core.db import db, transaction
from grants.credit import services
from grants.credit.models import CreditMovement, Linkage, LinkageKind, LinkageState, Referral, WebhookEvent
from grants.credit.services import webhooks
from grants.people.models import ConsentPurpose
from tests.endurance import served
from tests.factories.access import make_token, make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.people import make_consent_text, make_person

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "core_system.py"
SECRET, BODY = "whsec_mine", b'{"id": "evt_1", "kind": "test", "folio": null}'


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("core_system", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["core_system"] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def listening(server: Any) -> Iterator[str]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/semilla"
    finally:
        server.shutdown()
        server.server_close()


def test_the_example_uses_the_standard_library_only() -> None:
    names = {line.split()[1].split(".")[0] for line in EXAMPLE.read_text().splitlines()
             if line.startswith(("import ", "from "))}  # fmt: skip
    assert names <= sys.stdlib_module_names


@pytest.mark.no_rollback
def test_a_core_system_lists_accepts_reports_and_is_told(real_app: Flask, example: ModuleType) -> None:
    institution, coordinator = make_institution(), make_user(Role.COORDINATOR)
    repaying = make_linkage(make_referral(institution=institution), state=LinkageState.DISBURSED)
    liaison = make_liaison(institution)
    token = make_token(liaison, Permission.LOG_LINKAGE)
    handled: list[dict[str, Any]] = []
    faults = [ZeroDivisionError("the receiver's database is away")]

    def handle(event: dict[str, Any]) -> None:
        if faults:
            raise faults.pop()  # the receiver answers 500 the first time
        handled.append(event)

    secrets: list[str] = []
    server = example.receiver(0, secrets, set(), handle)
    with listening(server) as address, served(str(real_app.config["DATABASE_URL"]), Path(real_app.instance_path),
                                              workers=1) as site:  # fmt: skip
        with transaction():
            _webhook, secret = webhooks.register(institution, address, plain_at_home=True, by=liaison, now=utcnow())
        assert secret
        secrets.append(secret)
        with transaction():
            referral = services.refer(make_person(), to=institution, kinds=[LinkageKind.CREDIT], need="Un horno",
                                      text=make_consent_text(ConsentPurpose.REFERRAL), by=coordinator,
                                      now=utcnow())  # fmt: skip
        ways = outbox.other_senders(real_app.config, Path(real_app.instance_path))
        sent = [outbox.deliver_due(lambda *_mail: None, others=ways, now=utcnow() + timedelta(minutes=minutes))
                for minutes in (1, 1, 10)]  # fmt: skip
        assert sent == [0, 0, 1]
        assert [(one["kind"], one["folio"]) for one in handled] == [("referral.sent", referral.folio)]

        semilla = example.Semilla(f"http://127.0.0.1:{site.port}", token)
        waiting = list(semilla.referrals())
        assert [one["folio"] for one in waiting] == [referral.folio]
        assert semilla.referral(handled[0]["folio"])["acknowledged_at"]
        assert [semilla.accept(referral.folio)["state"] for _n in range(2)] == ["accepted", "accepted"]

        linkage, today = waiting[0]["linkages"][0]["folio"], local_day(utcnow()).isoformat()
        steps = [semilla.log_step(linkage, "step-1", to_state="contacted", happened_on=today) for _n in range(2)]
        payment = {"kind": "repayment", "happened_on": today, "amount_usd": "85.00"}
        paid = [semilla.log_movement(repaying.folio, "receipt-1", **payment) for _n in range(2)]
        assert steps[0] == steps[1]
        assert paid[0] == paid[1]
        assert len(semilla.schedule(repaying.folio)["instalments"]) == 12
        with pytest.raises(example.Refused) as refused:
            semilla.referral("R-000000000")
        assert refused.value.status == 404

    db.session.expire_all()
    assert db.session.query(Linkage).filter_by(folio=linkage).one().state is LinkageState.CONTACTED
    assert db.session.query(CreditMovement).filter_by(linkage_id=repaying.id).count() == 2
    assert db.session.query(Referral).filter_by(folio=referral.folio).one().acknowledged_at
    assert db.session.query(WebhookEvent).one().message.attempts == 2


def signed(example: ModuleType, at: float, *, secret: str = SECRET, body: bytes = BODY, event_id: str = "evt_1") -> Any:
    from grants.credit.hooks import headers_of

    return headers_of(event_id, body.decode(), [secret], at=int(at))


NOW = 1_772_719_200.0


def test_what_semilla_sends_is_verified(example: ModuleType) -> None:
    event = example.verified(signed(example, NOW), BODY, [SECRET], set(), now=NOW + 299)
    assert event == json.loads(BODY)


def test_either_secret_is_enough_while_it_changes(example: ModuleType) -> None:
    from grants.credit.hooks import headers_of

    both = headers_of("evt_1", BODY.decode(), ["whsec_new", SECRET], at=int(NOW))
    for known in ([SECRET], ["whsec_new"], ["whsec_new", SECRET]):
        assert example.verified(both, BODY, known, set(), now=NOW)


def test_a_replay_is_known_by_its_id_and_by_its_time(example: ModuleType) -> None:
    headers = signed(example, NOW)
    assert example.verified(headers, BODY, [SECRET], {"evt_1"}, now=NOW + 1) is None
    for late in (NOW + 301, NOW - 302):
        with pytest.raises(example.NotFromSemilla):
            example.verified(headers, BODY, [SECRET], set(), now=late)


def test_what_was_forged_or_changed_is_refused(example: ModuleType) -> None:
    good = signed(example, NOW)
    changed = BODY.replace(b"test", b"fake")
    wrong = [
        ({}, BODY),
        ({**good, "Semilla-Signature": ""}, BODY),
        ({**good, "Semilla-Signature": good["Semilla-Signature"].replace("t=17", "t=18")}, BODY),
        ({**good, "Semilla-Signature": f"t={int(NOW)},v1="}, BODY),
        ({**good, "Semilla-Signature": f"t={int(NOW)},v1=ñ"}, BODY),
        ({**good, "Semilla-Signature": "t=" + "9" * 5000}, BODY),
        ({**good, "Semilla-Signature": good["Semilla-Signature"].replace("t=", f"t={int(NOW) + 9},t=")}, BODY),
        (signed(example, NOW, secret="whsec_another"), BODY),
        (good, changed),
        (good, BODY + b" "),
        ({**good, "Semilla-Event-Id": "evt_2"}, BODY),
    ]
    for headers, body in wrong:
        with pytest.raises(example.NotFromSemilla):
            example.verified(headers, body, [SECRET], set(), now=NOW)


def test_the_receiver_refuses_a_forged_event_and_handles_a_replay_once(example: ModuleType) -> None:
    handled: list[Any] = []
    server = example.receiver(0, [SECRET], set(), handled.append)
    with listening(server) as address:

        def post(headers: dict[str, str], body: bytes = BODY) -> int:
            asked = urllib.request.Request(address, body, headers)  # noqa: S310 -- our own loopback
            try:
                with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        now = time.time()
        good = signed(example, now)
        statuses = [post(good), post(good), post(signed(example, now - 400)), post(good, BODY + b" "),
                    post({**good, "Semilla-Signature": "x"}), post(good, b"x" * 20_000)]  # fmt: skip

    assert statuses == [200, 200, 400, 400, 400, 400]
    assert len(handled) == 1


class Answering:
    """Semilla as the example asks it: it refuses with this status, or shows a referral."""

    def __init__(self, example: ModuleType, status: int) -> None:
        self.example, self.status = example, status

    def referral(self, folio: str) -> dict[str, Any]:
        if self.status != 200:
            raise self.example.Refused(self.status, {})
        return {"folio": folio, "linkages": [{}]}


@pytest.mark.parametrize(("status", "answered"), [(200, 200), (404, 200), (409, 500), (503, 500)])
def test_an_event_about_what_is_gone_is_handled(example: ModuleType, status: int, answered: int) -> None:
    seen: set[str] = set()
    semilla = Answering(example, status)
    server = example.receiver(0, [SECRET], seen, lambda event: example.handle(semilla, event))
    body = json.dumps({"id": "evt_1", "kind": "referral.sent", "folio": "R-7K3M9QX2W"}).encode()
    with listening(server) as address:
        asked = urllib.request.Request(address, body, signed(example, time.time(), body=body))  # noqa: S310 -- our own
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
                came = int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                came = error.code
    assert (came, bool(seen)) == (answered, answered == 200)


@pytest.mark.parametrize("words", [["lisst"], ["list", "listen"], ["--help"]])
def test_a_word_that_the_example_does_not_know_prints_its_usage(words: list[str]) -> None:
    ran = subprocess.run([sys.executable, str(EXAMPLE), *words], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, "usage: python core_system.py [list|listen]\n")
