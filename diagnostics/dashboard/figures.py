"""The charts as Plotly skeletons: axes, empty traces and colours. The script fills in the data."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from diagnostics.dashboard import charts
from diagnostics.dashboard.theme import DECADES, FONT, THEMES, Theme, colorscale
from diagnostics.dashboard.wire import Chart, Figure, Kind, Skeletons
from diagnostics.store.records import Metric, Scale

Part = dict[str, Any]
"""A trace, an axis or another part of a figure."""


def skeletons() -> Skeletons:
    """Every chart for every theme: ``{"light": {"lead": Figure}}``."""
    return {
        name: {key: KINDS[chart.kind](chart, theme) for key, chart in charts.CHARTS.items()}
        for name, theme in THEMES.items()
    }


def _profile(chart: Chart, theme: Theme) -> Figure:
    layout = _layout(theme, "layer", left=58, bottom=44)
    layout["xaxis"]["title"]["text"] = "input  ←  layer  →  output"
    layout["yaxis"] |= _log(-8, 1)
    run = _line(theme.ink, width=2.5) | {
        "mode": "lines+markers",
        "marker": {
            "size": 9,
            "color": [],
            "colorscale": colorscale(theme),
            "cmin": -DECADES,
            "cmax": DECADES,
            "line": {"color": theme.ink, "width": 1},
        },
        "hovertemplate": "layer %{x}%{customdata}: %{y:.3g}<extra></extra>",
    }
    return Figure([_pinned(theme), run, _marks(theme), *_theory(theme)], layout)


def _marks(theme: Theme) -> Part:
    """Zeros, and what is no number."""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [],
        "y": [],
        "text": [],
        "hovertext": [],
        "textposition": "top center",
        "textfont": {"size": 11, "color": theme.muted},
        "marker": {"size": 11, "symbol": [], "color": theme.ink, "line": {"width": 1.5}},
        "hoverinfo": "text",
    }


def _theory(theme: Theme) -> list[Part]:
    """The band's lower edge, its upper edge, and the predicted line."""
    edge = _line(theme.muted, width=0) | {"hoverinfo": "skip", "hovertemplate": None}
    band = edge | {"fill": "tonexty", "fillcolor": theme.band}
    line = _line(theme.muted, width=1.5) | {"hovertemplate": "theory: %{y:.2g}<extra></extra>"}
    line["line"] = {"color": theme.muted, "width": 1.5, "dash": "dash"}
    return [edge, band, line]


def _layers(chart: Chart, theme: Theme) -> Figure:
    """Any metric, on an axis of its scale and with its healthy band."""
    metric = charts.measured(chart)
    layout = _layout(theme, "", bottom=24)
    layout["yaxis"] |= AXES[metric.scale](metric) | {"title": _words(metric.unit)}
    layout["shapes"] = [_band(theme, *metric.band)] if metric.band else []
    color = theme.amber if metric.scale == "share" else theme.ink
    run = _line(color, width=2) | {
        "mode": "lines+markers",
        "marker": {"size": 5, "color": color},
        "hovertemplate": f"layer %{{x}}%{{customdata}}: {_value(metric)}<extra></extra>",
    }
    if metric.scale == "share":
        run["fill"] = "tozeroy"
    marks = [_marks(theme)] if metric.scale == "log" else []
    return Figure([_pinned(theme), run, *marks], layout)


def _band(theme: Theme, low: float, high: float) -> Part:
    """The healthy range."""
    return {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": low,
        "y1": high,
        "fillcolor": theme.grid,
        "opacity": 0.55,
        "line": {"width": 0},
        "layer": "below",
    }


def _log_axis(metric: Metric) -> Part:
    """Room around the band; the script widens it where numbers ask for more."""
    if metric.band is None:
        return _log(-2, 2)
    low, high = np.log10(metric.band)
    return _log(int(np.floor(low)) - 3, int(np.ceil(high)) + 1)


def _share_axis(metric: Metric) -> Part:
    return {"range": [0, 1.03], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}


def _linear_axis(metric: Metric) -> Part:
    return {"range": list(metric.band or (0, 1)), "nticks": 4}


AXES: Mapping[Scale, Callable[[Metric], Part]] = MappingProxyType(
    {"log": _log_axis, "share": _share_axis, "linear": _linear_axis, "count": _linear_axis}
)


def _value(metric: Metric) -> str:
    """A value in words, as Plotly's templates write it."""
    shown = "%{y:.1%}" if metric.scale == "share" else "%{y:.2g}"
    return f"{shown} {metric.unit}".rstrip()


def _heat(chart: Chart, theme: Theme) -> Figure:
    layout = _layout(theme, "step")
    layout["yaxis"] = _axis(theme, "layer")
    layout["xaxis"]["showgrid"] = layout["yaxis"]["showgrid"] = False
    heat = {
        "type": "heatmap",
        "x": [],
        "y": [],
        "z": [],
        "colorscale": colorscale(theme),
        "zmin": -DECADES,
        "zmax": DECADES,
        "colorbar": {
            "thickness": 10,
            "outlinewidth": 0,
            "tickvals": [-6, -3, 0, 3, 6],
            "ticktext": ["10⁻⁶ vanishing", "10⁻³", "1", "10³", "10⁶ exploding"],
            "tickfont": {"size": 11},
        },
        "hovertemplate": "step %{x}, layer %{y}%{customdata}: 10^%{z:.1f}<extra></extra>",
    }
    return Figure([heat], layout)


