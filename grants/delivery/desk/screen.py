"""The terminal screen: what it shows and what its keys do, apart from the terminal itself.

Alarms first and largest. Nothing is said by colour alone, and no key answers anything that cannot be seen.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from grants.core.clock import PROGRAMME_ZONE
from grants.delivery.desk.answers import GO, RESCHEDULED
from grants.delivery.desk.book import Case, stamp
from grants.delivery.desk.server import Area, Question
from grants.delivery.desk.watch import View
from grants.delivery.desk.words import _

LATE = timedelta(minutes=3)
SOON = timedelta(hours=3)


class Tone(StrEnum):
    """How a line stands out, besides what it says."""

    PLAIN = "plain"
    TITLE = "title"
    ALARM = "alarm"
    CHOSEN = "chosen"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    tone: Tone = Tone.PLAIN


@dataclass(slots=True)
class Screen:
    """Where the operator is: one row of cases and questions is chosen."""

    at: int = 0
    writing: str | None = None  # the note that is being typed
    noted: int = 0  # the case that it is for: rows may move meanwhile
    said: str = ""

    def lines(self, view: View, now: datetime, height: int | None = None) -> list[Line]:
        """The screen from top to bottom. Where it is lower than what there is, what lies around the chosen row; the
        alarms' count and the keys stay."""
        head, foot = self._head(view, now), [Line(""), *self._foot()]
        rows = [*self._cases(view), *self._questions(view, now), *_areas(view, now)]
        if height is not None:
            rows = _around_the_chosen(rows, max(3, height - len(head) - len(foot)))
        return [*head, *rows, *foot]

    def press(self, key: str, view: View, now: datetime) -> bool:
        """One key. True when the book changed and must be kept. Any key says that somebody is here."""
        view.key_pressed()
        self.said = ""
        if self.writing is not None:
            return self._write(key, view, now)
        row = self._row(view)
        if key in ("KEY_DOWN", "j", "KEY_UP", "k"):
            self.at += 1 if key in ("KEY_DOWN", "j") else -1
            self._row(view)
        elif isinstance(row, Case) and key in ("n", "c"):
            self.writing, self.noted = "" if key == "n" else None, row.number
            return key == "c" and self._close(row, now)
        elif isinstance(row, Question) and key in ("g", "r"):
            view.chosen[row.id] = view.proposed[row.id] = GO if key == "g" else RESCHEDULED
        return False

    def _row(self, view: View) -> Case | Question | None:
        rows: list[Case | Question] = [*view.book.open_cases, *view.questions]
        self.at = max(0, min(self.at, len(rows) - 1))
        return rows[self.at] if rows else None

    def _write(self, key: str, view: View, now: datetime) -> bool:
        case, text = view.book.case(self.noted), self.writing or ""
        if key in ("\n", "KEY_ENTER"):
            self.writing = None
            if case is not None and text.strip():
                case.notes.append(f"{stamp(now)} {text.strip()}")
                return True
        elif key == "\x1b":
            self.writing = None
        elif key in ("KEY_BACKSPACE", "\x7f", "\b"):
            self.writing = text[:-1]
        elif len(key) == 1 and key.isprintable():
            self.writing = text + key
        return False

    def _close(self, case: Case, now: datetime) -> bool:
        if not case.notes:
            self.said = _("Write a note (n) before you close a case: what was done, and who knows.")
            return False
        case.closed_at = stamp(now)
        return True

    def _head(self, view: View, now: datetime) -> list[Line]:
        alarms = sum(1 for case in view.book.open_cases if case.at and not case.drill)
        if alarms:
            first = Line(_("*** OPEN ALARMS: %(count)d ***", count=alarms), Tone.ALARM)
        else:
            first = Line(_("No open alarm"), Tone.TITLE)
        return [first, *_health(view, now), Line("")]

    def _cases(self, view: View) -> list[Line]:
        lines = [Line(_("CASES"), Tone.TITLE)]
        for number, case in enumerate(view.book.open_cases):
            tone = Tone.CHOSEN if number == self.at else Tone.PLAIN if case.drill else Tone.ALARM
            lines.append(Line(f"{'>' if number == self.at else ' '} {about(case)}", tone))
            lines += [Line(f"      {note}") for note in case.notes[-2:]]
        return lines if len(lines) > 1 else [*lines, Line("  " + _("No open case."))]

    def _questions(self, view: View, now: datetime) -> list[Line]:
        first = len(view.book.open_cases)
        lines = [Line(""), Line(_("WHO ASKS FOR THE NEXT STOP"), Tone.TITLE)]
        for number, one in enumerate(view.questions, first):
            said = _("go on") if view.proposed.get(one.id) == GO else _("rescheduled")
            text = _("officer %(officer)d, answered at %(time)s: %(answer)s",
                     officer=one.officer_id, time=clock(one.answerable_at), answer=said)  # fmt: skip
            chosen = number == self.at
            lines.append(Line(f"{'>' if chosen else ' '} {text}", Tone.CHOSEN if chosen else Tone.PLAIN))
        return lines if len(lines) > 2 else [*lines, Line("  " + _("Nobody asks."))]

    def _foot(self) -> list[Line]:
        if self.writing is not None:
            return [Line(_("Note: %(text)s_", text=self.writing), Tone.CHOSEN),
                    Line(_("Enter keeps it, Esc drops it."))]  # fmt: skip
        keys = [Line(_("Up, Down: choose   n: note   c: close the case   g: go on   r: rescheduled")),
                Line(_("Space: I am here   q: quit"))]  # fmt: skip
        return [Line(self.said, Tone.WARN), *keys] if self.said else keys


