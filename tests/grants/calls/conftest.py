"""These tests read refusals in the words of the code."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import force_locale


@pytest.fixture
def in_english(app: Flask) -> Iterator[None]:
    with force_locale("en"):
        yield
