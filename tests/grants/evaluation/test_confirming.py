"""Two who confirm a proposal at the same moment: every application gets its reviews once, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.evaluation import services
from grants.evaluation.models import Assignment
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call


def test_two_who_confirm_at_once_assign_once(real_app: Flask) -> None:
    call, chair = make_call(reviews_per_application=1), make_user(Role.COORDINATOR)
    for _n in range(4):
        make_application(call)
    for _n in range(2):
        make_user(Role.EVALUATOR)
    db.session.commit()
    call_id, chair_id, start = call.id, chair.id, Barrier(2)
    db.session.remove()

    def tap(_number: int) -> bool:
        with real_app.app_context():
            start.wait(timeout=30)
            try:
                with transaction():
                    wanted, by = db.session.get_one(Call, call_id), db.session.get_one(User, chair_id)
                    services.propose_assignments(wanted, stage=Stage.PLAN, due_on=None, by=by, now=utcnow())
            except RuleBroken:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(tap, range(2)))

    assert any(ends)
    assert sorted(a.application_id for a in db.session.query(Assignment)) == [1, 2, 3, 4]
