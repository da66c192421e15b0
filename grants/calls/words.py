"""The groups that quotas count by, as screens and letters name them."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _

GROUP_WORDS = {
    "sex:female": _("women"),
    "sex:male": _("men"),
    "sex:other": _("people who are neither women nor men"),
    "age_band:under_18": _("people under 18"),
    "age_band:18_35": _("people from 18 to 35 years"),
    "age_band:36_59": _("people from 36 to 59 years"),
    "age_band:60_plus": _("people of 60 years or more"),
    "population_group:refugee": _("refugees and asylum seekers"),
    "population_group:migrant": _("migrants"),
    "population_group:returnee": _("returnees"),
    "population_group:host": _("host community"),
    "disability:yes": _("people with a disability"),
    "single_carer:yes": _("people who raise children alone"),
}


def group_words(group: str, cantons: Mapping[str, str]) -> str:
    """A group in words: "women", "canton Ibarra". `cantons`: names by DPA code."""
    dimension, _colon, value = group.partition(":")
    if dimension == "canton":
        return str(_("canton %(name)s", name=cantons.get(value, value)))
    return str(GROUP_WORDS.get(group, group))
