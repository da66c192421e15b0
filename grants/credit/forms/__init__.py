"""The shape of what people type about credit. Rules live in the services."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from grants.access.models import User
from grants.credit import words
from grants.credit.forms.fields import (
    CHOOSE,
    NEEDED,
    TOO_LONG,
    MultiCheckboxField,
    choices,
    no_control_characters,
    tidy,
)
from grants.credit.forms.steps import STEP_FORMS, StepForm
from grants.credit.models import DeclineReason, Institution, InstitutionKind, LinkageKind
from grants.credit.services import InstitutionFacts
from grants.people.models import Canton, ConsentText

__all__ = [
    "STEP_FORMS", "AddLinkageForm", "DeclineForm", "InstitutionForm", "LiaisonForm", "ReferForm", "StepForm",
]  # fmt: skip


class InstitutionForm(FlaskForm):
    name = StringField(
        _("Name"), [InputRequired(NEEDED), Length(max=160, message=TOO_LONG), no_control_characters], filters=[tidy]
    )
    kind = RadioField(_("Kind"), [InputRequired(CHOOSE)], choices=choices(words.INSTITUTION_KIND_NAMES))
    network = StringField(
        _("Network"),
        [Optional(), Length(max=160, message=TOO_LONG), no_control_characters],
        filters=[tidy],
        description=_("For a savings bank: the network it belongs to."),
    )
    canton_code = SelectField(_("Canton of its office"), [Optional(strip_whitespace=False)])

    def offer(self, cantons: list[Canton]) -> "InstitutionForm":
        named = [(canton.code, f"{canton.name} ({canton.province.name})") for canton in cantons]
        self.canton_code.choices = [("", "—"), *named]
        return self

    def facts(self) -> InstitutionFacts:
        return InstitutionFacts(
            name=str(self.name.data),
            kind=InstitutionKind(self.kind.data),
            network=self.network.data or None,
            canton_code=self.canton_code.data or None,
        )


class LiaisonForm(FlaskForm):
    user_id = SelectField(_("Liaison"), [InputRequired(CHOOSE)])

    def offer(self, liaisons: list[User]) -> "LiaisonForm":
        self.user_id.choices = [(str(user.id), user.name) for user in liaisons]
        return self


class ReferForm(FlaskForm):
    institution_id = SelectField(_("Institution"), [InputRequired(CHOOSE)])
    kinds = MultiCheckboxField(
        _("What the person wants"),
        [InputRequired(_("Choose at least one thing that the person wants."))],
        choices=choices(words.KIND_NAMES),
    )
    need = StringField(
        _("What it is for"),
        [InputRequired(NEEDED), Length(max=300, message=TOO_LONG), no_control_characters],
        filters=[tidy],
        description=_("In a few words, for example: an oven for the bakery. The institution reads this: write nothing "
                      "about status, health or safety."),
    )  # fmt: skip
    text_id = RadioField(_("Text that you read out"), [InputRequired(CHOOSE)])
    consent = BooleanField(
        _("I read the text aloud, and the person agrees to share with this institution."),
        [InputRequired(_("Without the person's consent nothing is shared. Read out the text and ask."))],
    )

    def offer(self, institutions: list[Institution], texts: list[tuple[ConsentText, str]]) -> "ReferForm":
        self.institution_id.choices = [("", "—"), *((str(one.id), one.name) for one in institutions)]
        self.text_id.choices = [(str(text.id), name) for text, name in texts]
        return self

    @property
    def chosen_institution(self) -> int | None:
        typed = str(self.institution_id.data or "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None

    def wanted(self) -> list[LinkageKind]:
        return [LinkageKind(kind) for kind in self.kinds.data or []]


class DeclineForm(FlaskForm):
    decline_reason = RadioField(_("Reason"), [InputRequired(CHOOSE)], choices=choices(words.REASON_NAMES))

    def reason(self) -> DeclineReason:
        return DeclineReason(self.decline_reason.data)


class AddLinkageForm(FlaskForm):
    kind = RadioField(_("What is added"), [InputRequired(CHOOSE)], choices=choices(words.KIND_NAMES))
