"""The tables of what is drawn: a row is all that a chart of a metric takes."""

import re
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pytest

from diagnostics.dashboard import charts, figures, page, session, wire
from diagnostics.dashboard.delivery import Delivered
from diagnostics.dashboard.layers import layers
from diagnostics.dashboard.report import report
from diagnostics.dashboard.theme import THEMES, Theme
from diagnostics.dashboard.wire import Chart, Figure, Kind, Session, Theory, View, Watch, encode
from diagnostics.dashboard.wishes import Opened, answer
from diagnostics.diagnosis.rules import RULES
from diagnostics.store.records import METRICS
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.subject.lessons import LESSONS
from tests.conftest import steps

CHARTS = charts.CHARTS


def test_rows_name_only_what_there_is() -> None:
    places = {"strip", "lead", "small", "told", *charts.SELDOM, *charts.PANELS}
    for chart in CHARTS.values():
        assert chart.place in places and (not chart.metric or chart.metric in charts.MEASURED)
    assert {rung.metric for rung in charts.LADDER} <= set(METRICS)
    assert {view.metric for view in charts.VIEWS.values()} <= set(METRICS)
    told = {view.predicted for view in charts.VIEWS.values()} - {None}
    assert told <= {field.name for field in fields(Theory)}


def test_what_others_call_charts_views_and_panels_is_in_the_tables() -> None:
    assert {rule.chart for rule in RULES.values()} <= set(CHARTS)
    scenes = [scene for lesson in LESSONS.values() for scene in lesson.scenes]
    for shown in (*scenes, Watch(), Session()):
        assert shown.view in charts.VIEWS and shown.panel in charts.PANELS


def test_a_band_can_be_drawn_on_its_axis() -> None:
    for metric in charts.MEASURED.values():
        if metric.band:
            low, high = metric.band
            assert low < high < np.inf and (metric.scale != "log" or low > 0), metric.key


def test_every_kind_of_drawing_has_a_skeleton() -> None:
    assert set(figures.KINDS) == set(get_args(Kind))


def test_every_theme_has_every_chart_in_colours_of_its_own() -> None:
    light, dark, forced = figures.skeletons().values()
    assert light.keys() == dark.keys() == forced.keys() == CHARTS.keys()
    assert light != dark != forced != light


def _lightness(colour: str) -> float:
    """CIE's L*, 0 … 100."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * luminance ** (1 / 3) - 16


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_vanishing_and_exploding_differ_without_colours(theme: Theme) -> None:
    low, *_, high = map(_lightness, theme.scale)
    assert high - low >= 25


@pytest.fixture(params=METRICS)
def drawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Chart:
    """A chart of a metric, made by its row alone."""
    row = Chart("new", "A new chart", "a hint", "layers", "small", request.param, "nothing yet")
    monkeypatch.setattr(charts, "CHARTS", {**CHARTS, "new": row})
    return row


NOWHERE = (Delivered("", ""), page.Dashes("", "", "", "", ""))
"""A page without a server."""


def _skeleton(key: str) -> Figure:
    return figures.skeletons()["light"][key]


@pytest.mark.parametrize("chart", charts.CHARTS.values(), ids=lambda chart: chart.key)
def test_a_title_is_a_question(chart: Chart) -> None:
    assert chart.title.endswith("?")


WITH_AXES = [chart for chart in charts.CHARTS.values() if chart.kind != "network"]


@pytest.mark.parametrize("chart", WITH_AXES, ids=lambda chart: chart.key)
def test_its_axes_have_names(chart: Chart) -> None:
    layout = _skeleton(chart.key).layout
    names = [layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
    assert all(names) or chart.kind == "ladder"  # whose rungs have names
    assert chart.axis in names


@pytest.mark.parametrize("view", charts.VIEWS.values(), ids=lambda view: view.key)
def test_a_view_asks_its_own_questions(view: View) -> None:
    assert view.title.endswith("?") and view.course.endswith("?")


def test_a_row_is_a_chart_of_any_metric(drawn: Chart, store: Store) -> None:
    batch = steps(1, 1)
    found = layers(batch, "signal_grad_norm")
    assert found and found.metrics[drawn.metric].tolist() == batch.metric(drawn.metric)[0].tolist()
    html = page.page(*NOWHERE, page.tables(), Opened(answer(session.Session(), [])), None)
    run = store.create_run(RunConfig(depth=3))
    store.append(run, batch)
    for text in (html, report(store, run)):
        assert re.search(r'"plot-new"', text) and re.search(r'"none-new"', text)
        assert drawn.title in text and drawn.hint in text
    assert encode(drawn).decode() in encode(charts.tables()).decode()


def test_a_metrics_scale_unit_band_and_help_are_read(drawn: Chart) -> None:
    metric, skeleton = METRICS[drawn.metric], _skeleton(drawn.key)
    axis: dict[str, Any] = skeleton.layout["yaxis"]
    assert (axis.get("type") == "log") == (metric.scale == "log")
    assert (axis.get("tickformat") == ".0%") == (metric.scale == "share")
    bands = [(shape["y0"], shape["y1"]) for shape in skeleton.layout["shapes"]]
    assert bands == ([metric.band] if metric.band else [])
    assert charts.help(drawn) == metric.help


def test_a_unit_stands_on_the_axis_and_beside_values() -> None:
    loss = _skeleton("loss")
    assert loss.layout["yaxis"]["title"]["text"] == "loss, nats"
    assert any("nats" in trace["hovertemplate"] for trace in loss.data)


def test_a_view_that_there_is_not_is_the_usual_one() -> None:
    assert charts.view("sideways") == charts.view(wire.Watch.view)
