"""The score sheet in a browser: the same points as the server's, keys, and drafts that survive a lost connection."""

import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

import scoring
from grants.access.permissions import Role
from grants.core.db import db
from grants.evaluation import queries
from grants.evaluation.models import Assignment
from tests.browser.conftest import DESKTOP, PHONE, Site

pytestmark = pytest.mark.browser

OpenBrowser = Callable[..., BrowserContext]


def tasks_of(site: Site) -> list[int]:
    """The sheets that the first evaluator has not begun."""
    with site.app.app_context():
        found = queries.my_page(site.user_with(Role.EVALUATOR), submitted=False).items
        return [one.id for one in found if queries.current_sheet(one) is None]


def stored(site: Site, task: int) -> tuple[list[int], list[str]]:
    """Levels and comments of the draft on the server, in the criteria's order."""
    with site.app.app_context():
        assignment = db.session.get_one(Assignment, task)
        sheet = queries.current_sheet(assignment)
        scores = {score.criterion_id: score for score in sheet.scores} if sheet else {}
        found = [scores[c.id] for c in queries.criteria_for(assignment) if c.id in scores]
        return [one.level for one in found if one.level is not None], [one.comment for one in found]


def open_sheet(page: Page, task: int) -> None:
    """The sheet, past the question whether there is a conflict."""
    page.goto(f"/score-sheets/{task}")
    gate = page.locator("form[action$='no-conflict'] button")
    if gate.count():
        gate.click()


def shown_total(page: Page) -> tuple[str, str]:
    return page.locator("[data-progress]").inner_text(), page.locator("[data-total]").inner_text()


def kept_here(page: Page) -> list[str]:
    found: list[str] = page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('semilla-sheet'))")
    return found


def test_points_in_the_browser_are_those_of_the_server(site: Site, open_browser: OpenBrowser) -> None:
    """300 random sheets: weights in hundredths of a percent that add up to 100, scales of up to eleven levels."""
    chance = random.Random(3)
    sheets, expected = [], []
    for _n in range(300):
        cuts = sorted(chance.sample(range(1, 10_000), chance.randint(0, 7)))
        weights = [after - before for before, after in zip([0, *cuts], [*cuts, 10_000], strict=True)]
        scored = []
        for weight in weights:
            bottom = chance.randint(0, 2)
            top = bottom + chance.randint(1, 10)
            scored.append({"weight": weight, "bottom": bottom, "top": top, "level": chance.randint(bottom, top)})
        criteria = tuple(
            scoring.Criterion(n, Decimal(one["weight"]) / 100, one["top"], one["bottom"])
            for n, one in enumerate(scored)
        )
        levels = {n: one["level"] for n, one in enumerate(scored)}
        expected.append(scoring.on_grid(scoring.Stage("plan", Decimal(100), criteria).points(levels)))
        sheets.append(scored)
    page = open_browser().new_page()
    page.goto("/sign-in")

    found = page.evaluate(
        "sheets => import('/static/points.js').then(({hundredths}) => sheets.map(hundredths))", sheets
    )

    assert found == expected


def test_sheet_is_scored_from_the_keyboard_and_survives_a_lost_connection(
    site: Site, open_browser: OpenBrowser
) -> None:
    task = tasks_of(site)[0]
    context = open_browser(site.user_with(Role.EVALUATOR), DESKTOP)
    page = context.new_page()
    open_sheet(page, task)
    status, unsaved = page.locator("[data-saved]"), page.locator("#sheet").get_attribute("data-unsaved")

    for key in ("j", "3", "j", "2", "c"):
        page.keyboard.press(key)
    page.keyboard.type("1 ¿y j?")  # in a text field these are letters
    expect(status).to_contain_text(":")
    assert stored(site, task) == ([3, 2], ["", "1 ¿y j?"])
    without_reload = shown_total(page)
    page.reload()
    assert shown_total(page) == without_reload

    context.set_offline(True)
    page.locator("[data-criterion]").nth(1).locator("textarea").fill("Sin señal")
    expect(status).to_have_text(unsaved or "")
    page.locator("[data-hand-in]").click()
    expect(status).to_have_text(page.locator("#sheet").get_attribute("data-unsent") or "")
    assert stored(site, task)[1] == ["", "1 ¿y j?"]
    page.close(run_before_unload=False)
    context.set_offline(False)

    again = context.new_page()
    again.goto(f"/score-sheets/{task}")
    expect(again.locator("[data-criterion]").nth(1).locator("textarea")).to_have_value("Sin señal")
    expect(again.locator("[data-saved]")).to_contain_text(":")
    assert stored(site, task) == ([3, 2], ["", "Sin señal"])
    assert kept_here(again) == []

    for key in ("j", "2", "j", "1", "Control+Enter"):  # the first j leads to the first criterion without a level
        again.keyboard.press(key)
    again.locator("[data-handed-in]").wait_for()
    assert stored(site, task)[0] == [3, 2, 2, 1]
    assert kept_here(again) == []


def test_second_window_does_not_overwrite_and_shows_both(site: Site, open_browser: OpenBrowser) -> None:
    task = tasks_of(site)[0]
    evaluator = site.user_with(Role.EVALUATOR)
    first, second = (open_browser(evaluator, PHONE).new_page() for _n in range(2))
    for page in (first, second):
        open_sheet(page, task)
    first.locator("textarea").first.fill("Desde el teléfono")
    expect(first.locator("[data-saved]")).to_contain_text(":")

    second.locator("textarea").first.fill("Desde la computadora")
    expect(second.locator("[data-changed]")).to_be_visible()
    assert stored(site, task) == ([], ["Desde el teléfono"])
    second.locator("[data-changed] button").click()

    second.locator("[data-drop]").first.wait_for()
    assert "Desde el teléfono" in second.locator(".criterion").first.inner_text()
    assert second.locator("textarea").first.input_value() == "Desde la computadora"
    assert stored(site, task) == ([], ["Desde el teléfono"])
