"""Many papers in one file: two people, page by page, downloaded once, and no card loses its codes for nothing."""

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import press, queries, services
from grants.delivery.models import BatchKind, BatchState, DeliveryState, PrintBatch, PrintFile, PrintItem, SymbolCard
from grants.delivery.queries import printing as batch_queries
from grants.delivery.services import printing
from grants.delivery.symbols import HashCost, matching_position
from grants.selection.models import Award, AwardState
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import make_card, make_confirmed, make_delivery
from tests.factories.papers import ADDRESS, later, make_batch, make_ready, pages_of
from tests.factories.selection import make_award

S = DeliveryState
SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def asker(app: Flask) -> User:
    return make_user(Role.COORDINATOR, name="Ana Primera")


@pytest.fixture
def second(app: Flask) -> User:
    return make_user(Role.COORDINATOR, name="Luisa Segunda")


@pytest.fixture
def call(app: Flask) -> Call:
    """A call with three awards: one has a card that waits, two have none."""
    call = make_call()
    awards = [make_award(call=call) for _n in range(3)]
    make_card(awards[0], picture=None)
    return call


def cards_of(call: Call) -> list[SymbolCard]:
    db.session.expire_all()
    awards = db.session.query(Award).filter(Award.selection.has(call_id=call.id)).order_by(Award.id)
    return [card for card in (queries.live_card(award.id) for award in awards) if card is not None]


def fresh(batch: PrintBatch) -> PrintBatch:
    db.session.expire_all()
    return db.session.get_one(PrintBatch, batch.id)


