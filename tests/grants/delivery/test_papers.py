"""Papers of a delivery: what they say and keep to themselves, and that anybody can check them."""

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    DisputeOutcome,
    Document,
    DocumentKind,
    Reason,
    Receipt,
    Run,
    SealState,
    SymbolCard,
)
from grants.delivery.models.documents import hash_of
from grants.delivery.queries.documents import PaperState
from grants.delivery.services.papers import document_data
from grants.delivery.services.receipts import receipt_data
from grants.delivery.services.returns import Counted
from grants.delivery.symbols import grouped
from tests.factories.access import make_user
from tests.factories.delivery import (
    make_card,
    make_carried,
    make_confirmed,
    make_delivery,
    make_run,
)
from tests.factories.goods import make_item, make_kit, make_lot
from tests.factories.outcomes import decide, make_dispute, make_returning, sign_return
from tests.factories.papers import ADDRESS, drawn, pages_of, shows_qr_of
from tests.factories.selection import make_award

S = DeliveryState
SignIn = Callable[[User], FlaskClient]
FOOTER = {"left": 19.5, "top": 262.5, "size": 24.0}  # where the sheet's foot has its QR, in mm


@pytest.fixture
def keeper(app: Flask) -> User:
    return make_user(Role.WAREHOUSE)


def planned_run() -> Run:
    """A run with two kits."""
    run = make_run()
    for _n in range(2):
        make_delivery(S.SCHEDULED, run=run)
    return run


def returned() -> Delivery:
    """A kit that nobody came for, back and counted by two."""
    delivery = make_returning().delivery
    first = delivery.lines[0]
    units = {line.position: line.quantity - (1 if line is first else 0) for line in delivery.lines}
    counted = Counted(units=units, serials={}, seal_state=SealState.BROKEN, seal_number=delivery.seal_number or "",
                      really_differs=True, note="Falta uno")  # fmt: skip
    services.count_back(delivery, counted, reason=Reason.NOBODY_CAME, by=make_user(Role.WAREHOUSE), now=utcnow())
    sign_return(delivery, by=make_user(Role.WAREHOUSE), now=utcnow())
    return delivery


def test_waybill_lists_folio_seal_weight_and_value_and_neither_name_nor_place(keeper: User) -> None:
    run = planned_run()
    kits = queries.kits_of(run)

    waybill = services.make_waybill(run, by=keeper, now=utcnow())
    document = services.document_pdf(waybill, ADDRESS + waybill.number)

    (said,) = pages_of(document)
    for kit in kits:
        assert kit.folio in said
        assert kit.seal_number is not None
        assert kit.seal_number in said
    assert run.team.name in said
    assert "25,000 kg" in said  # two kits of 12.5 kg
    secrets = [run.vehicle.plate, run.officer.name]
    for kit in kits:
        secrets += [kit.place, kit.canton.name, kit.person.given_names, kit.person.first_surname, kit.person.folio]
    assert [word for word in secrets if word and word in said + json.dumps(waybill.content, ensure_ascii=False)] == []


def test_paper_is_the_same_row_and_bytes_until_what_it_says_changes(keeper: User) -> None:
    run = planned_run()
    first = services.make_waybill(run, by=keeper, now=utcnow())

    again = services.make_waybill(run, by=make_user(Role.WAREHOUSE), now=utcnow())
    assert again.id == first.id
    assert services.document_pdf(first, ADDRESS) == services.document_pdf(again, ADDRESS)

    make_delivery(S.SCHEDULED, run=run)
    newer = services.make_waybill(run, by=keeper, now=utcnow())
    before, now_valid = queries.paper(first.number), queries.paper(newer.number)
    assert before is not None
    assert now_valid is not None
    assert (before.state, now_valid.state) == (PaperState.REPLACED, PaperState.VALID)
    assert queries.waybill_of(run).id == newer.id


