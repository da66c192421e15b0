"""What some of the demo's people said about getting credit. Invented: the report asked about the training only."""

from datetime import timedelta

from sqlalchemy import func, select

from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db
from grants.credit.models import CreditAnswer, Linkage, LinkageEvent, LinkageState, Outcome, SurveyChannel
from grants.credit.models.satisfaction import PARTS
from grants.demo.facts import Chance, morning
from grants.demo.staff import Staff

SEED = 23
ASKED_PERCENT, REFUSED_PERCENT = 60, 8
# Grades from 1 to 5, in percent: those with a credit are happier than those without.
GRADES = {Outcome.APPROVED: (2, 6, 14, 44, 34), Outcome.DECLINED: (18, 26, 26, 22, 8)}


def build_credit_voices(staff: Staff) -> None:
    """Six in ten of those whose credit was decided, asked 7 to 60 days later. By a chance of its own."""
    chance = Chance(SEED)
    decided = select(LinkageEvent.linkage_id, LinkageEvent.to_state, func.min(LinkageEvent.happened_on)).where(
        LinkageEvent.to_state.in_((LinkageState.APPROVED, LinkageState.DECLINED))
    )
    rows = db.session.execute(
        decided.group_by(LinkageEvent.linkage_id, LinkageEvent.to_state).order_by(LinkageEvent.linkage_id)
    ).all()
    for linkage_id, state, day in rows:
        if chance.randrange(100) >= ASKED_PERCENT:
            continue
        linkage, by = db.session.get_one(Linkage, linkage_id), chance.choice(staff[Role.ENUMERATOR])
        outcome = Outcome.APPROVED if state is LinkageState.APPROVED else Outcome.DECLINED
        asked_on = day + timedelta(days=chance.randint(7, 60))
        grades = chance.choices(range(1, 6), GRADES[outcome], k=len(PARTS) + 1)
        refused = chance.randrange(100) < REFUSED_PERCENT
        answer = CreditAnswer(
            linkage_id=linkage.id, person_id=linkage.person_id, outcome=outcome, refused=refused,
            channel=chance.choice(list(SurveyChannel)), asked_on=asked_on, asked_by_id=by.id,
            recorded_at=morning(asked_on, minutes=90), overall=None if refused else grades[-1],
            **({} if refused else dict(zip(PARTS, grades[:-1], strict=True))),
        )  # fmt: skip
        db.session.add(answer)
        db.session.flush()
        journal.record(by, "credit.asked", linkage, at=answer.recorded_at, answer_id=answer.id, refused=refused)