def test_file_of_cards_holds_every_card_and_wipes_each_once(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    press.go_on(batch.id, now=utcnow())
    cards = cards_of(call)

    sheets = pages_of(services.take_file(fresh(batch), by=asker, now=utcnow()))

    assert len(sheets) == 4  # the control sheet and three cards
    assert all(card.serial in sheets[0] for card in cards)
    for card, said in zip(cards, sheets[1:], strict=True):
        printed = "".join(letter for letter in said if letter.isdigit())
        cost = HashCost(card.hash_memory_kib, card.hash_time_cost)
        starts = range(len(printed) - 9)
        found = {matching_position(printed[at : at + 10], card.code_hashes, card.salt, cost) for at in starts}
        assert found == {0, 1, 2, 3, None}
    assert [(card.codes, card.printed_at is not None) for card in cards] == [(None, True)] * 3
    assert db.session.query(PrintFile).count() == 0
    assert [item.part for item in db.session.query(PrintItem)] == [None] * 3


def test_watermark_names_both_people_and_cards_carry_only_the_file(asker: User, second: User, call: Call) -> None:
    make_confirmed(make_award(call=call))
    receipts = make_batch(BatchKind.RECEIPTS, call, by=asker, approver=second)
    cards = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    for batch in (receipts, cards):
        press.go_on(batch.id, now=utcnow())

    of_receipts, of_cards = (
        pages_of(services.take_file(fresh(one), by=asker, now=utcnow())) for one in (receipts, cards)
    )

    for said in (*of_receipts, of_cards[0]):
        assert "Pidió Ana Primera" in said
        assert "Aprobó Luisa Segunda" in said
    for said in of_cards[1:]:
        assert cards.folio in said
        assert "Ana" not in said  # it leaves with its owner


@pytest.mark.parametrize("stopped_after", [0, 1, 2, 3])
def test_stopped_file_goes_on_where_it_stood(asker: User, second: User, call: Call, stopped_after: int) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    printing.claim_batch(batch.id, now=utcnow())  # by a process that was killed after so many pages
    for item_id in batch_queries.items_to_make(batch.id, stopped_after):
        press._make_page(item_id, now=utcnow())
    db.session.commit()

    assert all(card.codes is not None for card in cards_of(call))
    assert press.go_on(batch.id, now=later(30)) is False
    assert fresh(batch).made == stopped_after
    assert press.go_on(batch.id, now=later(61)) is True

    ended = fresh(batch)
    assert (ended.state, ended.made, ended.total) == (BatchState.READY, 3, 3)
    assert all(card.codes is None for card in cards_of(call))
    assert len(pages_of(services.take_file(ended, by=asker, now=utcnow()))) == 4


def test_file_is_made_a_handful_at_a_time(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    made = []
    while fresh(batch).state is BatchState.MAKING:
        press.go_on(batch.id, now=utcnow(), at_once=1)
        made.append(fresh(batch).made)

    assert made == [1, 2, 3]


def test_card_printed_on_its_own_meanwhile_is_left_out(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    press.go_on(batch.id, now=utcnow(), at_once=2)
    alone = cards_of(call)[0]
    services.print_card(alone, by=second, now=utcnow())
    db.session.commit()

    press.go_on(batch.id, now=utcnow())

    sheets = pages_of(services.take_file(fresh(batch), by=asker, now=utcnow()))
    assert len(sheets) == 3
    assert alone.serial not in sheets[0]
    assert queries.left_out(batch.id) == 1


def test_card_printed_between_the_pages_and_the_file_undoes_all_of_it(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    for item_id in batch_queries.items_to_make(batch.id, 3):
        press._make_page(item_id, now=utcnow())
    items = list(batch_queries.made_items(batch.id))
    services.print_card(cards_of(call)[2], by=second, now=utcnow())
    db.session.commit()

    with pytest.raises(printing.PagesChanged), db.session.begin_nested():
        printing.finish(fresh(batch), b"%PDF", items, now=utcnow())

    assert [card.codes is None for card in cards_of(call)] == [False, False, True]
    assert fresh(batch).state is BatchState.MAKING
    assert db.session.query(PrintFile).count() == 0


def test_award_that_ended_has_no_card_in_the_file(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    without_card = db.session.query(Award).order_by(Award.id.desc()).first()
    assert without_card is not None
    without_card.state, without_card.ended_at = AwardState.DECLINED, utcnow()
    db.session.commit()

    press.go_on(batch.id, now=utcnow())

    assert fresh(batch).state is BatchState.READY
    assert queries.left_out(batch.id) == 1


def test_names_and_codes_need_a_second_person(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker)

    assert press.go_on(batch.id, now=utcnow()) is False
    with pytest.raises(RuleBroken):
        services.approve_batch(batch, by=asker, now=utcnow())
    with pytest.raises(RuleBroken):
        services.approve_batch(batch, by=make_user(Role.WAREHOUSE), now=utcnow())
    with pytest.raises(RuleBroken):
        services.take_file(batch, by=asker, now=utcnow())
    assert fresh(batch).state is BatchState.ASKED
    services.approve_batch(batch, by=second, now=utcnow())
    assert fresh(batch).state is BatchState.MAKING


@pytest.mark.parametrize(
    "change", ["state = 'making'", "state = 'ready'", "approved_by_id = asked_by_id, approved_at = asked_at"]
)
def test_database_refuses_a_file_of_one_person(asker: User, call: Call, change: str) -> None:
    make_batch(BatchKind.CARDS, call, by=asker)

    with pytest.raises(IntegrityError):
        db.session.execute(text(f"UPDATE print_batch SET {change}"))  # noqa: S608


def test_file_is_downloaded_once_and_by_whoever_asked(asker: User, call: Call, sign_in: SignIn) -> None:
    make_delivery(S.APPROVED, award=make_award(call=call))
    keeper, other = make_user(Role.WAREHOUSE), make_user(Role.WAREHOUSE)
    batch = make_ready(BatchKind.PICKING_LISTS, call, by=keeper)
    address = f"/deliveries/prints/{batch.id}/download"

    assert sign_in(other).post(address).status_code == 302
    first, again = sign_in(keeper).post(address), sign_in(keeper).post(address)

    assert first.data.startswith(b"%PDF")
    assert first.headers["Cache-Control"] == "no-store"
    assert again.status_code == 302
    assert fresh(batch).state is BatchState.TAKEN
    assert db.session.query(PrintFile).count() == 0


def test_what_is_left_lying_is_destroyed(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    press.go_on(batch.id, now=utcnow())
    soon, late = utcnow() + timedelta(days=2, hours=23), utcnow() + timedelta(days=3, minutes=1)

    assert batch_queries.batches_left_lying(soon) == []
    (found,) = batch_queries.batches_left_lying(late)
    printing.purge(found, now=late)

    assert fresh(batch).state is BatchState.ENDED
    assert db.session.query(PrintFile).count() == 0


def test_called_off_file_leaves_cards_as_they_were(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    press.go_on(batch.id, now=utcnow(), at_once=2)

    services.end_batch(fresh(batch), by=second, now=utcnow())
    db.session.commit()

    assert [card.codes is None for card in cards_of(call)] == [False, False]
    assert [item.part for item in db.session.query(PrintItem)] == [None] * 3
    with pytest.raises(RuleBroken):
        services.end_batch(fresh(batch), by=asker, now=utcnow())


def test_page_that_was_drawn_while_the_file_was_called_off_is_not_kept(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    item = db.session.query(PrintItem).order_by(PrintItem.id).first()
    assert item is not None
    services.end_batch(fresh(batch), by=asker, now=utcnow())

    printing.keep_page(item, b"%PDF codes", label="C-1", card=None, now=utcnow())
    db.session.commit()

    assert [one.part for one in db.session.query(PrintItem)] == [None] * 3
    assert fresh(batch).made == 0


def test_page_is_kept_and_counted_once(asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)
    item = db.session.query(PrintItem).order_by(PrintItem.id).first()
    assert item is not None

    for page in (b"%PDF first", b"%PDF second"):
        printing.keep_page(item, page, label="C-1", card=None, now=utcnow())
    db.session.commit()

    db.session.refresh(item)
    assert base64.b64decode(item.part or "") == b"%PDF first"
    assert fresh(batch).made == 1


def test_worker_makes_what_waits_and_ends(app: Flask, asker: User, second: User, call: Call) -> None:
    batch = make_batch(BatchKind.CARDS, call, by=asker, approver=second)

    press.make_what_waits(app)

    assert fresh(batch).state is BatchState.READY


def test_waybills_of_the_planned_runs_need_no_second_person(app: Flask) -> None:
    keeper = make_user(Role.WAREHOUSE)
    delivery = make_delivery(S.SCHEDULED)

    batch = make_ready(BatchKind.WAYBILLS, by=keeper)

    sheets = pages_of(services.take_file(batch, by=keeper, now=utcnow()))
    assert len(sheets) == 2
    assert delivery.folio in sheets[1]


def test_nothing_to_print_is_said(asker: User) -> None:
    with pytest.raises(RuleBroken):
        services.ask_batch(BatchKind.RECEIPTS, make_call(), address=ADDRESS, by=asker, now=utcnow())
    assert db.session.query(PrintBatch).count() == 0


def test_file_through_pages(sign_in: SignIn, asker: User, second: User, call: Call) -> None:
    one, two, keeper = sign_in(asker), sign_in(second), sign_in(make_user(Role.WAREHOUSE))

    location = one.post("/deliveries/prints", data={"kind": "cards", "call": call.id}).location
    assert "data-print" not in one.get(location).get_data(as_text=True)
    assert keeper.get(location).status_code == 404
    one.post(f"{location}/approve")
    assert location in two.get("/").get_data(as_text=True)
    assert location not in one.get("/").get_data(as_text=True)
    assert f"{location}/approve" in two.get(location).get_data(as_text=True)
    two.post(f"{location}/approve")
    assert "data-print" in one.get(location).get_data(as_text=True)
    said = one.post(f"{location}/go-on", headers={"Accept": "application/json"})
    document = one.post(f"{location}/download")

    assert said.json == {"made": 3, "total": 3, "state": "ready"}
    assert len(pages_of(document.data)) == 4
    assert two.get("/deliveries/prints").status_code == 200


@pytest.mark.parametrize("data", [{"kind": "x"}, {"kind": "cards", "call": "99999999999999999999"}, {"kind": "\x00"}])
def test_odd_question_gets_a_sentence(sign_in: SignIn, asker: User, data: dict[str, str]) -> None:
    answer = sign_in(asker).post("/deliveries/prints", data=data)

    assert answer.status_code == 200
    assert "field-error" in answer.get_data(as_text=True)
    assert db.session.query(PrintBatch).count() == 0


def test_list_of_files_costs_the_same_with_one_and_with_three(sign_in: SignIn, asker: User, call: Call) -> None:
    client, counts = sign_in(asker), []
    for _n in range(3):
        make_batch(BatchKind.CARDS, call, by=asker)
        noted: list[str] = []
        note = lambda _c, _k, statement, *_rest: noted.append(statement)  # noqa: E731, B023
        event.listen(Engine, "before_cursor_execute", note)
        client.get("/deliveries/prints")
        event.remove(Engine, "before_cursor_execute", note)
        counts.append(sum(one.startswith("SELECT") for one in noted))

    assert len(set(counts)) == 1
    assert counts[0] <= 8
