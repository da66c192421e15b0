"""A small call that is over: ten applied, eight were awarded, two wait."""

from collections.abc import Sequence
from itertools import cycle

from grants.access.permissions import Role
from grants.calls import services as calls
from grants.calls.models import Call, Stage
from grants.demo.awards import select_and_publish
from grants.demo.corner.setting import Setting, open_a_call
from grants.demo.corner.writing import assignments_of, hand_in, score
from grants.evaluation import services as evaluation
from grants.people.models import Person
from grants.selection.models import Award

PLACES = 8
WINDOW = (-60, -45)
SCORED_ON = {Stage.PLAN: -40, Stage.PITCH: -34}
SELECTED_ON = -30


def build_pilot(setting: Setting, people: Sequence[Person]) -> list[Award]:
    """From the call to its published awards, best first."""
    call = open_a_call(setting, code="PILOTO", name="Convocatoria piloto", places=PLACES, window=WINDOW)
    enumerators = cycle(setting.staff[Role.ENUMERATOR])
    for number, (person, by) in enumerate(zip(people, enumerators, strict=False)):
        hand_in(setting, call, person, by=by, at=setting.morning(WINDOW[0] + 2 + number))
    calls.close(call, by=setting.coordinator, now=setting.morning(WINDOW[1] + 1))
    for stage, day in SCORED_ON.items():
        _score(setting, call, stage, day)
    return select_and_publish(setting.staff, call, at=setting.morning(SELECTED_ON))


def _score(setting: Setting, call: Call, stage: Stage, day: int) -> None:
    evaluation.propose_assignments(
        call, stage=stage, due_on=setting.day(day + 4), by=setting.coordinator, now=setting.morning(day - 2)
    )
    for number, assignment in enumerate(assignments_of(call, stage)):
        score(setting, assignment, at=setting.morning(day, minutes=25 * number))
