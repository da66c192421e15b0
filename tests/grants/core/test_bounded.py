"""Whoever answers a byte now and then is not listened to for ever."""

import datetime as dt
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import HTTPSHandler, OpenerDirector, build_opener

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from grants.core.bounded import Smtp, bounded_context, opener

TIMEOUT, PAUSE = 0.4, 0.1  # seconds: no single read ever waits for the timeout, and forty bytes take ten times as long
HTTP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SMTP_GREETING = b"220 correo.example.org listo para servirle\r\n"
Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that starts a server of one answer, which comes byte by byte; its port."""
    listening: list[socket.socket] = []

    def start(answer: bytes, *, pause: float = PAUSE, asked_first: bool = True,
              wrap: ssl.SSLContext | None = None) -> int:  # fmt: skip
        door = socket.create_server(("127.0.0.1", 0))
        listening.append(door)

        def drip() -> None:
            try:
                guest, _address = door.accept()
                with wrap.wrap_socket(guest, server_side=True) if wrap else guest as line:
                    if asked_first:
                        line.recv(65_536)
                    for byte in answer:
                        line.sendall(bytes([byte]))
                        time.sleep(pause)
            except OSError:  # hung up on, as it should be
                return

        threading.Thread(target=drip, daemon=True).start()
        return int(door.getsockname()[1])

    yield start
    for door in listening:
        door.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for this machine, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "aqui")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path_factory.mktemp("tls") / "one.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


def sealed(certificate: Path) -> tuple[ssl.SSLContext, OpenerDirector]:
    """A server's side, and what opens addresses at it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    return server, build_opener(HTTPSHandler(context=bounded_context(trusting)))


def test_answer_that_drips_is_given_up(serve: Serve) -> None:
    port = serve(HTTP_ANSWER)

    with pytest.raises(TimeoutError):
        opener().open(f"http://127.0.0.1:{port}/", timeout=TIMEOUT).read()


def test_sealed_answer_that_drips_is_given_up(serve: Serve, certificate: Path) -> None:
    server, opens = sealed(certificate)
    port = serve(HTTP_ANSWER, wrap=server)

    with pytest.raises(TimeoutError):
        opens.open(f"https://localhost:{port}/", timeout=TIMEOUT).read()


def test_mail_server_that_drips_is_given_up(serve: Serve) -> None:
    port = serve(SMTP_GREETING, asked_first=False)

    with pytest.raises(smtplib.SMTPServerDisconnected, match=r"timed out|too long"):
        Smtp("127.0.0.1", port, timeout=TIMEOUT)


def test_answers_in_time_are_read_whole(serve: Serve, certificate: Path) -> None:
    server, opens = sealed(certificate)
    plain, wrapped = serve(HTTP_ANSWER, pause=0), serve(HTTP_ANSWER, pause=0, wrap=server)
    mail = serve(SMTP_GREETING, pause=0, asked_first=False)

    assert opener().open(f"http://127.0.0.1:{plain}/", timeout=30).read() == b"ok"
    assert opens.open(f"https://localhost:{wrapped}/", timeout=30).read() == b"ok"
    assert Smtp("127.0.0.1", mail, timeout=30).sock is not None
