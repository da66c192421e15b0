"""The blueprint, and what its templates know."""

from flask import Blueprint

from grants.calls.models import Stage
from grants.evaluation.forms import STAGE_NAMES, clock, two_decimals

bp = Blueprint("evaluation", __name__)


bp.add_app_template_filter(two_decimals)
bp.add_app_template_filter(clock)


@bp.app_template_global()
def stage_name(stage: Stage) -> str:
    return str(STAGE_NAMES[stage])
