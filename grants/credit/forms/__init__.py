"""The shape of what people type about credit. Rules live in the services."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from grants.access.models import User
from grants.core.web import Written
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
from grants.credit.matching import Offer
from grants.credit.models import CooperativeSegment, DeclineReason, Institution, InstitutionKind, LinkageKind
from grants.credit.services import InstitutionFacts
from grants.credit.sharing import MINIMUM, SharedField
from grants.people.models import Canton, ConsentText

__all__ = [
    "STEP_FORMS", "AddLinkageForm", "DeclineForm", "InstitutionForm", "LiaisonForm", "ReferForm", "StepForm",
]  # fmt: skip


class InstitutionForm(FlaskForm):
    name = StringField(
        _("Name"), [Written(NEEDED), Length(max=160, message=TOO_LONG), no_control_characters], filters=[tidy]
    )
    kind = RadioField(_("Kind"), [InputRequired(CHOOSE)], choices=choices(words.INSTITUTION_KIND_NAMES))
    segment = SelectField(
        _("Segment"),
        [Optional(strip_whitespace=False)],
        choices=[("", "—"), *choices(words.COOPERATIVE_SEGMENT_NAMES)],
        description=_("For a cooperative: its segment by assets, 1 the largest."),
    )
    network = StringField(
        _("Network"),
        [Optional(), Length(max=160, message=TOO_LONG), no_control_characters],
        filters=[tidy],
        description=_("For a savings bank: the network it belongs to."),
    )
    canton_code = SelectField(_("Canton of its office"), [Optional(strip_whitespace=False)])
    members_only = BooleanField(
        _("It lends to its members only"),
        description=_("A savings bank always does: its statutes allow no other credit."),
    )

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
            segment=CooperativeSegment(self.segment.data) if self.segment.data else None,
            members_only=bool(self.members_only.data),
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
        [Written(NEEDED), Length(max=300, message=TOO_LONG), no_control_characters],
        filters=[tidy],
        description=_("In a few words, for example: an oven for the bakery. The institution reads this: write nothing "
                      "about status, health or safety."),
    )  # fmt: skip
    product_id = SelectField(
        _("Product"),
        [Optional(strip_whitespace=False)],
        description=_("One of the institution above. With it the institution sees whether the person's document is "
                      "good for it, and not which document that is."),
    )  # fmt: skip
    text_id = RadioField(_("Text that you read out"), [InputRequired(CHOOSE)])
    consent = BooleanField(
        _("I read the text aloud, and the person agrees to share with this institution."),
        [InputRequired(_("Without the person's consent nothing is shared. Read out the text and ask."))],
    )
    shares_group = BooleanField(
        _("The person also allows sharing the population group."),
        description=_("It is sensitive. Tick this only if the person says so; all the rest stays the same without it."),
    )

    def offer(
        self, institutions: list[Institution], products: list[Offer], texts: list[tuple[ConsentText, str]]
    ) -> "ReferForm":  # fmt: skip
        named = [(str(one.product_id), f"{one.institution.name} · {one.name}") for one in products]
        self.product_id.choices = [("", "—"), *named]
        self.institution_id.choices = [("", "—"), *((str(one.id), one.name) for one in institutions)]
        self.text_id.choices = [(str(text.id), name) for text, name in texts]
        return self

    @property
    def chosen_institution(self) -> int | None:
        typed = str(self.institution_id.data or "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None

    def wanted(self) -> list[LinkageKind]:
        return [LinkageKind(kind) for kind in self.kinds.data or []]

    @property
    def chosen_product(self) -> int | None:
        return int(self.product_id.data) if self.product_id.data else None

    def covers(self) -> frozenset[SharedField]:
        """The minimum, and the group only where its own box was ticked."""
        return MINIMUM | {SharedField.GROUP} if self.shares_group.data else MINIMUM


class DeclineForm(FlaskForm):
    decline_reason = RadioField(_("Reason"), [InputRequired(CHOOSE)], choices=choices(words.REASON_NAMES))

    def reason(self) -> DeclineReason:
        return DeclineReason(self.decline_reason.data)


class AddLinkageForm(FlaskForm):
    kind = RadioField(_("What is added"), [InputRequired(CHOOSE)], choices=choices(words.KIND_NAMES))
