"""The manual: every page prints, says its limits, and names nothing that is not on a screen."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.documents import PACKAGE, templates_folder
from grants.delivery.manual import LANGUAGES, MANUALS, SHEETS, TRAINING, manual_folder, printed
from tests.factories.access import make_user
from tests.factories.papers import pages_of

SignIn = Callable[[User], FlaskClient]
SHEETS_IN_EACH = [(name, language) for name in SHEETS for language in LANGUAGES]


def bold_words(name: str, language: str) -> set[str]:
    """What the manual says that a screen shows."""
    source = (manual_folder() / language / f"{name}.md").read_text(encoding="utf-8")
    return set(re.findall(r"\*\*([^*]+)\*\*", source))


def sentences_of_screens() -> str:
    files = [*PACKAGE.rglob("*.py"), *templates_folder().rglob("*.html")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize(("name", "language"), SHEETS_IN_EACH)
def test_every_sheet_prints_and_says_what_it_cannot_do(name: str, language: str) -> None:
    sheets = pages_of(printed(name, language))

    whole = " ".join(sheets)
    assert len(sheets) == 1 if name in TRAINING else len(sheets) <= 4
    limits = {"es": ("no puede", "donde no hay señal"), "en": ("cannot do", "where there is no signal")}[language]
    wanted = limits[:1] if name == "warehouse" else limits[1:] if name == "training-pictures" else limits
    assert [words for words in wanted if words not in whole] == []
    assert "**" not in whole


@pytest.mark.parametrize("name", MANUALS)
def test_manual_names_only_what_is_on_a_screen(name: str) -> None:
    shown = sentences_of_screens()

    assert [word for word in sorted(bold_words(name, "en")) if f'"{word}"' not in shown] == []


@pytest.mark.parametrize("name", MANUALS)
def test_spanish_manual_uses_the_words_of_the_spanish_screens(name: str) -> None:
    with (PACKAGE / "translations" / "es" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        spanish = {str(message.id): str(message.string) for message in read_po(file)}

    wanted = {spanish.get(word, word) for word in bold_words(name, "en")}
    assert bold_words(name, "es") == wanted


def test_manual_is_opened_by_those_who_deliver(sign_in: SignIn) -> None:
    officer, evaluator = sign_in(make_user(Role.OFFICER)), sign_in(make_user(Role.EVALUATOR))

    page = officer.get("/deliveries/manual").get_data(as_text=True)
    document = officer.get("/deliveries/manual/training-pictures/es")

    assert "/deliveries/manual/officer/es" in page
    assert document.data.startswith(b"%PDF")
    assert evaluator.get("/deliveries/manual").status_code == 403
    for address in ("officer/fr", "nobody/es", "%2e%2e/es", "officer/%00"):
        assert officer.get(f"/deliveries/manual/{address}").status_code == 404


def test_command_writes_every_sheet(app: Flask, tmp_path: Path) -> None:
    said = app.test_cli_runner().invoke(args=["manual", "print", str(tmp_path / "out"), "--language", "en"])

    assert said.exit_code == 0
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == sorted(f"manual-{name}-en.pdf" for name in SHEETS)
    assert all(file.read_bytes().startswith(b"%PDF") for file in files)
