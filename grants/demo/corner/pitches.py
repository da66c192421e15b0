"""A pitch session on the day of loading: slots given out by lottery, and a few people without one."""

from grants.access.permissions import Role
from grants.calls.models import Call
from grants.demo.corner.setting import Setting
from grants.evaluation import services
from grants.evaluation.services import SessionFields

CANTON = "1001"
PLACE = "Casa comunal de práctica"
SLOTS, MINUTES, PAUSE = 6, 8, 4
SEATS = 4  # members of the panel: the first evaluators
BEGINS = 120  # minutes into the morning


def plan_pitches(setting: Setting, call: Call) -> None:
    """Planned two days ago, today at the usual hour: whoever tries it opens the session."""
    by, planned_at = setting.coordinator, setting.morning(-2)
    panel = frozenset(one.id for one in setting.staff[Role.EVALUATOR][:SEATS])
    begins_at = setting.morning(0, minutes=BEGINS)
    fields = SessionFields(CANTON, PLACE, begins_at, SLOTS, MINUTES, PAUSE, panel)
    services.create_pitch_session(call, fields, by=by, now=planned_at)
    services.fill_slots(call, by=by, now=planned_at)
