"""The warehouse's pages: its day, articles with their ledger, lots, counts, what to buy."""

from datetime import date

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import buying, doors
from grants.delivery.forms.goods import AdjustForm, CountForm, DevicesForm, ItemForm, LotForm
from grants.delivery.models import (
    ADJUST_NAMES,
    CATEGORY_NAMES,
    CORRECTION_NAMES,
    MOVEMENT_NAMES,
    NOT_HANDED_OVER,
    CorrectionState,
    DeliveryState,
    StockCorrection,
)
from grants.delivery.queries import devices, goods, kits
from grants.delivery.services import catalogue, stock
from grants.delivery.views.blueprint import bp, is_sent_again, said_already

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.app_context_processor
def stock_words() -> dict[str, object]:
    """Names of movements, reasons and states of corrections."""
    return {
        "movement_names": MOVEMENT_NAMES, "adjust_names": ADJUST_NAMES, "correction_names": CORRECTION_NAMES,
        "category_names": CATEGORY_NAMES,
    }  # fmt: skip


@bp.get("/warehouse")
@requires(Permission.MANAGE_STOCK)
def warehouse_day() -> ResponseReturnValue:
    today = _today()
    return render_template(
        "delivery/warehouse_day.html", to_pack=kits.kits_to_fill(today), to_seal=kits.kits_in(DeliveryState.PACKED),
        coming_back=kits.kits_in(*NOT_HANDED_OVER, DeliveryState.RETURNING), low=goods.low_stock(today),
        corrections=goods.open_corrections(), substitutions=kits.open_substitutions(),
    )  # fmt: skip


@bp.get("/what-to-buy")
@requires(Permission.MANAGE_STOCK, Permission.PLAN_DELIVERY)
def what_to_buy() -> ResponseReturnValue:
    return render_template("delivery/what_to_buy.html", found=buying.buying_list(_today()))


@bp.get("/what-to-buy.xlsx")
@requires(Permission.MANAGE_STOCK, Permission.PLAN_DELIVERY)
def what_to_buy_workbook() -> ResponseReturnValue:
    file = buying.workbook(buying.buying_list(_today()))
    return send_file(file, mimetype=XLSX, as_attachment=True, max_age=0, download_name="semilla-what-to-buy.xlsx")


@bp.get("/items")
@requires(Permission.MANAGE_STOCK)
def items() -> ResponseReturnValue:
    page = goods.items(after=page_marker())
    return render_template("delivery/items.html", page=page, shelf=goods.shelf(page.items, _today()))


@bp.get("/items/<int:item_id>")
@requires(Permission.MANAGE_STOCK)
def item(item_id: int) -> ResponseReturnValue:
    found = goods.get_item(item_id)
    return render_template(
        "delivery/item.html", item=found, shelf=goods.shelf([found], _today())[0], lots=goods.lots_of(found),
        ledger=goods.ledger(found, after=page_marker()), corrections=goods.corrections_of(found), today=_today(),
    )  # fmt: skip


