"""DELIVERY_PROTOCOL §1 C: a code to the beneficiary's phone, level 1 only, and how it leaves the house."""

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.permissions import Role
from grants.access.second_factor import TooManyAttempts
from grants.config import DEFAULTS
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.outbox import MessageState, OutboxMessage, deliver_due, other_senders
from grants.delivery import queries, services
from grants.delivery.desk.boxes import unseal
from grants.delivery.gateways import GatewayFailed, sms_gateway
from grants.delivery.models import DeliveryState, PhoneCode, Signal, SymbolCard
from grants.delivery.services.attempts import CARD, PHONE
from grants.delivery.services.confirmation import DO_NOT_MATCH
from grants.people.services import mark_contact_dead, verify_contact
from tests.factories.access import make_user
from tests.factories.delivery import CHEAP, DESK, DESK_PRIVATE, DURESS_PIN, Carried, make_carried, make_delivery
from tests.factories.levels import make_at_point, make_old_phone, with_alternate

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
NUMBER = "+593991234567"


@pytest.fixture
def carried(app: Flask) -> Carried:
    carried = make_carried(at=NOW)
    phone = make_old_phone(carried.delivery, NUMBER)
    phone.added_at = NOW - timedelta(days=30)
    db.session.flush()
    return carried


def send(carried: Carried, now: datetime = LATER) -> str:
    """The code that went into the outbox."""
    services.send_phone_code(carried.delivery, cost=CHEAP, by=carried.officer, now=now)
    db.session.flush()
    return "".join(re.findall("[0-9]{4}", newest_message().body))


def newest_message() -> OutboxMessage:
    return db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.kind == PHONE).order_by(OutboxMessage.id.desc())
    ).first()  # type: ignore[return-value]


def confirm(carried: Carried, phone: str, now: datetime = LATER, **changed: Any) -> None:
    codes = replace(carried.codes(now), **{"card": "", "phone": phone, **changed})
    services.confirm(carried.delivery, codes, key=secrets.token_urlsafe(12), desk=DESK, by=carried.officer, now=now)


def codes_kept() -> int:
    return db.session.scalar(select(func.count()).select_from(PhoneCode)) or 0


def test_code_by_phone_confirms_and_ends_the_card(carried: Carried) -> None:
    code = send(carried)

    confirm(carried, f"{code[:4]} {code[4:]}")

    db.session.expire_all()
    assert carried.delivery.state is DeliveryState.CONFIRMED
    assert db.session.scalars(select(PhoneCode)).one().used_at == LATER
    assert db.session.get_one(SymbolCard, carried.card.id).used_at == LATER


def test_message_is_neutral_and_goes_to_the_persons_number(carried: Carried) -> None:
    send(carried)

    message = newest_message()
    assert message.address == NUMBER
    assert re.fullmatch(r"[^0-9]*[0-9]{4} [0-9]{4}[^0-9]*10[^0-9]*", message.body)
    for word in ("kit", "entrega", "delivery", carried.delivery.folio, carried.delivery.place, "Semilla"):
        assert str(word).lower() not in message.body.lower()


def test_wrong_or_old_code_is_refused_with_the_one_sentence(carried: Carried) -> None:
    first = send(carried)
    second = send(carried, LATER + timedelta(seconds=1))
    db.session.commit()

    for wrong, now in ((first, LATER), ("00000000", LATER), ("1", LATER), (second, LATER + timedelta(minutes=11))):
        with pytest.raises(RuleBroken) as refusal:
            confirm(carried, wrong, now)
        db.session.rollback()
        assert refusal.value.message == DO_NOT_MATCH
    assert carried.delivery.state is DeliveryState.AT_POINT

    confirm(carried, second)
    assert carried.delivery.state is DeliveryState.CONFIRMED


