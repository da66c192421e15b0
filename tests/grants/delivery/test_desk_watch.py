"""The desk's tool under bad conditions: odd boxes, cut lines, two hands on one book, two tools, no colours."""

import base64
import contextlib
import json
import os
import pty
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask
from sqlalchemy import select

from grants.core import outbox
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery.desk import book as books
from grants.delivery.desk.answers import decide
from grants.delivery.desk.book import Book
from grants.delivery.desk.cli import group as tool
from grants.delivery.desk.screen import Screen
from grants.delivery.desk.server import Question, Server, ServerSilent, over_http
from grants.delivery.desk.watch import Watch
from grants.delivery.models import Signal
from grants.delivery.signals import INFO, SUITE, Facts, Kind, seal
from tests.factories.delivery import DESK, DESK_PRIVATE, DESK_PUBLIC
from tests.factories.desk import KEY, confirm_as, make_watch

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
NORMAL = Facts(1, 2, NOW, pin_is_true=True, picture_used=3, picture_true=3)
ALARM = Facts(7, 2, NOW, pin_is_true=False, picture_used=3, picture_true=3)
RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRANTS_DESK_LANGUAGE", "en")


class Fake:
    """What the application answers, 200 boxes at once at most."""

    def __init__(self, *boxes: bytes) -> None:
        self.boxes, self.acknowledged, self.most_at_once = list(boxes), set[int](), 0

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/acknowledge"):
            self.acknowledged |= set(body["ids"])
            self.most_at_once = max(self.most_at_once, len(body["ids"]))
            return 200, {"acknowledged": len(body["ids"])}
        if "/signals" in path:
            after = int(re.findall(r"after=(\d+)", path)[0])
            left = [(number, box) for number, box in enumerate(self.boxes, 1) if number > after]
            if "waiting=true" in path:
                left = [one for one in left if one[0] not in self.acknowledged]
            return 200, {"items": [{"id": n, "box": base64.b64encode(box).decode()} for n, box in left[:200]]}
        return 200, {"worker_at": None} if path.endswith("/heartbeat") else {"items": []}


def watch_at(fake: Callable[..., Any], folder: Path, name: str = "desk.book") -> Watch:
    return Watch(Server(fake), KEY, folder / name)


def odd_box(said: Any) -> bytes:
    key: Any = load_pem_public_key(DESK_PUBLIC)
    return SUITE.encrypt(json.dumps(said).encode().ljust(256), key, info=INFO)


WHOLE = {"kind": "handover", "delivery": 1, "officer": 2, "at": 1, "pin": 1, "used": 1, "true": 1}
ODD = [
    [], 7, "text", None, {}, {"version": 1, "kind": "handover"}, {**WHOLE, "kind": "party"}, {**WHOLE, "at": 1e300},
    {**WHOLE, "officer": None}, {**WHOLE, "delivery": "seven"}, {**WHOLE, "used": []}, {**WHOLE, "at": "now"},
]  # fmt: skip


@pytest.mark.parametrize("said", ODD, ids=repr)
def test_a_box_with_something_else_inside_is_a_case_and_hides_no_alarm(tmp_path: Path, said: Any) -> None:
    looking = watch_at(Fake(odd_box(said), seal(ALARM, DESK)), tmp_path)

    view = looking.look(NOW)

    assert [case.title for case in view.new_cases] == ["A box does not open with this key", "ALARM: another PIN"]
    assert looking.look(NOW).new_cases == []
    assert any("A box does not open" in line.text for line in Screen().lines(view, NOW))


