"""The desk's public key in the installation, where a test needs a handover through HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from grants.delivery.signals import PUBLIC_KEY_FILE
from tests.factories.delivery import DESK_PUBLIC


@pytest.fixture
def desk_key(app: Flask) -> Iterator[Path]:
    path = Path(app.instance_path) / PUBLIC_KEY_FILE
    path.write_bytes(DESK_PUBLIC)
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def in_english(app: Flask) -> Iterator[None]:
    with force_locale("en"):
        yield
