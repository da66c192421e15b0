"""What a run was computed with, as pairs of name and value."""

from collections.abc import Iterator

from flask_babel import gettext as _

from grants.selection.exports.book import Cell
from grants.selection.exports.words import state_words
from grants.selection.models import Selection


def parameters(selection: Selection, *, with_names: bool) -> Iterator[tuple[str, Cell]]:
    """Call, state, places, hash, who signed, then every setting under its own name.

    `with_names`: of those who made and signed the run; one of them may be an evaluator too.
    """
    call = selection.call
    yield _("Run"), selection.id
    yield _("State"), state_words(selection)
    yield _("Call"), call.code
    yield _("Name of the call"), call.name
    yield _("Places"), selection.places
    yield _("Weight of the plan (%)"), call.plan_weight
    yield _("Weight of the pitch (%)"), call.pitch_weight
    yield _("Reviews for each application and stage"), selection.settings.get("reviews")
    yield _("Hash of the data (SHA-256)"), selection.inputs_hash
    yield _("Made"), selection.created_at
    yield _("Signatures"), len(selection.approvals)
    if with_names:
        yield _("Made by"), selection.created_by.name
        for approval in selection.approvals:
            yield _("Signed by"), approval.approved_by.name
    for name, value in sorted(selection.settings.items()):
        yield name, value if isinstance(value, str | int | float | bool) or value is None else str(value)
