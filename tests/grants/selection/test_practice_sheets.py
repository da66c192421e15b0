"""Sheets of a calibration set that does not count change nothing in a selection; those of one that counts do."""

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.calls.models import Stage
from grants.selection.queries.inputs import selection_inputs
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calibration import make_calibration_set
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_reviews, make_sheet


@pytest.mark.parametrize(("counts", "sheets"), [(False, 4), (True, 5)])
def test_practice_is_no_input_of_a_selection(app: Flask, counts: bool, sheets: int) -> None:
    """Two reviews of each stage, all with level 2; a third evaluator gives the plan level 4 in the set."""
    call = make_call()
    application = make_application(call)
    make_reviews(application, 2, 2)
    before = selection_inputs(call).hash
    make_calibration_set(application, counts=counts)
    third = make_user(Role.EVALUATOR)
    make_assignment(application, third, is_calibration=True)
    make_sheet(application, third, Stage.PLAN, levels=4)

    inputs = selection_inputs(call)

    assert len(inputs.sheets) == sheets
    assert (inputs.hash == before) is not counts
