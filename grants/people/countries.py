"""Countries by their ISO 3166-1 alpha-2 code, with names from the CLDR."""

from functools import cache

from babel import Locale

FIRST_COUNTRIES = ("EC", "VE", "CO", "PE")
# CLDR's territories beyond ISO 3166-1: outlying and test areas, the two unions, "unknown".
NOT_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})


@cache
def country_codes() -> tuple[str, ...]:
    """The countries' ISO 3166-1 alpha-2 codes, from the CLDR."""
    codes = [str(code) for code in Locale("en").territories]
    return tuple(sorted(code for code in codes if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES))


@cache
def country_choices(language: str) -> tuple[tuple[str, str], ...]:
    """(code, name) in this language ("es", "en"): the usual ones first, the rest by name."""
    names = Locale.parse("es_EC" if language == "es" else "en_US").territories
    rest = sorted(set(country_codes()) - set(FIRST_COUNTRIES), key=lambda code: _sort_key(names[code]))
    return tuple((code, str(names[code])) for code in (*FIRST_COUNTRIES, *rest))


def _sort_key(name: str) -> str:
    plain = str.maketrans("ÁÀÂÅÄÉÈÍÓÔÖÚÜÇÑáàâåäéèíóôöúüçñ", "AAAAAEEIOOOUUCNaaaaaeeiooouucn")
    return name.translate(plain).casefold()
