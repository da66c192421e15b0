"""The one-tap forms: a step or a movement with what is likely filled in. A key makes a second tap harmless."""

import secrets
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import Regexp

from grants.credit.amounts import parse_usd_or_zero
from grants.credit.forms import STEP_FORMS, StepForm
from grants.credit.forms.fields import ParsedField
from grants.credit.forms.steps import AmountForm
from grants.credit.likely import Likely
from grants.credit.models import LinkageState, MovementKind
from grants.credit.services import Movement, Step

KEY = r"^[A-Za-z0-9_-]{16,43}$"


class KeyField(HiddenField):
    """A key of this form; a fresh one where the page is shown again after a refusal that used it up."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[Regexp(KEY)], default=lambda: secrets.token_urlsafe(16), **options)

    def renew(self) -> None:
        self.data = secrets.token_urlsafe(16)


class RepaymentForm(AmountForm):
    def movement(self) -> Movement:
        return Movement(MovementKind.REPAYMENT, self.happened_on.value, amount_usd=self.amount_usd.value)


class BalanceForm(StepForm):
    balance_usd = ParsedField(_("Principal owed, in USD"), parse_usd_or_zero, render_kw={"inputmode": "decimal"})

    def movement(self) -> Movement:
        return Movement(MovementKind.BALANCE, self.happened_on.value, balance_usd=self.balance_usd.value)


MOVEMENT_FORMS = {MovementKind.REPAYMENT: RepaymentForm, MovementKind.BALANCE: BalanceForm}
MONEY = ("amount_usd", "balance_usd")


def quick_form(likely: Likely, filled: dict[str, Any]) -> Any:
    """The form of what is likely, with its key; `filled`: what stands in it when it is first opened."""
    given = {name: _typed(value) if name in MONEY else value for name, value in filled.items() if value is not None}
    return keyed(_form_of(likely))(**given)


def keyed(plain: type[FlaskForm]) -> Any:
    """The form with a key, so that a second tap is known by it."""
    return type(plain.__name__, (plain,), {"form_key": KeyField()})


def logged(form: Any, likely: Likely) -> Step | Movement:
    """What the form reports."""
    reported: Step | Movement = form.step(likely.step) if likely.step is not None else form.movement()
    return reported


def _form_of(likely: Likely) -> type[StepForm]:
    if likely.movement is not None:
        return MOVEMENT_FORMS[likely.movement]
    return STEP_FORMS.get(likely.step or LinkageState.CONTACTED, StepForm)


def _typed(value: Decimal) -> str:
    """As people here write amounts: 95,10."""
    return f"{value:.2f}".replace(".", ",")
