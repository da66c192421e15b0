"""Keys grow old: read everything that is encrypted and write it again under the newest one."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import inspect, select

from grants.core.crypto import SealedRow, sealed_attributes
from grants.core.db import Model, db

BATCH = 200


def sealed_models() -> Iterator[type[SealedRow]]:
    """Every table that holds encrypted columns, in a fixed order."""
    models = (mapper.class_ for mapper in Model.registry.mappers)
    yield from sorted((model for model in models if issubclass(model, SealedRow)), key=lambda model: model.__name__)


def reseal_batch(model: type[Any], *, after: int, size: int = BATCH) -> tuple[int, int | None]:
    """Encrypt the rows behind `after` again: how many, and where the next batch starts (None at the end)."""
    key = inspect(model).primary_key[0]
    # Held until the batch is written: what a running server changes meanwhile must not be put back as it was.
    rows = db.session.scalars(select(model).where(key > after).order_by(key).limit(size).with_for_update()).all()
    for row in rows:
        for attribute in sealed_attributes(model):
            attribute.reseal(row)
    if len(rows) < size:
        return len(rows), None
    last: int = inspect(rows[-1]).identity[0]
    return len(rows), last
