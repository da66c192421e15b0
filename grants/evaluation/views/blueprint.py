"""The blueprint, and what its templates know."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _

from grants.calls.models import Stage
from grants.evaluation.forms import STAGE_NAMES, clock, two_decimals

bp = Blueprint("evaluation", __name__)


bp.add_app_template_filter(two_decimals)
bp.add_app_template_filter(clock)


@bp.app_template_global()
def stage_name(stage: Stage) -> str:
    return str(STAGE_NAMES[stage])


@bp.app_template_global()
def limit_words(limit: Any, people: Mapping[int, Any], folios: Mapping[int, str]) -> str:
    """Why an assignment falls short, with names and folios for the ids; what is hidden stays "—"."""
    words: dict[str, str] = {
        "application": _("%(folio)s: only %(given)s of the evaluators may read it, %(needed)s are needed."),
        "panel": _("%(folio)s: no panel has %(needed)s evaluators who may read it, the best has %(given)s."),
        "review": _("%(folio)s: only %(given)s of %(needed)s reviews find an evaluator with room."),
        "maximum": _("%(name)s: the limit of sheets must grow by %(off)s."),
        "minimum": _("%(name)s: the fewest of %(needed)s sheets needs %(off)s more than there are."),
        "capacity": _("The limits allow %(given)s more sheets, %(needed)s are needed. Add evaluators or raise limits."),
        "minimums": _("The fewest sheets asked for add up to %(given)s, there are only %(needed)s."),
        "evaluators": _("There is no evaluator."),
        "panels": _("The limits leave some applications without a panel that has room. Widen them."),
    }
    person = people.get(limit.key)
    return str(words[limit.kind]) % {
        "folio": folios.get(limit.key, "—"),
        "name": person.name if person else "—",
        "given": limit.given,
        "needed": limit.needed,
        "off": abs(limit.needed - limit.given),
    }
