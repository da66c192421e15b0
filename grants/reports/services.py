"""Write down what a programme agreed with its donor. Results are never written."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from grants.access.models import User
from grants.calls.models import Programme
from grants.core import journal
from grants.core.db import db
from grants.reports.framework import framework_data
from grants.reports.models import Indicator, PublishedFigure


def adopt_framework(programme: Programme, *, by: User, now: datetime) -> list[Indicator]:
    """Give the programme the indicators of the data file, with the figures that its report once published."""
    data = framework_data()
    indicators = [
        Indicator(
            programme=programme,
            code=row["code"],
            position=position,
            name_es=row["name_es"],
            name_en=row["name_en"],
            baseline=Decimal(row["baseline"]),
            target=Decimal(row["target"]),
            published=[_published(figure, data["contradictions"]) for figure in row["published"]],
        )
        for position, row in enumerate(data["indicators"], 1)
    ]
    db.session.add_all(indicators)
    for indicator in indicators:
        journal.record(by, "indicator.adopted", indicator, at=now)
    return indicators


def _published(figure: Mapping[str, Any], contradictions: Mapping[str, Mapping[str, str]]) -> PublishedFigure:
    said = [contradictions[code] for code in figure["contradictions"]]
    return PublishedFigure(
        year=figure["year"],
        dimension=figure["dimension"],
        value=figure["value"],
        figure=Decimal(figure["figure"]),
        source=figure["source"],
        contradiction_es=" ".join(one["es"] for one in said),
        contradiction_en=" ".join(one["en"] for one in said),
    )
