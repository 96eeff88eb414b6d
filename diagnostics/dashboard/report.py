"""A run as one HTML file that opens anywhere, without a network: diagnoses and the page's charts.

The file carries the page's own scripts and style, and one frame as a browser would be sent it, with
the runs that it is compared with.
"""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from plotly.offline import get_plotlyjs

from diagnostics.dashboard import charts, compared, embedded, frames
from diagnostics.dashboard.embedded import ASSETS
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.session import MOST_PINS
from diagnostics.dashboard.theme import FONT
from diagnostics.dashboard.titles import title as title_of
from diagnostics.dashboard.wire import Chart, Frame, Verdict, Watch
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.store import Store
from diagnostics.subject.printable import Refusal

SCRIPTS = (ASSETS / "painter" / "paper.js", *embedded.sources("js", ("charts", "report")))
"""What draws; the rest of the scripts is for a page that lives."""

SCHEME = """document.documentElement.setAttribute("data-mantine-color-scheme",
matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");"""
DRAW = """stage.through(plotly);
charts.report(JSON.parse(document.getElementById("frame").textContent));"""


class InvalidReport(Refusal, ValueError):
    """A report that can't be made: one sentence that says why."""


def report(store: Store, run_id: str, compare: Sequence[str] = ()) -> str:
    """The file's text.

    Args:
        compare: runs that are drawn beside it.

    Raises:
        StoreError: there is no such run.
        InvalidReport: more runs are to be compared than have a line of their own.
    """
    pins = tuple(dict.fromkeys(one for one in compare if one != run_id))
    if len(pins) > MOST_PINS:
        raise InvalidReport(f"compare={len(pins)} runs can't be drawn: at most {MOST_PINS} can.")
    feed, others = Feed(store, run_id), [Feed(store, one) for one in pins]
    title = escape(title_of(feed.run))
    told = f"{feed.run.state} after {feed.run.steps} steps"
    frame = _frame(store, feed, others) if len(feed.kept) else None
    style = embedded.bundle("css")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><script>{SCHEME}</script>'
        f"<style>{style} body {{ font-family: {FONT} }}</style></head>"
        f'<body><main class="charts report"><h1>{title}</h1><p>{escape(told)}</p>'
        f"{_measured(frame) if frame else '<p>Nothing was measured.</p>'}"
        "</main></body></html>"
    )


def _measured(frame: Frame) -> str:
    rows = groupby(charts.reported(), lambda chart: chart.place)
    scripts = [get_plotlyjs(), *(script.read_text() for script in SCRIPTS), DRAW]
    return (
        "".join(map(_diagnosis, frame.verdict or ()))
        + "".join(_row(list(row)) for _, row in rows)
        + embedded.TEMPLATES.get_template("compared.html").render()
        + embedded.drawing()
        + embedded.data("frame", frame)
        + "".join(f"<script>{script}</script>" for script in scripts)
    )


def _frame(store: Store, feed: Feed, others: Sequence[Feed]) -> Frame:
    """The newest step and the whole run, beside those that it is compared with."""
    found = frames.diagnoses(feed, None)
    table = compared.table([feed, *others], Catalogue(store)) if others else None
    whole = frames.Whole(charts.kinds(charts.reported()), compared=table, complete=True)
    watch = Watch(run=feed.run.id, pins=tuple(one.run.id for one in others))
    return frames.compose(feed, others, None, watch, found, whole)


def _diagnosis(one: Verdict) -> str:
    words = f"<h2>{escape(one.title)}</h2><p>{escape(one.sentence)}</p>"
    return f'<section class="verdict"><span></span><div>{words}</div></section>'


def _row(row: list[Chart]) -> str:
    cards = "".join(map(_card, row))
    return f'<div class="row {row[0].place}" style="--columns: {len(row)}">{cards}</div>'


def _card(chart: Chart) -> str:
    key, hint = chart.key, chart.hint
    if chart.kind == "profile":  # instead of the page's, which has a choice of views
        hint = f"{charts.view(Watch.view).label} at the last step, log scale"
    return (
        f'<section class="card"><div class="card-head">'
        f'<h3 title="{escape(charts.help(chart))}">{escape(chart.title)}</h3>'
        f'<span class="hint" id="hint-{key}">{escape(hint)}</span>{_legend(chart)}</div>'
        f'<div class="plot {chart.place}" id="plot-{key}"></div>'
        f'<div class="none" id="none-{key}"></div></section>'
    )


def _legend(chart: Chart) -> str:
    """The lines of a chart, where there are several; those of the leading one depend on the run."""
    if chart.kind == "profile":
        return '<span class="legend" id="legend"></span>'
    keys = (
        f'<span class="key {key.dash} {key.color}">{escape(key.label)}</span>'
        for key in chart.legend
    )
    return f'<span class="legend">{"".join(keys)}</span>' if chart.legend else ""