def test_public_page_of_an_acta_is_the_same_whatever_came_after_the_handover(app: Flask) -> None:
    carried = make_confirmed()
    receipt = db.session.query(Receipt).filter_by(delivery_id=carried.delivery.id).one()
    address = f"/deliveries/receipts/{receipt.number}"
    at_handover = queries.paper(receipt.number)
    read = main_of(app.test_client().get(address))

    dispute = make_dispute(carried)
    disputed = queries.paper(receipt.number)
    decide(dispute, DisputeOutcome.REPLACEMENT)

    assert at_handover is not None
    assert (carried.delivery.state, at_handover.state) == (S.REPLACEMENT, PaperState.VALID)
    assert [disputed, queries.paper(receipt.number)] == [at_handover, at_handover]
    assert main_of(app.test_client().get(address)) == read


def main_of(page: TestResponse) -> str:
    """What a page says, with its status."""
    return f"{page.status_code} {page.text.split('<main')[-1].split('</main')[0]}"


def test_departure_leaves_a_waybill_that_no_longer_changes(keeper: User) -> None:
    carried = make_carried(S.IN_TRANSIT)
    run = carried.delivery.run
    assert run is not None

    left_with = queries.waybill_of(run)
    services.turn_back(carried.delivery, reason=Reason.ROAD_CLOSED, by=carried.officer, now=utcnow())

    assert [stop["folio"] for stop in left_with.content["stops"]] == [carried.delivery.folio]
    assert services.make_waybill(run, by=keeper, now=utcnow()).id == left_with.id


def test_run_without_a_stop_has_no_waybill(keeper: User) -> None:
    run = make_run()
    with pytest.raises(RuleBroken):
        services.make_waybill(run, by=keeper, now=utcnow())
    assert db.session.query(Document).count() == 0


def test_picking_list_of_a_run_sums_each_article(keeper: User) -> None:
    run = planned_run()
    kits = queries.kits_of(run)
    wanted: dict[str, int] = {}
    for kit in kits:
        for line in kit.lines:
            wanted[line.name] = wanted.get(line.name, 0) + line.quantity

    made = services.make_picking_list(kits, run=run, by=keeper, now=utcnow())

    assert {line["name"]: line["quantity"] for line in made.content["sums"]} == wanted
    assert made.content["units"] == sum(wanted.values())
    said = " ".join(pages_of(services.document_pdf(made, ADDRESS)))
    assert all(kit.folio in said for kit in kits)


def test_picking_list_leads_to_the_lots_that_packing_takes(keeper: User) -> None:
    item = make_item()
    early, late = make_lot(item, 3, invoice="F-1"), make_lot(item, 9, invoice="F-2")
    kit = make_kit((item, 5))

    made = services.make_picking_list([kit], by=keeper, now=utcnow())

    day = f"({early.received_on.day}/{early.received_on.month})"
    assert [line["lot"] for line in made.content["kits"][0]["lines"]] == [f"F-1 {day}: 3, F-2 {day}: 2"]
    assert late.received_on == early.received_on


def test_return_note_tells_the_recount_and_is_of_returned_kits_only(keeper: User) -> None:
    delivery = returned()
    note = services.make_return_note(delivery, by=keeper, now=utcnow())
    (said,) = pages_of(services.document_pdf(note, ADDRESS))

    assert "Nadie llegó" in said
    assert "no es lo que se selló" in said
    assert [(line["quantity"] - line["counted"], line["missing"]) for line in note.content["lines"]] == [
        (1, 1) if line is delivery.lines[0] else (0, 0) for line in delivery.lines
    ]
    with pytest.raises(RuleBroken):
        services.make_return_note(make_delivery(S.SEALED), by=keeper, now=utcnow())


def test_acta_says_what_was_handed_over_and_by_what_evidence(app: Flask) -> None:
    carried = make_confirmed()
    delivery = carried.delivery
    receipt = db.session.query(Receipt).filter_by(delivery_id=delivery.id).one()

    (said,) = pages_of(services.receipt_document(receipt, ADDRESS + receipt.number))

    wanted = [delivery.person.full_name, delivery.seal_number, "12,500 kg", delivery.digest, receipt.content_hash]
    assert [word for word in wanted if word and word.replace(" ", "") not in said.replace(" ", "")] == []
    assert carried.officer.name not in said


