"""The charts as Plotly skeletons: axes, empty traces and colours. The script fills in the data."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from diagnostics.dashboard import charts, network, strokes
from diagnostics.dashboard.strokes import Part
from diagnostics.dashboard.theme import DECADES, HATCHED, THEMES, Theme, colorscale
from diagnostics.dashboard.wire import Chart, Figure, Kind, Skeletons
from diagnostics.store.records import MOST_OWN, Metric, Scale


def skeletons() -> Skeletons:
    """Every chart for every theme: ``{"light": {"lead": Figure}}``."""
    return {
        name: {key: KINDS[chart.kind](chart, theme) for key, chart in charts.CHARTS.items()}
        for name, theme in THEMES.items()
    }


def _profile(chart: Chart, theme: Theme) -> Figure:
    layout = strokes.layout(theme, "layer", bottom=44, **strokes.ENDS)
    layout["xaxis"]["title"]["text"] = "input  ←  layer  →  output"
    layout["yaxis"] |= strokes.log(-8, 1) | {"title": strokes.words(chart.axis)}
    marker = {
        "size": 9,
        "color": [],
        "colorscale": colorscale(theme),
        "cmin": -DECADES,
        "cmax": DECADES,
        "line": {"color": theme.ink, "width": 1},
    }
    run = strokes.line(theme.ink, width=2.5) | {
        "mode": "lines+markers",
        "marker": marker,
        "hovertemplate": "%{customdata}: %{y:.3g}<extra></extra>",
    }
    return Figure(
        [
            strokes.pinned(theme),
            run,
            strokes.marks(theme),
            *_theory(theme),
            *strokes.compared(theme, "%{y:.3g}"),
            *strokes.around(theme, "%{y:.3g}", {**marker}),
        ],
        layout,
    )


def _theory(theme: Theme) -> list[Part]:
    """The band's lower edge, its upper edge, and the predicted line."""
    edge = strokes.line(theme.muted, width=0) | {"hoverinfo": "skip", "hovertemplate": None}
    band = edge | {"fill": "tonexty", "fillcolor": theme.band, "name": "theory, highest"}
    edge = edge | {"name": "theory, lowest"}
    line = strokes.line(theme.muted, width=1.5) | {
        "hovertemplate": "theory: %{y:.2g}<extra></extra>",
        "line": {"color": theme.muted, "width": 1.5, "dash": "dash"},
        "name": "theory",
    }
    return [edge, band, line]


def _layers(chart: Chart, theme: Theme) -> Figure:
    """Any metric, on an axis of its scale and with its healthy band."""
    metric = charts.measured(chart)
    layout = strokes.layout(theme, "layer", left=58)
    layout["yaxis"] |= AXES[metric.scale](metric) | {"title": strokes.words(chart.axis)}
    layout["shapes"] = [strokes.band(theme, *metric.band)] if metric.band else []
    color = theme.amber if metric.scale == "share" else theme.ink
    run = strokes.line(color, width=2) | {
        "mode": "lines+markers",
        "marker": {"size": 5, "color": color},
        "hovertemplate": f"%{{customdata}}: {_value(metric)}<extra></extra>",
    }
    if metric.scale == "share":
        run["fill"] = "tozeroy"
    marks = [strokes.marks(theme)] if metric.scale == "log" else []
    others = strokes.compared(theme, _value(metric))
    around = strokes.around(theme, _value(metric))
    return Figure([strokes.pinned(theme), run, *marks, *others, *around], layout)


def _log_axis(metric: Metric) -> Part:
    """Room around the band; the script widens it where numbers ask for more."""
    if metric.band is None:
        return strokes.log(-2, 2)
    low, high = np.log10(metric.band)
    return strokes.log(int(np.floor(low)) - 3, int(np.ceil(high)) + 1)


def _share_axis(metric: Metric) -> Part:
    return {"range": [0, 1.03], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}