def _loss(chart: Chart, theme: Theme) -> Figure:
    layout = _layout(theme, "step")
    metric = charts.measured(chart)
    title = f"{metric.label.lower()}, {metric.unit}"
    layout["yaxis"] = _axis(theme, title) | {"range": [0, 2.6]}
    layout["yaxis2"] = _axis(theme, "accuracy") | {
        "overlaying": "y",
        "side": "right",
        "range": [0, 1.03],
        "tickformat": ".0%",
        "tickvals": [0, 0.5, 1],
        "showgrid": False,
    }
    layout["margin"]["r"] = 52
    accuracy = {"yaxis": "y2", "mode": "lines", "hovertemplate": "%{y:.1%}<extra></extra>"}
    held = _line(theme.ink, width=2) | accuracy | {"name": "held-out accuracy"}
    held["line"] = {"color": theme.ink, "width": 1.5, "dash": "dash"}
    loss = _line(theme.ink, width=2) | {"name": "loss"}
    pinned_accuracy = _pinned(theme) | accuracy
    return Figure([_pinned(theme), loss, _gap(theme), pinned_accuracy, held], layout)


def _gap(theme: Theme) -> Part:
    """The held-out loss, and amber between it and the loss: what was learned by heart."""
    line = _line(theme.amber, width=1.5) | {"name": "held-out loss"}
    return line | {"fill": "tonexty", "fillcolor": theme.gap}


def _clipping(chart: Chart, theme: Theme) -> Figure:
    layout = _layout(theme, "step", left=58)
    layout["yaxis"] |= _log(-3, 3)
    before, after = _line(theme.ink, width=2), _line(theme.ink, width=2)
    after["line"] = {"color": theme.muted, "width": 2, "dash": "dash"}
    threshold = _line(theme.amber, width=2) | {"hovertemplate": "threshold %{y:.3g}<extra></extra>"}
    return Figure([before, after, threshold], layout)


def _ladder(chart: Chart, theme: Theme) -> Figure:
    layout = _layout(theme, "", left=58, bottom=30)
    rungs = [rung.label for rung in charts.LADDER]
    layout["xaxis"] |= {"type": "category", "range": [-0.5, len(rungs) - 0.4], "showgrid": False}
    layout["yaxis"] |= _log(-6, 1)
    line = _line(theme.ink, width=2) | {
        "x": rungs,
        "mode": "lines+markers+text",
        "text": [],
        "textposition": "top center",
        "marker": {"size": 9, "color": theme.ink},
        "hovertemplate": "%{x}: %{y:.3g}<extra></extra>",
    }
    line["line"] = {"color": theme.ink, "width": 2, "shape": "hv"}
    return Figure([line], layout)


def _units(chart: Chart, theme: Theme) -> Figure:
    layout = _layout(theme, "step")
    layout["yaxis"] = _axis(theme, "unit")
    layout["xaxis"]["showgrid"] = layout["yaxis"]["showgrid"] = False
    strip = {
        "type": "heatmap",
        "x": [],
        "y": [],
        "z": [],
        "colorscale": [[0, theme.grid], [1, theme.amber]],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "hovertemplate": "unit %{y}, step %{x}: %{z:d} dead<extra></extra>",
    }
    return Figure([strip], layout)


KINDS: Mapping[Kind, Callable[[Chart, Theme], Figure]] = MappingProxyType(
    {
        "profile": _profile,
        "layers": _layers,
        "heat": _heat,
        "loss": _loss,
        "clipping": _clipping,
        "ladder": _ladder,
        "units": _units,
    }
)


def _pinned(theme: Theme) -> Part:
    line = _line(theme.pinned, width=2) | {"name": "pinned", "hoverinfo": "skip"}
    line["line"] = {"color": theme.pinned, "width": 2, "dash": "dot"}
    return line


def _line(color: str, width: float) -> Part:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [],
        "y": [],
        "line": {"color": color, "width": width},
        "hovertemplate": "step %{x}: %{y:.3g}<extra></extra>",
    }


def _layout(theme: Theme, x_title: str, *, left: int = 46, bottom: int = 36) -> Part:
    return {
        "xaxis": _axis(theme, x_title),
        "yaxis": _axis(theme, ""),
        "font": {"family": FONT, "size": 13, "color": theme.muted},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": left, "r": 14, "t": 8, "b": bottom},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"font": {"family": FONT}},
    }


def _axis(theme: Theme, title: str) -> Part:
    return {
        "title": _words(title),
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        "fixedrange": True,
        "autorange": False,
        "range": [0, 1],
        "automargin": False,
        "tickangle": 0,
    }


def _words(title: str) -> Part:
    return {"text": title, "font": {"size": 12}, "standoff": 6}


def _log(low: int, high: int) -> Part:
    return {"type": "log", "range": [low, high]}
