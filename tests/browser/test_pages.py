"""Every page, as each role finds it by following links: axe, size, layout, requests, console."""

import re
from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Response, expect

from grants.access.permissions import Role
from tests.browser.conftest import DESKTOP, PHONE, Site

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
LOOKED_AT: set[str] = set()
MAX_PAGE_BYTES = 100_000
VISITOR_PAGES = ("/sign-in", "/design", "/no-such-page")
DOWNLOADS = re.compile(
    r"\.(pdf|xlsx|csv|json|zip)($|\?)|/(download|export|print|receipt|act|card|methods-annex|notices|order)\b"
)


def shape_of(path: str) -> str:
    """Pages that differ only in a number or a folio are one page."""
    bare = path.split("?")[0]
    return re.sub(r"/(\d+|[A-Z]-[0-9A-Z]{9}|[0-9A-Za-z_-]{20,})(?=/|$)", "/#", bare)


def links_of(page: Page, address: str) -> list[str]:
    found = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    paths = [link.removeprefix(address) for link in found if link.startswith(address)]
    return [path.split("#")[0] for path in paths if not DOWNLOADS.search(path)]


def crawl(context: BrowserContext, site: Site, first: str = "/") -> list[str]:
    """One path for each shape of page that links lead to."""
    page, waiting, seen, kept = context.new_page(), [first], set(), []
    while waiting:
        path = waiting.pop(0)
        if shape_of(path) in seen or not path:
            continue
        seen.add(shape_of(path))
        try:
            answer = page.goto(path)
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            continue  # a file, not a page
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        assert answer.status < 400, (path, answer.status)
        kept.append(path)
        waiting += links_of(page, site.address)
    page.close()
    return kept


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)")
    return [f"axe {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]


def troubles(page: Page) -> list[str]:
    """What is wrong with the layout as it stands."""
    wrong = []
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if width > 0:
        wrong.append(f"scrolls sideways by {width} px")
    if page.locator("h1").count() != 1:
        wrong.append("not exactly one h1")
    return wrong


def visit(page: Page, path: str, *, axe: bool = True) -> list[str]:
    """Open a page once and look at it on a phone and on a desktop.

    `axe`: it reads structure and colours, which both languages take from one template, so one language is enough.
    """
    answers: list[Response] = []
    messages: list[str] = []

    def keep(answer: Response) -> None:
        answers.append(answer)

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            messages.append(message.text)

    page.on("response", keep)
    page.on("console", hear)
    page.goto(path)
    page.remove_listener("response", keep)
    if axe:
        page.evaluate(AXE)
    wrong = [f"console: {message}" for message in messages if "404" not in message]
    for width, height in (PHONE, DESKTOP):
        page.set_viewport_size({"width": width, "height": height})
        wrong += [f"at {width} px {one}" for one in troubles(page) + (violations(page) if axe else [])]
    page.remove_listener("console", hear)
    size = len(page.content().encode())
    if size > MAX_PAGE_BYTES:
        wrong.append(f"{size} bytes")
    styles = {answer.url for answer in answers if answer.url.split("?")[0].endswith(".css")}
    if len(styles) > 2:
        wrong.append(f"{len(styles)} style sheets")
    return [f"{path}: {one}" for one in wrong]


@pytest.mark.parametrize("role", Role)
def test_every_page_of_a_role_is_sound(site: Site, open_browser: Callable[..., BrowserContext], role: Role) -> None:
    user = site.user_with(role)
    paths = crawl(open_browser(user, DESKTOP), site)
    assert len(paths) >= 2
    # A page that several roles open is looked at once; each role's own home page always.
    fresh = [path for path in paths if path == "/" or shape_of(path) not in LOOKED_AT]
    LOOKED_AT.update(map(shape_of, paths))
    wrong = []
    for language in ("es", "en"):
        page = open_browser(user, PHONE, language).new_page()
        for path in fresh:
            wrong += [f"{language} {one}" for one in visit(page, path, axe=language == "es")]
    assert wrong == []


@pytest.mark.parametrize("path", VISITOR_PAGES)
@pytest.mark.parametrize("language", ["es", "en"])
def test_pages_for_visitors_are_sound(open_browser: Callable[..., BrowserContext], path: str, language: str) -> None:
    assert visit(open_browser(None, PHONE, language).new_page(), path) == []


@pytest.mark.parametrize("role", Role)
def test_pages_of_a_role_work_without_javascript(
    site: Site, open_browser: Callable[..., BrowserContext], role: Role
) -> None:
    page = open_browser(site.user_with(role), PHONE, "es", javascript=False).new_page()
    page.goto("/")
    page.locator("details.menu > summary").click()
    first = page.locator(".menu nav a").first
    target = first.get_attribute("href")
    first.click()
    page.wait_for_url(site.address + str(target))
    # The address changes before the page has arrived: wait for its heading.
    expect(page.locator("h1")).to_have_count(1)