def _unit_axis(metric: Metric) -> Part:
    return {"range": [0, 1.03], "tickvals": [0, 0.5, 1]}


def _linear_axis(metric: Metric) -> Part:
    return {"range": list(metric.band or (0, 1)), "nticks": 4}


AXES: Mapping[Scale, Callable[[Metric], Part]] = MappingProxyType(
    {
        "log": _log_axis,
        "share": _share_axis,
        "linear": _linear_axis,
        "count": _linear_axis,
        "unit": _unit_axis,
    }
)


def _value(metric: Metric) -> str:
    """A value in words, as Plotly's templates write it."""
    shown = "%{y:.1%}" if metric.scale == "share" else "%{y:.2g}"
    return f"{shown} {metric.unit}".rstrip()


def _heat(chart: Chart, theme: Theme) -> Figure:
    layout = strokes.layout(theme, "step")
    layout["yaxis"] = strokes.axis(theme, chart.axis)
    layout["xaxis"]["showgrid"] = layout["yaxis"]["showgrid"] = False
    heat = {
        "type": "heatmap",
        "x": [],
        "y": [],
        "z": [],
        "colorscale": colorscale(theme),
        "zmin": -DECADES,
        "zmax": DECADES,
        "meta": {"hatched": HATCHED},
        "colorbar": {
            "thickness": 10,
            "outlinewidth": 0,
            "tickvals": [-6, -3, 0, 3, 6],
            "ticktext": ["10⁻⁶ vanishing", "10⁻³", "1", "10³", "10⁶ exploding"],
            "tickfont": {"size": 11},
        },
        "hovertemplate": "step %{x}, %{customdata}: 10^%{z:.1f}<extra></extra>",
    }
    return Figure([heat], layout)


def _loss(chart: Chart, theme: Theme) -> Figure:
    layout = strokes.layout(theme, "step")
    metric = charts.measured(chart)
    layout["yaxis"] = strokes.axis(theme, chart.axis) | {"range": [0, 2.6]}
    layout["yaxis2"] = strokes.axis(theme, "held-out accuracy") | {
        "overlaying": "y",
        "side": "right",
        "range": [0, 1.03],
        "tickformat": ".0%",
        "tickvals": [0, 0.5, 1],
        "showgrid": False,
    }
    layout["margin"]["r"] = 52
    accuracy = {"yaxis": "y2", "mode": "lines", "hovertemplate": "%{y:.1%}<extra></extra>"}
    held = strokes.line(theme.ink, width=2) | accuracy | {"name": "held-out accuracy"}
    held["line"] = {"color": theme.ink, "width": 1.5, "dash": "dash"}
    loss = strokes.line(theme.ink, width=2, unit=metric.unit) | {"name": "loss"}
    pinned_accuracy = strokes.pinned(theme) | accuracy | {"name": "pinned accuracy"}
    own = [strokes.pinned(theme), loss, _gap(theme, metric.unit), pinned_accuracy, held]
    losses = strokes.compared(theme, f"%{{y:.3g}} {metric.unit}")
    accuracies = strokes.compared(theme, "%{y:.1%}", width=1, yaxis="y2")
    return Figure([*own, *losses, *accuracies], layout)


def _gap(theme: Theme, unit: str) -> Part:
    """The held-out loss, and amber between it and the loss: what was learned by heart."""
    line = strokes.line(theme.amber, width=1.5, unit=unit) | {"name": "held-out loss"}
    line["line"]["dash"] = "dashdot"
    return line | {"fill": "tonexty", "fillcolor": theme.gap}


def _clipping(chart: Chart, theme: Theme) -> Figure:
    layout = strokes.layout(theme, "step", left=58)
    layout["yaxis"] |= strokes.log(-3, 3) | {"title": strokes.words(chart.axis)}
    before, after = strokes.line(theme.ink, width=2), strokes.line(theme.ink, width=2)
    after["line"] = {"color": theme.muted, "width": 2, "dash": "dash"}
    after["name"], before["name"] = "after clipping", "before clipping"
    threshold = strokes.line(theme.amber, width=2) | {
        "name": "threshold",
        "hovertemplate": "threshold %{y:.3g}<extra></extra>",
    }
    return Figure([before, after, threshold], layout)


