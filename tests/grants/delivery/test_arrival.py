"""The kit is read again at the point, and a photo of it is kept where the level lets one be taken."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.delivery import services
from grants.delivery.models import Delivery, DeliveryPhoto, DeliveryState
from grants.delivery.photos import LONGEST_SIDE, clean_photo
from grants.delivery.services import Reading
from grants.delivery.services.checks import Tolerance
from grants.delivery.services.photos import refuse_photo
from tests.factories.access import make_token, make_user
from tests.factories.delivery import Carried, make_carried, make_officer

S = DeliveryState
SignIn = Callable[[User], FlaskClient]
GPS_TAG = 0x8825


def journaled(action: str) -> list[str]:
    found = select(JournalEntry.details).where(JournalEntry.action == action).order_by(JournalEntry.id)
    return list(db.session.scalars(found))


@pytest.fixture
def carried(app: Flask) -> Carried:
    """A kit with a device, on its way; 12,500 g."""
    made = make_carried(S.IN_TRANSIT)
    line = made.delivery.lines[0]
    line.needs_serial, line.serial_number = True, "SN12345"
    made.delivery.digest = made.delivery.digest_over(made.delivery.person.folio)
    db.session.flush()
    return made


def right(delivery: Delivery) -> dict[str, str]:
    serials = {f"serial_{line.position}": line.serial_number for line in delivery.lines if line.serial_number}
    return {"seal_number": delivery.seal_number or "", **serials}


def test_kit_as_it_was_sealed_leads_to_the_codes(carried: Carried, sign_in: SignIn) -> None:
    delivery, client = carried.delivery, sign_in(carried.officer)
    typed = right(delivery)
    # As a person types it: small letters and spaces.
    typed = {name: f" {value.lower()[:3]} {value.lower()[3:]} " for name, value in typed.items()}

    answer = client.post(f"/deliveries/{delivery.id}/arrive", data={**typed, "weight_grams": "12500"})
    again = client.post(f"/deliveries/{delivery.id}/arrive", data=typed)

    db.session.refresh(delivery)
    assert (answer.status_code, again.status_code, delivery.state) == (302, 302, S.AT_POINT)
    assert answer.headers["Location"].endswith(f"/deliveries/{delivery.id}/handover")
    assert journaled("delivery.checked") == ['{"weighed":true}']


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"seal_number": "PR-OTHER"}, '"seal_number"'),
        ({"serial_1": "SN99999"}, '"serials"'),
        # 3 % of 12,500 g are 375 g.
        ({"weight_grams": "12876"}, '"weight_grams"'),
        ({"weight_grams": "12124"}, '"weight_grams"'),
    ],
)
def test_another_kit_is_refused_noted_and_stays_on_the_road(
    carried: Carried, sign_in: SignIn, changed: dict[str, str], part: str
) -> None:
    delivery, client = carried.delivery, sign_in(carried.officer)

    answer = client.post(f"/deliveries/{delivery.id}/arrive", data={**right(delivery), **changed},
                         headers={"Accept-Language": "en"})  # fmt: skip

    db.session.refresh(delivery)
    assert (answer.status_code, delivery.state) == (200, S.IN_TRANSIT)
    assert "call the control room" in answer.text
    # What was typed is kept; what would be right is not told.
    assert next(iter(changed.values())) in answer.text
    assert (delivery.seal_number in answer.text) is ("seal_number" not in changed)
    assert journaled("delivery.differs") == [f'{{"part":{part}}}']
    assert journaled("delivery.checked") == []


@pytest.mark.parametrize("weight", ["12875", "12125"])
def test_weight_within_three_in_a_hundred_passes(carried: Carried, weight: str) -> None:
    reading = Reading(carried.delivery.seal_number or "", ["SN12345"], int(weight))

    services.arrive_with(carried.delivery, reading, tolerance=Tolerance(), by=carried.officer, now=utcnow())

    assert carried.delivery.state is S.AT_POINT


@pytest.mark.parametrize("bad", ["", "\x00", "x" * 10_000, "-1", "1e999", "NaN", "9" * 400])
def test_odd_reading_gets_a_sentence_and_moves_nothing(carried: Carried, sign_in: SignIn, bad: str) -> None:
    delivery = carried.delivery
    data = dict.fromkeys(("seal_number", "serial_1", "weight_grams"), bad)

    answer = sign_in(carried.officer).post(f"/deliveries/{delivery.id}/arrive", data=data)

    db.session.refresh(delivery)
    assert (answer.status_code, delivery.state) == (200, S.IN_TRANSIT)
    assert "field-error" in answer.text


def test_api_reads_the_kit_alike(carried: Carried, app: Flask) -> None:
    delivery = carried.delivery
    token = make_token(carried.officer, Permission.CARRY_DELIVERY)

    def post(body: dict[str, Any]) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return (
            app.test_client()
            .post(f"/api/v1/deliveries/{delivery.folio}/at-point", json=body, headers=headers)
            .status_code
        )

    right_ones = {"seal_number": delivery.seal_number, "serials": ["SN12345"]}
    answers = [post({}), post({**right_ones, "serials": []}), post({**right_ones, "weight_grams": 9})]
    assert answers == [422, 409, 409]
    assert post(right_ones) == 200
    db.session.refresh(delivery)
    assert delivery.state is S.AT_POINT


def test_something_else_shows_what_is_possible_here(carried: Carried, sign_in: SignIn) -> None:
    client, address = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}"

    on_the_way = client.get(f"{address}/otherwise").text
    client.post(f"{address}/arrive", data=right(carried.delivery))
    there = client.get(f"{address}/otherwise").text

    assert ("/turn-back" in on_the_way, "/nobody-came" in on_the_way) == (True, False)
    assert ("/nobody-came" in there, "/refused" in there) == (True, True)


def jpeg(side: int = 40) -> bytes:
    """A photo that says where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(GPS_TAG).update({1: "N", 2: (0.0, 21.0, 30.0), 3: "W", 4: (78.0, 7.0, 12.0)})
    exif[0x010F] = "Camera of Marisol"
    out = io.BytesIO()
    Image.new("RGB", (side, side // 2), "green").save(out, "JPEG", exif=exif)
    return out.getvalue()


def upload(client: FlaskClient, delivery: Delivery, content: bytes, name: str = "IMG_1.jpg") -> Any:
    return client.post(f"/deliveries/{delivery.id}/photo", data={"file": (io.BytesIO(content), name)},
                       content_type="multipart/form-data")  # fmt: skip


@pytest.mark.parametrize("level", [1, 2])
def test_photo_is_kept_without_where_it_was_taken(app: Flask, sign_in: SignIn, level: int) -> None:
    carried = make_carried(level=level)
    sent = jpeg()
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(GPS_TAG)

    assert upload(sign_in(carried.officer), carried.delivery, sent).status_code == 302

    (photo,) = db.session.query(DeliveryPhoto).all()
    office = make_user(Role.COORDINATOR)
    answer = sign_in(office).get(f"/deliveries/{carried.delivery.id}/photos/{photo.id}")
    kept = Image.open(io.BytesIO(answer.data))
    assert (answer.status_code, kept.format, dict(kept.getexif())) == (200, "JPEG", {})
    assert b"Marisol" not in answer.data
    assert answer.headers["Cache-Control"] == "no-store"
    assert journaled("photo.seen") == [f'{{"delivery_id":{carried.delivery.id}}}']
    assert sign_in(make_officer()).get(f"/deliveries/{carried.delivery.id}/photos/{photo.id}").status_code == 403
    stored = Path(app.instance_path) / "photos" / photo.storage_name
    assert stored.stat().st_mode & 0o077 == 0


def test_photo_becomes_small(app: Flask) -> None:
    with app.test_request_context():
        kept = clean_photo(jpeg(4 * LONGEST_SIDE), max_bytes=10_000_000)

    assert Image.open(io.BytesIO(kept.content)).size == (LONGEST_SIDE, LONGEST_SIDE // 2)


def test_no_photo_at_the_highest_level(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried(level=3)
    client = sign_in(carried.officer)

    answers = [client.get(f"/deliveries/{carried.delivery.id}/photo"), upload(client, carried.delivery, jpeg())]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert db.session.query(DeliveryPhoto).count() == 0
    with pytest.raises(RuleBroken):
        refuse_photo(carried.delivery, by=carried.officer)


@pytest.mark.parametrize("content", [b"", b"GIF89a" + b"\x00" * 40, b"%PDF-1.4\n%%EOF", b"\xff\xd8\xff" + b"\x00" * 60])
def test_what_is_no_photo_is_not_kept(app: Flask, sign_in: SignIn, content: bytes) -> None:
    carried = make_carried()

    answer = upload(sign_in(carried.officer), carried.delivery, content)

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.query(DeliveryPhoto).count() == 0


def test_fourth_photo_and_that_of_a_stranger_are_refused(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried()
    client = sign_in(carried.officer)
    for _n in range(4):
        upload(client, carried.delivery, jpeg())

    assert upload(sign_in(make_officer()), carried.delivery, jpeg()).status_code == 404
    assert db.session.query(DeliveryPhoto).count() == 3
