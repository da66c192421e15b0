"""`python -m tests.bench.officer_day`: what one handover costs a thumb at 360 px, for docs/measurements.md."""

import sys
import tempfile
import threading
from pathlib import Path

from flask import Flask
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from grants import create_app
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery.models import DeliveryState
from grants.delivery.signals import PUBLIC_KEY_FILE
from tests.browser.conftest import CHROMIUM, PHONE, QUIET
from tests.browser.officer_day import Effort, Read, hand_over
from tests.databases import migrate
from tests.factories.access import signed_in_client
from tests.factories.delivery import DESK_PUBLIC, PIN, make_carried

KEY = "semilla"


def measured(app: Flask) -> Effort:
    """One handover of a kit without devices, over a server of our own."""
    with app.app_context():
        carried = make_carried(DeliveryState.IN_TRANSIT)
        codes = carried.codes(utcnow())
        read = Read(carried.delivery.seal_number or "", (), codes.card, codes.totp, PIN)
        cookie = signed_in_client(app, carried.officer).get_cookie(KEY)
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        context = browser.new_context(
            viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True, is_mobile=True, locale="en-US",
            base_url=address,
        )  # fmt: skip
        context.add_cookies([{"name": KEY, "value": cookie.value if cookie else "", "url": address}])
        effort = hand_over(context.new_page(), read)
        browser.close()
    server.shutdown()
    return effort


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"INSTANCE_PATH": folder, "ENVIRONMENT": "test", "RATELIMIT_ENABLED": False})
        migrate(app)
        (Path(folder) / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
        effort = measured(app)
    sys.stdout.write("| Pages | Taps | Typed characters | Seconds of a slow hand |\n|--:|--:|--:|--:|\n")
    sys.stdout.write(f"| {len(effort.pages)} | {effort.taps} | {effort.characters} | {effort.seconds} |\n")


if __name__ == "__main__":
    main()
