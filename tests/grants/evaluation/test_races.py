"""Two at once: one window's save stands whole, and a set is never made of two."""

from collections.abc import Callable

from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.evaluation import queries, services
from grants.evaluation.models import Assignment, CalibrationSetItem, ScoreSheet
from grants.evaluation.services import Entries, Stamp
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment
from tests.grants.selection.test_races import at_once


def test_two_windows_that_save_at_once_keep_one_of_both(real_app: Flask) -> None:
    with transaction():
        number = make_assignment().id

    def save(window: str, level: int) -> Callable[[], None]:
        def run() -> None:
            mine = db.session.get_one(Assignment, number)
            entries = Entries({c.id: level for c in queries.criteria_for(mine)})
            stamp = Stamp(1, 0, window, 1)
            services.save_draft(mine, entries, by=mine.evaluator, now=utcnow(), stamp=stamp)

        return run

    accepted = at_once(real_app, *(save(f"window{level}", level) for level in (1, 2, 3)))

    db.session.expire_all()
    assert sum(accepted) == 1
    sheet = db.session.query(ScoreSheet).one()
    assert (sheet.saves, sheet.saved_from) == (1, f"window{accepted.index(True) + 1}")
    assert list(sheet.levels.values()) == [accepted.index(True) + 1] * 3


def test_two_sets_marked_at_once_leave_one(real_app: Flask) -> None:
    with transaction():
        call = make_call()
        folios = [make_application(call).folio for _n in range(4)]
        make_assignment(make_application(call))
        number, by = call.id, make_user(Role.COORDINATOR).id

    def mark(chosen: list[str]) -> Callable[[], None]:
        def run() -> None:
            found, me = db.session.get_one(Call, number), db.session.get_one(User, by)
            services.mark_calibration_set(found, Stage.PLAN, chosen, counts=False, due_on=None, by=me, now=utcnow())

        return run

    accepted = at_once(real_app, mark(folios[:2]), mark(folios[2:]))

    db.session.expire_all()
    items = db.session.query(CalibrationSetItem).order_by(CalibrationSetItem.position).all()
    assert any(accepted)
    assert [item.application.folio for item in items] in (folios[:2], folios[2:])
    open_tasks = db.session.query(Assignment).filter_by(is_calibration=True, ended_at=None)
    assert {task.application_id for task in open_tasks} == {item.application_id for item in items}
