"""A cooperative's core system speaks with Semilla. Needs Python 3.11 and nothing else.

export SEMILLA=https://semilla.example.org SEMILLA_TOKEN=… SEMILLA_SECRET=whsec_…
python core_system.py list       # who waits for an answer
python core_system.py listen     # receive events on port 8200, behind your own TLS
"""

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, MutableSet, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE = 300  # seconds that the sender's clock and yours may be apart
LONGEST_EVENT = 10_000  # bytes
COMMANDS = ("list", "listen")


class Refused(Exception):
    """Semilla said no. `said`: its reason; `status` 409 is a rule, 422 a value, 404 nothing that is yours."""

    def __init__(self, status: int, said: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {said.get('message') or said.get('errors') or said.get('status')}")
        self.status, self.said = status, said


class Semilla:
    """The API, as the token of one institution opens it."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address.rstrip("/"), token

    def referrals(self, state: str = "sent") -> Iterator[dict[str, Any]]:
        """Everybody referred to the institution in this state, page by page."""
        after = None
        while True:
            page = self._ask("GET", f"/referrals?state={state}" + (f"&after={after}" if after else ""))
            yield from page["items"]
            after = page["next_after"]
            if after is None:
                return

    def referral(self, folio: str) -> dict[str, Any]:
        """One referral. The first time tells the programme that you have seen it."""
        return self._ask("GET", f"/referrals/{folio}")

    def accept(self, folio: str) -> dict[str, Any]:
        """May be repeated: an accepted referral stays accepted."""
        return self._ask("POST", f"/referrals/{folio}/accept")

    def decline(self, folio: str, reason: str) -> dict[str, Any]:
        """May be repeated with the same reason."""
        return self._ask("POST", f"/referrals/{folio}/decline", {"reason": reason})

    def log_step(self, linkage: str, key: str, **step: Any) -> dict[str, Any]:
        """`key`: the same for the same step, for example the number that it has in your own books."""
        return self._ask("POST", f"/linkages/{linkage}/events", step, key)

    def log_movement(self, linkage: str, key: str, **movement: Any) -> dict[str, Any]:
        """Amounts are text with a point: "85.00". `key`: the same for the same movement."""
        return self._ask("POST", f"/linkages/{linkage}/movements", movement, key)

    def schedule(self, linkage: str) -> dict[str, Any]:
        """When the credit falls due, as Semilla reckons it."""
        return self._ask("GET", f"/linkages/{linkage}/schedule")

    def _ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> dict[str, Any]:
        """Ask up to four times. Only a request that may safely be repeated is ever sent by this client."""
        for wait in (1, 4, 16, None):
            try:
                return self._ask_once(method, path, body, key)
            except Refused as refused:
                if wait is None or (refused.status != 429 and refused.status < 500):
                    raise
            except OSError:
                if wait is None:
                    raise
            time.sleep(wait)
        raise AssertionError("the last attempt answers or raises")

    def _ask_once(self, method: str, path: str, body: Any, key: str | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.address}/api/v1{path}", data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 -- the address is your own setting
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, _as_json(error.read())) from None


class NotFromSemilla(Exception):
    """An event that must not be acted upon: forged, changed, or sent a second time by somebody else."""


def verified(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], seen: MutableSet[str], *, now: float
) -> dict[str, Any] | None:
    """The event; None when it was handled before: answer 200 to both. NotFromSemilla: answer 400.

    `secrets`: yours, and while you change over the one before. `seen`: ids that were handled, kept somewhere that
    survives a restart. Add to it once the event is handled, not before.
    """
    parts = [part.partition("=") for part in headers.get("Semilla-Signature", "").split(",")]
    sent_at = next((value for name, _equals, value in parts if name == "t"), "")
    if len(sent_at) > 12 or not sent_at.isascii() or not sent_at.isdigit() or abs(now - int(sent_at)) > TOLERANCE:
        raise NotFromSemilla("no time, or not sent now")
    # Sign what came, byte for byte: JSON written anew may differ.
    signed = sent_at.encode() + b"." + body
    wanted = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    given = [value for name, _equals, value in parts if name == "v1"]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given):
        raise NotFromSemilla("the signature is wrong")
    event = dict(json.loads(body))
    if event["id"] != headers.get("Semilla-Event-Id"):
        raise NotFromSemilla("the id is another one")
    return None if event["id"] in seen else event


def receiver(
    port: int, secrets: Sequence[str], seen: MutableSet[str], handle: Callable[[dict[str, Any]], None]
) -> ThreadingHTTPServer:  # fmt: skip
    """A server that answers events: 200 once `handle` has ended well, 400 to what is not from Semilla, 500 else."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > LONGEST_EVENT:
                return self._answer(400)
            try:
                event = verified(self.headers, self.rfile.read(int(length)), secrets, seen, now=time.time())
                if event is not None:
                    handle(event)
                    seen.add(event["id"])
            except NotFromSemilla:
                return self._answer(400)
            except Exception:
                # Semilla sends the event again later, so a fault here loses nothing.
                return self._answer(500)
            return self._answer(200)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_what: object) -> None:
            """An event's folio has no place in a log of addresses."""

    return ThreadingHTTPServer(("127.0.0.1", port), Door)


def _as_json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def handle(semilla: Semilla, event: dict[str, Any]) -> None:
    """Act on an event. What is gone is handled too: with an error Semilla would send the event for three days."""
    if event["kind"] != "referral.sent":
        return
    try:
        referral = semilla.referral(event["folio"])  # the event itself says nothing about the person
    except Refused as refused:
        if refused.status != 404:
            raise
        sys.stdout.write(f"gone: {event['folio']}, drop what you hold\n")
        return
    sys.stdout.write(f"new: {referral['folio']}, {len(referral['linkages'])} wanted\n")


def main(command: str) -> None:
    semilla = Semilla(os.environ["SEMILLA"], os.environ["SEMILLA_TOKEN"])
    if command == "list":
        for referral in semilla.referrals():
            sys.stdout.write(f"{referral['folio']}  {referral['person']['name']}  {referral['person']['need']}\n")
        return

    # In a real system the ids that were seen are in your database.
    receiver(8200, [os.environ["SEMILLA_SECRET"]], set(), lambda event: handle(semilla, event)).serve_forever()


if __name__ == "__main__":
    words = sys.argv[1:] or ["list"]
    if len(words) > 1 or words[0] not in COMMANDS:
        sys.stderr.write(f"usage: python core_system.py [{'|'.join(COMMANDS)}]\n")
        sys.exit(2)
    main(words[0])
