"""Places and the words of consent, from the data files into their tables. Runs again without harm."""

import csv
from pathlib import Path

from sqlalchemy import select

from grants.core.db import db
from grants.people.models import Canton, ConsentPurpose, ConsentText, Province

DATA = Path(__file__).resolve().parent.parent / "data"


def load_reference_data() -> int:
    """Load the places and the consent texts; how many rows were added or corrected. Does not commit."""
    return load_places() + load_consent_texts()


def load_places() -> int:
    """Add missing provinces and cantons of the DPA and correct names; how many rows changed. Nothing is removed."""
    provinces = {row.code: row for row in db.session.scalars(select(Province).order_by(Province.code))}
    changed = sum(_put(provinces, Province(code=code, name=name)) for code, name in _rows("provinces.csv"))
    db.session.flush()
    cantons = {row.code: row for row in db.session.scalars(select(Canton).order_by(Canton.code))}
    for code, name in _rows("cantons.csv"):
        changed += _put(cantons, Canton(code=code, name=name, province_code=code[:2]))
    db.session.flush()
    return changed


def _rows(file: str) -> list[tuple[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as lines:
        return [(row["code"], row["name"]) for row in csv.DictReader(lines)]


def _put(known: dict[str, Province] | dict[str, Canton], wanted: Province | Canton) -> bool:
    there = known.get(wanted.code)
    if there is None:
        db.session.add(wanted)
        return True
    if there.name == wanted.name:
        return False
    there.name = wanted.name
    return True


def load_consent_texts() -> int:
    """Add the texts that are missing; how many. A text that was read out is never changed: it gets a new version."""
    statement = select(ConsentText.purpose, ConsentText.version, ConsentText.language)
    known = {tuple(row) for row in db.session.execute(statement.order_by(ConsentText.id))}
    added = 0
    for path in sorted((DATA / "consents").glob("*.txt")):
        purpose, version, language = path.stem.split(".")
        if (ConsentPurpose(purpose), int(version), language) in known:
            continue
        body = path.read_text(encoding="utf-8").strip()
        db.session.add(ConsentText(purpose=ConsentPurpose(purpose), version=int(version), language=language, body=body))
        added += 1
    db.session.flush()
    return added
