"""What a run was computed with, as pairs of name and value."""

import json
from collections.abc import Iterator

from flask_babel import gettext as _

from grants.selection.exports.book import Cell
from grants.selection.exports.contents import Contents, hundredths
from grants.selection.exports.words import state_words
from grants.selection.reckoning import RunResult


def parameters(contents: Contents, *, with_names: bool) -> Iterator[tuple[str, Cell]]:
    """Call, state, places, hashes, proof, then every setting under its own name.

    `with_names`: of those who made and signed the run; one of them may be an evaluator too.
    """
    selection, call = contents.selection, contents.selection.call
    yield _("Run"), selection.id
    yield _("State"), state_words(selection)
    yield _("What-if"), selection.is_what_if
    yield _("Call"), call.code
    yield _("Name of the call"), call.name
    yield _("Places"), selection.places
    yield _("Hash of the data (SHA-256)"), selection.inputs_hash
    yield _("Made"), selection.created_at
    yield _("Signatures"), len(selection.approvals)
    if with_names:
        yield _("Made by"), selection.created_by.name
        for approval in selection.approvals:
            yield _("Signed by"), approval.approved_by.name
    if contents.result is not None:
        yield from _proof(contents.result)
    for name, value in sorted(selection.settings.items()):
        yield name, value if isinstance(value, str | int | float | bool) or value is None else json.dumps(value)


def _proof(result: RunResult) -> Iterator[tuple[str, Cell]]:
    proof = result.certificate
    yield _("Hash of the result (SHA-256)"), result.hash
    yield _("Points of all selected together"), hundredths(proof["objective"])
    yield _("Bound that no allowed selection can exceed"), hundredths(proof["bound"])
    yield _("Difference"), hundredths(proof["gap"])
    yield _("Cut line"), hundredths(proof["cut"])
    yield _("Checked when the run was made"), bool(proof["checked"])
