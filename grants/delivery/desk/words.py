"""The tool's sentences in the operator's language, without a web application around them."""

import os
from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).resolve().parents[2] / "translations"
DEFAULT = "es"


def _(sentence: str, **values: object) -> str:
    """The sentence in Spanish, or in English when GRANTS_DESK_LANGUAGE says `en`."""
    said = str(_catalogue(os.environ.get("GRANTS_DESK_LANGUAGE", DEFAULT)).gettext(sentence))
    return said % values if values else said


@cache
def _catalogue(language: str) -> NullTranslations:
    return NullTranslations() if language == "en" else Translations.load(FOLDER, [language], "messages")
