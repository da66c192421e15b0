"""What dimensions and their values are called on screen."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _

from grants.pages import country
from grants.people.models import GROUP_NAMES, SEX_NAMES, AgeBand, PopulationGroup, Sex
from grants.people.protection import Mark
from grants.reports.results import Cell

DIMENSION_NAMES = {
    "sex": _("Sex"),
    "population_group": _("Population group"),
    "mobility": _("Human mobility"),
    "nationality": _("Nationality"),
    "age_band": _("Age on the day"),
    "disability": _("Disability"),
    "single_carer": _("Single carer"),
    "province": _("Province"),
    "canton": _("Canton"),
    "grade": _("Grade of the course"),
    "device": _("Device received"),
}
SPLIT_NAMES = {
    "sex": _("Sex in each province"),
    "mobility": _("Human mobility in each province"),
    "disability": _("Disability in each province"),
    "grade": _("Grade in each province"),
    "device": _("Device received in each province"),
}
AGE_NAMES = {
    AgeBand.UNDER_18: _("Under 18"),
    AgeBand.FROM_18_TO_35: _("18 to 35"),
    AgeBand.FROM_36_TO_59: _("36 to 59"),
    AgeBand.FROM_60: _("60 and older"),
}
PLAIN_NAMES = {
    "yes": _("Yes"),
    "no": _("No"),
    "not_asked": _("Not asked"),
    "passed": _("60 % or more"),
    "below": _("Below 60 %"),
    "no_grade": _("Without a grade"),
    "mobility": _("People in human mobility"),
    "host": _("Host community"),
}
SPLIT = "province_"
PROTECTED = _("protected")


def dimension_name(dimension: str) -> str:
    if dimension.startswith(SPLIT):
        return str(SPLIT_NAMES[dimension.removeprefix(SPLIT)])
    return str(DIMENSION_NAMES[dimension])


def value_name(dimension: str, value: str, places: Mapping[str, str]) -> str:
    """A value in words, e.g. '21_male' of 'province_sex' → 'Sucumbíos: Man'."""
    if dimension.startswith(SPLIT):
        province, _sign, rest = value.partition("_")
        inside = value_name(dimension.removeprefix(SPLIT), rest, places)
        return f"{places.get(province, province)}: {inside}"
    if dimension in ("province", "canton"):
        return places.get(value, value)
    if dimension == "nationality":
        return country(value)
    if dimension == "sex":
        return str(SEX_NAMES[Sex(value)])
    if dimension == "population_group":
        return str(GROUP_NAMES[PopulationGroup(value)])
    if dimension == "age_band":
        return str(AGE_NAMES[AgeBand(value)])
    return str(PLAIN_NAMES[value])


def hidden_mark(cell: Cell) -> str:
    """What stands in a protected cell."""
    return "<5" if cell.mark is Mark.SMALL else str(PROTECTED)
