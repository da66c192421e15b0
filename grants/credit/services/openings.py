"""Taking the counts of what is open to whom away as a file."""

from datetime import datetime

from grants.access.models import User
from grants.core import journal


def note_export(*, by: User, rows: int, now: datetime) -> None:
    """Leave a trace of the file: how many lines, and nothing that stands in them."""
    journal.record(by, "openings.exported", "openings", at=now, rows=rows)
