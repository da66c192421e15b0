"""Blanks are no text: a field that is needed refuses them beside itself, and nothing is kept."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import StringField, TextAreaField

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.core.web import Written
from grants.credit.forms import InstitutionForm
from grants.credit.forms.core_systems import AddressForm
from grants.delivery.forms.goods import DevicesForm, ItemForm, LotForm, RecipeForm, SupplierForm
from grants.delivery.forms.handling import SealForm
from grants.delivery.forms.handover import AlternateForm
from grants.delivery.forms.road import CaseForm
from grants.delivery.forms.runs import TeamForm, VehicleForm
from grants.delivery.models import AlternateCollector, DeliveryState, Item, StockLot
from tests.factories.access import make_user
from tests.factories.delivery import make_delivery
from tests.factories.goods import days_from_now, make_item, make_supplier

SignIn = Callable[[User], FlaskClient]
NEEDED: dict[type[FlaskForm], tuple[str, ...]] = {
    AlternateForm: ("name", "document", "phone"), SupplierForm: ("name",), ItemForm: ("name", "unit"),
    LotForm: ("invoice",), DevicesForm: ("devices",), RecipeForm: ("name",), SealForm: ("seal_number",),
    CaseForm: ("word",), TeamForm: ("name",), VehicleForm: ("name", "plate"), InstitutionForm: ("name",),
    AddressForm: ("address",),
}  # fmt: skip


@pytest.mark.parametrize("form", NEEDED)
def test_needed_text_refuses_blanks_beside_the_field(app: Flask, form: type[FlaskForm]) -> None:
    needed = NEEDED[form]
    with app.test_request_context():
        asked = form(meta={"csrf": False})
        assert tuple(one.name for one in asked if _is_text(one) and one.flags.required) == needed

    blank = dict.fromkeys(needed, " \t ")
    with app.test_request_context(method="POST", data=blank):
        sent = form(meta={"csrf": False})
        for one in sent:
            if getattr(one, "choices", ()) is None:
                one.choices = []
        assert not sent.validate()
        assert [name for name in needed if not sent[name].errors] == []


def test_written_keeps_what_is_written(app: Flask) -> None:
    class OneForm(FlaskForm):
        said = StringField(validators=[Written("Write it.")])

    with app.test_request_context(method="POST", data={"said": " algo "}):
        assert OneForm(meta={"csrf": False}).validate()
    with app.test_request_context(method="POST", data={"said": "\u00a0"}):
        form = OneForm(meta={"csrf": False})
        assert (form.validate(), form.said.errors) == (False, ["Write it."])


def test_alternate_of_blanks_is_not_registered(app: Flask, sign_in: SignIn) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    data = {"name": "   ", "document": "   ", "phone": "0991234567", "relation": "friend", "asked": "y"}

    answer = sign_in(make_user(Role.COORDINATOR)).post(f"/deliveries/{delivery.id}/alternate", data=data)

    assert answer.status_code == 200
    assert answer.text.count("field-error") == 2
    assert db.session.scalar(select(func.count()).select_from(AlternateCollector)) == 0


def test_article_without_unit_and_lot_without_invoice_are_not_kept(app: Flask, sign_in: SignIn) -> None:
    client, item, supplier = sign_in(make_user(Role.WAREHOUSE)), make_item(), make_supplier()
    article = {"name": "Pala", "unit": "  ", "category": "tools", "reference_price_usd": "1", "supplier": "0"}
    lot = {"supplier": str(supplier.id), "quantity": "1", "unit_cost_usd": "1", "invoice": "  ",
           "received_on": days_from_now(0).isoformat()}  # fmt: skip

    answers = [client.post("/deliveries/items/new", data=article),
               client.post(f"/deliveries/items/{item.id}/receive", data=lot)]  # fmt: skip

    assert [answer.status_code for answer in answers] == [200, 200]
    assert db.session.scalar(select(func.count()).select_from(Item)) == 1
    assert db.session.scalar(select(func.count()).select_from(StockLot)) == 0


def _is_text(field: Any) -> bool:
    return isinstance(field, (StringField, TextAreaField)) and type(field).__module__.startswith("wtforms")
