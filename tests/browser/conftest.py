"""A real server over the demo programme, and Debian's Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from grants import create_app
from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.delivery.signals import PUBLIC_KEY_FILE
from tests.databases import migrate
from tests.factories.access import signed_in_client
from tests.factories.delivery import DESK_PUBLIC

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE, DESKTOP = (360, 740), (1280, 900)


@dataclass(frozen=True)
class Site:
    """A running installation with the demo in it."""

    address: str
    app: Flask

    def user_with(self, role: Role) -> User:
        with self.app.app_context():
            users = db.session.scalars(select(User).order_by(User.id)).all()
            return next(user for user in users if user.roles == frozenset({role}))

    def cookie_of(self, user: User) -> dict[str, str]:
        """A signed-in cookie, without going through the sign-in pages each time."""
        with self.app.app_context():
            client = signed_in_client(self.app, user)
            cookie = client.get_cookie("semilla", domain="localhost") or client.get_cookie("semilla")
            assert cookie is not None
            return {"name": "semilla", "value": cookie.value, "url": self.address}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "GRANTS_INSTANCE_PATH": str(folder), "GRANTS_DEMO": "0"}
    app = create_app({"INSTANCE_PATH": str(folder), "RATELIMIT_ENABLED": False})
    migrate(app)
    command = [sys.executable, "-m", "grants.cli"]
    subprocess.run([*command, "demo", "load"], env=environment, check=True, capture_output=True)
    port = _free_port()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "grants.wsgi:app",
            "--bind",
            f"127.0.0.1:{port}",
            "--threads",
            "4",
            "--no-control-socket",
        ],
        env={**environment, "GRANTS_RATELIMIT_ENABLED": "false"},
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address + "/healthz")
        yield Site(address, app)
    finally:
        server.terminate()
        server.wait()


class Quiet(WSGIRequestHandler):
    def log(self, *_what: object) -> None:
        """The console is the test's."""


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """An installation with a desk's key and nothing else, behind a server of its own."""
    folder = tmp_path_factory.mktemp("officer")
    app = create_app({"INSTANCE_PATH": str(folder), "ENVIRONMENT": "test", "RATELIMIT_ENABLED": False})
    migrate(app)
    (Path(folder) / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield app, f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(site: Site, chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Open a window of a size, in a language, signed in as somebody or as nobody."""
    opened: list[BrowserContext] = []

    def open_context(
        user: User | None = None, size: tuple[int, int] = PHONE, language: str = "es", javascript: bool = True
    ) -> BrowserContext:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale={"es": "es-EC", "en": "en-US"}[language],
            java_script_enabled=javascript,
            base_url=site.address,
        )
        if user is not None:
            context.add_cookies([site.cookie_of(user)])  # type: ignore[list-item]
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 -- our own loopback address
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def screenshots() -> Path:
    folder = Path(__file__).parent.parent / "output"
    folder.mkdir(exist_ok=True)
    return folder
