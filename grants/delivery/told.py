"""Sentences that are kept and read later: in the words of the code when stored, in the reader's language when shown."""

from typing import Any

from flask_babel import gettext, ngettext
from flask_babel.speaklater import LazyString


def in_english(sentence: Any) -> str:
    """The sentence as it stands in the code, whoever acts now."""
    return str(sentence._args[0]) if isinstance(sentence, LazyString) else str(sentence)


def to_keep(sentence: Any) -> Any:
    """A sentence as JSON: its words in the code and its values. Plain text stays as it is."""
    if not isinstance(sentence, LazyString):
        return sentence if isinstance(sentence, int) else str(sentence)
    return {
        "words": [to_keep(one) for one in sentence._args],
        "values": {name: to_keep(value) for name, value in sentence._kwargs.items()},
    }


def to_show(kept: Any) -> Any:
    """A kept sentence in the reader's language; what was kept as text, as older rows are, is shown as it was."""
    if not isinstance(kept, dict):
        return kept
    say = gettext if len(kept["words"]) == 1 else ngettext
    return say(*kept["words"], **{name: to_show(value) for name, value in kept["values"].items()})
