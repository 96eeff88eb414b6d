"""The parts that skeletons are made of, in Plotly's words: layouts, axes, lines, marks."""

from typing import Any

from diagnostics.dashboard.theme import DASHES, FONT, Theme

Part = dict[str, Any]
"""A trace, an axis or another part of a figure."""


ENDS = {"left": 66, "right": 52}
"""Margins of charts whose layers stand one above the other, with room for what is at the ends."""


def layout(
    theme: Theme, x_title: str, *, left: int = 46, right: int = 14, bottom: int = 36
) -> Part:
    """Axes and margins, everything else left to the theme."""
    return {
        "xaxis": axis(theme, x_title),
        "yaxis": axis(theme, ""),
        "font": {"family": FONT, "size": 13, "color": theme.muted},
        "paper_bgcolor": theme.surface,
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": left, "r": right, "t": 8, "b": bottom},
        "showlegend": False,
        "template": {"layout": {"shapedefaults": {"line": {"color": theme.ink}}}},
        "hovermode": "closest",
        "hoverlabel": {"font": {"family": FONT}},
    }


def axis(theme: Theme, title: str) -> Part:
    """An axis that the script sets the range of."""
    return {
        "title": words(title),
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        "fixedrange": True,
        "autorange": False,
        "range": [0, 1],
        "automargin": False,
        "tickangle": 0,
    }


def words(title: str) -> Part:
    """An axis' title."""
    return {"text": title, "font": {"size": 12}, "standoff": 6}


def log(low: int, high: int) -> Part:
    """From one power of ten to another."""
    return {"type": "log", "range": [low, high]}


def band(theme: Theme, low: float, high: float) -> Part:
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


def line(color: str, width: float, unit: str = "") -> Part:
    """An empty line over steps."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [],
        "y": [],
        "line": {"color": color, "width": width},
        "hovertemplate": f"step %{{x}}: %{{y:.3g}} {unit}".rstrip() + "<extra></extra>",
    }


def pinned(theme: Theme) -> Part:
    """The line of the run before, dotted."""
    return line(theme.pinned, width=2) | {
        "name": "pinned",
        "hoverinfo": "skip",
        "line": {"color": theme.pinned, "width": 2, "dash": "dot"},
    }


def compared(theme: Theme, shown: str, width: float = 2, **more: Any) -> list[Part]:
    """The lines of runs that are compared; ``shown`` is how a value is told."""
    lines = []
    for color, dash in zip(theme.beside, DASHES, strict=True):
        told = {"hovertemplate": f"%{{customdata}}: {shown}<extra></extra>", **more}
        lines.append(line(color, width) | told)
        lines[-1]["line"]["dash"] = dash
    return lines


def marks(theme: Theme) -> Part:
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


def around(theme: Theme, shown: str, marker: Part | None = None) -> list[Part]:
    """Of a large model's groups: the band that most layers lie in, and those far beyond it.

    ``marker`` is that of the latter, where it isn't ink.
    """
    edge = line(theme.muted, width=0) | {"hoverinfo": "skip", "hovertemplate": None}
    band = {"name": "95th percentile", "fill": "tonexty", "fillcolor": theme.band}
    far = marks(theme) | {"mode": "markers", "name": "far from its group", "customdata": []}
    far |= {"hoverinfo": "x+y", "hovertemplate": f"%{{customdata}}: {shown}<extra></extra>"}
    far["marker"] = marker or {"size": 5, "color": theme.ink, "line": {"width": 0}}
    return [edge | {"name": "5th percentile"}, edge | band, far]