def test_code_by_phone_is_bound_to_the_delivery(carried: Carried) -> None:
    code = send(carried)
    carried.delivery.kit_version = 2
    carried.delivery.digest = carried.delivery.digest_over(carried.delivery.receiver_folio)
    db.session.flush()

    with pytest.raises(RuleBroken) as refusal:
        confirm(carried, code)

    assert refusal.value.message == DO_NOT_MATCH


def test_card_and_phone_together_are_refused(carried: Carried) -> None:
    code = send(carried)

    with pytest.raises(RuleBroken) as refusal:
        confirm(carried, code, card=carried.true_code)

    assert refusal.value.field == "phone"


@pytest.mark.parametrize("level", [2, 3])
def test_above_level_one_no_code_goes_by_phone(app: Flask, level: int) -> None:
    team = make_at_point(level, at=NOW)
    make_old_phone(team.delivery).added_at = NOW - timedelta(days=30)

    with pytest.raises(RuleBroken):
        services.send_phone_code(team.delivery, cost=CHEAP, by=team.carried.officer, now=LATER)
    with pytest.raises(RuleBroken) as refusal:
        codes = team.codes(LATER, card="", phone="12345678")
        services.confirm(team.delivery, codes, key="k" * 12, desk=DESK, by=team.carried.officer, now=LATER)

    assert refusal.value.field == "phone"
    assert codes_kept() == 0


@pytest.mark.parametrize("kind", ["unsafe", "somebody else's", "dead", "new", "unknown age", "none"])
def test_no_code_goes_to_a_number_that_proves_nothing(app: Flask, kind: str) -> None:
    carried = make_carried(at=NOW)
    if kind != "none":
        phone = make_old_phone(carried.delivery, safe_to_call=kind != "unsafe")
        phone.added_at = NOW - timedelta(days=30)
        phone.owner = "su vecina" if kind == "somebody else's" else None
        phone.failed_on = NOW.date() if kind == "dead" else None
        if kind in ("new", "unknown age"):
            phone.added_at = LATER - timedelta(days=7, seconds=-1) if kind == "new" else None
        db.session.flush()

    with pytest.raises(RuleBroken):
        services.send_phone_code(carried.delivery, cost=CHEAP, by=carried.officer, now=LATER)

    assert codes_kept() == 0
    assert newest_message() is None


def test_number_of_seven_days_serves(carried: Carried) -> None:
    queries.own_phone(carried.delivery.person).added_at = LATER - timedelta(days=7)  # type: ignore[union-attr]

    assert len(send(carried)) == 8


def test_number_that_died_and_came_back_counts_as_new(carried: Carried) -> None:
    phone, by = queries.own_phone(carried.delivery.person), make_user(Role.ENUMERATOR)
    assert phone is not None
    mark_contact_dead(phone, by=by, now=NOW - timedelta(days=2))
    verify_contact(phone, on=(NOW - timedelta(days=1)).date(), by=by, now=NOW - timedelta(days=1))

    with pytest.raises(RuleBroken):
        send(carried)

    assert codes_kept() == 0


def test_three_codes_an_hour_and_then_again(carried: Carried) -> None:
    for minute in range(3):
        send(carried, LATER + timedelta(minutes=minute))
    with pytest.raises(RuleBroken):
        send(carried, LATER + timedelta(minutes=59))

    send(carried, LATER + timedelta(minutes=60, seconds=1))

    assert codes_kept() == 4


def test_five_wrong_codes_lock_and_a_new_one_does_not_unlock(carried: Carried) -> None:
    send(carried)
    wrong = replace(carried.codes(LATER), card="", phone="00000000")
    for _n in range(4):
        services.charge_attempt(carried.delivery, wrong, now=LATER)
    send(carried, LATER + timedelta(minutes=1))
    services.charge_attempt(carried.delivery, wrong, now=LATER)

    with pytest.raises(TooManyAttempts):
        services.charge_attempt(carried.delivery, wrong, now=LATER + timedelta(days=1))
    with pytest.raises(TooManyAttempts):
        send(carried, LATER + timedelta(hours=3))
    assert queries.failures(PHONE, str(carried.delivery.id)) == 5
    assert queries.failures(CARD, str(carried.card.id)) == 0
    services.charge_attempt(carried.delivery, carried.codes(LATER), now=LATER)


