"""What there is to draw, declared once: charts, panels, views of the leading chart, rungs.

The page, its skeletons, frames, links, reports and the scripts all read these tables. A metric
with a chart of its own is a row in ``METRICS`` and a row here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar

from diagnostics.dashboard.wire import Chart, Kind, Panel, Rung, Shades, Tables, View
from diagnostics.store.records import METRICS, SCALARS, Metric


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Row = TypeVar("Row", bound=_Keyed)


def _table(*rows: Row) -> Mapping[str, Row]:
    return MappingProxyType({row.key: row for row in rows})


UNSEEN = "only hidden layers of the lab's own networks are looked into"

CHARTS = _table(
    Chart("network", "How far does the gradient reach?", "", "network", "strip",
          metric="signal_grad_norm", spoken="The network, and its gradient's way"),
    Chart("lead", "Per layer", "one point a layer, log scale", "profile", "lead",
          spoken="Gradient norm per layer"),
    Chart("saturated", "Saturated activations", "ends of the range", "layers", "small",
          metric="saturated", empty="this activation has no ends to saturate at", output=False),
    Chart("dead", "Dead units", "0 for every sample", "layers", "small",
          metric="dead", empty="not counted yet: after 1000 samples", output=False),
    Chart("update_ratio", "Update : weight", "healthy near 10⁻³", "layers", "small",
          metric="update_ratio", empty="no step measured"),
    Chart("heat", "Gradient over time", "each layer over the last hidden one, decades", "heat",
          "run"),
    Chart("loss", "Loss and accuracy", "— loss (amber: held-out)  - - accuracy  ··· before", "loss",
          "run", metric="loss"),
    Chart("clip", "Global gradient norm", "", "clipping", "clipping", metric="grad_norm"),
    Chart("ladder", "Gradient ladder", "of the chosen layer's weights", "ladder", "clipping",
          reported=False),
    Chart("activation_max", "Largest activation", "|h|", "layers", "activations",
          metric="activation_max", output=False),
    Chart("kurtosis", "Activation kurtosis", "3 for a Gaussian", "layers", "activations",
          metric="activation_kurtosis", empty="all activations are alike", output=False),
    Chart("inside_activation", "Activations", "h = φ(z)", "histogram", "inside",
          quantity="activation", empty=UNSEEN, reported=False),
    Chart("inside_signal", "Signal gradient", "|∂L/∂z|", "histogram", "inside",
          quantity="signal", empty=UNSEEN, reported=False),
    Chart("inside_weight", "Weights", "w", "histogram", "inside",
          quantity="weight", empty=UNSEEN, reported=False),
    Chart("members", "Its units", "", "members", "inside", empty=UNSEEN, reported=False),
    Chart("inside_ladder", "Its ladder", "of its weights", "ladder", "inside", reported=False),
    Chart("updates", "Update : weight over time", "healthy near 10⁻³", "updates", "inside",
          metric="update_ratio", empty="no step measured", reported=False),
    Chart("units", "Lives of units", "", "units", "units", empty="no such layer", reported=False),
)  # fmt: skip
"""In the order of the page."""

PANELS = _table(
    Panel("run", "Run"),
    Panel("clipping", "Clipping and ladder"),
    Panel("activations", "Activations"),
    Panel("inside", "Inside a layer"),
    Panel("units", "Units"),
)

VIEWS = _table(
    View("signal", "signal ∂L/∂z", "signal_grad_norm", predicted="decades"),
    View("weight", "weight ∂L/∂W", "weight_grad_norm", "as accumulated, before clipping"),
    View("activation", "activation std", "activation_std", "over batch and units",
         predicted="activation_std"),
)  # fmt: skip
"""The first one is what is shown unless another is asked for, as with panels."""

LADDER = (
    Rung("computed_grad_norm", "computed"),
    Rung("weight_grad_norm", "accumulated"),
    Rung("clipped_grad_norm", "clipped"),
    Rung("update_norm", "update ΔW"),
)
"""A weight's gradient, from the backward pass to the step really taken."""


SHADES = Shades(wires="update_ratio", dark="dead", pale="saturated")


MEASURED = MappingProxyType({**METRICS, **SCALARS})
"""All that a chart can draw."""


def tables() -> Tables:
    """For the scripts."""
    return Tables(
        charts=tuple(CHARTS.values()),
        panels=tuple(PANELS.values()),
        views=tuple(VIEWS.values()),
        rungs=LADDER,
        shades=SHADES,
        metrics=MEASURED,
    )


def placed(place: str) -> list[Chart]:
    """The charts of one place, in order."""
    return [chart for chart in CHARTS.values() if chart.place == place]


def in_sight(panel: str) -> list[Chart]:
    """The charts that are drawn while a panel is: its own, and those in no panel."""
    return [chart for chart in CHARTS.values() if chart.place == panel or chart.place not in PANELS]


def reported() -> list[Chart]:
    """The charts of a report."""
    return [chart for chart in CHARTS.values() if chart.reported]


def kinds(charts: list[Chart]) -> frozenset[Kind]:
    """How charts are drawn."""
    return frozenset(chart.kind for chart in charts)


def view(key: str) -> View:
    """A view of the leading chart; the usual one for a key that there is not."""
    return VIEWS.get(key, next(iter(VIEWS.values())))


def metrics(lead: str) -> list[str]:
    """The metrics that are drawn per layer, beside the leading chart's."""
    drawn = [chart.metric for chart in CHARTS.values() if chart.kind in ("layers", "network")]
    shades = vars(SHADES).values()
    return [*dict.fromkeys([lead, *drawn, *shades, *(rung.metric for rung in LADDER)])]


def measured(chart: Chart) -> Metric:
    """What is known of the metric that a chart draws. Raises ``KeyError`` where it draws none."""
    return MEASURED[chart.metric]


def help(chart: Chart) -> str:
    """What a chart's tooltip says."""
    return measured(chart).help if chart.metric else ""
