"""How an event reaches an institution's core system: one signed POST over HTTPS, from the outbox.

The address is the institution's, so it is not trusted: no redirect is followed, the answer's body is not read, and in
production only public addresses are connected to. The name is resolved once, and the connection goes to the address
that was looked at: the same name may lead elsewhere a moment later.
"""

import hashlib
import hmac
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.outbox import Send, TooLate, carry
from grants.credit.models import WebhookProblem
from grants.credit.services.webhook_attempts import Attempt, note, target_of
from grants.credit.services.webhooks import KIND

LONGEST_WAIT = 10  # seconds, from the first byte sent to the answer's status
SLOW = 3  # seconds
MOST_ADDRESSES = 3
GONE = 410
ARRIVED = range(200, 300)
WORLD = ipaddress.IPv6Network("2000::/3")  # what is global in IPv6
CARRIES_IPV4 = ipaddress.IPv6Network("2002::/16")


class NotDelivered(OSError):
    """The event is to be sent again later. Says why without address or secret."""


def webhook_gateway(config: dict[str, Any], _folder: Path) -> Send:
    """The message's subject is the event's id; address and secrets are read when it is sent."""
    only_public = config["ENVIRONMENT"] == "production"

    def send(_address: str, event_id: str, body: str) -> None:
        now = utcnow()
        with transaction():  # ended before anybody is waited for: it would hold SQLite's one writer
            target = target_of(event_id, now=now)
        if target is None:
            raise TooLate
        headers = headers_of(event_id, body, target.secrets, at=int(now.timestamp()))
        attempt = post(target.address, body.encode(), headers, only_public=only_public)
        with transaction():
            note(event_id, attempt, now=utcnow())
        if attempt.problem is WebhookProblem.GONE:
            raise TooLate
        if attempt.problem is not None:
            raise NotDelivered(attempt.problem.value)

    return send


carry(KIND, webhook_gateway, patient=True)  # here, so that every process that sends knows it


def headers_of(event_id: str, body: str, secrets: Sequence[str], *, at: int) -> dict[str, str]:
    """With one signature for each secret that is valid now."""
    signed = f"{at}.{body}".encode()
    proofs = [f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Semilla",
        "Semilla-Event-Id": event_id,
        "Semilla-Signature": ",".join([f"t={at}", *proofs]),
    }


def post(address: str, body: bytes, headers: dict[str, str], *, only_public: bool) -> Attempt:
    """POST once, and what came of it. Only the status of the answer counts."""
    begun = time.monotonic()
    try:
        parts = urlsplit(address)
        found = _resolved(parts)
        if only_public and (parts.scheme != "https" or not all(is_public(one) for one in found)):
            return Attempt(problem=WebhookProblem.ADDRESS)
        status = _status(parts, _connected(found, _port(parts)), body, headers)
    except ssl.SSLCertVerificationError:
        return Attempt(problem=WebhookProblem.CERTIFICATE)
    except (OSError, HTTPException, ValueError):
        return Attempt(problem=WebhookProblem.SILENT)
    took = time.monotonic() - begun
    if took >= LONGEST_WAIT:  # we hung up in the middle of its headers
        return Attempt(problem=WebhookProblem.SILENT)
    if status not in ARRIVED:
        return Attempt(status, WebhookProblem.GONE if status == GONE else WebhookProblem.STATUS)
    return Attempt(status, slow=took > SLOW)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet, and not to this machine or a network behind it."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        return found in WORLD and found not in CARRIES_IPV4 and found.is_global
    return found.is_global and not found.is_multicast and not found.is_reserved


def _resolved(parts: SplitResult) -> list[str]:
    """The addresses behind the name, none of them connected to yet."""
    answers = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _connected(found: Sequence[str], port: int) -> socket.socket:
    """A connection to the first of these addresses that takes one."""
    tried = found[:MOST_ADDRESSES]
    for ip in tried[:-1]:
        try:
            return socket.create_connection((ip, port), timeout=LONGEST_WAIT / len(tried))
        except OSError:
            continue
    return socket.create_connection((tried[-1], port), timeout=LONGEST_WAIT / len(tried))


def _status(parts: SplitResult, line: socket.socket, body: bytes, headers: dict[str, str]) -> int:
    """Speak over the line as if to the name, and read no further than the status and headers."""
    host = str(parts.hostname)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(host, _port(parts), timeout=LONGEST_WAIT)
    line.settimeout(LONGEST_WAIT)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        line = context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
    # A receiver may send one byte at a time: each wait is short, all of them together are not.
    clock = threading.Timer(LONGEST_WAIT, _hang_up, [line])
    clock.daemon = True
    clock.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection.sock = line
        connection.request("POST", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", body, headers)
        return connection.getresponse().status
    finally:
        clock.cancel()
        line.close()
        connection.close()


def _hang_up(line: socket.socket) -> None:
    try:
        socket.socket.shutdown(line, socket.SHUT_RDWR)  # not the TLS way, which another thread is in
    except OSError:
        return