def test_nobody_but_the_officer_at_the_point_sends(app: Flask, carried: Carried) -> None:
    waiting = make_delivery(DeliveryState.SEALED)
    make_old_phone(waiting)

    for delivery, by in ((carried.delivery, make_user(Role.OFFICER)), (waiting, carried.officer)):
        with pytest.raises(RuleBroken):
            services.send_phone_code(delivery, cost=CHEAP, by=by, now=LATER)

    assert codes_kept() == 0


def test_duress_of_the_officer_is_told_also_without_a_card(carried: Carried) -> None:
    code = send(carried)

    confirm(carried, code, pin=DURESS_PIN)

    box = db.session.scalars(select(Signal.box).where(Signal.delivery_id == carried.delivery.id)).one()
    facts = unseal(box, DESK_PRIVATE)
    assert (facts.is_alarm, facts.pin_is_true, facts.picture_used == facts.picture_true) == (True, False, True)


def test_no_code_goes_when_somebody_else_receives(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    with_alternate(delivery, at=NOW - timedelta(days=3))
    from tests.factories.delivery import make_card, make_officer, release_to

    officer = make_officer()
    make_card(delivery.award)
    release_to(delivery, officer, at=NOW)
    services.arrive(delivery, by=officer, now=NOW)
    make_old_phone(delivery).added_at = NOW - timedelta(days=30)

    with pytest.raises(RuleBroken):
        services.send_phone_code(delivery, cost=CHEAP, by=officer, now=LATER)

    assert codes_kept() == 0


# --- gateways


class Provider(BaseHTTPRequestHandler):
    """Says what the test told it to, and remembers what it got."""

    answer: bytes = b"HTTP/1.0 200 OK\r\n\r\nqueued"
    got: list[tuple[str, str, dict[str, str], str]] = []

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        Provider.got.append((self.command, self.path, dict(self.headers), body))
        if Provider.answer:
            self.wfile.write(Provider.answer)
        else:
            silence.wait(5)
        self.close_connection = True

    def log_message(self, *_given: Any) -> None:
        """Quiet."""


silence = threading.Event()


@contextmanager
def provider(answer: bytes) -> Iterator[str]:
    Provider.answer, Provider.got = answer, []
    silence.clear()
    server = HTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/send"
    finally:
        silence.set()
        server.shutdown()
        thread.join()
        server.server_close()


def http(url: str, **more: Any) -> dict[str, Any]:
    return {**DEFAULTS, "SMS_GATEWAY": "http", "SMS_URL": url, "SMS_TIMEOUT": 0.3, **more}


def test_http_gateway_sends_what_the_settings_say(tmp_path: Path) -> None:
    with provider(b'HTTP/1.0 202 Accepted\r\n\r\n{"ok": true}') as url:
        settings = http(url, SMS_USER="semilla", SMS_PASSWORD="s", SMS_ANSWER='"ok": true')
        sms_gateway(settings, tmp_path)(NUMBER, "", 'Su "código" es 1234 5678')

    method, path, headers, body = Provider.got[0]
    assert (method, path) == ("POST", "/send")
    assert body == '{"to": "+593991234567", "text": "Su \\"c\\u00f3digo\\" es 1234 5678"}'
    assert headers["Authorization"] == "Basic c2VtaWxsYTpz"
    assert headers["Content-Type"] == "application/json"


def test_http_gateway_sends_a_form_and_a_query(tmp_path: Path) -> None:
    form = {"SMS_HEADERS": '{"Content-Type": "application/x-www-form-urlencoded"}', "SMS_BODY": "n=$number&t=$text"}
    with provider(b"HTTP/1.0 200 OK\r\n\r\n") as url:
        sms_gateway(http(url, **form), tmp_path)(NUMBER, "", "a & b")
        query = {"SMS_METHOD": "get", "SMS_HEADERS": {"X-Key": "k"}}
        sms_gateway(http(url + "?n=$number&t=$text", **query), tmp_path)(NUMBER, "", "a & b")

    assert Provider.got[0][3] == "n=%2B593991234567&t=a+%26+b"
    assert Provider.got[1][:2] == ("GET", "/send?n=%2B593991234567&t=a+%26+b")
    assert Provider.got[1][2]["X-Key"] == "k"
    assert Provider.got[1][3] == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 500 Oh\r\n\r\nno", b"HTTP/1.0 401 No\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nrefused", b"garbage\r\n\r\n",
        b"HTTP/1.0 302 Go\r\nLocation: http://127.0.0.1:9/\r\n\r\n", b"", b"HTTP/1.0 abc\r\n\r\n",
    ],
    ids=["500", "401", "another answer", "no HTTP", "redirect", "silence", "no status"],
)  # fmt: skip
def test_http_gateway_says_failed_without_number_or_text(tmp_path: Path, answer: bytes) -> None:
    with provider(answer) as url, pytest.raises(GatewayFailed) as failure:
        sms_gateway(http(url, SMS_ANSWER="queued"), tmp_path)(NUMBER, "", "1234 5678")

    assert "593" not in str(failure.value)
    assert failure.value.__cause__ is None


