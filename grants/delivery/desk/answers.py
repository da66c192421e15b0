"""What the desk answers to an officer who asks for the next stop.

"Rescheduled" on an alarm, and at random on 5 % of normal days, drawn here, by team and day, with the machine's own
random source: the server's database holds both kinds alike. On a drawn day the trip is rescheduled from one of its
first questions on, as after an alarm, which rarely comes before the first.
"""

import secrets

from grants.core.clock import local_day
from grants.delivery.desk.book import Book
from grants.delivery.desk.server import Question

GO, RESCHEDULED = "go", "rescheduled"
PERCENT = 5
FIRST_QUESTIONS = 2  # a trip has three or four stops; the first is not asked for at levels 1 and 2


def decide(question: Question, book: Book) -> str:
    """The answer to a question. Asked twice about the same one, it says the same."""
    day = local_day(question.asked_at)
    who = str(question.officer_id) if question.team_id is None else f"team {question.team_id}"
    place = f"{who}:{day.isoformat()}"
    asked = book.asked.setdefault(place, [])
    if question.id not in asked:
        asked.append(question.id)
    drawn = book.draws.setdefault(place, _draw())
    by_lot = bool(drawn) and asked.index(question.id) + 1 >= drawn
    return RESCHEDULED if book.alarm_of(question.officer_id, day) or by_lot else GO


def _draw() -> int:
    """From which question of the day on the trip is rescheduled; 0 for a day like any other."""
    return 1 + secrets.randbelow(FIRST_QUESTIONS) if secrets.randbelow(100) < PERCENT else 0