def _around_the_chosen(rows: list[Line], room: int) -> list[Line]:
    """So many rows, with how many lie above and below."""
    if len(rows) <= room:
        return rows
    at = next((number for number, line in enumerate(rows) if line.text.startswith(">")), 0)
    first = max(0, min(at - room // 2, len(rows) - room))
    shown, below = rows[first : first + room], len(rows) - first - room
    if first:
        shown[0] = Line("  " + _("%(count)d more above", count=first + 1))
    if below:
        shown[-1] = Line("  " + _("%(count)d more below", count=below + 1))
    return shown


def about(case: Case) -> str:
    """A case in one line."""
    parts = [f"#{case.number}", clock(datetime.fromisoformat(case.at or case.opened_at)), case.title]
    if case.officer_id is not None:
        kind = _("practice %(number)d") if case.drill else _("delivery %(number)d")
        parts += [kind % {"number": case.delivery_id}, _("officer %(number)d", number=case.officer_id)]
    if case.second_officer_id:
        parts.append(_("second officer %(number)d", number=case.second_officer_id))
    return "  ".join(parts)


def clock(moment: datetime) -> str:
    """Day and time where the programme works."""
    return moment.astimezone(PROGRAMME_ZONE).strftime("%d/%m %H:%M")


def _health(view: View, now: datetime) -> list[Line]:
    """Whether an alarm would reach this screen."""
    lines = [
        _age(_("Server answered"), view.contact_at, now),
        _age(_("Server's worker ran"), view.worker_at, now),
    ]
    if view.trouble:
        lines.append(Line(_("! The server does not answer: %(why)s", why=view.trouble), Tone.WARN))
    if view.shown:
        lines.append(Line(_("! New handovers wait for a key: %(count)d. Press any.", count=len(view.shown)), Tone.WARN))
    return lines


def _age(name: str, at: datetime | None, now: datetime) -> Line:
    if at is None:
        return Line(_("! %(name)s: never", name=name), Tone.WARN)
    seconds = max(0, int((now - at).total_seconds()))
    mark, tone = ("! ", Tone.WARN) if now - at > LATE else ("", Tone.PLAIN)
    return Line(mark + _("%(name)s %(seconds)d s ago", name=name, seconds=seconds), tone)


def _areas(view: View, now: datetime) -> list[Line]:
    """Cantons whose risk level ends soon, or has ended: held until the desk takes a new one."""
    near = [one for one in view.areas if one.expires_at is None or one.expires_at - now < SOON]
    if not near:
        return []
    return [Line(""), Line(_("RISK LEVELS THAT END"), Tone.TITLE), *(_area(one, now) for one in near)]


def _area(area: Area, now: datetime) -> Line:
    if area.expires_at is None or area.expires_at <= now:
        return Line(_("! %(canton)s: none in force, kits are held", canton=area.canton), Tone.WARN)
    text = _("%(canton)s: level %(level)d until %(time)s",
             canton=area.canton, level=area.level or 0, time=clock(area.expires_at))  # fmt: skip
    return Line(f"  {text}")
