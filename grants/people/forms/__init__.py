"""The shapes of what is asked about a person. What is wrong with a shape is said beside its field."""

import secrets
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.validators import Email, InputRequired, Optional, ValidationError

from grants.people import queries
from grants.people.fields import DAY_FORMATS, choice, named, needed, text
from grants.people.forms.parts import (
    CONSENT_LANGUAGES,
    KEY,
    YES_NO,
    DocumentFields,
    PersonFields,
    PhoneFields,
    phone_countries,
    phone_facts,
)
from grants.people.models import (
    GROUP_NAMES,
    ConsentPurpose,
    ContactKind,
    Person,
    PopulationGroup,
)
from grants.people.services import (
    ContactFacts,
    Registration,
)
from grants.people.words import (
    CONTACT_NAMES,
    PURPOSE_NAMES,
    WASHINGTON_GROUP_QUESTIONS,
)


class RegisterForm(PersonFields, DocumentFields, PhoneFields, FlaskForm):
    """Everything that registering a person asks, on one page."""

    form_key = HiddenField(default=lambda: secrets.token_urlsafe(16))
    consent_language = RadioField(_("The text was read out in"), [InputRequired(_("Choose one."))],
                                  choices=CONSENT_LANGUAGES)  # fmt: skip
    consent_given = BooleanField(_("I read the text out, and the person agrees"))
    consent_delivery = BooleanField(PURPOSE_NAMES[ConsentPurpose.DELIVERY])
    consent_photo = BooleanField(PURPOSE_NAMES[ConsentPurpose.PHOTO])
    consent_statistics = BooleanField(PURPOSE_NAMES[ConsentPurpose.STATISTICS])
    guardian_present = BooleanField(_("A parent or guardian is present and agrees"))
    phone_is_whatsapp = BooleanField(_("The person uses WhatsApp on it"))
    phone_verified = BooleanField(_("I called the number now and it works"))
    email = text(_("E-mail"), Optional(), Email(_("This is not an e-mail address.")), most=120,
                 render_kw={"inputmode": "email", "autocomplete": "off"})  # fmt: skip
    leader = text(_("Community leader who can reach the person"), Optional(), most=160,
                  description=_("Name, and how the leader is reached."))  # fmt: skip
    duplicate_reason = text(_("Why this is another person"), Optional(), most=200)

    def validate_form_key(self, field: Field) -> None:
        if not KEY.fullmatch(field.data or ""):
            raise ValidationError(_("This form was out of date. Press the button again."))

    def renew_used_key(self) -> None:
        """A fresh key, when the one sent has already registered somebody else."""
        if self.form_key.errors:
            self.form_key.data = secrets.token_urlsafe(16)

    def registration(self, today: date) -> Registration:
        """What was typed, as the service takes it. `today` is the day of a call made now."""
        return Registration(
            person=self.person_facts(),
            document=self.document_facts(),
            contacts=tuple(self._contacts(today)),
            consents=frozenset(purpose for purpose, field in self.consents.items() if field.data),
            consent_language=self.consent_language.data,
            guardian_present=self.guardian_present.data,
            duplicate_reason=self.duplicate_reason.data or None,
            form_key=self.form_key.data,
        )

    @property
    def consents(self) -> dict[ConsentPurpose, BooleanField]:
        return {
            ConsentPurpose.GRANT: self.consent_given,
            ConsentPurpose.DELIVERY: self.consent_delivery,
            ConsentPurpose.PHOTO: self.consent_photo,
            ConsentPurpose.STATISTICS: self.consent_statistics,
        }

    def _contacts(self, today: date) -> list[ContactFacts]:
        contacts = []
        if self.phone.data:
            kind = ContactKind.WHATSAPP if self.phone_is_whatsapp.data else ContactKind.PHONE
            verified = today if self.phone_verified.data else None
            contacts.append(phone_facts(self, kind, verified))
        if self.email.data:
            contacts.append(ContactFacts(ContactKind.EMAIL, self.email.data))
        if self.leader.data:
            contacts.append(ContactFacts(ContactKind.LEADER, self.leader.data))
        return contacts


