"""People, their documents, contact points and consents."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import (
    SealedRow,
    lookup_hash,
    sealed_day,
    sealed_json,
    sealed_optional_text,
    sealed_text,
)
from grants.core.db import Model, state_column


class Province(Model):
    """A province by its DPA code (INEC, División Político-Administrativa)."""

    __tablename__ = "province"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class Canton(Model):
    """A canton by its DPA code; the first two digits are its province."""

    __tablename__ = "canton"

    code: Mapped[str] = mapped_column(String(4), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    province_code: Mapped[str] = mapped_column(ForeignKey("province.code"), index=True)
    province: Mapped[Province] = relationship()


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


SEX_NAMES = {Sex.FEMALE: _("Woman"), Sex.MALE: _("Man"), Sex.OTHER: _("Other")}


class PopulationGroup(StrEnum):
    REFUGEE = "refugee"
    MIGRANT = "migrant"
    RETURNEE = "returnee"
    HOST = "host"


GROUP_NAMES = {
    PopulationGroup.REFUGEE: _("Refugee or asylum seeker"),
    PopulationGroup.MIGRANT: _("Migrant"),
    PopulationGroup.RETURNEE: _("Returnee"),
    PopulationGroup.HOST: _("Host community"),
}


class AgeBand(StrEnum):
    """Bands of the results framework; 18–35 is the report's 'youth'."""

    UNDER_18 = "under_18"
    FROM_18_TO_35 = "18_35"
    FROM_36_TO_59 = "36_59"
    FROM_60 = "60_plus"


class Person(SealedRow, Model):
    """Somebody registered with the programme. Known in public by the folio only."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    given_names = sealed_text()
    first_surname = sealed_text()
    second_surname = sealed_optional_text()
    birth_on = sealed_day()
    birth_lookup: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    sex: Mapped[Sex] = mapped_column(state_column(Sex))
    gender = sealed_optional_text()  # as the person says it; LOPDP art. 25: sensitive
    nationality: Mapped[str] = mapped_column(String(2))  # ISO 3166-1 alpha-2
    population_group: Mapped[PopulationGroup] = mapped_column(state_column(PopulationGroup))
    washington_group = sealed_json()  # {"seeing": 1..4, …} or None: not asked
    has_disability: Mapped[bool | None]  # derived from the answers; None: not asked
    is_single_carer: Mapped[bool | None]
    language: Mapped[str] = mapped_column(String(3), default="es")
    canton_code: Mapped[str] = mapped_column(ForeignKey("canton.code"), index=True)
    canton: Mapped[Canton] = relationship()
    registered_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    registered_by: Mapped[User] = relationship()
    registered_at: Mapped[datetime]
    # The form that registered this person: a second tap on "Register" finds it taken.
    form_key: Mapped[str | None] = mapped_column(String(43), unique=True)
    duplicate_reason = sealed_optional_text()  # why this is somebody else than the person with the same phone and birth

    documents: Mapped[list["IdentityDocument"]] = relationship(back_populates="person", order_by="IdentityDocument.id")
    contact_points: Mapped[list["ContactPoint"]] = relationship(back_populates="person", order_by="ContactPoint.id")
    consents: Mapped[list["Consent"]] = relationship(back_populates="person", order_by="Consent.id")

    @property
    def full_name(self) -> str:
        return " ".join(filter(None, (self.given_names, self.first_surname, self.second_surname)))

    def age_on(self, day: date) -> int:
        """Completed years."""
        return completed_years(self.birth_on, day)

    def can_be_reached_on(self, day: date) -> bool:
        """At least one way of contact is fresh."""
        return any(point.is_fresh_on(day) for point in self.contact_points)

    def age_band_on(self, day: date) -> AgeBand:
        return age_band(self.birth_on, day)


def completed_years(born: date, day: date) -> int:
    """The age on a day of somebody born on another."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def age_band(born: date, day: date) -> AgeBand:
    """The band of the age on a day."""
    age = completed_years(born, day)
    if age < 18:
        return AgeBand.UNDER_18
    if age <= 35:
        return AgeBand.FROM_18_TO_35
    return AgeBand.FROM_36_TO_59 if age <= 59 else AgeBand.FROM_60


class DocumentKind(StrEnum):
    CEDULA_EC = "cedula_ec"
    RUC = "ruc"
    PASSPORT = "passport"
    CEDULA_VE = "cedula_ve"
    CEDULA_CO = "cedula_co"
    FOREIGN_PERMIT = "foreign_permit"
    REFUGEE_CARD = "refugee_card"
    ASYLUM_REQUEST = "asylum_request"
    VISA = "visa"
    BIRTH_RECORD = "birth_record"
    NONE = "none"


