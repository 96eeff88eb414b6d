"""The network as it is drawn: boxes on a dark plate, on which its gradient is seen as light."""

from diagnostics.dashboard import strokes
from diagnostics.dashboard.theme import DARK, DECADES, Theme, colorscale
from diagnostics.dashboard.wire import Chart, Figure


def skeleton(chart: Chart, theme: Theme) -> Figure:
    """To Plotly one row of a heatmap; the painter draws the boxes' wires and what lies in them."""
    layout = strokes.layout(DARK, "", bottom=24, **strokes.ENDS)
    layout["paper_bgcolor"] = theme.plate
    layout["xaxis"] |= {"showgrid": False, "gridcolor": "rgba(0, 0, 0, 0)"}
    layout["yaxis"] |= {"range": [-0.5, 0.5], "tickvals": [], "showgrid": False}
    boxes = {
        "type": "heatmap",
        "x": [],
        "y": [0],
        "z": [],
        "xgap": 4,
        "colorscale": colorscale(theme),
        "zmin": -DECADES,
        "zmax": DECADES,
        "showscale": False,
        "line": {"color": DARK.amber, "width": 2},
        "customdata": [],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    return Figure([boxes], layout)