@pytest.fixture
def cut_line() -> Iterator[str]:
    """A server whose connection breaks in the middle of every answer."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                asking, _address = listening.accept()
                asking.recv(4096)
                asking.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"items": [')
                asking.close()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()


def test_an_answer_cut_in_the_middle_is_said_and_ends_nothing(tmp_path: Path, cut_line: str) -> None:
    view = watch_at(over_http(cut_line, "token"), tmp_path).look(NOW)

    assert view.trouble == "IncompleteRead"


@pytest.mark.parametrize("answer", [None, [], {}, {"items": 7}, {"items": [{"id": 1}]}, {"items": [{"box": 3}]}])
def test_an_answer_of_another_shape_is_said_and_ends_nothing(tmp_path: Path, answer: Any) -> None:
    view = watch_at(lambda *_asked: (200, answer), tmp_path).look(NOW)

    assert view.trouble == "an answer of another shape"


@pytest.fixture
def redirecting() -> Iterator[tuple[str, list[str]]]:
    """A server that sends everybody to another one, and what the other one was asked."""
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(str(self.headers))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_said: Any) -> None:
            return

    elsewhere = HTTPServer(("127.0.0.1", 0), Elsewhere)

    class Here(Elsewhere):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{elsewhere.server_port}/")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 -- named by the library

    here = HTTPServer(("127.0.0.1", 0), Here)
    for one in (elsewhere, here):
        threading.Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{here.server_port}", asked
    for one in (elsewhere, here):
        one.shutdown()
        one.server_close()


def test_neither_token_nor_push_follows_a_redirect(redirecting: tuple[str, list[str]]) -> None:
    address, asked = redirecting

    with pytest.raises(ServerSilent, match="302"):
        Server(over_http(address, "token")).heartbeat()
    with pytest.raises(OSError, match="302"):
        outbox._push(address, "Semilla", "box")

    assert asked == []


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n"], ids=["cut", "no HTTP"])
def test_a_push_that_is_cut_or_answered_with_nonsense_is_tried_again(app: Flask, answer: bytes) -> None:
    """The first is an OSError, the second is none; either is a try, and the next one comes a minute later."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            asking, _address = listening.accept()
            asking.recv(4096)
            asking.sendall(answer)
            asking.close()

        threading.Thread(target=serve, daemon=True).start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        message = outbox.add("kind", address=address, subject="Semilla", body="box", now=NOW)
        sent = outbox.deliver_due(outbox._push, now=NOW)

    assert sent == 0
    assert (message.state, message.attempts) == (outbox.MessageState.WAITING, 1)
    assert message.next_attempt_at == NOW + timedelta(minutes=1)


def test_commands_beside_the_screen_lose_nothing_and_neither_does_the_screen(tmp_path: Path) -> None:
    private = tmp_path / "desk.pem"
    private.write_bytes(DESK_PRIVATE)
    call, fake = ["--private", str(private)], Fake(seal(ALARM, DESK))
    looking, screen = watch_at(fake, tmp_path), Screen()
    looking.look(NOW)

    RUNNER.invoke(tool, ["cases", "open", "Team 3 does not answer", *call])
    RUNNER.invoke(tool, ["cases", "note", "1", "from the command", *call])
    for key in ("n", *"here", "\n"):
        screen.press(key, looking.view, NOW)
    looking.keep()
    fake.boxes.append(seal(NORMAL, DESK))
    looking.look(NOW)
    RUNNER.invoke(tool, ["cases", "close", "2", "it answered", *call])
    looking.look(NOW)

    kept = books.load(tmp_path / "desk.book", KEY)
    assert [case.title for case in kept.cases] == ["ALARM: another PIN", "Team 3 does not answer"]
    assert [note.split(" ", 1)[1] for note in kept.cases[0].notes] == ["from the command", "here"]
    assert [case.number for case in kept.open_cases] == [1]
    assert looking.view.book.open_cases == kept.open_cases


def test_many_hands_at_once_each_keep_their_case(tmp_path: Path) -> None:
    path = tmp_path / "desk.book"

    def work(hand: int) -> None:
        mine = books.load(path, KEY)
        for number in range(5):
            with books.held(mine, path, KEY) as book:
                book.open_case(f"{hand}.{number}", now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    cases = books.load(path, KEY).cases
    assert [case.number for case in cases] == list(range(1, 41))
    assert len({case.title for case in cases}) == 40


def test_a_note_goes_to_the_case_it_was_begun_for(tmp_path: Path) -> None:
    fake, screen = Fake(), Screen()
    looking = watch_at(fake, tmp_path)
    with books.held(looking.view.book, tmp_path / "desk.book", KEY) as book:
        first = book.open_case("rumour", now=NOW)

    screen.press("n", looking.view, NOW)
    fake.boxes.append(seal(ALARM, DESK))
    looking.look(NOW)  # the alarm is now the first row
    for key in (*"told", "\n"):
        screen.press(key, looking.view, NOW)

    assert [note.split(" ", 1)[1] for note in first.notes] == ["told"]


def test_a_second_tool_sees_an_alarm_that_the_first_acknowledged(app: Flask, tmp_path: Path) -> None:
    now = utcnow()
    first, second = make_watch(app, tmp_path, name="first.book"), make_watch(app, tmp_path, name="second.book")
    second.look(now)
    confirm_as("pin")
    confirm_as("normal")
    first.look(now)
    first.view.key_pressed()
    first.look(now)
    assert all(db.session.scalars(select(Signal.acknowledged_at)))

    view = second.look(now)

    assert [case.title for case in view.new_cases] == ["ALARM: another PIN"]
    assert view.rings
    assert not view.shown


def test_a_new_book_opens_no_case_of_what_others_are_done_with(tmp_path: Path) -> None:
    fake = Fake(*(seal(ALARM, DESK) for _n in range(3)))
    fake.acknowledged = {1, 2}
    looking = watch_at(fake, tmp_path)

    cases = [len(looking.look(NOW).new_cases) for _look in range(2)]

    assert cases == [1, 0]


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        (ALARM, "rescheduled"),
        (replace(ALARM, at=NOW - timedelta(days=3)), "go"),  # of another day
        (replace(ALARM, kind=Kind.DRILL), "go"),
        (replace(ALARM, officer_id=9, second_officer_id=2), "rescheduled"),
        (replace(ALARM, officer_id=9), "go"),
        (NORMAL, "go"),
    ],
)
def test_a_new_book_answers_as_the_one_that_knows_the_alarm(tmp_path: Path, facts: Facts, answer: str) -> None:
    """Another machine acknowledged it: no case, no bell, but the officer is not sent on."""
    fake = Fake(seal(facts, DESK), b"of another key")
    fake.acknowledged = {1, 2}
    asked = Question(id=4, officer_id=2, asked_at=NOW + timedelta(minutes=1), answerable_at=NOW + timedelta(minutes=11))
    for name in ("first.book", "second.book"):
        looking = watch_at(fake, tmp_path, name)
        view = looking.look(NOW + timedelta(minutes=1))
        view.book.draws = {"2:2026-03-02": 0}  # a day without a lot
        looking.keep()
        kept = books.load(tmp_path / name, KEY)

        assert (view.book.cases, view.rings) == ([], False)
        assert decide(asked, kept) == answer


