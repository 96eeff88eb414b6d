"""A run as one HTML file that opens anywhere, without a network: diagnoses and charts."""

from html import escape
from typing import Any

import numpy as np
import orjson
from plotly.offline import get_plotlyjs

from diagnostics.dashboard import frames
from diagnostics.dashboard.figures import CHARTS, Figure
from diagnostics.dashboard.theme import FONT, LIGHT
from diagnostics.rules import diagnose
from diagnostics.store import Store

TITLES = {
    "lead": "Signal gradient per layer, at the end",
    "heat": "Signal gradient over the last hidden layer's, in decades",
    "loss": "Loss",
    "saturated": "Saturated",
    "dead": "Dead units",
    "update_ratio": "Update : weight",
    "clip": "Global gradient norm, before and after clipping",
}
STYLE = f"""body {{ font: 15px {FONT}; color: {LIGHT.ink}; background: {LIGHT.surface};
max-width: 1000px; margin: 2em auto; padding: 0 1em }}
h2 {{ font-size: 1em; margin: 2em 0 0 }} .plot {{ height: 320px }} p {{ color: {LIGHT.muted} }}"""
DRAW = """for (const [key, figure] of Object.entries(JSON.parse(
document.getElementById("figures").textContent)))
Plotly.newPlot("plot-" + key, figure.data, figure.layout,
{displaylogo: false, responsive: true});"""


def report(store: Store, run_id: str) -> str:
    """The file's text. Raises ``StoreError`` where there is no such run."""
    feed = frames.Feed(store, run_id)
    figures = _figures(feed)
    data = orjson.dumps(figures, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    data = data.replace("<", "\\u003c")  # no name may end the script
    title = escape(frames.title(feed.run))
    plots = "".join(
        f'<h2>{TITLES[key]}</h2><div class="plot" id="plot-{key}"></div>' for key in figures
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{escape(feed.run.state)} after {feed.run.steps} steps</p>{_diagnoses(feed)}{plots}"
        f'<script type="application/json" id="figures">{data}</script>'
        f"<script>{get_plotlyjs()}</script><script>{DRAW}</script></body></html>"
    )


def _plain(array: Any) -> Any:
    """Arrays that do not lie in one piece of memory."""
    return array.tolist()


def _diagnoses(feed: frames.Feed) -> str:
    run = feed.run
    if not len(feed.kept):
        return "<p>Nothing was measured.</p>"
    found = diagnose(run.config, frames.recent(feed), run.state, run.patient_zero)
    items = (f"<li><b>{escape(one.title)}.</b> {escape(one.sentence)}</li>" for one in found)
    return f"<ul>{''.join(items)}</ul>"


def _figures(feed: frames.Feed) -> dict[str, Figure]:
    lead = frames.LEADS["signal"]
    now = frames.layers(feed.newest, lead)
    if now is None:
        return {}
    found = {key: CHARTS[key](LIGHT) for key in TITLES}
    names = feed.run.config.names if feed.run.watched else ()
    x = np.arange(1, len(now["lead"]) + 1)
    called = [f" {name}" for name in names] or [""] * len(x)
    for key in ("lead", "saturated", "dead", "update_ratio"):
        layered: dict[str, Any] = {"x": x, "y": _drawable(found[key], now[key])}
        found[key]["data"][1] |= {**layered, "customdata": called}
    found["lead"]["data"][1]["marker"]["color"] = now["decades"]
    history, clip = frames.history(feed, lead), frames.clipping(feed)
    heat, steps = history["heat"], history["steps"]
    found["heat"]["data"][0] |= {"x": heat["steps"], "y": x[:-1], "z": heat["decades"]}
    for i, key in ((1, "loss"), (2, "heldout"), (4, "accuracy")):
        found["loss"]["data"][i] |= {"x": steps, "y": history[key]}
    for i, key in ((0, "before"), (1, "after")):
        found["clip"]["data"][i] |= {"x": clip["steps"], "y": clip[key]}
    for figure in found.values():
        _free(figure)
    return found


def _drawable(figure: Figure, values: Any) -> Any:
    """On a logarithmic axis, zeros have no place."""
    return np.where(values > 0, values, np.nan) if figure["layout"]["yaxis"].get("type") else values


def _free(figure: Figure) -> None:
    """Nothing moves here: axes fit what is drawn, shares keep theirs."""
    for key in ("xaxis", "yaxis"):
        axis = figure["layout"][key]
        if axis.get("tickformat") != ".0%":
            axis |= {"autorange": True, "automargin": True}
            axis.pop("range")
