"""What the tool asks the web application, with the desk's token: sealed boxes in, answers out."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_string, policy
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

from grants.core.outbox import straight
from grants.delivery.desk.words import _

TIMEOUT = 10
MOST_AT_ONCE = 200  # boxes that the server takes an acknowledgement for in one request
LOCAL = ("127.0.0.1", "localhost", "::1")
Send = Callable[[str, str, Any], tuple[int, Any]]


class ServerSilent(Exception):
    """No answer, a refusal, or an answer that nobody understands: the message says which."""


@dataclass(frozen=True, slots=True)
class SealedBox:
    """A box with its number on the server; 0 where it came from a message."""

    id: int
    box: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """An officer who asks for the next stop."""

    id: int
    officer_id: int
    asked_at: datetime
    answerable_at: datetime
    team_id: int | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """A canton and until when its risk level holds; None where it has none."""

    canton: str
    level: int | None
    expires_at: datetime | None


class Server:
    """The API of the desk. `send(method, path, body)` answers with a status and the body."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def signals(self, *, after: int = 0, waiting: bool = False) -> list[SealedBox]:
        """Every box after a number, or every one that nobody acknowledged, in the order of their numbers."""
        found: list[SealedBox] = []
        while page := self._page(found[-1].id if found else after, waiting):
            found += page
        return found

    def acknowledge(self, ids: Sequence[int]) -> None:
        """Say that the desk has these boxes."""
        for first in range(0, len(ids), MOST_AT_ONCE):
            self._ask("POST", "/api/v1/desk/signals/acknowledge", {"ids": list(ids[first : first + MOST_AT_ONCE])})

    def heartbeat(self) -> datetime | None:
        """When the server's worker last ran."""
        with self._get("/api/v1/desk/heartbeat") as said:
            return _moment(said["worker_at"]) if said["worker_at"] else None

    def questions(self) -> list[Question]:
        """Officers who wait for an answer."""
        with self._get("/api/v1/desk/stop-requests") as said:
            return [_question(one) for one in said["items"]]

    def answer(self, question: Question, answer: str) -> None:
        """Tell an officer to go on (`go`) or that the trip is rescheduled (`rescheduled`)."""
        self._ask("POST", f"/api/v1/desk/stop-requests/{question.id}/answer", {"answer": answer})

    def areas(self) -> list[Area]:
        """Cantons with kits to deliver and their risk level."""
        with self._get("/api/v1/desk/areas") as said:
            return [
                Area(one["canton"], one["level"], _moment(one["expires_at"]) if one["expires_at"] else None)
                for one in said["items"]
            ]

    def _page(self, after: int, waiting: bool) -> list[SealedBox]:
        """Boxes after a number, as many as the server gives at once; none that came before."""
        with self._get(f"/api/v1/desk/signals?after={after}&waiting={'true' if waiting else 'false'}") as said:
            boxes = [SealedBox(int(one["id"]), base64.b64decode(one["box"])) for one in said["items"]]
            return [one for one in boxes if one.id > after]

    @contextmanager
    def _get(self, path: str) -> Iterator[Any]:
        """The answer, to be read inside."""
        answer = self._ask("GET", path, None)
        try:
            yield answer
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerSilent(_("an answer of another shape")) from error

    def _ask(self, method: str, path: str, body: Any) -> Any:
        status, answer = self._send(method, path, body)
        if status != 200:
            said = answer.get("message", "") if isinstance(answer, dict) else ""
            raise ServerSilent(f"{status} {said}".strip())
        return answer


def over_http(base: str, token: str) -> Send:
    """Send over HTTPS. Plain http only to this very machine."""
    parts = urlsplit(base)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise ServerSilent("https://")

    def send(method: str, path: str, body: Any) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        asked = Request(base.rstrip("/") + path, data, headers, method=method)  # noqa: S310 -- checked
        try:
            with straight.open(asked, timeout=TIMEOUT) as answer:  # a redirect would take the token along
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, None
        except (OSError, HTTPException, ValueError) as error:  # HTTPException: cut in the middle of an answer
            raise ServerSilent(type(error).__name__) from error

    return send


def box_in(text: str, size: int) -> bytes | None:
    """The box in a neutral message or a line of an export, or None.

    A message may be a file of the outbox, a mail as it was received, or what the second channel was sent.
    """
    last = _text_of(text).strip().rsplit("\n", 1)[-1].strip()
    if last.startswith("{"):
        try:
            said = json.loads(last)
            last = str(said.get("box") or said.get("body"))
        except ValueError:
            return None
    try:
        box = base64.b64decode(last, validate=True)
    except (binascii.Error, ValueError):
        return None
    return box if len(box) == size else None


def _text_of(text: str) -> str:
    """What a mail says, when it is one: its lines may be broken and its signs written in another way."""
    mail = message_from_string(text, policy=policy.default)
    part = mail.get_body(("plain",)) if "Content-Type" in mail else None
    if part is None:
        return text
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        return text


def _question(said: dict[str, Any]) -> Question:
    asked, answerable = _moment(said["asked_at"]), _moment(said["answerable_at"])
    return Question(said["id"], said["officer_id"], asked, answerable, said.get("team_id"))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
