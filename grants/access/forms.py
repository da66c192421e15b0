"""The shape of what people type about accounts."""

import unicodedata
from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    EmailField,
    Field,
    IntegerField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Email, InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from grants.access.permissions import ROLE_NAMES, Role

LANGUAGE_NAMES = [("es", "Español"), ("en", "English")]
UNWRITABLE = frozenset({"Cc", "Cs", "Co", "Cn"})


def written(_form: FlaskForm, field: Field) -> None:
    """Refuse control characters and halves of characters, which no keyboard writes and PostgreSQL cannot keep."""
    if any(unicodedata.category(letter) in UNWRITABLE and letter not in "\t\r\n" for letter in field.data or ""):
        raise ValidationError(_("This holds characters that cannot be kept. Type it again."))


def required(length: int, sentence: Any) -> list[Any]:
    """Validators of a text that must be there."""
    return [InputRequired(sentence), Length(max=length, message=_("This is too long. Shorten it.")), written]


def typed(field: StringField) -> str:
    """What was typed, once the form is valid."""
    return field.data or ""


def between(least: int, most: int, sentence: Any) -> Callable[[FlaskForm, Field], None]:
    """A whole number within bounds. WTForms' own check turns it into a float, and breaks at 400 digits."""

    def check(_form: FlaskForm, field: Field) -> None:
        if field.data is None or not least <= field.data <= most:
            raise ValidationError(sentence)

    return check


class MultiCheckboxField(SelectMultipleField):
    """Several of a list, as boxes to tick. At least one is needed; the service says so, in its own words."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flags.required = True  # of the group: on a box it would ask for that very one


class SignInForm(FlaskForm):
    email = EmailField(_("E-mail"), validators=required(254, _("Write your e-mail.")))
    password = PasswordField(
        _("Password"),
        validators=[InputRequired(_("Write your password.")), Length(max=1000, message=_("This is too long."))],
    )


class CodeForm(FlaskForm):
    code = StringField(_("Six-digit code"), validators=required(60, _("Write the code.")))


class RecoveryForm(FlaskForm):
    code = StringField(_("Recovery code"), validators=required(60, _("Write the code.")))


class PasswordForm(FlaskForm):
    """A password of one's own. Length and strength are the policy's business."""

    password = PasswordField(
        _("New password"),
        validators=[InputRequired(_("Choose a password.")), Length(max=1000, message=_("This is too long."))],
    )


class ChangePasswordForm(PasswordForm):
    old_password = PasswordField(
        _("Present password"),
        validators=[InputRequired(_("Write your password.")), Length(max=1000, message=_("This is too long."))],
    )


class LanguageForm(FlaskForm):
    language = SelectField(
        _("Language"), choices=LANGUAGE_NAMES, validators=[InputRequired(_("Choose a language."))]
    )  # fmt: skip


class RolesForm(FlaskForm):
    roles = MultiCheckboxField(_("Roles"), choices=[(role.value, ROLE_NAMES[role]) for role in Role])

    @property
    def chosen(self) -> frozenset[Role]:
        return frozenset(Role(word) for word in self.roles.data or ())


class InviteForm(RolesForm, LanguageForm):
    email = EmailField(
        _("E-mail"),
        validators=[
            *required(254, _("Write the person's e-mail.")),
            Email(_("This does not look like an e-mail. Check it."), check_deliverability=False),
        ],
    )
    name = StringField(_("Name"), validators=required(120, _("Write the person's name.")))


class ReasonForm(FlaskForm):
    reason = TextAreaField(
        _("Reason"), validators=required(300, _("Write why, without names: for example, the phone was lost."))
    )


class TokenForm(FlaskForm):
    label = StringField(_("What it is for"), validators=required(80, _("Say which program will use it.")))
    scopes = MultiCheckboxField(_("What it may do"))
    days = IntegerField(
        _("Days until it expires"),
        default=90,
        validators=[
            InputRequired(_("Write a number of days.")),
            between(1, 365, _("Choose between 1 and 365 days.")),
        ],
    )


class JournalFilterForm(FlaskForm):
    """Read from the address, so without CSRF."""

    class Meta:
        csrf = False

    action = StringField(_("Action"), validators=[Length(max=80, message=_("This is too long.")), written])
