"""What the demo's handovers left behind is real: boxes open, actas verify, cards work, selections repeat."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.db import db
from grants.delivery.desk.boxes import unseal
from grants.delivery.desk.cli import group as desk_tool
from grants.delivery.models import Delivery, DeliveryState, Receipt, Signal, SymbolCard
from grants.delivery.services.receipts import hash_of, receipt_document
from grants.demo import queries
from grants.demo.deliveries import DEMO_PIN
from grants.demo.start import DEMO_DESK_KEY
from grants.selection.models import Selection, SelectionRow
from grants.selection.queries import selection_inputs
from grants.selection.services import compute
from tests.conftest import build
from tests.factories.access import signed_in_client


def test_desk_opens_every_signal_and_finds_no_alarm(demo, tmp_path):
    private, export = Path(demo.instance_path) / DEMO_DESK_KEY, tmp_path / "boxes.json"
    export.write_text(demo.test_cli_runner().invoke(args=["signals", "export"]).output)

    answer = CliRunner().invoke(
        desk_tool, ["open", str(export), "--private", str(private), "--book", str(tmp_path / "book")]
    )

    lines = answer.output.splitlines()
    assert answer.exit_code == 0
    assert len(lines) == 129 + 201
    assert len({line.split("\t")[-1] for line in lines}) == 1


def test_boxes_name_their_delivery_officer_and_picture(demo):
    private = (Path(demo.instance_path) / DEMO_DESK_KEY).read_bytes()
    signals = db.session.scalars(select(Signal).order_by(Signal.id).limit(20)).all()

    for signal in signals:
        facts, delivery = unseal(signal.box, private), db.session.get_one(Delivery, signal.delivery_id)
        card = db.session.scalars(select(SymbolCard).where(SymbolCard.award_id == delivery.award_id)).one()
        assert (facts.delivery_id, facts.officer_id, facts.at) == (delivery.id, delivery.officer_id, signal.created_at)
        assert (facts.pin_is_true, facts.picture_used) == (True, facts.picture_true)
        assert card.true_picture == str(facts.picture_true)
    assert len({unseal(signal.box, private).picture_true for signal in signals}) > 1


def test_actas_print_and_verify_at_their_public_page(demo):
    receipt = db.session.scalars(select(Receipt).order_by(Receipt.id).limit(1)).one()

    page = demo.test_client().get(f"/deliveries/receipts/{receipt.number}")

    assert receipt.content_hash == hash_of(receipt.content)
    assert page.status_code == 200
    assert receipt.content_hash in page.text
    assert receipt_document(receipt, "http://localhost/").startswith(b"%PDF")


def test_confirmed_deliveries_match_their_digest(demo):
    confirmed = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.CONFIRMED).limit(40)).all()

    assert all(one.digest == one.digest_over(one.person.folio) for one in confirmed)


@pytest.mark.parametrize("code", ["SC-2023", "DIS-2023"])
def test_new_run_gives_the_published_hash_and_order(demo, code):
    call = db.session.scalars(select(Call).where(Call.code == code)).one()
    published = db.session.scalars(select(Selection).where(Selection.call_id == call.id)).one()
    stored = db.session.execute(
        select(Application.folio, SelectionRow.points)
        .join(Application, Application.id == SelectionRow.application_id)
        .where(SelectionRow.selection_id == published.id)
        .where(SelectionRow.place.is_not(None))
        .order_by(SelectionRow.place)
    ).tuples()

    inputs = selection_inputs(call)

    assert inputs.hash == published.inputs_hash
    assert [(line.folio, line.points) for line in compute(inputs).lines] == stored.all()


@pytest.fixture
def own_demo(new_database, tmp_path):
    """A demo that a test may change."""
    app = build(new_database("sqlite"), tmp_path)
    with app.app_context():
        assert app.test_cli_runner().invoke(args=["demo", "load"]).exit_code == 0
        yield app
        db.session.remove()


def test_card_of_the_demo_ends_a_handover(own_demo):
    runner = own_demo.test_cli_runner()
    on_the_way = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.IN_TRANSIT)).one()
    folio, delivery_id, seal = on_the_way.folio, on_the_way.id, on_the_way.seal_number
    db.session.remove()

    shown = runner.invoke(args=["demo", "card", folio, "--picture", "fish"])
    again = runner.invoke(args=["demo", "card", folio, "--picture", "fish"])

    assert (shown.exit_code, again.exit_code) == (0, 0), shown.output + again.output
    digits = ["".join(letter for letter in line if letter.isdigit()) for line in again.output.splitlines()[:4]]
    assert [len(code) for code in digits] == [10] * 4
    assert not set(digits) & {"".join(filter(str.isdigit, line)) for line in shown.output.splitlines()}
    officer = next(user for user in queries.accounts() if user.is_a(Role.OFFICER))
    browser = signed_in_client(own_demo, officer)
    assert seal in again.output
    browser.post(f"/deliveries/{delivery_id}/arrive", data={"seal_number": seal})
    totp = runner.invoke(args=["demo", "code", "logistica1", "--delivery"]).output.strip()
    browser.post(
        f"/deliveries/{delivery_id}/handover",
        data={"totp": totp, "pin": DEMO_PIN, "card": digits[2], "key": "a-key-of-this-test"},
    )
    assert db.session.get_one(Delivery, delivery_id, populate_existing=True).state is DeliveryState.CONFIRMED


def test_card_of_a_delivery_that_is_over_is_not_issued_again(demo):
    over = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.CONFIRMED).limit(1)).one()
    cards = select(SymbolCard.id).where(SymbolCard.award_id == over.award_id)

    answer = demo.test_cli_runner().invoke(args=["demo", "card", over.folio])

    assert answer.exit_code == 1
    assert len(db.session.scalars(cards).all()) == 1


def test_card_of_an_unknown_folio_is_refused(app):
    answer = app.test_cli_runner().invoke(args=["demo", "card", "D-0000000"])

    assert answer.exit_code == 1
    assert "folio" in answer.output
