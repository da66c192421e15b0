"""Papers of the warehouse: waybill, picking list, return note. Made by a button, downloaded by their number."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.web import public_url, said_if_refused
from grants.delivery import queries, services
from grants.delivery.models import DOCUMENT_NAMES, Document, DocumentKind
from grants.delivery.queries.documents import PaperState
from grants.delivery.views.blueprint import bp, sent
from grants.extensions import limiter

# Words of a file's name, in the programme's language: a folder of downloads says what it holds and of nobody.
FILE_NAMES = {
    DocumentKind.WAYBILL: "guia",
    DocumentKind.PICKING_LIST: "lista",
    DocumentKind.RETURN_NOTE: "devolucion",
}


@bp.post("/<int:delivery_id>/picking-list")
@requires(Permission.PACK_KIT)
def picking_list(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    with said_if_refused():
        return _to(services.make_picking_list([delivery], by=current_user, now=utcnow()))
    return redirect(url_for(".show", delivery_id=delivery_id))


@bp.post("/<int:delivery_id>/return-note")
@requires(Permission.PACK_KIT)
def return_note(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    with said_if_refused():
        return _to(services.make_return_note(delivery, by=current_user, now=utcnow()))
    return redirect(url_for(".show", delivery_id=delivery_id))


@bp.post("/runs/<int:run_id>/waybill")
@requires(Permission.PACK_KIT, Permission.PLAN_RUN)
def waybill(run_id: int) -> ResponseReturnValue:
    run = queries.get_run(run_id)
    with said_if_refused():
        return _to(services.make_waybill(run, by=current_user, now=utcnow()))
    return redirect(url_for(".run", run_id=run_id))


@bp.post("/runs/<int:run_id>/picking-list")
@requires(Permission.PACK_KIT)
def run_picking_list(run_id: int) -> ResponseReturnValue:
    run = queries.get_run(run_id)
    with said_if_refused():
        kits = queries.kits_on_waybill(run)
        return _to(services.make_picking_list(kits, run=run, by=current_user, now=utcnow()))
    return redirect(url_for(".run", run_id=run_id))


@bp.get("/papers/<number>")
@requires(Permission.PACK_KIT, Permission.PLAN_RUN)
def paper(number: str) -> ResponseReturnValue:
    found = queries.get_document(number)
    document = services.document_pdf(found, public_url("delivery.verify", number=found.number))
    return sent(document, f"{FILE_NAMES[found.kind]}-{found.number}.pdf")


@bp.get("/receipts/<number>")
@requires(Permission.PUBLIC)
@limiter.limit("30/minute")
def verify(number: str) -> ResponseReturnValue:
    found = queries.paper(number)
    page = render_template("delivery/verify.html", paper=found, states=PaperState, names=DOCUMENT_NAMES)
    return page, 200 if found is not None else 404


def _to(document: Document) -> ResponseReturnValue:
    return redirect(url_for(".paper", number=document.number))
