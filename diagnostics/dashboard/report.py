"""A run as one HTML file that opens anywhere, without a network: diagnoses and the page's charts.

The file carries the page's own scripts and style, and one frame as a browser would be sent it.
"""

import json
from html import escape

from plotly.offline import get_plotlyjs

from diagnostics.dashboard import figures, frames, hub
from diagnostics.dashboard.page import CARDS
from diagnostics.dashboard.server import assets_folder
from diagnostics.dashboard.theme import FONT
from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import Diagnosis
from diagnostics.store.store import Store

ROWS = (("lead",), ("saturated", "dead", "update_ratio"), ("heat", "loss"), ("clip",))
HINTS = {"lead": "signal ∂L/∂z at the last step, log scale"}
"""Instead of the page's, which has a choice of views."""

WIDTHS = {1: "row", 2: "row two", 3: "row three"}
SCRIPTS = ("parts.js", "charts.js")
SCHEME = """document.documentElement.setAttribute("data-mantine-color-scheme",
matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");"""
DRAW = """charts.report(JSON.parse(document.getElementById("frame").textContent));"""


def report(store: Store, run_id: str) -> str:
    """The file's text. Raises ``StoreError`` where there is no such run."""
    feed = frames.Feed(store, run_id)
    title = escape(frames.title(feed.run))
    told = f"{feed.run.state} after {feed.run.steps} steps"
    style = (assets_folder() / "style.css").read_text()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><script>{SCHEME}</script>'
        f"<style>{style} body {{ font-family: {FONT} }}</style></head>"
        f'<body><main class="charts report"><h1>{title}</h1><p>{escape(told)}</p>'
        f"{_measured(feed) if len(feed.kept) else '<p>Nothing was measured.</p>'}"
        "</main></body></html>"
    )


def _measured(feed: frames.Feed) -> str:
    run = feed.run
    found = diagnose(run.config, frames.recent(feed), run.patient_zero)
    rows = (f'<div class="{WIDTHS[len(row)]}">{"".join(map(_card, row))}</div>' for row in ROWS)
    scripts = [get_plotlyjs(), *((assets_folder() / name).read_text() for name in SCRIPTS), DRAW]
    return (
        "".join(map(_diagnosis, found))
        + "".join(rows)
        + _data("skeletons", json.dumps(figures.skeletons()))
        + _data("frame", _frame(feed))
        + "".join(f"<script>{script}</script>" for script in scripts)
    )


def _frame(feed: frames.Feed) -> str:
    """The newest step and the whole run."""
    watch = hub.Watch(run=feed.run.id)
    told = {**frames.history(feed, watch.lead), "clipping": frames.clipping(feed)}
    return hub.encode({**hub.running(feed, None, watch), "history": told}).decode()


def _diagnosis(one: Diagnosis) -> str:
    words = f"<h2>{escape(one.title)}</h2><p>{escape(one.sentence)}</p>"
    return f'<section class="verdict"><span></span><div>{words}</div></section>'


def _card(key: str) -> str:
    title, hint = CARDS[key]
    hint = escape(HINTS.get(key, hint))
    return (
        f'<section class="card"><div class="card-head"><h3>{escape(title)}</h3>'
        f'<span class="hint" id="hint-{key}">{hint}</span></div>'
        f'<div class="plot {key}" id="plot-{key}"></div><div class="none" id="none-{key}"></div>'
        "</section>"
    )


def _data(name: str, text: str) -> str:
    """JSON in which no name may end the script."""
    escaped = text.replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{escaped}</script>'
