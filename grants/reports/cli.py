"""`grants results show`: the donor's table in the terminal, for people and for other programs."""

import json

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import force_locale

from grants.core.db import transaction
from grants.reports import queries
from grants.reports.results import Result
from grants.reports.words import SPLIT

group = AppGroup("results", help="The results framework, computed from the records.")


@group.command("show")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def show(as_json: bool) -> None:
    """Show every indicator: baseline, target, results by year, cumulative."""
    language = current_app.config["BABEL_DEFAULT_LOCALE"]
    with force_locale(language), transaction():
        found = queries.results(protected=False)
    if as_json:
        indicators = [_as_json(result, language) for result in found]
        click.echo(json.dumps({"indicators": indicators}, ensure_ascii=False, indent=2))
        return
    for line in _table(found):
        click.echo(line)


def _as_json(result: Result, language: str) -> dict[str, object]:
    return {
        "code": result.frame.code,
        "name": result.frame.name(language),
        "baseline": result.frame.baseline,
        "target": result.frame.target,
        "results": {str(year): cell.count for year, cell in result.total.years.items()},
        "cumulative": result.total.cumulative.count,
        "disaggregations": {
            part.dimension: {row.value: row.cumulative.count for row in part.rows}
            for part in result.breakdowns
            if not part.dimension.startswith(SPLIT)
        },
    }


def _table(found: list[Result]) -> list[str]:
    years = sorted({year for result in found for year in result.years})
    rows = [["", "baseline", "target", *map(str, years), "cumulative", "% of target"]]
    for result in found:
        counts = (result.total.years[year].count if year in result.years else "-" for year in years)
        cells = (result.frame.code, result.frame.baseline, result.frame.target, *counts)
        rows.append([str(cell) for cell in (*cells, result.total.cumulative.count, result.achieved)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
