"""What is measured: the metric columns, the batches of steps that carry them, events, diagnoses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Scale = Literal["log", "share", "linear", "count", "unit"]
"""A ``share`` is of what is lost, from 0 to 1; a ``unit`` goes from 0 to 1 as well."""


@dataclass(frozen=True)
class Metric:
    """One measured column: what charts, tooltips, exports, rules and docs say of it.

    ``band`` is the healthy range in the metric's own unit, or None where there is none.
    """

    key: str
    label: str
    help: str
    scale: Scale
    unit: str = ""
    band: tuple[float, float] | None = None


def _table(*metrics: Metric) -> Mapping[str, Metric]:
    return MappingProxyType({metric.key: metric for metric in metrics})


METRICS = _table(
    Metric("signal_grad_norm", "Signal gradient", "‖∂L/∂z‖: L2 norm over batch and units", "log"),
    Metric("signal_grad_rms", "Signal gradient, RMS", "its root mean square over entries", "log"),
    Metric("weight_grad_norm", "Weight gradient", "‖∂L/∂W‖: L2 norm, before clipping", "log"),
    Metric("weight_grad_rms", "Weight gradient, RMS", "its root mean square over entries", "log"),
    Metric("clipped_grad_norm", "Clipped gradient", "‖∂L/∂W‖ after clipping", "log"),
    Metric("bias_grad_norm", "Bias gradient", "‖∂L/∂b‖: L2 norm, before clipping", "log"),
    Metric("activation_mean", "Activation mean", "over batch and units", "linear"),
    Metric("activation_std", "Activation std", "over batch and units", "linear"),
    Metric(
        "saturated",
        "Saturated",
        "share of activations in the outermost 5% of a bounded range",
        "share",
        band=(0.0, 0.5),
    ),
    Metric(
        "dead",
        "Dead units",
        "share of units that are 0 for every sample of a fixed probe set",
        "share",
        band=(0.0, 0.1),
    ),
    Metric("sparsity", "Sparsity", "share of activations that are exactly 0", "share"),
    Metric("weight_norm", "Weight norm", "‖W‖: L2 norm", "log"),
    Metric(
        "update_ratio",
        "Update : weight",
        "std(ΔW)/std(W) of the step really taken",
        "log",
        band=(1e-5, 1e-1),
    ),
    Metric("nonfinite", "Non-finite", "NaN and infinite entries seen in the layer", "count"),
    Metric(
        "computed_grad_norm",
        "Computed gradient",
        "‖∂L/∂W‖ as a step's first backward pass left it",
        "log",
    ),
    Metric("update_norm", "Update", "‖ΔW‖ of the step really taken", "log"),
    Metric("activation_max", "Largest activation", "largest magnitude over batch and units", "log"),
    Metric(
        "activation_kurtosis",
        "Activation kurtosis",
        "E[(h − mean)⁴]/std⁴ over batch and units; 3 for a Gaussian, more for rare massive ones",
        "log",
    ),
    Metric(
        "time_ratio",
        "Gradient through time",
        "‖∂L/∂x‖ of a recurrent layer's first moment over its last (of a cell ∂L/∂h)",
        "log",
    ),
    Metric(
        "signal_grad_max", "Largest signal gradient", "largest |∂L/∂z| over batch and units", "log"
    ),
    Metric(
        "signal_grad_kurtosis",
        "Signal kurtosis",
        "E[δ⁴]/E[δ²]² of signal gradients; 3 for a Gaussian, more where few samples or units have "
        "nearly all of it",
        "log",
    ),
    Metric(
        "signal_small",
        "Subnormal signals",
        "share of signal gradients that are not 0 but below the normal range of their type, where "
        "digits are lost",
        "share",
    ),
    Metric(
        "grad_zeros",
        "Zero weight gradients",
        "share of entries of ∂L/∂W that are exactly 0",
        "share",
    ),
    Metric(
        "update_cosine",
        "Cosine of updates",
        "between ΔW and the update measured before: near 1 steps go on, near −1 they turn back",
        "linear",
    ),
    Metric(
        "surprise",
        "Gradient : √v",
        "RMS(g/√v), v the running mean of g² in Adam and its kin; 1 when gradients are as before",
        "log",
    ),
    Metric(
        "dormant",
        "Dormant units",
        "share of units whose mean |h| is at most 1/40 of the layer's mean",
        "share",
    ),
    Metric(
        "attention_logit",
        "Largest attention logit",
        "largest q·k·scale + mask that a softmax is given, of some queries of each head",
        "log",
    ),
    Metric(
        "attention_entropy",
        "Attention entropy",
        "−Σ p ln p over the ln of the keys in sight, mean over heads: 0 where each query looks at "
        "one key alone",
        "unit",
    ),
    Metric(
        "attention_lowest",
        "Attention entropy, lowest head",
        "the same of the head that has least",
        "unit",
    ),
    Metric(
        "router_evenness",
        "Router's evenness",
        "−Σ f ln f over the ln of the experts, f the share of choices each got: 1 where all are "
        "used alike",
        "unit",
    ),
    Metric(
        "idle_experts",
        "Idle experts",
        "share of a router's experts that no token of the step chose",
        "share",
    ),
    Metric(
        "expert_share",
        "Expert's share",
        "of a step's choices, at the expert's layers; at the router that of the fullest one",
        "unit",
    ),
)
"""Per layer and step, in the order of the last axis of ``StepBatch.values``."""

SCALARS = _table(
    Metric("loss", "Loss", "cross-entropy on the batch, in nats", "linear", "nats"),
    Metric("accuracy", "Accuracy", "share of the batch classified correctly", "share"),
    Metric("heldout_loss", "Held-out loss", "on the held-out set, last measured", "linear", "nats"),
    Metric("heldout_accuracy", "Held-out accuracy", "held-out set, last measured", "share"),
    Metric("grad_norm", "Global gradient norm", "over all parameters, before clipping", "log"),
    Metric("clipped_norm", "Clipped global norm", "over all parameters, after clipping", "log"),
    Metric("lr", "Learning rate", "of this step", "log"),
    Metric("step_time", "Step time", "training alone", "linear", "s"),
    Metric("probe_time", "Probe time", "what watching added", "linear", "s"),
    Metric("clip_cosine", "Cosine of clipping", "between all gradients before and after", "linear"),
    Metric(
        "left_norm",
        "Left-over gradient",
        "norm of the gradients before a step's first backward pass; 0 where they are zeroed",
        "log",
    ),
)
"""Per step, in the order of the last axis of ``StepBatch.scalars``."""

MOST_OWN = 8
"""Scalars that a watched loop may have of its own."""

METRIC_INDEX = {key: i for i, key in enumerate(METRICS)}
SCALAR_INDEX = {key: i for i, key in enumerate(SCALARS)}


class Step(NamedTuple):
    """One measured step: values [layers, metrics], scalars [scalars], and a loop's own by name."""

    number: int
    values: NDArray[np.float32]
    scalars: NDArray[np.float64]
    own: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class StepBatch:
    """Consecutive measured steps: what the probe fills, the store keeps and the figures draw.

    Attributes:
        steps: int64 [steps], counted from 1.
        values: float32 [steps, layers, metrics]; layer ``i`` of a network stands at index
            ``i − 1``, the output layer last. NaN where a metric has no meaning for a layer.
        scalars: float64 [steps, scalars].
        own: a watched loop's own scalars by name, each float64 [steps]; NaN where none was given.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float32]
    scalars: NDArray[np.float64]
    own: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layers = self.values.shape[1] if self.values.ndim == 3 else 0
        expected = (len(self.steps), layers, len(METRICS))
        if self.values.shape != expected or self.scalars.shape != (len(self.steps), len(SCALARS)):
            raise ValueError(f"arrays of {expected} expected, {self.values.shape} given")

    @classmethod
    def empty(cls, layers: int = 0) -> "StepBatch":
        """No step at all."""
        return cls(
            np.empty(0, np.int64),
            np.empty((0, layers, len(METRICS)), np.float32),
            np.empty((0, len(SCALARS)), np.float64),
        )

    @classmethod
    def of(cls, steps: "Sequence[Step]") -> "StepBatch":
        """Steps in the order given; what came to have more layers had no numbers for them."""
        if not steps:
            return cls.empty()
        most = max(len(step.values) for step in steps)
        return cls(
            np.array([step.number for step in steps], np.int64),
            np.stack([_widened(step.values, most) for step in steps]),
            np.stack([step.scalars for step in steps]),
            {
                name: np.array([step.own.get(name, np.nan) for step in steps])
                for name in _names(step.own for step in steps)
            },
        )

    @classmethod
    def join(cls, batches: "list[StepBatch]") -> "StepBatch":
        """One batch of several, in the order given."""
        full = [batch for batch in batches if len(batch)]
        if not full:
            return batches[0] if batches else cls.empty()
        most = max(batch.layers for batch in full)
        return cls(
            np.concatenate([batch.steps for batch in full]),
            np.concatenate([_widened(batch.values, most) for batch in full]),
            np.concatenate([batch.scalars for batch in full]),
            {
                name: np.concatenate([batch._of_own(name) for batch in full])
                for name in _names(batch.own for batch in full)
            },
        )

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, rows: "slice | NDArray[np.integer[Any]]") -> "StepBatch":
        own = {name: values[rows] for name, values in self.own.items()}
        return StepBatch(self.steps[rows], self.values[rows], self.scalars[rows], own)

    def _of_own(self, name: str) -> NDArray[np.float64]:
        return self.own.get(name, np.full(len(self), np.nan))

    @property
    def layers(self) -> int:
        """How many layers were measured, the output layer included."""
        return int(self.values.shape[1])

    def metric(self, key: str) -> NDArray[np.float32]:
        """One metric of all layers, [steps, layers]."""
        return self.values[:, :, METRIC_INDEX[key]]

    def scalar(self, key: str) -> NDArray[np.float64]:
        """One scalar, [steps]."""
        return self.scalars[:, SCALAR_INDEX[key]]

    def sound(self) -> "StepBatch":
        """The last step in which every layer's signal is a number; empty where there is none."""
        rows = np.flatnonzero(np.isfinite(self.metric("signal_grad_norm")).all(axis=1))[-1:]
        return self[rows]

    def frame(self) -> "pd.DataFrame":
        """A tidy frame: one row per step and layer, scalars repeated in each, own last."""
        import pandas as pd  # not in the process of a watched model, which asks for none

        count, layers = len(self), self.layers
        columns: dict[str, Any] = {
            "step": np.repeat(self.steps, layers),
            "layer": np.tile(np.arange(1, layers + 1), count),
        }
        flat = self.values.reshape(count * layers, len(METRICS))
        columns |= {key: flat[:, i] for key, i in METRIC_INDEX.items()}
        columns |= {key: np.repeat(self.scalar(key), layers) for key in SCALARS}
        columns |= {name: np.repeat(values, layers) for name, values in self.own.items()}
        return pd.DataFrame(columns)


