"""Pictures drawn on the server: a Vega-Lite description in, the address of an SVG that holds itself out."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import vl_convert
from flask_babel import get_locale

INK, DARK, PALE, LINE = "#1c2a24", "#14532d", "#9fb8ab", "#5b6a63"
LONG_DECIMALS = re.compile(r"(\d+\.\d{2})\d+")
FONT = "DejaVu Sans, Arial, sans-serif"
# What a picture in a page does not need: names for a reader (the page has its own words and a table beside it), and
# what SVG takes for granted.
NEEDLESS = re.compile(
    r' (?:class|role|aria-[a-z]+|pointer-events|version)="[^"]*"| (?:opacity|stroke-width)="1"| [xy][12]="0"'
    rf'| transform="translate\(0,0\)"| font-family="{FONT}"'
)
NOTHING = re.compile(r'<path d="M0,0h0v0h0Z"[^>]*/>|<g></g>')
WIDTH, STEP = 620, 26
CONFIG = {
    "font": FONT,
    "background": "white",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 13, "titleFontSize": 13, "labelColor": INK, "titleColor": INK, "labelLimit": 190,
             "gridColor": "#dfe5e2", "titleFontWeight": "normal"},
    "legend": {"labelFontSize": 13, "title": None, "orient": "top", "labelColor": INK, "labelLimit": 300},
}  # fmt: skip
Spec = dict[str, Any]


def drawn(rows: Sequence[Spec], layers: Sequence[Spec], y: Spec) -> str:
    """The address of the picture, which holds the picture itself; nothing to draw is no picture."""
    if not rows:
        return ""
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": {"step": STEP},
        "config": CONFIG,
        "data": {"values": rows},
        "encoding": {"y": {"field": "name", "type": "nominal", "sort": None, "title": None, **y}},
        "layer": layers,
    }
    return _picture(json.dumps(spec, sort_keys=True), spanish=str(get_locale()).startswith("es"))


@lru_cache(maxsize=128)
def _picture(spec: str, *, spanish: bool) -> str:
    svg = vl_convert.vegalite_to_svg(spec, format_locale="es-ES" if spanish else "en-US", allowed_base_urls=[])
    # Written out and not in base64, its marks to hundredths of a pixel, its font named once: half to load.
    short = re.sub(r"<[^>]+>", lambda tag: NEEDLESS.sub("", LONG_DECIMALS.sub(r"\1", tag[0])), svg)
    short = NOTHING.sub("", short).replace("<svg ", f'<svg font-family="{FONT}" ', 1)
    return "data:image/svg+xml," + quote(short, safe=" =:/,;()!*-._~$+@?[]{}|")


def quantity(field: str, title: str, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, **more}
