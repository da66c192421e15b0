"""A panel's phone that loses its connection: what was entered is kept, and sent once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from grants.access.models import User
from grants.core.clock import utcnow
from grants.core.db import db
from grants.demo.corner.pitches import PLACE
from grants.evaluation import services
from grants.evaluation.models import PitchSession, PitchSlot, ScoreSheet, SheetDelivery, SlotState
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

OpenBrowser = Callable[..., BrowserContext]


def pitch_under_way(site: Site) -> tuple[int, int, int]:
    """The demo's session with its first slot running: session, application, and a member of the panel."""
    with site.app.app_context():
        session = next(one for one in db.session.query(PitchSession) if one.place == PLACE)
        slot = db.session.query(PitchSlot).filter_by(session_id=session.id, state=SlotState.PLANNED).first()
        assert slot is not None
        chair, now = db.session.get_one(User, session.created_by_id), utcnow()
        services.open_session(session, by=chair, now=now)
        services.mark_present(slot, by=chair, now=now)
        services.start(slot, by=chair, now=now - timedelta(seconds=65))
        db.session.commit()
        return session.id, slot.application_id, session.panel[-1].id


def sheets(site: Site, application: int, evaluator: int) -> list[tuple[str, int, list[int], str]]:
    with site.app.app_context():
        db.session.expire_all()
        found = db.session.query(ScoreSheet).filter_by(
            application_id=application, evaluator_id=evaluator, stage="pitch"
        )
        return [(one.state.value, one.version, sorted(one.levels.values()), one.comment) for one in found]


def test_sheet_entered_without_a_connection_arrives_once_when_it_is_back(site: Site, open_browser: OpenBrowser) -> None:
    session_id, application, evaluator_id = pitch_under_way(site)
    with site.app.app_context():
        evaluator = db.session.get_one(User, evaluator_id)
    context = open_browser(evaluator)
    page = context.new_page()
    sent: list[int] = []

    def lose_the_first_answer(route: Route) -> None:
        """The sheet arrives, the answer does not: the phone cannot know and sends again."""
        sent.append(len(sent))
        if len(sent) > 1:
            route.continue_()
            return
        assert route.fetch().status == 200
        route.abort()

    page.goto(f"/pitch-sessions/{session_id}/panel")
    page.locator("[data-gate] button").click()
    expect(page.locator("[data-part=now] [data-clock]")).to_contain_text(":")

    context.set_offline(True)
    sheet = page.locator("[data-part=sheet]")
    criteria = sheet.locator("[data-criterion]")
    for number in range(criteria.count()):
        criteria.nth(number).locator("input[value='3']").check()
    sheet.locator("textarea[name=comment]").fill("Habla claro")
    sheet.locator("button[type=submit]").click()
    expect(page.locator("[data-outbox]")).to_be_visible()
    assert sheets(site, application, evaluator_id) == []

    page.route("**/pitch-slots/*/sheet", lose_the_first_answer)
    context.set_offline(False)
    expect(page.locator("[data-outbox]")).to_be_hidden(timeout=15_000)
    expect(sheet.locator(".notice-good")).to_be_visible()
    page.reload()
    expect(page.locator("[data-part=sheet] form")).to_have_count(0)

    [(state, version, levels, comment)] = sheets(site, application, evaluator_id)
    assert (state, version, set(levels), comment) == ("submitted", 1, {3}, "Habla claro")
    with site.app.app_context():
        assert db.session.query(SheetDelivery).filter_by(evaluator_id=evaluator_id).count() == 1
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('semilla.pitch'))") == []
    assert len(sent) == 2


def test_panel_without_javascript_scores_by_plain_forms(site: Site, open_browser: OpenBrowser) -> None:
    with site.app.app_context():
        session = next(one for one in db.session.query(PitchSession) if one.place == PLACE)
        slot = db.session.query(PitchSlot).filter_by(session_id=session.id).order_by(PitchSlot.position.desc()).first()
        assert slot is not None
        session_id, slot_id, application, evaluator = session.id, slot.id, slot.application_id, session.panel[0]
    page = open_browser(evaluator, javascript=False).new_page()
    page.goto(f"/pitch-sessions/{session_id}/panel")
    if page.locator("[data-gate]").count():
        page.locator("[data-gate] button").click()
    page.goto(f"/pitch-sessions/{session_id}/panel?slot={slot_id}")

    criteria = page.locator("[data-part=sheet] [data-criterion]")
    for number in range(criteria.count()):
        criteria.nth(number).locator("input[value='2']").check()
    page.locator("[data-part=sheet] button[type=submit]").click()

    expect(page.locator("main > .notice-good")).to_be_visible()
    assert [(state, version) for state, version, *_rest in sheets(site, application, evaluator.id)] == [
        ("submitted", 1)
    ]