def _names(owns: Iterable[Mapping[str, Any]]) -> list[str]:
    """All names, in the order in which they came."""
    return list(dict.fromkeys(name for own in owns for name in own))


def _widened(values: NDArray[np.float32], layers: int) -> NDArray[np.float32]:
    """[…, layers, metrics] with so many layers, NaN for those that are added."""
    missing = layers - values.shape[-2]
    if not missing:
        return values
    around = [(0, 0)] * (values.ndim - 2) + [(0, missing), (0, 0)]
    return np.pad(values, around, constant_values=np.nan)


@dataclass(frozen=True)
class Event:
    """Something that happened at a step: a live change, a pause, a divergence."""

    step: int
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DeadUnits:
    """Which hidden units are 0 for every probe sample from a step on, bool [layers, units]."""

    step: int
    dead: NDArray[np.bool_]


@dataclass(frozen=True)
class PatientZero:
    """Where a non-finite value appeared first.

    ``tensor`` is ``weight``, ``activation``, ``signal_grad``, ``weight_grad``, ``bias_grad``
    or ``loss``; ``layer`` counts from 1, the output layer is depth + 1.
    """

    step: int
    layer: int
    tensor: str

    @property
    def within(self) -> bool:
        """Whether it was seen in its layer: a loss is of none."""
        return self.tensor != "loss"


