"""Charts of the chair's board: drawn on the server as pictures, in words of the page's language, without colour alone.

Each has a table beside it with the same figures: a chart is a help for the eye, never the only place of a number.
"""

from collections.abc import Sequence

from flask_babel import gettext as _

from grants.evaluation.drawing import DARK, INK, LINE, PALE, Spec, drawn, quantity
from grants.evaluation.quality import Agreement, GroupContrasts, Severity, Spread
from grants.evaluation.queries import EvaluatorLoad

MOST = 30


def _line_at(value: float) -> Spec:
    return {"data": {"values": [{}]}, "encoding": {"x": {"datum": value}, "y": None},
            "mark": {"type": "rule", "color": LINE, "strokeDash": [4, 3]}}  # fmt: skip


def _interval(low: str, high: str) -> Spec:
    return {
        "mark": {"type": "rule", "color": INK, "strokeWidth": 2},
        "encoding": {"x": {"field": low, "type": "quantitative"}, "x2": {"field": high}},
    }


def progress(loads: Sequence[EvaluatorLoad]) -> str:
    """Sheets handed in and still to score, by evaluator."""
    done, left = _("Submitted"), _("Still to score")
    rows = [
        {"name": load.evaluator.name, "what": what, "place": place, "count": count}
        for load in loads[:MOST]
        for place, (what, count) in enumerate(((done, load.submitted), (left, load.assigned - load.submitted)))
    ]
    colour = {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": [done, left], "range": [DARK, PALE]},
    }
    bars = {
        "mark": {"type": "bar", "stroke": INK, "strokeWidth": 0.5},
        "encoding": {"x": quantity("count", _("Sheets")), "color": colour, "order": {"field": "place"}},
    }
    return drawn(rows, [bars], {})


def agreement(found: Sequence[Agreement]) -> str:
    """Agreement beyond chance by criterion: AC2 with its interval, alpha as a diamond."""
    rows = [
        {
            "name": row.criterion,
            "ac2": row.ac2,
            "low": row.ac2_interval[0] if row.ac2_interval else row.ac2,
            "high": row.ac2_interval[1] if row.ac2_interval else row.ac2,
            "alpha": row.alpha,
        }
        for row in found
        if row.criterion and row.ac2 is not None
    ]
    names = {"domain": ["AC2", _("Alpha")], "range": ["circle", "diamond"]}
    title = _("Agreement beyond chance (1 is complete, 0 is chance)")
    layers = [_line_at(0), _interval("low", "high")]
    for field, name, colour in (("ac2", "AC2", DARK), ("alpha", _("Alpha"), PALE)):
        shape = {"datum": name, "type": "nominal", "scale": names}
        layers.append({
            "mark": {"type": "point", "filled": True, "size": 120, "color": colour, "stroke": INK},
            "encoding": {"x": quantity(field, title), "shape": shape},
        })  # fmt: skip
    return drawn(rows, layers, {})


def spread(found: Sequence[Spread], marked_from: int) -> str:
    """Every sheet's points by application: a line from the lowest to the highest, heavy where they lie far apart."""
    far, near = _("Far apart"), _("Near each other")
    rows = [
        {
            "name": one.folio,
            "points": [float(points) for _name, points in one.points],
            "low": float(one.points[0][1]),
            "high": float(one.points[-1][1]),
            "what": far if one.apart >= marked_from else near,
        }
        for one in found[:MOST]
    ]
    width = {"field": "what", "type": "nominal", "scale": {"domain": [far, near], "range": [7, 2]}}
    lines = {
        "mark": {"type": "rule", "color": LINE},
        "encoding": {"x": quantity("low", _("Points of 100")), "x2": {"field": "high"}, "strokeWidth": width},
    }
    dots = {
        "transform": [{"flatten": ["points"]}],
        "mark": {"type": "point", "filled": True, "size": 90, "color": DARK, "stroke": "white"},
        "encoding": {"x": quantity("points", _("Points of 100"), scale={"domain": [0, 100]})},
    }
    return drawn(rows, [lines, dots], {})


def severity(found: Severity) -> str:
    """Severity by evaluator with the interval that holds it 19 times in 20."""
    rows = [
        {
            "name": f"{row.name} ({row.reviews})",
            "severity": row.severity,
            "low": row.severity - 1.96 * (row.severity_se or 0),
            "high": row.severity + 1.96 * (row.severity_se or 0),
        }
        for row in found.rows[:MOST]
        if row.severity is not None
    ]
    dots = {
        "mark": {"type": "point", "filled": True, "size": 120, "color": DARK},
        "encoding": {"x": quantity("severity", _("Points fewer than the average evaluator gives"))},
    }
    return drawn(rows, [_line_at(0), _interval("low", "high"), dots], {})


def misfit(found: Severity) -> str:
    """Infit and outfit by evaluator, with lines at 0.5 and 1.5."""
    rows = [
        {"name": row.name, "infit": row.infit, "outfit": row.outfit}
        for row in found.rows[:MOST]
        if row.infit is not None
    ]
    names = {"domain": [_("Infit"), _("Outfit")], "range": ["circle", "triangle-up"]}
    layers = [_line_at(0.5), _line_at(1), _line_at(1.5)]
    for field, name, colour in (("infit", _("Infit"), DARK), ("outfit", _("Outfit"), PALE)):
        shape = {"datum": name, "type": "nominal", "scale": names}
        layers.append({
            "mark": {"type": "point", "filled": True, "size": 110, "color": colour, "stroke": INK},
            "encoding": {"x": quantity(field, _("Mean square (1 is as expected)")), "shape": shape},
        })  # fmt: skip
    return drawn(rows, layers, {})


def contrasts(found: GroupContrasts, labels: Sequence[str]) -> str:
    """Each contrast with its interval; `labels` name the rows."""
    rows = []
    for row, name in list(zip(found.rows, labels, strict=True))[:MOST]:
        interval = row.interval()
        if interval:
            rows.append({"name": name, "effect": row.effect, "low": interval[0], "high": interval[1]})
    dots = {
        "mark": {"type": "point", "filled": True, "size": 110, "color": DARK},
        "encoding": {"x": quantity("effect", _("Points more or fewer than colleagues give"))},
    }
    return drawn(rows, [_line_at(0), _interval("low", "high"), dots], {})