def test_acta_from_before_weight_and_digest_still_prints(app: Flask) -> None:
    receipt = db.session.query(Receipt).filter_by(delivery_id=make_confirmed().delivery.id).one()
    old = {name: value for name, value in receipt.content.items() if name not in ("weight_grams", "digest", "evidence")}
    receipt.content, receipt.content_hash = old, hash_of(old)

    assert len(pages_of(services.receipt_document(receipt, ADDRESS))) == 1


def test_printed_qr_leads_to_the_page_that_verifies_the_paper(keeper: User) -> None:
    run = planned_run()
    waybill = services.make_waybill(run, by=keeper, now=utcnow())
    receipt = db.session.query(Receipt).filter_by(delivery_id=make_confirmed().delivery.id).one()
    address = ADDRESS + waybill.number

    picture = drawn("delivery/waybill.typ", json.dumps(document_data(waybill, address)))
    acta = drawn("delivery/receipt.typ", json.dumps(receipt_data(receipt, ADDRESS + receipt.number)))

    assert shows_qr_of(address, picture, **FOOTER)
    assert not shows_qr_of(ADDRESS + "0000-0000-0000-0000", picture, **FOOTER)
    assert shows_qr_of(ADDRESS + receipt.number, acta, **FOOTER)


def test_card_shows_each_code_with_its_qr_and_outside_nothing_of_its_owner(keeper: User) -> None:
    card, codes = make_card(make_award(), picture=None)
    paper = services.card_paper(card, by=keeper, now=utcnow())
    data = services.card_data(card, paper, ADDRESS + paper.number, "")
    picture = drawn("delivery/card.typ", json.dumps(data))

    # In mm: a panel is 105 wide; a symbol is 53 high with 3 inside, and its QR 35 wide at its right.
    places = [(59, 15), (59, 75), (161, 15), (161, 75)]
    shown = [shows_qr_of(code, picture, left=x, top=y, size=35) for code, (x, y) in zip(codes, places, strict=True)]
    upside_down = picture.rotate(180)

    assert shown == [True, True, True, True]
    assert shows_qr_of(ADDRESS + paper.number, upside_down, left=161.5, top=75, size=33)
    person = card.person
    hidden = [person.given_names, person.first_surname, person.folio, card.award.application.folio, *codes]
    kept = json.dumps(paper.content, ensure_ascii=False)
    assert [word for word in hidden if word and word in kept] == []
    assert set(paper.content) == {"serial", "number", "day", "salt"}


def test_card_printed_alone_shows_its_codes_once_and_keeps_its_number(app: Flask, sign_in: SignIn) -> None:
    card, codes = make_card(make_award(), picture=None)
    client = sign_in(make_user(Role.COORDINATOR))

    answer = client.post(f"/deliveries/cards/{card.award_id}/print")
    (said,) = pages_of(answer.data)
    second = client.post(f"/deliveries/cards/{card.award_id}/print")

    assert all(grouped(code) in said for code in codes)
    assert second.status_code == 302
    db.session.refresh(card)
    assert card.codes_sealed is None  # type: ignore[attr-defined]
    assert db.session.query(Document).filter_by(card_id=card.id, kind=DocumentKind.CARD).count() == 1


def test_verify_page_knows_every_kind_and_shows_neither_name_nor_place(visitor: FlaskClient, keeper: User) -> None:
    run = planned_run()
    kits = queries.kits_of(run)
    card, _codes = make_card(make_award(), picture=None)
    receipt = db.session.query(Receipt).filter_by(delivery_id=make_confirmed().delivery.id).one()
    now = utcnow()
    papers: list[Document | Receipt] = [
        receipt,
        services.make_waybill(run, by=keeper, now=now),
        services.make_picking_list(kits, run=run, by=keeper, now=now),
        services.make_return_note(returned(), by=keeper, now=now),
        services.card_paper(card, by=keeper, now=now),
    ]
    db.session.commit()
    names = ["Acta de entrega-recepción", "Guía de remisión", "Lista de preparación", "Nota de devolución", "Tarjeta"]

    for paper, name in zip(papers, names, strict=True):
        found = queries.paper(paper.number)
        page = visitor.get(f"/deliveries/receipts/{paper.number.lower()}").get_data(as_text=True)
        assert found is not None
        assert found.state is PaperState.VALID, name
        assert paper.content_hash in page
        hidden = [kit.person.given_names for kit in kits] + [kit.canton.name for kit in kits] + [run.folio, card.serial]
        assert [word for word in hidden if word in page] == []


