"""Parts that the forms about people share: the person, a document, a phone."""

import re
from datetime import date
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from wtforms import (
    BooleanField,
    DateField,
    Field,
    Form,
    RadioField,
)
from wtforms.validators import InputRequired, Optional, ValidationError

from grants.people import queries
from grants.people.countries import country_choices
from grants.people.fields import CHOOSE, DAY_FORMATS, a_name, choice, named, needed, text
from grants.people.models import (
    GROUP_NAMES,
    SEX_NAMES,
    ContactKind,
    DocumentKind,
    PopulationGroup,
    Sex,
)
from grants.people.services import ContactFacts, DocumentFacts, PersonFacts
from grants.people.words import (
    DOCUMENT_NAMES,
    SPOKEN_LANGUAGES,
    WASHINGTON_GROUP_ANSWERS,
    WASHINGTON_GROUP_QUESTIONS,
)

PHONE_COUNTRIES = ("EC", "VE", "CO", "PE", "AR", "BO", "BR", "CL", "CU", "DO", "ES", "HT", "MX", "US")
CONSENT_LANGUAGES = [("es", _("Spanish")), ("en", _("English"))]
YES_NO: dict[bool | None, str] = {True: "yes", False: "no", None: "rather_not"}
YES_NO_RATHER_NOT = [("yes", _("Yes")), ("no", _("No")), ("rather_not", _("Prefers not to answer"))]
KEY = re.compile(r"[A-Za-z0-9_-]{16,43}")


def _countries() -> list[tuple[str, Any]]:
    return [CHOOSE, *country_choices(str(get_locale() or "es")[:2])]


def _cantons() -> dict[str, list[tuple[str, Any]]]:
    return {"": [CHOOSE], **queries.canton_choices()}


def _whole(typed: str) -> int:
    return int(typed) if re.fullmatch(r"[0-9]{1,4}", typed) else 0


class PersonFields(Form):
    """Who somebody is: for registering and for correcting."""

    given_names = text(_("Given names"), needed(), a_name, render_kw={"autocomplete": "off"})
    first_surname = text(_("First surname"), needed(), a_name, render_kw={"autocomplete": "off"})
    second_surname = text(_("Second surname"), Optional(), a_name, render_kw={"autocomplete": "off"})
    birth_day = text(_("Day"), needed(), most=2, render_kw={"inputmode": "numeric"})
    birth_month = text(_("Month"), needed(), most=2, render_kw={"inputmode": "numeric"})
    birth_year = text(_("Year"), needed(), most=4, render_kw={"inputmode": "numeric"})
    sex = RadioField(_("Sex"), [InputRequired(_("Choose one."))], choices=named(SEX_NAMES))
    gender = text(_("Gender, as the person says it"), Optional(), most=60)
    nationality = choice(_("Nationality"), _countries)
    population_group = RadioField(_("The person is"), [InputRequired(_("Choose one."))], choices=named(GROUP_NAMES))
    is_single_carer = RadioField(
        _("Does the person care for children or others alone?"),
        [InputRequired(_("Choose one."))],
        choices=YES_NO_RATHER_NOT,
    )
    language = choice(_("Language the person prefers"), named(SPOKEN_LANGUAGES), default="es")
    canton_code = choice(_("Canton where the person lives"), _cantons)

    def validate_birth_year(self, _field: Field) -> None:
        if self.birth_on is None:
            raise ValidationError(_("This is not a day of the calendar. Write day, month and year, such as 5 3 1990."))

    @property
    def birth_on(self) -> date | None:
        """The day that the three boxes make, or None."""
        try:
            return date(*(_whole(box.data or "") for box in (self.birth_year, self.birth_month, self.birth_day)))
        except ValueError:
            return None

    @property
    def difficulties(self) -> dict[str, Field]:
        return {domain: self[f"wg_{domain}"] for domain in WASHINGTON_GROUP_QUESTIONS}

    def person_facts(self) -> PersonFacts:
        answers = {domain: int(field.data) for domain, field in self.difficulties.items() if field.data != "0"}
        birth_on = self.birth_on
        assert birth_on is not None  # noqa: S101 -- validated
        return PersonFacts(
            given_names=self.given_names.data or "",
            first_surname=self.first_surname.data or "",
            second_surname=self.second_surname.data or None,
            birth_on=birth_on,
            sex=Sex(self.sex.data),
            gender=self.gender.data or None,
            nationality=self.nationality.data,
            population_group=PopulationGroup(self.population_group.data),
            washington_group=answers or None,
            is_single_carer={"yes": True, "no": False}.get(self.is_single_carer.data),
            language=self.language.data,
            canton_code=self.canton_code.data,
        )


# The six questions; "0" is a person who prefers not to answer.
for _domain, _question in WASHINGTON_GROUP_QUESTIONS.items():
    _answers = [CHOOSE, *named(WASHINGTON_GROUP_ANSWERS), ("0", _("Prefers not to answer"))]
    setattr(PersonFields, f"wg_{_domain}", choice(_question, _answers))


class DocumentFields(Form):
    """A document, whatever the nationality."""

    document_kind = choice(_("Document"), [CHOOSE, *named(DOCUMENT_NAMES)])
    document_number = text(_("Number"), most=60, render_kw={"autocomplete": "off", "autocapitalize": "characters"})
    document_issuer = choice(_("Country that issued it (only for a passport, permit or birth record)"), _countries,
                             required=False)  # fmt: skip
    document_expires_on = DateField(_("Expires on"), [Optional()], format=DAY_FORMATS)
    seen_original = BooleanField(_("I have seen the original"))
    doubt_accepted = BooleanField(_("I looked at the document again: the number is right"))

    def validate_document_number(self, field: Field) -> None:
        if not field.data and self.document_kind.data not in ("", DocumentKind.NONE.value):
            raise ValidationError(_("Write the number, or choose “No document”."))

    def document_facts(self) -> DocumentFacts:
        return DocumentFacts(
            kind=DocumentKind(self.document_kind.data),
            issuer=self.document_issuer.data or None,
            number=self.document_number.data or "",
            expires_on=self.document_expires_on.data,
            seen_original=self.seen_original.data,
            doubt_accepted=self.doubt_accepted.data,
        )


def phone_countries() -> list[tuple[str, str]]:
    names = dict(country_choices(str(get_locale() or "es")[:2]))
    return [(code, names[code]) for code in PHONE_COUNTRIES]


class PhoneFields(Form):
    """A phone, with its country: Venezuelans keep their number."""

    phone = text(_("Phone"), most=30, render_kw={"inputmode": "tel", "autocomplete": "off"},
                 description=_("For any other country, write + and its code first."))  # fmt: skip
    phone_country = choice(_("Country of the phone"), phone_countries, default="EC")
    phone_owner = text(_("Whose phone is it, if not the person's own?"), Optional())
    phone_is_unsafe = BooleanField(_("It is not safe to call this number"))


def phone_facts(form: Any, kind: ContactKind, verified_on: date | None) -> ContactFacts:
    """The phone that was typed into PhoneFields."""
    return ContactFacts(kind, form.phone.data, form.phone_country.data, form.phone_owner.data or None,
                        safe_to_call=not form.phone_is_unsafe.data, verified_on=verified_on)  # fmt: skip
