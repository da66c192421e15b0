"""DELIVERY_PROTOCOL §7, the stolen phone: what a browser kept after signing in, the run and the handover."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from grants.access.models import FactorKind
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery.models import DeliveryState
from tests.browser.conftest import CHROMIUM, PHONE, QUIET
from tests.browser.officer_day import Read, hand_over
from tests.factories.access import PASSWORD, factor_of, with_password
from tests.factories.delivery import PIN, Carried, make_carried
from tests.factories.people import make_phone
from tests.factories.road import PLACE

pytestmark = pytest.mark.browser

PHONE_NUMBER = "+593998877665"
# Everything that a page can leave on a device, as a later visitor of the same browser finds it.
KEPT = """async () => {
  const databases = await indexedDB.databases();
  const workers = await navigator.serviceWorker.getRegistrations();
  return [Object.entries(localStorage), Object.entries(sessionStorage), databases, await caches.keys(),
          workers.map((one) => one.scope)];
}"""


@pytest.fixture
def phone(chromium: Browser, small_site: tuple[Flask, str], tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser that keeps its profile in a folder, as one on a phone does."""
    context = chromium.browser_type.launch_persistent_context(
        tmp_path / "profile", executable_path=CHROMIUM, args=QUIET, viewport={"width": PHONE[0], "height": PHONE[1]},
        has_touch=True, is_mobile=True, locale="en-US", base_url=small_site[1],
    )  # fmt: skip
    yield context
    context.close()


def sign_in(page: Page, email: str, seed: str) -> None:
    page.goto("/sign-in")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").tap()
    page.locator("input[name=code]").fill(pyotp.TOTP(seed).now())
    page.locator("main button[type=submit]").tap()
    page.wait_for_url("**/")


def secrets_of(carried: Carried) -> dict[str, str]:
    person, delivery = carried.delivery.person, carried.delivery
    return {
        "surname": person.first_surname, "given names": person.given_names, "phone": PHONE_NUMBER, "place": PLACE,
        "card": carried.true_code, "card in groups": f"{carried.true_code[:3]} {carried.true_code[3:6]}",
        "seed": factor_of(carried.officer, FactorKind.DELIVERY).seed, "seal": delivery.seal_number or "",
        "password": PASSWORD,
    }  # fmt: skip


def on_disk(folder: Path, words: dict[str, str]) -> set[str]:
    """Which of these words are in a file of the browser's profile, in one byte a letter or in two."""
    forms = {name: (word.encode(), word.encode("utf-16-le")) for name, word in words.items() if word}
    held = set()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        held |= {f"{name} in {path.name}" for name, both in forms.items() if any(one in content for one in both)}
    return held


def offered_again(folder: Path) -> set[str]:
    """What the browser would offer to fill in: of forms that were sent, and of sign-ins that it would keep."""
    filled = sqlite3.connect(folder / "Default" / "Web Data").execute("SELECT value FROM autofill").fetchall()
    names = sqlite3.connect(folder / "Default" / "Login Data").execute("SELECT username_value FROM stats").fetchall()
    return {value for (value,) in filled + names}


def test_phone_keeps_no_name_place_or_code_after_the_handover(
    small_site: tuple[Flask, str],
    phone: BrowserContext,
    tmp_path: Path,
) -> None:
    app, page = small_site[0], phone.pages[0]
    with app.app_context():
        carried = make_carried(DeliveryState.IN_TRANSIT)
        carried.officer.language = "en"
        make_phone(carried.delivery.person, PHONE_NUMBER)
        with_password(carried.officer)
        db.session.commit()
        codes, words, seal = carried.codes(utcnow()), secrets_of(carried), carried.delivery.seal_number or ""
        email, login_seed = carried.officer.email, factor_of(carried.officer, FactorKind.LOGIN).seed
        db.session.remove()
    sign_in(page, email, login_seed)
    answers = []
    page.on("response", lambda answer: answers.append((answer.url, answer.headers.get("cache-control", ""))))
    page.goto("/deliveries/my-day")
    expect(page.locator("main")).to_contain_text(PLACE)
    hand_over(page, Read(seal, (), codes.card, codes.totp, PIN))
    page.goto("/")

    kept = page.evaluate(KEPT)
    pages = [(url, cache) for url, cache in answers if "/static/" not in url]
    phone.close()

    assert kept == [[], [], [], [], []]
    assert len(pages) >= 6
    assert [one for one in pages if "no-store" not in one[1]] == []
    assert on_disk(tmp_path / "profile", words) == set()
    assert offered_again(tmp_path / "profile") == {email}
