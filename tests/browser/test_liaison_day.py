"""The liaison's day on a phone: how many taps from the home page until something is logged; what a second tap does."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select

from grants.core.db import db
from grants.credit.models import CreditMovement, Linkage, LinkageEvent, LinkageState, MovementKind, ReferralState
from tests.browser.conftest import PHONE
from tests.browser.test_pages import AXE, troubles
from tests.factories.access import signed_in_client
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_money import make_credit

pytestmark = pytest.mark.browser
MOST_TAPS = 3


class Taps:
    """A page on which taps are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def tap(self, role: str, name: str) -> None:
        self.count += 1
        self.page.get_by_role(role, name=name).first.tap()  # type: ignore[arg-type]
        self.page.wait_for_load_state()


@pytest.fixture
def phone(small_site: tuple[Flask, str], chromium: Browser) -> Iterator[Callable[..., tuple[Page, Linkage]]]:
    """A liaison's phone at an institution where one linkage waits."""
    app, address = small_site
    opened = []

    def open_phone(make: Callable[..., Linkage]) -> tuple[Page, Linkage]:
        institution = make_institution()
        linkage, liaison = make(institution), make_liaison(institution)
        db.session.commit()
        cookie = signed_in_client(app, liaison).get_cookie("semilla")
        assert cookie is not None
        context = chromium.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True,
                                       is_mobile=True, locale="en-US", base_url=address)  # fmt: skip
        context.add_cookies([{"name": "semilla", "value": cookie.value, "url": address}])
        opened.append(context)
        return context.new_page(), linkage

    with app.app_context():
        yield open_phone
        for context in opened:
            context.close()
        db.session.remove()


def read(statement: object) -> object:
    try:
        return db.session.scalar(statement)  # type: ignore[call-overload]
    finally:
        db.session.rollback()  # the server must be able to write


def test_a_step_takes_two_taps_from_the_home_page(phone: Callable[..., tuple[Page, Linkage]]) -> None:
    page, linkage = phone(lambda institution: make_linkage(institution=institution))
    page.goto("/")
    taps = Taps(page)

    taps.tap("link", "I contacted the person")
    taps.tap("button", "Log it")

    expect(page.locator("main [role=status]")).to_contain_text("Logged.")
    assert taps.count == 2 <= MOST_TAPS
    assert read(select(Linkage.state).where(Linkage.id == linkage.id)) is LinkageState.CONTACTED


def test_a_payment_takes_two_taps_and_nothing_is_typed(phone: Callable[..., tuple[Page, Linkage]]) -> None:
    # 1,200 in 12 instalments without interest: 100 each; the first fell due some days ago.
    page, linkage = phone(lambda institution: make_credit(institution, disbursed=40, reported=31))
    page.goto("/")
    taps = Taps(page)

    taps.tap("link", "The person paid")
    taps.tap("button", "Log it")

    expect(page.locator("main [role=status]")).to_contain_text("Logged.")
    assert taps.count == 2 <= MOST_TAPS
    paid = select(CreditMovement.amount_usd).where(
        CreditMovement.linkage_id == linkage.id, CreditMovement.kind == MovementKind.REPAYMENT
    )
    assert read(paid) == Decimal("100.00")


def test_a_referral_is_accepted_in_two_taps(
    phone: Callable[..., tuple[Page, Linkage]],
) -> None:
    page, linkage = phone(
        lambda institution: make_linkage(make_referral(institution=institution, state=ReferralState.SENT))
    )
    page.goto("/")
    taps = Taps(page)

    taps.tap("link", "Answer")
    taps.tap("button", "Accept")

    expect(page.locator("main [role=status]")).to_contain_text("Accepted")
    assert taps.count == 2
    assert read(select(Linkage.state).where(Linkage.id == linkage.id)) is LinkageState.REFERRED


def test_a_lost_answer_and_a_second_tap_log_once(phone: Callable[..., tuple[Page, Linkage]]) -> None:
    page, linkage = phone(lambda institution: make_linkage(institution=institution))
    page.goto(f"/linkages/{linkage.id}/quick?do=contacted")
    key, today = (page.locator(f"input[name={name}]").input_value() for name in ("form_key", "happened_on"))
    # It reaches the server, and the answer never comes back: the person goes back and taps again.
    page.route("**/quick?do=contacted", lambda route: (route.fetch(max_redirects=0), route.abort()))
    page.get_by_role("button", name="Log it").tap()
    page.wait_for_timeout(500)
    page.unroute("**/quick?do=contacted")

    # Back at the address of the form: it does not offer the step after it.
    page.goto(f"/linkages/{linkage.id}/quick?do=contacted")
    expect(page.locator("main [role=status]").last).to_contain_text("logged already")
    # The very same form once more, as a browser sends it again.
    token = page.locator("input[name=csrf_token]").first.input_value()
    again = page.request.post(f"/linkages/{linkage.id}/quick?do=contacted",
                              form={"csrf_token": token, "form_key": key, "happened_on": today},
                              headers={"Accept-Language": "en-US"})  # fmt: skip
    assert "This was logged already" in again.text()
    count = select(func.count(LinkageEvent.id)).where(LinkageEvent.linkage_id == linkage.id)
    assert read(count) == 1


def test_the_liaisons_pages_hold_for_axe_at_360(phone: Callable[..., tuple[Page, Linkage]]) -> None:
    page, linkage = phone(lambda institution: make_credit(institution, disbursed=40, reported=31))
    wrong = []
    for address in ("/", "/my-linkages", "/my-linkages?show=late", "/my-linkages/search?q=no",
                    f"/linkages/{linkage.id}/quick", f"/linkages/{linkage.id}/quick?do=balance"):  # fmt: skip
        page.goto(address)
        page.evaluate(AXE)
        wrong += [f"{address}: {one}" for one in troubles(page)]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert wrong == []