def _ladder(chart: Chart, theme: Theme) -> Figure:
    layout = strokes.layout(theme, "", left=58, bottom=30)
    rungs = [rung.label for rung in charts.LADDER]
    layout["xaxis"] |= {"type": "category", "range": [-0.5, len(rungs) - 0.4], "showgrid": False}
    layout["yaxis"] |= strokes.log(-6, 1) | {"title": strokes.words(chart.axis)}
    line = strokes.line(theme.ink, width=2) | {
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
    layout = strokes.layout(theme, "step")
    layout["yaxis"] = strokes.axis(theme, chart.axis)
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


def _histogram(chart: Chart, theme: Theme) -> Figure:
    """Of a share of all entries only the shape is shown: its axis has no numbers."""
    layout = strokes.layout(theme, chart.axis, left=30)
    layout["yaxis"] |= {"range": [0, 1.05], "tickvals": [], "title": strokes.words("share")}
    layout["xaxis"] |= strokes.log(-6, 0) if chart.quantity == "signal" else {"range": [-1, 1]}
    bars = strokes.line(theme.ink, width=1) | {
        "fill": "tozeroy",
        "fillcolor": theme.band,
        "customdata": [],
        "hovertemplate": f"{chart.axis} near %{{x:.2g}}: %{{customdata}}<extra></extra>",
    }
    predicted = strokes.line(theme.muted, width=1.5) | {
        "hovertemplate": None,
        "hoverinfo": "skip",
        "line": {"color": theme.muted, "width": 1.5, "dash": "dash"},
    }
    return Figure([bars, predicted], layout)


def _members(chart: Chart, theme: Theme) -> Figure:
    layout = strokes.layout(theme, "unit")
    layout["yaxis"] = strokes.axis(theme, chart.axis)
    means = strokes.line(theme.ink, width=0) | {
        "mode": "markers",
        "marker": {
            "size": 6,
            "color": [],
            "colorscale": [[0, theme.ink], [1, theme.amber]],
            "cmin": 0,
            "cmax": 1,
            "line": {"color": theme.muted, "width": 0.5},
        },
        "customdata": [],
        "hovertemplate": "unit %{x}: mean %{y:.3g}%{customdata}<extra></extra>",
    }
    dead = strokes.marks(theme)
    dead["marker"] |= {"size": 9, "color": theme.amber}
    return Figure([means, dead], layout)


def _updates(chart: Chart, theme: Theme) -> Figure:
    metric = charts.measured(chart)
    layout = strokes.layout(theme, "step", left=58)
    layout["yaxis"] |= _log_axis(metric) | {"title": strokes.words(chart.axis)}
    layout["shapes"] = [strokes.band(theme, *metric.band)] if metric.band else []
    return Figure([strokes.line(theme.ink, width=2)], layout)


def _told(chart: Chart, theme: Theme) -> Figure:
    layout = strokes.layout(theme, "step", left=58)
    layout["yaxis"] |= {"showgrid": False, "title": strokes.words(chart.axis)}
    marker = {"size": 5, "color": theme.ink}
    lines = [strokes.line(theme.ink, width=2) | {"marker": marker} for _ in range(MOST_OWN)]
    return Figure(lines, layout)


KINDS: Mapping[Kind, Callable[[Chart, Theme], Figure]] = MappingProxyType(
    {
        "profile": _profile,
        "layers": _layers,
        "network": network.skeleton,
        "heat": _heat,
        "loss": _loss,
        "clipping": _clipping,
        "ladder": _ladder,
        "units": _units,
        "histogram": _histogram,
        "members": _members,
        "updates": _updates,
        "told": _told,
    }
)