@bp.route("/items/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def new_item() -> ResponseReturnValue:
    form, suppliers = ItemForm(), goods.offered_suppliers()
    form.offer(suppliers)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            saved = catalogue.save_item(None, form.facts(suppliers), by=current_user, now=utcnow())
            return redirect(url_for(".item", item_id=saved.id))
    return render_template("delivery/item_form.html", form=form, item=None)


@bp.route("/items/<int:item_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def edit_item(item_id: int) -> ResponseReturnValue:
    found, suppliers = goods.get_item(item_id), list(goods.offered_suppliers())
    if found.supplier is not None and found.supplier not in suppliers:
        suppliers.append(found.supplier)
    form = ItemForm(obj=found, data={"supplier": str(found.supplier_id or 0)})
    form.offer(suppliers)
    if request.method == "GET":
        form.supplier.data = str(found.supplier_id or 0)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            catalogue.save_item(found, form.facts(suppliers), by=current_user, now=utcnow())
            return redirect(url_for(".item", item_id=item_id))
    return render_template("delivery/item_form.html", form=form, item=found)


@bp.post("/items/<int:item_id>/retire")
@requires(Permission.MANAGE_STOCK)
def retire_item(item_id: int) -> ResponseReturnValue:
    found = goods.get_item(item_id)
    with said_if_refused():
        catalogue.retire(found, by=current_user, now=utcnow())
    return redirect(url_for(".item", item_id=item_id))


@bp.route("/items/<int:item_id>/receive", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def receive_lot(item_id: int) -> ResponseReturnValue:
    found, suppliers, form = goods.get_item(item_id), goods.offered_suppliers(), LotForm()
    form.offer(suppliers)
    if request.method == "GET":
        form.received_on.data, form.supplier.data = _today(), str(found.supplier_id or "")
    if form.validate_on_submit():
        with errors_to(form), transaction():
            if is_sent_again(form):
                return said_already(url_for(".item", item_id=item_id))
            arrival = form.arrival(found, suppliers, _today())
            lot = stock.receive(arrival, by=current_user, now=utcnow())
            flash(_("Received. The units are on the shelf."), "good")
            return redirect(
                url_for(".lot_devices", lot_id=lot.id) if found.needs_serial else url_for(".item", item_id=item_id)
            )
    return render_template("delivery/receive_lot.html", form=form, item=found, suppliers=suppliers)


@bp.route("/items/<int:item_id>/count", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def count_item(item_id: int) -> ResponseReturnValue:
    found = goods.get_item(item_id)
    lots = goods.lots_to_count(found)
    form = CountForm.for_lots(lots)
    if form.validate_on_submit() and form.counted:
        with errors_to(form), transaction():
            made = [
                stock.count(lot, form.counted[lot.id], limit_usd=doors.correction_limit_usd(), by=current_user,
                            now=utcnow())
                for lot in lots if lot.id in form.counted
            ]  # fmt: skip
            _say(made)
            return redirect(url_for(".item", item_id=item_id, _anchor="counts"))
    return render_template("delivery/count_item.html", form=form, item=found, lots=lots)


@bp.route("/lots/<int:lot_id>/adjust", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def adjust_lot(lot_id: int) -> ResponseReturnValue:
    lot = goods.get_lot(lot_id)
    form = AdjustForm.for_lot(devices.placed(lot) if lot.item.needs_serial else [])
    if form.validate_on_submit():
        with errors_to(form), transaction():
            if is_sent_again(form):
                return said_already(url_for(".item", item_id=lot.item_id, _anchor="counts"))
            made = stock.adjust(lot, form.change, form.chosen, device_ids=form.device_ids,
                                limit_usd=doors.correction_limit_usd(), by=current_user, now=utcnow())  # fmt: skip
            _say([made])
            return redirect(url_for(".item", item_id=lot.item_id, _anchor="counts"))
    return render_template("delivery/adjust_lot.html", form=form, lot=lot)


@bp.route("/lots/<int:lot_id>/devices", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def lot_devices(lot_id: int) -> ResponseReturnValue:
    lot, form = goods.get_lot(lot_id), DevicesForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            stock.register_devices(lot, form.typed, by=current_user, now=utcnow())
            flash(_("The devices are written down."), "good")
            return redirect(url_for(".lot_devices", lot_id=lot_id))
    found = devices.placed(lot)
    kits = goods.kits_of_serials([one.unit.serial_number for one in found])
    unwritten = lot.on_hand - len(devices.on_books(found))
    return render_template("delivery/lot_devices.html", form=form, lot=lot, found=found, kits=kits, unwritten=unwritten)


@bp.post("/corrections/<int:correction_id>/confirm")
@requires(Permission.MANAGE_STOCK)
def confirm_correction(correction_id: int) -> ResponseReturnValue:
    correction = goods.get_correction(correction_id)
    with said_if_refused():
        stock.confirm_correction(correction, by=current_user, now=utcnow())
    return redirect(url_for(".item", item_id=correction.lot.item_id, _anchor="counts"))


@bp.post("/corrections/<int:correction_id>/refuse")
@requires(Permission.MANAGE_STOCK)
def refuse_correction(correction_id: int) -> ResponseReturnValue:
    correction = goods.get_correction(correction_id)
    with said_if_refused():
        stock.refuse_correction(correction, by=current_user, now=utcnow())
    return redirect(url_for(".item", item_id=correction.lot.item_id, _anchor="counts"))


def _today() -> date:
    return local_day(utcnow())


def _say(made: list[StockCorrection]) -> None:
    if any(one.state is CorrectionState.OPEN for one in made):
        flash(_("The difference is large: a second person looks at the shelf and confirms it."), "warn")
    else:
        flash(_("Written down."), "good")
