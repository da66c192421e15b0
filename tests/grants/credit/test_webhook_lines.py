"""Where a webhook may lead, and whom it takes for the receiver: addresses, certificates, and odd answers."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from grants.core import outbox
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit import hooks
from grants.credit.models import Webhook, WebhookEvent, WebhookProblem
from grants.credit.services import webhooks
from tests.factories.credit_webhooks import inbox, make_webhook, odd_server


def work(app: Flask, *, now: datetime | None = None, **config: Any) -> int:
    """What the worker does once a minute."""
    ways = outbox.other_senders({**app.config, **config}, Path(app.instance_path))
    return outbox.deliver_due(lambda *_mail: None, others=ways, now=now or utcnow() + timedelta(seconds=1))


def events() -> list[WebhookEvent]:
    db.session.expire_all()
    return db.session.query(WebhookEvent).order_by(WebhookEvent.id).all()


def a_test(webhook: Webhook) -> WebhookEvent:
    event = webhooks.send_test(webhook, by=webhook.registered_by, now=utcnow())
    db.session.commit()
    return event


ADDRESSES = [
    "", "coop.example", "http://coop.example/x", "ftp://coop.example", "https://", "https:///x", "https://[::1",
    "https://a b/",
    "https://ana:1@coop.example/", "https://ana@coop.example/", "https://coop.example/#x", "https://coop.example:0/",
    "https://coop.example:99999/", "https://coop.exámple/", "https://coop.example/\r\nHost: x", "javascript:alert(1)",
    "https://coop.example/" + "x" * 500, "file:///etc/passwd", "//coop.example", "http://169.254.169.254/",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("plain_at_home", [True, False])
def test_an_address_that_cannot_be_is_refused(address: str, plain_at_home: bool) -> None:
    with pytest.raises(RuleBroken) as refused:
        webhooks.check_address(address, plain_at_home=plain_at_home)
    assert refused.value.field == "address"


def test_plain_http_is_for_this_machine_outside_production_only() -> None:
    for address in ("http://127.0.0.1:8200/x", "http://localhost/x", "http://[::1]:8200/x"):
        webhooks.check_address(address, plain_at_home=True)
        with pytest.raises(RuleBroken):
            webhooks.check_address(address, plain_at_home=False)
    webhooks.check_address("https://coop.example:8443/semilla?from=1", plain_at_home=False)


PRIVATE = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0",  # noqa: S104 -- refused
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:53aa:64c::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
    "ff02::1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not hooks.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "190.152.1.1", "2606:4700::1111", "2800:370::1"])
def test_a_public_address_is_known(address: str) -> None:
    assert hooks.is_public(address)


INWARD = ["https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://[::1]:{port}/", "https://2130706433:{port}/",
          "https://0x7f.1:{port}/", "https://0:{port}/", "http://127.0.0.1:{port}/"]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_in_production_nothing_connects_into_our_own_network(app: Flask, address: str) -> None:
    with inbox() as box:
        port = int(box.address.split(":")[2].split("/")[0])
        attempt = hooks.post(address.format(port=port), b"{}", {}, only_public=True)
        webhook = make_webhook(address=box.address)
        a_test(webhook)
        assert work(app, ENVIRONMENT="production") == 0
    assert attempt.problem in {WebhookProblem.ADDRESS, WebhookProblem.SILENT}
    assert attempt.status is None
    assert box.came == []
    assert events()[0].last_problem is WebhookProblem.ADDRESS


def test_a_name_that_leads_to_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answers(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (ip, port)) for ip in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    attempt = hooks.post("https://coop.example/", b"{}", {}, only_public=True)
    assert attempt.problem is WebhookProblem.ADDRESS
    assert asked == ["coop.example"]


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name leads elsewhere a moment later; nobody asks a second time."""
    connected: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, port, **_more: [(2, 1, 6, "", ("8.8.8.8", port))])

    def connect(address: tuple[str, int], **_more: Any) -> Any:
        connected.append(address)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert hooks.post("https://coop.example/", b"{}", {}, only_public=True).problem is WebhookProblem.SILENT
    assert connected == [("8.8.8.8", 443)]


def certificate(folder: Path, name: str, *, days: int = 1) -> Path:
    """A key and a certificate of its own for a name, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / f"{name}.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())  # fmt: skip
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def tls_server(file: Path, answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n") -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers over TLS, and what it was sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener, came = socket.create_server(("127.0.0.1", 0)), list[bytes]()

    def serve() -> None:
        while True:
            try:
                line, _from = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(line, server_side=True) as safe:
                    read = b""
                    while not read.endswith(b"{}"):
                        read += safe.recv(65536)
                    came.append(read)
                    safe.sendall(answer)
            except OSError:
                continue

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], came
    finally:
        listener.close()


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, other = certificate(tmp_path, "localhost"), certificate(tmp_path, "coop.example")
    old = certificate(tmp_path, "old", days=-1)
    with tls_server(good) as (port, came):
        unknown = hooks.post(f"https://localhost:{port}/", b"{}", {}, only_public=False)
        assert came == []
        monkeypatch.setenv("SSL_CERT_FILE", str(good))
        trusted = hooks.post(f"https://localhost:{port}/", b"{}", {}, only_public=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with tls_server(other) as (port, came):
        of_another_name = hooks.post(f"https://localhost:{port}/", b"{}", {}, only_public=False)
        assert came == []
    monkeypatch.setenv("SSL_CERT_FILE", str(old))
    with tls_server(old) as (port, _came):
        expired = hooks.post(f"https://localhost:{port}/", b"{}", {}, only_public=False)

    assert (trusted.status, trusted.problem) == (204, None)
    assert {one.problem for one in (unknown, of_another_name, expired)} == {WebhookProblem.CERTIFICATE}


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70_000])
def test_what_is_no_answer_is_none(said: bytes) -> None:
    with odd_server(lambda line: line.sendall(said)) as port:
        attempt = hooks.post(f"http://127.0.0.1:{port}/", b"{}", {}, only_public=False)
    assert attempt.problem is WebhookProblem.SILENT


def test_a_receiver_that_drips_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "LONGEST_WAIT", 1)

    def drip(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        for _n in range(100):
            line.sendall(b"X: y\r\n")
            threading.Event().wait(0.1)

    begun = utcnow()
    with odd_server(drip) as port:
        attempt = hooks.post(f"http://127.0.0.1:{port}/", b"{}", {}, only_public=False)
    assert attempt.problem is WebhookProblem.SILENT
    assert utcnow() - begun < timedelta(seconds=4)


def test_an_endless_body_is_not_read() -> None:
    def pour(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            line.sendall(b"x" * 65536)

    with odd_server(pour) as port:
        assert hooks.post(f"http://127.0.0.1:{port}/", b"{}", {}, only_public=False).status == 200
