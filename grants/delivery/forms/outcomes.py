"""The shape of what is told when a delivery does not go straight, at the point and in the warehouse."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from grants.access.forms import MultiCheckboxField
from grants.calls.forms import WholeNumberField
from grants.core.web import Written, stripped
from grants.delivery.forms.handling import KitForm, ReasonForm, plain
from grants.delivery.models import REASON_NAMES, Delivery, DisputeOutcome, KitLine, Reason, SealState
from grants.delivery.models.outcomes import DISPUTE_NAMES, DISPUTE_REASONS, SEAL_NAMES
from grants.delivery.services import Counted, Evidence, Left

MOST_WORDS = 2000
LONGEST_WAIT = 24 * 60


def plain_lines(_form: FlaskForm, field: Field) -> None:
    """Several lines that a keyboard types: no NUL, no control characters, no halves of characters."""
    if not all(line.isprintable() for line in str(field.data or "").replace("\t", " ").splitlines()):
        raise ValidationError(_("Use letters, digits and signs only."))


def words(label: Any, missing: Any = None, description: Any = "") -> TextAreaField:
    """A text of at most 2,000 characters; needed where there is a sentence for its absence."""
    first = Written(missing) if missing else Optional()
    too_long = _("Write at most 2,000 characters.")
    return TextAreaField(label, [first, Length(max=MOST_WORDS, message=too_long), plain_lines], description=description,
                         filters=[stripped])  # fmt: skip


def _choices(names: Mapping[Any, Any], *wanted: Any) -> list[tuple[str, Any]]:
    return [(one.value, names[one]) for one in (wanted or names)]


class _EvidenceForm(FlaskForm):
    said = words(_("What happened"))

    @property
    def evidence(self) -> Evidence:
        numbers = {name: self[name].data for name in ("waited_minutes", "calls") if name in self}
        return Evidence(said=str(self.said.data or ""), **numbers)


class NobodyCameForm(_EvidenceForm):
    waited_minutes = WholeNumberField(
        _("Minutes you waited"), [InputRequired(_("Write how many minutes you waited.")), NumberRange(0, LONGEST_WAIT)]
    )
    calls = WholeNumberField(
        _("How often you called"), [InputRequired(_("Write how often you called; 0 if you did not.")),
                                    NumberRange(0, 100)]
    )  # fmt: skip


class RefusedKitForm(_EvidenceForm, ReasonForm):
    reason = RadioField(
        _("Reason"),
        choices=_choices(REASON_NAMES, Reason.DID_NOT_WANT, Reason.WRONG_GOODS, Reason.DAMAGED, Reason.SEAL_BROKEN,
                         Reason.IDENTITY_NOT_PROVEN),
        validators=[InputRequired(_("Choose a reason."))],
    )  # fmt: skip


class PartialForm(_EvidenceForm, ReasonForm):
    """For each line, how many stayed with the person and how many were not there. Build with `for_lines`."""

    reason = RadioField(
        _("Reason"),
        choices=_choices(REASON_NAMES, Reason.SOME_MISSING, Reason.DID_NOT_WANT, Reason.WRONG_GOODS, Reason.DAMAGED,
                         Reason.OTHER),
        validators=[InputRequired(_("Choose a reason."))],
    )  # fmt: skip
    said = words(_("What happened"), _("Write what happened, in your own words."))

    @classmethod
    def for_lines(cls, lines: Iterable[KitLine]) -> "PartialForm":
        fields: dict[str, Any] = {}
        for line in lines:
            most = NumberRange(0, line.quantity, _("That is more than the list says. Count this line again."))
            fields[f"with_person_{line.position}"] = WholeNumberField(_("Stayed with the person"), [Optional(), most])
            fields[f"missing_{line.position}"] = WholeNumberField(_("Was not in the kit"), [Optional(), most])
        form: PartialForm = type(cls.__name__, (cls,), fields)()
        return form

    @property
    def left(self) -> dict[int, Left]:
        positions = [int(field.name.removeprefix("missing_")) for field in self if field.name.startswith("missing_")]
        return {
            place: Left(self[f"with_person_{place}"].data or 0, self[f"missing_{place}"].data or 0)
            for place in positions
        }


class TakenForm(FlaskForm):
    said = words(
        _("What happened"), _("Write what happened, in your own words."), _("Only the security desk reads this.")
    )
    everything = BooleanField(_("Everything the team carried was taken"))


class ReturnForm(KitForm):
    """The count of a kit that came back, with its seal and, for devices, their numbers."""

    serial_check = Optional()  # empty where the device is not there
    seal_state = RadioField(
        _("How is the seal?"), choices=_choices(SEAL_NAMES), validators=[InputRequired(_("Look at the seal."))]
    )
    seal_number = StringField(
        _("Number on the seal"), [Optional(), Length(max=30), plain], description=_("Leave it empty if it is gone.")
    )
    reason = SelectField(
        _("Reason"),
        choices=_choices(REASON_NAMES, Reason.NOBODY_CAME, Reason.DID_NOT_WANT, Reason.WRONG_GOODS, Reason.DAMAGED,
                         Reason.SEAL_BROKEN, Reason.SOME_MISSING, Reason.ROAD_CLOSED, Reason.RESCHEDULED,
                         Reason.OTHER),
    )  # fmt: skip
    really_differs = BooleanField(_("I counted twice: it really is not as it was sealed"))
    note = words(_("What you saw, if something is not as it was sealed"))

    @property
    def as_counted(self) -> Counted:
        return Counted(
            units=self.counted,
            serials={position: serial or "" for position, serial in self.serials.items()},
            seal_state=SealState(self.seal_state.data),
            seal_number=str(self.seal_number.data or ""),
            really_differs=bool(self.really_differs.data),
            note=str(self.note.data or ""),
        )


class DisputeForm(ReasonForm):
    reason = RadioField(
        _("What is doubted"), choices=_choices(REASON_NAMES, *DISPUTE_REASONS),
        validators=[InputRequired(_("Choose what is doubted."))],
    )  # fmt: skip
    said = words(_("What the person says, in their words"), _("Write what the person says, in their words."))


class WhenMadeAgain(InputRequired):
    """Needed where the delivery is made again: what the person keeps counts against the award."""

    def __call__(self, form: Any, field: Any) -> None:
        if form.outcome.data == DisputeOutcome.REPLACEMENT:
            super().__call__(form, field)
        else:
            Optional()(form, field)


class ProposalForm(FlaskForm):
    """How a dispute ends and, for each line, what the person keeps if it is made again. Build with `for_lines`."""

    outcome = RadioField(
        _("How it ends"), choices=_choices(DISPUTE_NAMES), validators=[InputRequired(_("Choose how it ends."))]
    )
    answer = words(_("What you found, and why"), _("Write what you found and why you decide so."))

    @classmethod
    def for_lines(cls, lines: Iterable[KitLine], **given: Any) -> "ProposalForm":
        fields = {
            f"with_person_{line.position}": WholeNumberField(
                line.name,
                [WhenMadeAgain(_("Write how many the person has; 0 for none.")),
                 NumberRange(0, line.quantity, _("That is more than the list says. Count this line again."))],
            )
            for line in lines
        }  # fmt: skip
        form: ProposalForm = type(cls.__name__, (cls,), fields)(**given)
        return form

    @property
    def chosen(self) -> DisputeOutcome:
        return DisputeOutcome(self.outcome.data)

    @property
    def kept(self) -> dict[int, int]:
        start = "with_person_"
        return {int(one.name.removeprefix(start)): one.data or 0 for one in self if one.name.startswith(start)}


class SignForm(FlaskForm):
    proposal = HiddenField()

    @property
    def number(self) -> int:
        """Which proposal was read; -1 for none."""
        typed = str(self.proposal.data or "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else -1


class ReconcileManyForm(FlaskForm):
    deliveries = MultiCheckboxField(_("Deliveries whose records agree"), coerce=int)

    @classmethod
    def for_deliveries(cls, deliveries: Iterable[Delivery]) -> "ReconcileManyForm":
        form = cls()
        form.deliveries.choices = [(one.id, one.folio) for one in deliveries]
        return form


class SerialForm(FlaskForm):
    """A search: the number is not a person's, it may stand in the address."""

    class Meta:
        csrf = False

    serial = StringField(_("Serial number"), [Optional(), Length(max=60), plain])
