"""Writing down what a person says about the process of getting credit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import CreditAnswer, SurveyChannel
from grants.credit.models.satisfaction import FIRST_ROUND, LATEST, SOONEST
from grants.credit.queries.satisfaction import ToAsk, is_liaison


@dataclass(frozen=True, slots=True)
class Answers:
    """Grades of 1 to 5; `overall` None: the person did not want to answer. `parts` without what was not said."""

    channel: SurveyChannel
    asked_on: date
    overall: int | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    comment: str | None = None


def write_down(asked: ToAsk, answers: Answers, *, by: User, now: datetime) -> CreditAnswer:
    """Keep one person's answer, or that they refused. Once for a linkage and round."""
    if is_liaison(by):
        raise RuleBroken(_("Whoever works for an institution asks nobody. Have a colleague ask."))
    _check_day(asked, answers, now=now)
    linkage = asked.linkage
    row = CreditAnswer(
        linkage_id=linkage.id,
        person_id=linkage.person_id,
        round=FIRST_ROUND,
        outcome=asked.outcome,
        refused=answers.overall is None,
        overall=answers.overall,
        channel=answers.channel,
        asked_on=answers.asked_on,
        asked_by_id=by.id,
        recorded_at=now,
        comment=answers.comment,
        **(answers.parts if answers.overall is not None else {}),
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        raise RuleBroken(_("This person was asked already. Go on with the next one.")) from None
    journal.record(by, "credit.asked", linkage, at=now, answer_id=row.id, refused=row.refused)
    return row


def _check_day(asked: ToAsk, answers: Answers, *, now: datetime) -> None:
    if answers.asked_on > local_day(now):
        raise RuleBroken(_("That day is in the future. Write down the day on which you asked."), field="asked_on")
    if not asked.decided_on + SOONEST <= answers.asked_on <= asked.decided_on + LATEST:
        raise RuleBroken(_("People are asked 7 to 60 days after the decision. Check the day."), field="asked_on")