def test_more_boxes_than_the_server_gives_at_once_are_all_read_and_acknowledged(tmp_path: Path) -> None:
    fake = Fake(*[seal(NORMAL, DESK)] * 450, seal(ALARM, DESK))
    looking = watch_at(fake, tmp_path)

    view = looking.look(NOW)
    cases, shown = view.new_cases, len(view.shown)
    view.key_pressed()
    looking.look(NOW)

    assert ([case.title for case in cases], shown) == (["ALARM: another PIN"], 451)
    assert fake.acknowledged == set(range(1, 452))
    assert fake.most_at_once <= 200


def test_a_box_written_late_under_a_lower_number_is_read(tmp_path: Path) -> None:
    fake = Fake(*(seal(NORMAL, DESK) for _n in range(3)))
    looking = watch_at(fake, tmp_path)
    looking.look(NOW)
    fake.boxes[1] = seal(ALARM, DESK)  # committed after the third
    fake.acknowledged = {1, 2, 3}  # by another tool

    assert len(looking.look(NOW + timedelta(seconds=15)).new_cases) == 1


def test_a_book_of_an_earlier_release_opens(tmp_path: Path) -> None:
    path = tmp_path / "desk.book"
    with books.held(Book(), path, KEY) as book:
        book.open_case("rumour", now=NOW)
    raw = bytes.fromhex(path.read_text())
    said = json.loads(books._cipher(KEY).decrypt(raw[:12], raw[12:], books.CONTEXT))
    del said["last"]
    sealed = books._cipher(KEY).encrypt(bytes(12), json.dumps(said).encode(), books.CONTEXT)
    path.write_text((bytes(12) + sealed).hex())

    assert (books.load(path, KEY).last, len(books.load(path, KEY).cases)) == (-1, 1)


SHOW = """
import sys
from pathlib import Path
from grants.core.clock import utcnow
from grants.delivery.desk import terminal
from grants.delivery.desk.watch import Watch
from grants.delivery.desk.server import Server
from tests.factories.delivery import DESK_PRIVATE
from grants.delivery.desk.boxes import load_private
answer = {"items": [], "worker_at": None}
terminal.show(Watch(Server(lambda *_: (200, answer)), load_private(DESK_PRIVATE), Path(sys.argv[1])), utcnow)
"""


@pytest.mark.parametrize("kind", ["vt100", "xterm"])
def test_the_screen_needs_no_colours(tmp_path: Path, kind: str) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"q")
    ran = subprocess.Popen(
        [sys.executable, "-c", SHOW, str(tmp_path / "desk.book")], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
        env={**os.environ, "TERM": kind, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    os.close(theirs)
    late, shown = threading.Timer(60, ran.kill), b""  # the terminal ends with it: nothing below waits for ever
    late.start()
    with contextlib.suppress(OSError):  # the terminal's end
        while piece := os.read(ours, 4096):
            shown += piece
    _said, wrong = ran.communicate(timeout=60)
    late.cancel()

    assert (ran.returncode, wrong) == (0, b"")
    assert b"No open alarm" in shown
