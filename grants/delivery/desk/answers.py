"""What the desk answers to an officer who asks for the next stop.

"Rescheduled" on an alarm, and at random on 5 % of normal days, drawn here, by team and day, with the machine's own
random source: the server's database holds both kinds alike. A drawn day is rescheduled from one of its questions on, as
after an alarm. It can be any of them: if lots never fell on the third, a third one rescheduled would be an alarm.
"""

from random import SystemRandom

from grants.core.clock import local_day
from grants.delivery.desk.book import Book
from grants.delivery.desk.server import Question

GO, RESCHEDULED = "go", "rescheduled"
PERCENT = 5  # of normal days with COUNTED questions
COUNTED = 10
LONGEST = 60  # questions of a day: the chance goes on falling beyond those that are counted
_WEIGHTS = [1 / number for number in range(1, LONGEST + 1)]
_SHARE = PERCENT / 100 * sum(_WEIGHTS) / sum(_WEIGHTS[:COUNTED])


def decide(question: Question, book: Book) -> str:
    """The answer to a question. Asked twice about the same one, it says the same."""
    day = local_day(question.asked_at)
    who = str(question.officer_id) if question.team_id is None else f"team {question.team_id}"
    place = f"{who}:{day.isoformat()}"
    asked = book.asked.setdefault(place, [])
    if question.id not in asked:
        asked.append(question.id)
    number = asked.index(question.id) + 1
    drawn = book.draws.setdefault(place, _draw())
    alarm_at = book.alarm_of(question.officer_id, question.asked_at)
    if alarm_at is not None and local_day(alarm_at) == day and not 0 < drawn <= number:
        drawn = book.draws[place] = number  # the whole team from here on, as where a lot fell
    return RESCHEDULED if alarm_at is not None or 0 < drawn <= number else GO


def _draw() -> int:
    """From which question on the day is rescheduled, with weights of 1/number; 0 for a day like any other."""
    lot = SystemRandom()
    return lot.choices(range(1, LONGEST + 1), _WEIGHTS)[0] if lot.random() < _SHARE else 0
