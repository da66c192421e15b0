"""The form of a handover: the fields that the delivery's level asks for. Who receives in another's place."""

import re
from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, PasswordField, SelectField
from wtforms import StringField as TextField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from grants.access.models import User
from grants.core.web import Written, stripped
from grants.delivery.forms.handling import CodeField, plain
from grants.delivery.levels import Factors
from grants.delivery.models import RELATION_NAMES, Relation
from grants.delivery.services import AlternateFacts, Codes
from grants.delivery.services.entered import KEY_PATTERN, LONGEST_CODE

SIX_DIGITS = _("Six digits, from the phone. Each works once.")


def _code(label: Any, description: Any = "") -> CodeField:
    return CodeField(label, [InputRequired(_("Write the code.")), Length(max=LONGEST_CODE)], description=description)


def _pin(label: Any) -> PasswordField:
    return PasswordField(label, [InputRequired(_("Write your PIN.")), Length(max=LONGEST_CODE)])


class HandoverForm(FlaskForm):
    """The codes of a handover. Wrong ones are never shown again. Build with `for_level`."""

    key = HiddenField()
    card = _code(_("Code of the card"), _("Ten digits, beside the picture that the person shows you."))
    phone = CodeField(
        _("Code sent to the person's phone"),
        [Optional(), Length(max=LONGEST_CODE)],
        description=_("Eight digits. Only for a person who has no card."),
    )
    totp = _code(_("Your delivery code"), _("Six digits, from your phone. Each works once."))
    pin = _pin(_("Your PIN"))
    second_officer = SelectField(_("Second officer"), validators=[InputRequired(_("Choose the second officer."))])
    second_totp = _code(_("The second officer's delivery code"), SIX_DIGITS)
    second_pin = _pin(_("The second officer's PIN"))
    control = _code(_("Code of the control room"), _("Eight digits. The control room says it by voice; ask for it."))

    @classmethod
    def for_level(cls, factors: Factors, *, officers: Sequence[User] = (), phone: bool = False) -> "HandoverForm":
        """With the fields of a level. `officers` who can be the second; `phone`: a code was sent."""
        form = cls()
        asks_second, asks_control = factors is not Factors.A_B, factors is Factors.TWO_A_B_CONTROL
        form.second_officer.choices = [("", _("Choose"))] + [(str(one.id), one.name) for one in officers]
        unasked = {
            "phone": not phone, "second_officer": not asks_second, "second_totp": not asks_second,
            "second_pin": not asks_control, "control": not asks_control,
        }  # fmt: skip
        for name in (name for name, out in unasked.items() if out):
            del form[name]
        if phone:
            form.card.validators = [Length(max=LONGEST_CODE)]
            form.card.flags.required = False
        return form

    def validate_key(self, field: Field) -> None:
        if re.fullmatch(KEY_PATTERN, field.data or "") is None:
            field.data = token_urlsafe(18)
            self.form_errors.append(_("This page was not complete. Try again."))
            raise ValidationError(_("This page was not complete. Try again."))

    def validate_card(self, field: Field) -> None:
        if not field.data and not self._typed("phone"):
            raise ValidationError(_("Write the code of the card, or the one that was sent to the phone."))

    @property
    def codes(self) -> Codes:
        second = self._typed("second_officer")
        names = ("totp", "pin", "card", "phone", "second_totp", "second_pin", "control")
        return Codes(**{name: self._typed(name) for name in names}, second_officer=int(second) if second else None)

    def _typed(self, name: str) -> str:
        return str(self[name].data or "") if name in self else ""


class AlternateForm(FlaskForm):
    """Who receives in the beneficiary's place, as on their document."""

    name = TextField(_("Name"), [Written(_("Write the name.")), Length(max=120), plain], filters=[stripped])
    document = TextField(
        _("Number of their document"),
        [Written(_("Write the number of the document.")), Length(max=40), plain],
        filters=[stripped],
    )
    phone = TextField(_("Phone"), [Written(_("Write the phone.")), Length(max=30), plain], filters=[stripped])
    relation = SelectField(_("What they are to the person"), choices=list(RELATION_NAMES.items()))
    asked = BooleanField(
        _("The person is in front of me, alone, and asks for this"),
        [InputRequired(_("Only the person can ask for this, in front of you."))],
    )

    @property
    def facts(self) -> AlternateFacts:
        return AlternateFacts(
            str(self.name.data), str(self.document.data), str(self.phone.data), Relation(self.relation.data)
        )