@dataclass(frozen=True)
class Command:
    """A wish sent to a run: pause, resume, step, stop, or ``set`` of fields that may change live.

    ``set`` carries the changes of the configuration; ``pace`` carries ``steps_per_second``,
    0 for as fast as possible. ``aside`` is the server's own: keep all that the run needs to go on,
    in the ``state`` it then has, and give the worker back. ``cell`` asks for nothing: the run is a
    sweep's, which alone goes on with it.

    Attributes:
        number: the store's; 0 for one that was not left there.
    """

    kind: Literal["pause", "resume", "step", "stop", "set", "pace", "aside", "cell"]
    data: Mapping[str, Any] = field(default_factory=dict)
    number: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Summary:
    """How a run ended. Loss and accuracy are held-out ones of the last step taken."""

    state: Literal["finished", "stopped", "diverged"]
    steps: int
    loss: float | None
    accuracy: float | None
    patient_zero: PatientZero | None = None


Severity = Literal["ill", "watch", "fine"]
Tone = Literal["vanishing", "exploding", "lost", "healthy"]
"""The colour of a diagnosis: blue, red, amber, grey."""


Trial = Literal["untried", "trying", "helped"]


@dataclass(frozen=True)
class Remedy:
    """A change of the configuration that should help, and what its button says.

    Attributes:
        changes: none where it is advice on a model that is not ours to change.
        effect: what came of it when it was tried, empty where it was not; advice in words.
        place: which of the places for remedies it stands in, from 0.
    """

    label: str
    changes: Mapping[str, Any]
    effect: str = ""
    trial: Trial = "untried"
    place: int = 0

    def words(self) -> list[str]:
        """The change as ``key=value`` words."""
        return [f"{key}={str(value).lower()}" for key, value in self.changes.items()]


@dataclass(frozen=True)
class Diagnosis:
    """What is going on: the rule that says so, where, since when, with its numbers."""

    rule: str
    severity: Severity
    title: str
    sentence: str
    layers: tuple[int, ...] = ()
    since_step: int | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()
    chart: str = "lead"
    tone: Tone = "lost"