class EditForm(PersonFields, FlaskForm):
    """Correct who somebody is."""

    @staticmethod
    def typed_from(person: Person) -> dict[str, Any]:
        """The person's facts as if they had just been typed."""
        same = ("given_names", "first_surname", "second_surname", "sex", "gender", "nationality", "population_group",
                "language", "canton_code")  # fmt: skip
        answers = person.washington_group or {}
        return {
            **{name: getattr(person, name) for name in same},
            **{f"wg_{domain}": str(answers.get(domain, 0)) for domain in WASHINGTON_GROUP_QUESTIONS},
            "birth_day": str(person.birth_on.day),
            "birth_month": str(person.birth_on.month),
            "birth_year": str(person.birth_on.year),
            "is_single_carer": YES_NO[person.is_single_carer],
        }


class DocumentForm(DocumentFields, FlaskForm):
    """One more document."""


class ContactForm(PhoneFields, FlaskForm):
    """One more way to reach a person."""

    kind = choice(_("Kind"), named(CONTACT_NAMES))
    value = text(_("E-mail address, or the leader's name and how the leader is reached"), Optional(), most=160)
    verified_on = DateField(_("Day on which it was last verified"), [Optional()], format=DAY_FORMATS)

    def validate_value(self, field: StringField) -> None:
        if self.kind.data == ContactKind.EMAIL.value:
            Email(_("This is not an e-mail address."))(self, field)

    def contact_facts(self) -> ContactFacts:
        kind = ContactKind(self.kind.data)
        if kind in (ContactKind.PHONE, ContactKind.WHATSAPP):
            return phone_facts(self, kind, self.verified_on.data)
        return ContactFacts(kind, self.value.data or "", verified_on=self.verified_on.data)


class VerifyForm(FlaskForm):
    """The day on which somebody was reached; today when left empty."""

    verified_on = DateField(_("Day of the check"), [Optional()], format=DAY_FORMATS)


class ConsentForm(FlaskForm):
    """A permission given later."""

    purpose = RadioField(
        _("Permission"),
        [InputRequired(_("Choose one."))],
        choices=[(p.value, name) for p, name in PURPOSE_NAMES.items() if p is not ConsentPurpose.REFERRAL],
    )
    consent_language = RadioField(_("The text was read out in"), [InputRequired(_("Choose one."))],
                                  choices=CONSENT_LANGUAGES)  # fmt: skip
    consent_given = BooleanField(_("I read the text out, and the person agrees"), [needed()])


class FilterForm(FlaskForm):
    """What a list of people is narrowed to. Sent in the address: codes, nothing personal."""

    class Meta:
        csrf = False

    canton = SelectField(
        _("Canton"),
        [Optional(strip_whitespace=False)],
        choices=lambda: {"": [("", _("All"))], **queries.canton_choices()},
    )
    group = SelectField(
        _("The person is"), [Optional(strip_whitespace=False)], choices=[("", _("All")), *named(GROUP_NAMES)]
    )

    def chosen(self) -> dict[str, Any]:
        """What `queries.people_page` takes. What is not in the lists narrows nothing."""
        canton = self.canton.data if self.canton.validate(self) else None
        group = self.group.data if self.group.validate(self) else None
        return {"canton_code": canton or None, "group": PopulationGroup(group) if group else None}

    def address(self) -> dict[str, str]:
        """The same in an address, for the pages that follow."""
        chosen = self.chosen()
        pairs = {"canton": chosen["canton_code"], "group": chosen["group"]}
        return {name: str(value) for name, value in pairs.items() if value}


class FindForm(FlaskForm):
    """A folio, a document number or a phone."""

    sought = text(_("Folio, document number or phone"), needed(), most=60, render_kw={"autocomplete": "off"})
    phone_country = choice(_("Country, if it is a phone"), phone_countries, default="EC")
