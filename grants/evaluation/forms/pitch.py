"""Shapes of what coordinators, enumerators and panels enter about pitch sessions."""

from collections.abc import Mapping, Sequence

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField
from wtforms.validators import DataRequired, NumberRange, Optional, Regexp

from grants.access.forms import MultiCheckboxField
from grants.access.models import User
from grants.calls.forms import LocalMomentField, WholeNumberField, given, line, needed
from grants.evaluation.forms.fields import plain_text
from grants.evaluation.models import PitchSession, PitchSlot
from grants.evaluation.services import SessionFields
from grants.pages import moment

KEY = r"[A-Za-z0-9_-]{16,64}"


class PitchSessionForm(FlaskForm):
    """Where, when and before whom."""

    canton_code = SelectField(_("Canton"), validators=[DataRequired(_("Choose a canton."))])
    place = line(
        _("Place"), 200, needed, plain_text,
        description=_("Kept encrypted: only coordination, the panel and whoever tells the applicants see it."),
    )  # fmt: skip
    starts_at = LocalMomentField(_("First slot at"), [needed])
    turns = WholeNumberField(
        _("Slots"), [needed, NumberRange(1, 60, _("From 1 to 60 slots."))], description=_("How many people can pitch.")
    )
    slot_minutes = WholeNumberField(
        _("Minutes for each pitch"), [needed, NumberRange(1, 120, _("From 1 to 120 minutes."))]
    )
    break_minutes = WholeNumberField(
        _("Minutes between two pitches"), [given, NumberRange(0, 120, _("From 0 to 120 minutes."))]
    )
    panel = MultiCheckboxField(
        _("Panel"), coerce=int, validators=[DataRequired(_("Choose who sits on the panel."))],
        description=_("Each of them gets a sheet about everybody who pitches here, but for declared conflicts."),
    )  # fmt: skip

    def offer(self, cantons: Mapping[str, Sequence[tuple[str, str]]], evaluators: Sequence[User]) -> "PitchSessionForm":
        """Let these cantons, by province, and these people be chosen."""
        self.canton_code.choices = {str(province): list(found) for province, found in cantons.items()}
        self.panel.choices = [(user.id, user.name) for user in evaluators]
        return self

    @property
    def fields(self) -> SessionFields:
        """What was entered."""
        panel = frozenset(self.panel.data or ())
        names = ("canton_code", "place", "starts_at", "turns", "slot_minutes", "break_minutes")
        return SessionFields(**{name: self[name].data for name in names}, panel=panel)


def filled_with(session: PitchSession | None) -> dict[str, object]:
    """What the form shows first: the session as it is, or usual lengths."""
    if session is None:
        return {"turns": 12, "slot_minutes": 8, "break_minutes": 4}
    names = ("canton_code", "place", "starts_at", "turns", "slot_minutes", "break_minutes")
    return {**{name: getattr(session, name) for name in names}, "panel": [one.id for one in session.panel]}


class GiveSlotForm(FlaskForm):
    session = SelectField(_("Session"), coerce=int, validators=[DataRequired(_("Choose a session."))])

    def offer(self, sessions: Sequence[PitchSession]) -> "GiveSlotForm":
        """Let these sessions be chosen."""
        self.session.choices = [(one.id, f"{moment(one.starts_at)} · {one.canton.name}") for one in sessions]
        return self


class SwapForm(FlaskForm):
    other = SelectField(_("Swap with"), coerce=int, validators=[DataRequired(_("Choose who to swap with."))])
    seen_at = WholeNumberField(validators=[DataRequired(_("Reload the page and try again."))])

    def offer(self, slots: Sequence[PitchSlot]) -> "SwapForm":
        """Let these slots be chosen."""
        self.other.choices = [(slot.id, f"{slot.position} · {slot.application.folio}") for slot in slots]
        return self


class AvailabilityForm(FlaskForm):
    cannot = MultiCheckboxField(_("Cannot come to"), coerce=int, validators=[Optional()])

    def offer(self, sessions: Sequence[PitchSession]) -> "AvailabilityForm":
        """Let these sessions be ticked."""
        self.cannot.choices = [
            (one.id, f"{moment(one.starts_at)} · {one.canton.name} · {one.place}") for one in sessions
        ]
        return self


class KeyForm(FlaskForm):
    """Under which key a phone sends a sheet: the same key is taken once."""

    key = HiddenField(validators=[DataRequired(), Regexp(f"{KEY}$", message=_("Reload the page, then send again."))])
