"""The charts as Plotly skeletons: axes, empty traces and colours. The script fills in the data."""

from typing import Any

from diagnostics.dashboard.theme import DECADES, FONT, THEMES, Theme, colorscale
from diagnostics.store.records import METRICS

Figure = dict[str, Any]


def skeletons() -> dict[str, dict[str, Figure]]:
    """Every chart for every theme: ``{"light": {"lead": {"data": […], "layout": {…}}}}``."""
    return {
        name: {key: make(theme) for key, make in CHARTS.items()} for name, theme in THEMES.items()
    }


def _lead(theme: Theme) -> Figure:
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
    return {"data": [_pinned(theme), run, _marks(theme), *_theory(theme)], "layout": layout}


def _marks(theme: Theme) -> Figure:
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


def _theory(theme: Theme) -> list[Figure]:
    """The band's lower edge, its upper edge, and the predicted line."""
    edge = _line(theme.muted, width=0) | {"hoverinfo": "skip", "hovertemplate": None}
    band = edge | {"fill": "tonexty", "fillcolor": theme.band}
    line = _line(theme.muted, width=1.5) | {"hovertemplate": "theory: %{y:.2g}<extra></extra>"}
    line["line"] = {"color": theme.muted, "width": 1.5, "dash": "dash"}
    return [edge, band, line]


def _share(theme: Theme) -> Figure:
    layout = _layout(theme, "", bottom=24)
    layout["yaxis"] |= {"range": [0, 1.03], "tickformat": ".0%", "tickvals": [0, 0.5, 1]}
    run = _line(theme.amber, width=2) | {
        "mode": "lines+markers",
        "fill": "tozeroy",
        "marker": {"size": 5, "color": theme.amber},
        "hovertemplate": "layer %{x}%{customdata}: %{y:.1%}<extra></extra>",
    }
    return {"data": [_pinned(theme), run], "layout": layout}


def _ratio(theme: Theme) -> Figure:
    layout = _layout(theme, "", bottom=24)
    layout["yaxis"] |= _log(-8, 0)
    low, high = METRICS["update_ratio"].band or (1e-5, 1e-1)
    layout["shapes"] = [
        {
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
    ]
    run = _line(theme.ink, width=2) | {
        "mode": "lines+markers",
        "marker": {"size": 5, "color": theme.ink},
        "hovertemplate": "layer %{x}%{customdata}: %{y:.2g}<extra></extra>",
    }
    return {"data": [_pinned(theme), run, _marks(theme)], "layout": layout}


def _heat(theme: Theme) -> Figure:
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
    return {"data": [heat], "layout": layout}


def _loss(theme: Theme) -> Figure:
    layout = _layout(theme, "step")
    layout["yaxis"] = _axis(theme, "loss") | {"range": [0, 2.6]}
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
    return {
        "data": [_pinned(theme), loss, _gap(theme), pinned_accuracy, held],
        "layout": layout,
    }


def _gap(theme: Theme) -> Figure:
    """The held-out loss, and amber between it and the loss: what was learned by heart."""
    line = _line(theme.amber, width=1.5) | {"name": "held-out loss"}
    return line | {"fill": "tonexty", "fillcolor": theme.gap}


def _clip(theme: Theme) -> Figure:
    layout = _layout(theme, "step", left=58)
    layout["yaxis"] |= _log(-3, 3)
    before, after = _line(theme.ink, width=2), _line(theme.ink, width=2)
    after["line"] = {"color": theme.muted, "width": 2, "dash": "dash"}
    threshold = _line(theme.amber, width=2) | {"hovertemplate": "threshold %{y:.3g}<extra></extra>"}
    return {"data": [before, after, threshold], "layout": layout}


RUNGS = ("computed", "accumulated", "clipped", "update ΔW")


def _ladder(theme: Theme) -> Figure:
    layout = _layout(theme, "", left=58, bottom=30)
    layout["xaxis"] |= {"type": "category", "range": [-0.5, 3.6], "showgrid": False}
    layout["yaxis"] |= _log(-6, 1)
    line = _line(theme.ink, width=2) | {
        "x": list(RUNGS),
        "mode": "lines+markers+text",
        "text": [],
        "textposition": "top center",
        "marker": {"size": 9, "color": theme.ink},
        "hovertemplate": "%{x}: %{y:.3g}<extra></extra>",
    }
    line["line"] = {"color": theme.ink, "width": 2, "shape": "hv"}
    return {"data": [line], "layout": layout}


def _units(theme: Theme) -> Figure:
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
    return {"data": [strip], "layout": layout}


CHARTS = {
    "lead": _lead,
    "saturated": _share,
    "dead": _share,
    "update_ratio": _ratio,
    "heat": _heat,
    "loss": _loss,
    "clip": _clip,
    "ladder": _ladder,
    "units": _units,
}


def _pinned(theme: Theme) -> Figure:
    line = _line(theme.pinned, width=2) | {"name": "pinned", "hoverinfo": "skip"}
    line["line"] = {"color": theme.pinned, "width": 2, "dash": "dot"}
    return line


def _line(color: str, width: float) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [],
        "y": [],
        "line": {"color": color, "width": width},
        "hovertemplate": "step %{x}: %{y:.3g}<extra></extra>",
    }


def _layout(theme: Theme, x_title: str, *, left: int = 46, bottom: int = 36) -> Figure:
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


def _axis(theme: Theme, title: str) -> Figure:
    return {
        "title": {"text": title, "font": {"size": 12}, "standoff": 6},
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        "fixedrange": True,
        "autorange": False,
        "range": [0, 1],
        "automargin": False,
        "tickangle": 0,
    }


def _log(low: int, high: int) -> Figure:
    return {"type": "log", "range": [low, high]}
