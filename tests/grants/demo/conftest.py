"""The demo, loaded once for each database; its tests only read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from grants.core.crypto import Keyring, KeysUnsafe, keyring, use_keys
from grants.core.db import db
from tests.conftest import DATABASES, build


@dataclass(frozen=True)
class Loaded:
    app: Flask
    keys: Keyring
    said: str


@pytest.fixture(scope="session", params=DATABASES)
def loaded_demo(
    request: pytest.FixtureRequest, new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Loaded:
    before = keyring_or_none()
    app = build(new_database(request.param), tmp_path_factory.mktemp("demo"))
    answer = app.test_cli_runner().invoke(args=["demo", "load"])
    assert answer.exit_code == 0, answer.output
    loaded = Loaded(app, keyring(), answer.output)
    if before is not None:
        use_keys(before)
    return loaded


@pytest.fixture
def demo(loaded_demo: Loaded) -> Iterator[Flask]:
    """The application over the loaded demo, with its own keys in use."""
    before = keyring()
    use_keys(loaded_demo.keys)
    with loaded_demo.app.app_context():
        yield loaded_demo.app
        db.session.remove()
    use_keys(before)


def keyring_or_none() -> Keyring | None:
    try:
        return keyring()
    except KeysUnsafe:  # nothing was loaded before in this process
        return None
