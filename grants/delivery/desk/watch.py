"""One look at the server: open what is new, open cases, acknowledge, answer.

To the server every look is the same, whatever the boxes say. Boxes are acknowledged when somebody is at the desk, all
of them or none; questions are answered as soon as their time has come.
"""

import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from grants.delivery.desk import book as books
from grants.delivery.desk.answers import decide
from grants.delivery.desk.book import Book, Case
from grants.delivery.desk.boxes import unseal
from grants.delivery.desk.server import Area, Question, SealedBox, Server, ServerSilent
from grants.delivery.desk.words import _
from grants.delivery.signals import Facts, Kind

PRESENT = timedelta(minutes=10)


@dataclass(slots=True)
class View:
    """What the last looks found, for the screen."""

    book: Book
    questions: list[Question] = field(default_factory=list)
    proposed: dict[int, str] = field(default_factory=dict)
    chosen: dict[int, str] = field(default_factory=dict)  # by the operator, instead of what is proposed
    areas: list[Area] = field(default_factory=list)
    waiting: int = 0
    worker_at: datetime | None = None
    contact_at: datetime | None = None
    here_at: datetime | None = None
    trouble: str = ""
    new_cases: list[Case] = field(default_factory=list)

    def somebody_is_here(self, now: datetime) -> bool:
        """A key was pressed lately. Only then are boxes acknowledged."""
        return self.here_at is not None and now - self.here_at <= PRESENT

    def rings(self, now: datetime) -> bool:
        """A new alarm, or boxes that wait with nobody at the desk."""
        return bool(self.new_cases) or (self.waiting > 0 and not self.somebody_is_here(now))


class Watch:
    """The desk's key and book, and a server to look at."""

    def __init__(self, server: Server, key: X25519PrivateKey, path: Path) -> None:
        self._server, self._key, self._path = server, key, path
        self.view = View(books.load(path, key))

    def look(self, now: datetime) -> View:
        """One look. A silent server leaves everything as it was and says so."""
        self.view.new_cases = []
        try:
            self._boxes(now)
            self._questions(now)
            self.view.worker_at = self._server.heartbeat()
            self.view.areas = self._server.areas()
            self.view.contact_at, self.view.trouble = now, ""
        except ServerSilent as error:
            self.view.trouble = str(error)
        finally:
            self.keep()
        return self.view

    def keep(self) -> None:
        """Write the book."""
        books.save(self.view.book, self._path, self._key)

    def _boxes(self, now: datetime) -> None:
        waiting = self._server.signals(waiting=True)
        for sealed in waiting:
            case = take(sealed, self._key, self.view.book, now=now)
            if case is not None:
                self.view.new_cases.append(case)
        # Kept before the server hears of it: what was acknowledged is never sent again.
        self.keep()
        self.view.waiting = len(waiting)
        if self.view.somebody_is_here(now):
            self._server.acknowledge([sealed.id for sealed in waiting])
            self.view.waiting = 0

    def _questions(self, now: datetime) -> None:
        view, left = self.view, []
        for question in self._server.questions():
            view.proposed[question.id] = view.chosen.get(question.id) or decide(question, view.book)
            if question.answerable_at > now or not self._answered(question):
                left.append(question)
        view.questions = left

    def _answered(self, question: Question) -> bool:
        """Answered now, or by somebody on the desk's page."""
        with contextlib.suppress(ServerSilent):
            self._server.answer(question, self.view.proposed[question.id])
            return True
        return False


def take(sealed: SealedBox, key: X25519PrivateKey, book: Book, *, now: datetime) -> Case | None:
    """Open a box that was not seen before; a case when it is an alarm or does not open."""
    if book.has_seen(sealed.box):
        return None
    try:
        facts = unseal(sealed.box, key)
    except ValueError:
        book.take(sealed.box, None)
        return book.open_case(_("A box does not open with this key"), now=now)
    book.take(sealed.box, facts)
    return book.open_case(title_of(facts), now=now, facts=facts) if facts.is_alarm else None


def title_of(facts: Facts) -> str:
    """What an alarm is called: who called, and whether it is a drill."""
    called = []
    if facts.picture_used != facts.picture_true:
        called.append(_("another picture"))
    if not facts.pin_is_true or not facts.second_pin_is_true:
        called.append(_("another PIN"))
    word = _("DRILL") if facts.kind is Kind.DRILL else _("ALARM")
    return f"{word}: {', '.join(called)}"
