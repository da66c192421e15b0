"""The officer's day on a phone: few taps, a lost connection, the camera, and nothing for axe to find."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery.models import Delivery, DeliveryState
from grants.delivery.services import Codes
from tests.browser.conftest import PHONE
from tests.browser.officer_day import Read, hand_over
from tests.browser.test_pages import AXE, troubles
from tests.factories.access import signed_in_client
from tests.factories.delivery import PIN, Carried, make_carried

pytestmark = pytest.mark.browser
Phone = Callable[..., tuple[Page, Carried]]

# A camera that shows one colour, and a browser that reads ten digits from it.
CAMERA = """
  window.tracks = [];
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 9, 9);
    const stream = canvas.captureStream(5);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
  window.BarcodeDetector = class { async detect() { return [{ rawValue: "1234567890" }]; } };
"""


@pytest.fixture
def phone(small_site: tuple[Flask, str], chromium: Browser) -> Iterator[Phone]:
    """An officer's phone with a kit on the way or at the point."""
    app, address = small_site
    opened = []

    def open_phone(state: DeliveryState = DeliveryState.IN_TRANSIT, script: str = "") -> tuple[Page, Carried]:
        with app.app_context():
            carried = make_carried(state)
            cookie = signed_in_client(app, carried.officer).get_cookie("semilla")
            assert cookie is not None
        context = chromium.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True,
                                       is_mobile=True, locale="en-US", base_url=address)  # fmt: skip
        context.add_cookies([{"name": "semilla", "value": cookie.value, "url": address}])
        context.add_init_script(script)
        opened.append(context)
        return context.new_page(), carried

    with app.app_context():
        yield open_phone
        for context in opened:
            context.close()
        db.session.remove()


def state_of(carried: Carried) -> DeliveryState | None:
    try:
        return db.session.scalar(select(Delivery.state).where(Delivery.id == carried.delivery.id))
    finally:
        db.session.rollback()  # the server must be able to write


def codes_of(carried: Carried) -> Codes:
    try:
        return carried.codes(utcnow())
    finally:
        db.session.rollback()


def test_handover_takes_five_pages_and_eight_taps(phone: Phone) -> None:
    page, carried = phone()
    codes = codes_of(carried)
    seal = carried.delivery.seal_number or ""

    effort = hand_over(page, Read(seal, (), codes.card, codes.totp, PIN))

    assert (len(effort.pages), effort.taps, effort.characters) == (5, 8, len(seal) + 10 + 6 + 4)
    assert effort.seconds < 180
    assert state_of(carried) is DeliveryState.CONFIRMED


def test_pages_of_the_day_hold_for_axe_at_360(phone: Phone) -> None:
    page, carried = phone()
    own, wrong = f"/deliveries/{carried.delivery.id}", []

    for address in ("/deliveries/my-day", f"{own}/arrive", f"{own}/otherwise"):
        page.goto(address)
        page.evaluate(AXE)
        wrong += [f"{address}: {one}" for one in troubles(page)]

    assert wrong == []


def test_lost_connection_keeps_what_was_typed_and_says_that_nothing_was_sent(phone: Phone) -> None:
    page, carried = phone()
    page.goto(f"/deliveries/{carried.delivery.id}/arrive")
    seal = page.locator("input[name=seal_number]")
    seal.fill(carried.delivery.seal_number or "")

    page.context.set_offline(True)
    page.locator("[data-send] button[type=submit]").tap()

    expect(page.locator("[data-lost=before]")).to_be_visible()
    expect(seal).to_have_value(carried.delivery.seal_number or "")
    assert state_of(carried) is DeliveryState.IN_TRANSIT
    page.context.set_offline(False)
    page.locator("[data-send] button[type=submit]").tap()
    expect(page.locator("h1")).to_contain_text("Hand over")
    assert state_of(carried) is DeliveryState.AT_POINT


def test_answer_that_is_lost_may_be_asked_for_again_and_nothing_is_recorded_twice(phone: Phone) -> None:
    page, carried = phone(DeliveryState.AT_POINT)
    codes = codes_of(carried)
    page.goto(f"/deliveries/{carried.delivery.id}/handover")
    for name, value in (("card", codes.card), ("totp", codes.totp), ("pin", codes.pin)):
        page.locator(f"input[name={name}]").fill(value)
    # It reaches the server, and the answer never comes back.
    page.route("**/handover", lambda route: (route.fetch(), route.abort()))
    page.locator("[data-send] button[type=submit]").tap()
    expect(page.locator("[data-lost=during]")).to_be_visible()
    assert state_of(carried) is DeliveryState.CONFIRMED

    page.unroute("**/handover")
    page.locator("[data-send] button[type=submit]").tap()

    expect(page.locator("main [role=status]")).to_contain_text("It is recorded")


def test_camera_reads_the_card_after_a_tap_and_stops(phone: Phone) -> None:
    page, carried = phone(DeliveryState.AT_POINT, CAMERA)
    page.goto(f"/deliveries/{carried.delivery.id}/handover")
    assert page.evaluate("window.tracks.length") == 0

    page.get_by_role("button", name="Read with the camera").tap()

    expect(page.locator("input[name=card]")).to_have_value("123 456 7890")
    expect(page.locator("video")).to_be_hidden()
    assert page.evaluate("window.tracks.map(track => track.readyState)") == ["ended"]


def test_browser_that_cannot_read_codes_offers_no_camera(phone: Phone) -> None:
    page, carried = phone(DeliveryState.AT_POINT, "delete window.BarcodeDetector;")
    page.goto(f"/deliveries/{carried.delivery.id}/handover")

    expect(page.locator("input[name=card]")).to_be_visible()
    expect(page.get_by_role("button", name="Read with the camera")).to_have_count(0)
