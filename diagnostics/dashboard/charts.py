"""What there is to draw, declared once: charts, panels, views of the leading chart, rungs.

The page, its skeletons, frames, links, reports and the scripts all read these tables. A metric
with a chart of its own is a row in ``METRICS`` and a row here.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar

from diagnostics.dashboard.wire import (
    Chart,
    Kind,
    Panel,
    Rung,
    Shades,
    Stroke,
    Tables,
    View,
)
from diagnostics.store.records import METRICS, SCALARS, Metric


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Row = TypeVar("Row", bound=_Keyed)


def _table(*rows: Row) -> Mapping[str, Row]:
    return MappingProxyType({row.key: row for row in rows})


UNSEEN = "only hidden layers of the lab's own networks are looked into"

VIEWS = _table(
    View("signal", "signal ∂L/∂z", "signal_grad_norm", "How much gradient reaches each layer?",
         "How does the gradient change while it trains?", predicted="decades"),
    View("weight", "weight ∂L/∂W", "weight_grad_norm", "How large is each layer's weight gradient?",
         "How do weight gradients change while it trains?", "as accumulated, before clipping"),
    View("activation", "activation std", "activation_std",
         "How far do each layer's activations spread?",
         "How do activations change while it trains?", "over batch and units",
         predicted="activation_std"),
)  # fmt: skip
"""The first one is what is shown unless another is asked for, as with panels."""

_USUAL = VIEWS["signal"]

SHAPE = "How often each value occurs in the layer. Dashed is what theory predicts at the start"
STAIRS = "What the backward pass gives, what is left of it, and the step that is taken"

CHARTS = _table(
    Chart("network", "How far does the gradient reach?", "", "network", "strip",
          metric="signal_grad_norm"),
    Chart("lead", _USUAL.title, "one point a layer, log scale", "profile", "lead",
          axis=_USUAL.label, about="Each point is a layer: blue has vanished, red explodes, grey "
          "is healthy. Dashed is what theory predicts, dotted the run before"),
    Chart("saturated", "How many activations are stuck?", "at the ends of the range", "layers",
          "small", metric="saturated", empty="this activation has no ends to saturate at",
          output=False, axis="saturated"),
    Chart("dead", "How many units are dead?", "0 for every sample", "layers", "small",
          metric="dead", empty="not counted yet: after 1000 samples", output=False, axis="dead"),
    Chart("update_ratio", "How fast does each layer learn?", "healthy near 10⁻³", "layers", "small",
          metric="update_ratio", empty="no step measured", axis="update : weight"),
    Chart("heat", _USUAL.course, "each layer over the last hidden one", "heat", "run",
          empty="no step taken yet", axis="layer",
          about="Each column is a step, each row a layer: blue where less arrives "
          "than at the last hidden layer, red where more does"),
    Chart("loss", "Does it learn?", "", "loss", "run", metric="loss", empty="no step taken yet",
          axis="loss, nats",
          legend=(Stroke("loss"), Stroke("held-out loss", "dashdot", "amber"),
                  Stroke("held-out accuracy", "dash"), Stroke("the run before", "dot", "pinned"),
                  Stroke("learned by heart", "area", "amber"))),
    Chart("clip", "How large is the whole gradient?", "", "clipping", "clipping",
          metric="grad_norm", axis="global norm",
          legend=(Stroke("before clipping"), Stroke("after", "dash", "muted"),
                  Stroke("threshold", color="amber"))),
    Chart("ladder", "What becomes of the layer's gradient?", "on its way into a step: the ladder",
          "ladder", "clipping", reported=False, axis="norm", about=STAIRS),
    Chart("update_cosine", "Do steps go on, or turn back?", "cosine with the step before", "layers",
          "steps", metric="update_cosine", empty="it takes two steps", axis="cosine"),
    Chart("surprise", "Do gradients surprise Adam?", "as before: 1", "layers", "steps",
          metric="surprise", empty="the optimizer keeps no mean of g²", axis="g : √v"),
    Chart("activation_max", "How large do activations get?", "the largest |h|", "layers",
          "activations", metric="activation_max", output=False, axis="largest |h|"),
    Chart("kurtosis", "Are a few activations massive?", "kurtosis: 3 for a bell curve", "layers",
          "activations", metric="activation_kurtosis", empty="all activations are alike",
          output=False, axis="kurtosis"),
    Chart("moments", "What comes back through time?", "the first moment over the last", "layers",
          "activations", metric="time_ratio", empty="no layer goes through time",
          axis="first over last moment"),
    Chart("dormant", "How many units hardly act?", "below 1/40 of the layer's mean", "layers",
          "activations", metric="dormant", empty="not counted yet: after 1000 samples",
          output=False, axis="dormant"),
    Chart("signal_max", "How large do single signals get?", "the largest |∂L/∂z|", "layers",
          "entries", metric="signal_grad_max", axis="largest |∂L/∂z|"),
    Chart("signal_kurtosis", "Do few entries have all of it?", "kurtosis: 3 for a bell curve",
          "layers", "entries", metric="signal_grad_kurtosis", empty="all signals are 0",
          axis="kurtosis"),
    Chart("signal_small", "Do signals fall below their type?", "subnormal: digits are lost",
          "layers", "entries", metric="signal_small", axis="subnormal"),
    Chart("grad_zeros", "How many weights get no gradient?", "exactly 0", "layers", "entries",
          metric="grad_zeros", empty="no step measured", axis="zeros"),
    Chart("inside_activation", "What do its units put out?", "activations h = φ(z)", "histogram",
          "inside", quantity="activation", empty=UNSEEN, reported=False, axis="h = φ(z)",
          about=SHAPE),
    Chart("inside_signal", "How much gradient do its units get?", "signal gradient", "histogram",
          "inside", quantity="signal", empty=UNSEEN, reported=False, axis="|∂L/∂z|", about=SHAPE),
    Chart("inside_weight", "How large are its weights?", "", "histogram", "inside",
          quantity="weight", empty=UNSEEN, reported=False, axis="w", about=SHAPE),
    Chart("members", "What does each unit do?", "", "members", "inside", empty=UNSEEN,
          reported=False, axis="mean of h", about="Each point is a unit: the mean of what it puts "
          "out. A cross is a dead unit, amber a saturated one"),
    Chart("inside_ladder", "What becomes of its gradient?", "on its way into a step: the ladder",
          "ladder", "inside", reported=False, axis="norm", about=STAIRS),
    Chart("updates", "How fast does it learn?", "healthy near 10⁻³", "updates", "inside",
          metric="update_ratio", empty="no step measured", reported=False, axis="update : weight"),
    Chart("units", "When do units die?", "", "units", "units", empty="no such layer",
          reported=False, axis="unit",
          about="Each row is a unit over the steps, amber from when it dies"),
    Chart("attention_entropy", "How wide does attention look?", "0 is one key alone", "layers",
          "attention", metric="attention_entropy", axis="entropy"),
    Chart("attention_lowest", "How wide does its narrowest head?", "", "layers",
          "attention", metric="attention_lowest", axis="entropy"),
    Chart("attention_logit", "How large do its logits get?", "of some queries", "layers",
          "attention", metric="attention_logit", empty="none is above 0", axis="largest logit"),
    Chart("router_evenness", "How evenly are experts used?", "1: all alike", "layers", "experts",
          metric="router_evenness", axis="evenness"),
    Chart("idle_experts", "How many experts are idle?", "chosen by no token", "layers", "experts",
          metric="idle_experts", empty="too few tokens to tell", axis="idle"),
    Chart("expert_share", "Who gets the tokens?", "at a router: its fullest expert", "layers",
          "experts", metric="expert_share", axis="share"),
    Chart("told", "What do the loop's own numbers do?", "", "told", "told", axis="as told",
          about="What the training loop told of its steps by w.step, each number on an axis "
          "of its own, from its smallest to its largest"),
)  # fmt: skip
"""In the order of the page."""

PANELS = _table(
    Panel("run", "Run"),
    Panel("clipping", "Clipping and ladder"),
    Panel("steps", "Steps"),
    Panel("activations", "Activations"),
    Panel("entries", "Gradients' entries"),
    Panel("inside", "Inside a layer"),
    Panel("units", "Units"),
)

SELDOM = ("attention", "experts")
"""Places beneath the panels that are there for runs which have numbers of theirs."""

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
        seldom=SELDOM,
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


def metrics(lead: str, among: Iterable[Chart] | None = None) -> list[str]:
    """The metrics that some charts draw per layer, or all, beside the leading chart's."""
    shown = list(CHARTS.values() if among is None else among)
    drawn = [chart.metric for chart in shown if chart.kind in ("layers", "network")]
    rungs = [rung.metric for rung in LADDER if "ladder" in kinds(shown)]
    return [*dict.fromkeys([lead, *drawn, *vars(SHADES).values(), *rungs])]


def seldom() -> frozenset[str]:
    """The metrics of charts that most runs don't have."""
    return frozenset(chart.metric for place in SELDOM for chart in placed(place))


def measured(chart: Chart) -> Metric:
    """What is known of the metric that a chart draws. Raises ``KeyError`` where it draws none."""
    return MEASURED[chart.metric]


def help(chart: Chart) -> str:
    """What a chart shows, in a sentence."""
    return measured(chart).help if chart.metric else chart.about