class IdentityDocument(SealedRow, Model):
    """A document, independent of nationality. `none` is a legal value and has no number."""

    __tablename__ = "identity_document"
    __table_args__ = (CheckConstraint("(kind = 'none') = (number_lookup IS NULL)", name="none_has_no_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship(back_populates="documents")
    kind: Mapped[DocumentKind] = mapped_column(state_column(DocumentKind))
    issuer_country: Mapped[str | None] = mapped_column(String(2))
    number = sealed_optional_text()
    # Over kind, issuer and number: one document belongs to one person.
    number_lookup: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    expires_on: Mapped[date | None]
    seen_original: Mapped[bool] = mapped_column(default=False)
    doubt: Mapped[str | None] = mapped_column(String(40))  # code of a warning that was accepted

    @property
    def masked_number(self) -> str:
        """The last three characters; of a number of up to five, none."""
        number = self.number or ""
        return "•••••" + (number[-3:] if len(number) > 5 else "")


FRESH_FOR = timedelta(days=90)


class ContactKind(StrEnum):
    PHONE = "phone"
    WHATSAPP = "whatsapp"
    EMAIL = "email"
    LEADER = "leader"  # through a community leader


class ContactPoint(SealedRow, Model):
    """A way to reach a person. Phones are kept in E.164."""

    __tablename__ = "contact_point"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship(back_populates="contact_points")
    kind: Mapped[ContactKind] = mapped_column(state_column(ContactKind))
    value = sealed_text()
    value_lookup: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    owner = sealed_optional_text()  # whose phone it is
    safe_to_call: Mapped[bool] = mapped_column(default=True)
    verified_on: Mapped[date | None]
    added_at: Mapped[datetime | None]  # since when it is there; a fresh number proves nothing yet
    failed_on: Mapped[date | None]  # the day it was found not to work; a later check clears it

    def is_fresh_on(self, day: date) -> bool:
        """Works as far as known: verified within the last 90 days and not found dead since."""
        return self.failed_on is None and self.verified_on is not None and self.verified_on >= day - FRESH_FOR


class ConsentPurpose(StrEnum):
    GRANT = "grant"  # registration, application, evaluation
    DELIVERY = "delivery"
    REFERRAL = "referral"  # sharing with one financial institution
    PHOTO = "photo"
    STATISTICS = "statistics"


class ConsentText(Model):
    """The words that were read out, by purpose, version and language."""

    __tablename__ = "consent_text"
    __table_args__ = (UniqueConstraint("purpose", "version", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[ConsentPurpose] = mapped_column(state_column(ConsentPurpose))
    version: Mapped[int]
    language: Mapped[str] = mapped_column(String(3))
    body: Mapped[str] = mapped_column(Text)


class Consent(Model):
    """A person's consent to one purpose: which text, in which language, read out by whom. Revocable."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship(back_populates="consents")
    text_id: Mapped[int] = mapped_column(ForeignKey("consent_text.id"))
    text: Mapped[ConsentText] = relationship()
    # For purpose `referral`: the credit institution it names. A plain number: credit is downstream of people.
    institution_id: Mapped[int | None]
    read_out_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    read_out_by: Mapped[User] = relationship()
    given_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


def birth_lookup(born: date) -> bytes:
    """How a birth date is found without being read."""
    return lookup_hash("birth", born.isoformat())


def document_lookup(kind: DocumentKind, issuer: str, number: str) -> bytes:
    """How a document is found without being read; `number` as normalised."""
    return lookup_hash("document", f"{kind.value}:{issuer}:{number}")


def contact_lookup(kind: ContactKind, value: str) -> bytes:
    """How a contact point is found without being read. A phone is the same on WhatsApp."""
    purpose = "phone" if kind in (ContactKind.PHONE, ContactKind.WHATSAPP) else f"contact:{kind.value}"
    return lookup_hash(purpose, value)


def washington_group_disability(answers: dict[str, Any] | None) -> bool | None:
    """At least one domain 'a lot of difficulty' (3) or 'cannot do at all' (4); None when not asked.

    Washington Group on Disability Statistics, Short Set: the recommended cut-off.
    """
    if not answers:
        return None
    return any(int(level) >= 3 for level in answers.values())