@pytest.mark.parametrize("number", ["0000-0000-0000-0000", "%00", "x" * 300, "%ED%A0%80", "%C3%B1"])
def test_unknown_number_is_said_to_be_unknown(visitor: FlaskClient, number: str) -> None:
    answer = visitor.get(f"/deliveries/receipts/{number}")

    assert answer.status_code == 404
    assert "notice-bad" in answer.get_data(as_text=True)


@pytest.mark.parametrize("change", ["hash", "bytes", "content"])
def test_changed_row_fails_verification(visitor: FlaskClient, keeper: User, change: str) -> None:
    waybill = services.make_waybill(planned_run(), by=keeper, now=utcnow())
    if change == "hash":
        waybill.content_hash = "0" * 64
    elif change == "content":
        waybill.content = {**waybill.content, "value_usd": "1.00"}
    else:
        sealed = waybill.content_sealed  # type: ignore[attr-defined]
        waybill.content_sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])  # type: ignore[attr-defined]
    db.session.commit()

    found = queries.paper(waybill.number)
    page = visitor.get(f"/deliveries/receipts/{waybill.number}").get_data(as_text=True)

    assert found is not None
    assert found.state is PaperState.CHANGED
    assert "notice-bad" in page
    assert "notice-good" not in page


def test_changed_receipt_fails_verification(app: Flask) -> None:
    receipt = db.session.query(Receipt).filter_by(delivery_id=make_confirmed().delivery.id).one()
    receipt.content = {**receipt.content, "value_usd": "1.00"}
    db.session.commit()

    found = queries.paper(receipt.number)

    assert found is not None
    assert found.state is PaperState.CHANGED


def test_papers_through_pages(sign_in: SignIn, keeper: User) -> None:
    run, delivery = planned_run(), make_delivery(S.APPROVED)
    officer, warehouse = sign_in(make_user(Role.OFFICER)), sign_in(keeper)
    made = [
        f"/deliveries/runs/{run.id}/waybill",
        f"/deliveries/runs/{run.id}/picking-list",
        f"/deliveries/{delivery.id}/picking-list",
    ]

    for address in made:
        assert officer.post(address).status_code == 403
        answer = warehouse.post(address)
        assert answer.status_code == 302
        document = warehouse.get(answer.location)
        assert document.data.startswith(b"%PDF")
        assert officer.get(answer.location).status_code == 403
    assert db.session.query(Document).count() == 3


def test_refused_paper_is_said_on_the_next_page(sign_in: SignIn, keeper: User) -> None:
    run, delivery = make_run(), make_delivery(S.SEALED)
    warehouse = sign_in(keeper)

    for address in (f"/deliveries/runs/{run.id}/waybill", f"/deliveries/runs/{run.id}/picking-list",
                    f"/deliveries/{delivery.id}/return-note"):  # fmt: skip
        page = warehouse.get(warehouse.post(address).location)
        assert "notice-bad" in page.get_data(as_text=True)
    assert db.session.query(Document).count() == 0


def test_card_is_not_among_the_papers_of_the_warehouse(sign_in: SignIn, keeper: User) -> None:
    card, _codes = make_card(make_award(), picture=None)
    paper = services.card_paper(card, by=keeper, now=utcnow())
    client = sign_in(keeper)

    assert client.get(f"/deliveries/papers/{paper.number}").status_code == 404
    assert client.get("/deliveries/papers/%00").status_code == 404
    assert db.session.get_one(SymbolCard, card.id).printed_at is None


def test_database_keeps_one_live_paper_of_a_kind(keeper: User) -> None:
    run = planned_run()
    waybill = services.make_waybill(run, by=keeper, now=utcnow())
    copied = "kind, run_id, content_hash, facts_lookup, made_by_id, made_at, content_sealed"

    with pytest.raises(IntegrityError):
        db.session.execute(
            text(f"INSERT INTO delivery_document (number, row_key, {copied}) SELECT 'X', 'Y', {copied} "  # noqa: S608
                 "FROM delivery_document WHERE id = :id"), {"id": waybill.id},
        )  # fmt: skip