@pytest.mark.parametrize("url", ["", "http://sms.example/x", "ftp://127.0.0.1/", "file:///etc/passwd", "http://[::"])
def test_http_gateway_wants_https(tmp_path: Path, url: str) -> None:
    with pytest.raises((GatewayFailed, ValueError)):
        sms_gateway(http(url), tmp_path)(NUMBER, "", "1234 5678")


def test_file_gateway_writes_for_its_owner_only(tmp_path: Path) -> None:
    sms_gateway({**DEFAULTS}, tmp_path)(NUMBER, "", "1234 5678")

    (path,) = (tmp_path / "sms").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == f"{NUMBER}\n\n1234 5678\n"


def test_console_gateway_hides_the_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sms_gateway({**DEFAULTS, "SMS_GATEWAY": "console"}, tmp_path)(NUMBER, "", "1234 5678")

    assert capsys.readouterr().out == "SMS …567: 1234 5678\n"


def no_mail(*_given: str) -> None:
    raise AssertionError("a code by phone went by mail")


def test_outbox_tries_again_until_the_provider_takes_it(carried: Carried, tmp_path: Path) -> None:
    from grants.core.clock import utcnow

    start = utcnow()
    phone = queries.own_phone(carried.delivery.person)
    phone.added_at = start - timedelta(days=30)  # type: ignore[union-attr]
    message = _message(start)

    with provider(b"HTTP/1.0 500 Oh\r\n\r\n") as url:
        others = other_senders(http(url), tmp_path)
        assert deliver_due(no_mail, others=others, now=start) == 0
    waiting = (message.state, message.attempts)
    with provider(b"HTTP/1.0 200 OK\r\n\r\n") as url:
        others = other_senders(http(url), tmp_path)
        assert deliver_due(no_mail, others=others, now=start + timedelta(minutes=2)) == 1

    assert waiting == (MessageState.WAITING, 1)
    assert message.state is MessageState.SENT


def test_outbox_gives_up_when_the_code_is_over(carried: Carried, tmp_path: Path) -> None:
    message = _message(NOW)  # long over

    assert deliver_due(no_mail, others=other_senders({**DEFAULTS}, tmp_path), now=NOW) == 0

    assert message.state is MessageState.FAILED
    assert not (tmp_path / "sms").exists()


def _message(now: datetime) -> OutboxMessage:
    from grants.core import outbox

    until = (now + timedelta(minutes=10)).isoformat()
    message = outbox.add(PHONE, address=NUMBER, subject=until, body="1234 5678", now=now)
    db.session.flush()
    return message
