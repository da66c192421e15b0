"""Codes that stand for evaluators where the public reads."""

import hashlib
import hmac
from collections.abc import Iterable

from grants.core.crypto import keyring
from grants.selection.models import Selection


def evaluator_codes(selection: Selection, evaluators: Iterable[int]) -> dict[int, str]:
    """E01, E02 … by evaluator id, in the order of a keyed hash of run and id.

    The same in every file of a run, others in another run. Without the installation's key nobody can compute the
    order, so neither the alphabet nor the age of an account leads from a code to a name.
    """
    key = keyring().derive("evaluator-codes")
    drawn = sorted(set(evaluators), key=lambda one: hmac.digest(key, f"{selection.id}|{one}".encode(), hashlib.sha256))
    width = max(2, len(str(len(drawn))))
    return {evaluator: f"E{number:0{width}d}" for number, evaluator in enumerate(drawn, 1)}
