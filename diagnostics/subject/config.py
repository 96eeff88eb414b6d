"""A run's configuration: fields, defaults, ranges, and the words that spell it.

A link, a lesson, a command line and a row of the store are all the same ``RunConfig``.
"""

import math
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.choices import (
    ARCHITECTURES,
    CLIPS,
    DATASETS,
    NORM_POSITIONS,
    NORMS,
    OPTIMIZERS,
    Choices,
)
from diagnostics.subject.initializations import INITIALIZATIONS
from diagnostics.subject.printable import Refusal

Place = Literal["remedies", "network", "training", "advanced"]


BATCH_NORM_ALONE = (
    "batch_size=1 can't be used with norm=batch: batch norm needs a batch_size from 2 to 2048."
)


class InvalidConfig(Refusal, ValueError):
    """A configuration that can't be: one sentence naming field, value and what is allowed.

    ``field`` is the one to be mended, empty where it is none.
    """

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


DECIMAL_COMMA = re.compile(
    r"([+-]?(?:0?,\d+|\d+,(?:\d{1,2}|\d{4,})))((?:e[+-]?\d+)?)", re.IGNORECASE
)
"""Not 1,000, which some read as a thousand and others as one."""


def typed(text: str, kind: object) -> str | int:
    """A number as people type it: 1e-3, .001, 0,01, and 1e3 for a whole one."""
    if kind is float and (found := DECIMAL_COMMA.fullmatch(text)):
        return found[1].replace(",", ".") + found[2]
    if kind is int and re.fullmatch(r"\+?\d+(?:\.\d*)?e\+?\d{1,2}", text, re.IGNORECASE):
        number = float(text)
        return int(number) if number.is_integer() else text
    return text


def _field(
    default: Any,
    place: Place,
    label: str,
    help: str,
    *,
    choices: Choices | None = None,
    live: bool = False,
    slider: bool = False,
    **limits: Any,
) -> Any:
    extra: dict[str, Any] = {"place": place, "live": live, "slider": slider, "choices": choices}
    return Field(default, title=label, description=help, json_schema_extra=extra, **limits)


class RunConfig(BaseModel):
    """What to train. Frozen; every field declares its range, its help and its place on the page."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    init: str = _field(
        "glorot_normal",
        "remedies",
        "Initialization",
        "how weights are drawn",
        choices=INITIALIZATIONS,
    )
    init_std: float = _field(1.0, "remedies", "Standard deviation", "of init=normal", gt=0, le=100)
    gain: float = _field(
        1.0, "remedies", "Gain", "of init=orthogonal and init=identity", gt=0, le=10
    )
    activation: str = _field(
        "sigmoid", "remedies", "Activation", "of the hidden layers", choices=ACTIVATIONS
    )
    alpha: float = _field(
        0.01, "remedies", "Alpha", "slope of leaky ReLU below 0; PReLU starts there", ge=0, le=1
    )
    norm: str = _field("none", "remedies", "Normalization", "batch or layer norm", choices=NORMS)
    norm_position: str = _field(
        "before", "remedies", "Position", "of the normalization", choices=NORM_POSITIONS
    )
    clip: str = _field(
        "none",
        "remedies",
        "Gradient clipping",
        "how gradients are limited",
        choices=CLIPS,
        live=True,
    )
    clip_threshold: float = _field(
        1.0, "remedies", "Threshold", "largest norm, value or ratio", live=True, gt=0, le=1e6
    )
    architecture: str = _field(
        "mlp", "advanced", "Architecture", "the kind of network", choices=ARCHITECTURES
    )
    depth: int = _field(
        20, "network", "Depth", "hidden layers of an MLP", slider=True, ge=1, le=100
    )
    chunk: int = _field(
        8, "advanced", "Inputs per time step", "an RNN reads digits in rows of 8", ge=1, le=64
    )
    width: int = _field(64, "network", "Width", "units per hidden layer", ge=2, le=1024)
    residual: bool = _field(
        False, "network", "Residual connections", "each hidden layer adds to its input"
    )
    dropout: float = _field(
        0.0, "advanced", "Dropout", "share of activations dropped", ge=0, le=0.95
    )
    dataset: str = _field("digits", "training", "Data", "what to learn", choices=DATASETS)
    optimizer: str = _field(
        "sgd", "training", "Optimizer", "how steps are made", choices=OPTIMIZERS
    )
    lr: float = _field(
        0.05, "training", "Learning rate", "size of a step", live=True, gt=0, le=1000
    )
    weight_decay: float = _field(
        0.0, "advanced", "Weight decay", "pull of the weights to zero", ge=0, le=10
    )
    max_norm: float = _field(
        0.0, "advanced", "Max-norm", "largest norm of a unit's weights; 0 is off", ge=0, le=1000
    )
    early_stopping: int = _field(
        0,
        "advanced",
        "Early stopping",
        "steps without a better held-out loss before the end; 0 is never",
        ge=0,
        le=1_000_000,
    )
    batch_size: int = _field(64, "advanced", "Batch size", "samples per step", ge=1, le=2048)
    accumulate: int = _field(
        1, "advanced", "Accumulation", "batches summed into one step", ge=1, le=64
    )
    steps: int = _field(2000, "training", "Steps", "how long to train", ge=1, le=1_000_000)
    seed: int = _field(0, "advanced", "Seed", "of weights, batches and dropout", ge=0, le=2**31 - 1)

    @field_validator("*", mode="before")
    @classmethod
    def _no_silent_casts(cls, value: Any, info: Any) -> Any:
        """Refuse what pydantic would quietly turn into something else: 1.0 for yes, True for 1."""
        kind = cls.model_fields[info.field_name].annotation
        if isinstance(value, bool) is not (kind is bool) and not isinstance(value, str):
            raise ValueError("wrong type")
        return typed(value.strip(), kind) if isinstance(value, str) else value

    @field_validator("*", mode="after")
    @classmethod
    def _known_key(cls, value: Any, info: Any) -> Any:
        options = choices_of(info.field_name)
        if options is not None and value not in options:
            raise ValueError("unknown key")
        return value

    @model_validator(mode="after")
    def _batch_norm_needs_a_batch(self) -> Self:
        if NORMS[self.norm].over_batch and self.batch_size < 2:
            raise ValueError("batch norm needs a batch")
        return self

    @classmethod
    def make(cls, values: Mapping[str, Any]) -> Self:
        """Validate loose values (strings are welcome).

        Raises:
            InvalidConfig: one sentence about the first thing that is wrong.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if not first["loc"]:
                raise InvalidConfig(BATCH_NORM_ALONE, "batch_size") from None
            field = str(first["loc"][0])
            raise InvalidConfig(sentence(field, values.get(field)), field) from None

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Self:
        """Read ``key=value`` words as typed on a command line. Raises ``InvalidConfig``."""
        values: dict[str, str] = {}
        for word in words:
            key, equals, value = word.partition("=")
            if not equals:
                raise InvalidConfig(f"'{word}' is no key=value pair; write for example depth=30.")
            if key in values:
                raise InvalidConfig(f"{key} is given twice: {values[key]} and {value}.")
            values[key] = value
        return cls.make(values)

    @classmethod
    def from_query(cls, query: str) -> Self:
        """Read a link's query. Raises ``InvalidConfig``."""
        pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True)
        return cls.from_words(f"{key}={value}" for key, value in pairs)

    @property
    def inputs(self) -> int:
        """Features of a sample of the dataset."""
        return DATASETS[self.dataset].inputs or self.width

    @property
    def hidden_layers(self) -> int:
        """Hidden layers of the network; an RNN has one for each time step."""
        return -(-self.inputs // self.chunk) if self.recurrent else self.depth

    @property
    def recurrent(self) -> bool:
        """Whether hidden layers are time steps."""
        return ARCHITECTURES[self.architecture].recurrent

    @property
    def layer_word(self) -> str:
        """What a hidden layer is called."""
        return ARCHITECTURES[self.architecture].layer_word

    @property
    def scales_steps(self) -> bool:
        """Whether the optimizer scales each weight's step by its own gradients."""
        return OPTIMIZERS[self.optimizer].scales_steps

    @property
    def label(self) -> str:
        """The four remedies in short."""
        parts = [self.activation, self.init]
        parts += [f"{self.norm} norm"] if self.norm != "none" else []
        parts += [f"clip {self.clip}"] if self.clip != "none" else []
        return " · ".join(part.replace("_", " ") for part in parts)

    @property
    def lab(self) -> Self:
        """What can be predicted, tried and changed: all of it."""
        return self

    def parameter(self, field: str) -> float:
        """The parameter of the option chosen for a field; NaN where it has none."""
        options = choices_of(field)
        assert options is not None
        key = options[getattr(self, field)].parameter
        return float(getattr(self, key)) if key else math.nan

    @property
    def unseen(self) -> tuple[str, ...]:
        """What can't be seen: nothing is hidden here."""
        return ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the layers are called beside their number: nothing here."""
        return ()

    @property
    def frozen(self) -> tuple[int, ...]:
        """All layers are trained."""
        return ()

    @property
    def unzeroed(self) -> bool:
        """Gradients are set to 0."""
        return False

    @property
    def unmoved(self) -> bool:
        """Its optimizer is its own."""
        return False

    @property
    def ways(self) -> tuple[tuple[int, ...], ...]:
        """One through all layers."""
        return (tuple(range(self.hidden_layers + 1)),)

    def changed(self, **values: Any) -> Self:
        """A validated copy with some fields changed. Raises ``InvalidConfig``."""
        return self.make({**self.model_dump(), **values})

    def differences(self) -> dict[str, Any]:
        """The fields that differ from their defaults, in order of declaration."""
        return self.model_dump(exclude_defaults=True)

    def query(self) -> str:
        """The shortest link query that spells this configuration."""
        return urlencode({key: word(value) for key, value in self.differences().items()})

    def words(self) -> list[str]:
        """The same as ``key=value`` words."""
        return [f"{key}={word(value)}" for key, value in self.differences().items()]


FIELDS: Mapping[str, FieldInfo] = RunConfig.model_fields


def choices_of(field: str) -> Choices | None:
    """The table of keys a field accepts, or None where it takes a number or a switch."""
    found: Choices | None = _extra(field)["choices"]
    return found


def dependence(field: str) -> tuple[str, tuple[str, ...]] | None:
    """(other field, its keys) beside which alone a field means something; None if always."""
    for other in FIELDS:
        keys = tuple(c.key for c in (choices_of(other) or {}).values() if c.parameter == field)
        if keys:
            return other, keys
    return None


def place_of(field: str) -> Place:
    """The group of controls a field stands in."""
    place: Place = _extra(field)["place"]
    return place


def is_slider(field: str) -> bool:
    """Whether a number is chosen by a slider."""
    return bool(_extra(field)["slider"])


def _extra(field: str) -> dict[str, Any]:
    extra = FIELDS[field].json_schema_extra
    assert isinstance(extra, dict)
    return extra


LIVE_FIELDS = tuple(key for key in FIELDS if _extra(key)["live"])
"""The fields that may change while a run is going."""


def limits(field: str) -> dict[str, float]:
    """The bounds of a number: any of ge, gt, le."""
    found = {}
    for constraint in FIELDS[field].metadata:
        for bound in ("ge", "gt", "le"):
            if hasattr(constraint, bound):
                found[bound] = getattr(constraint, bound)
    return found


def allowed(field: str) -> str:
    """What a field accepts, in words that finish the sentence "… must be"."""
    options = choices_of(field)
    if options is not None:
        return "one of " + ", ".join(options)
    kind = FIELDS[field].annotation
    if kind is bool:
        return "true or false"
    noun = "a whole number" if kind is int else "a number"
    bounds = limits(field)
    low = f"above {bounds['gt']:g}" if "gt" in bounds else f"from {bounds['ge']:g}"
    top = bounds["le"]
    high = f"{int(top)}" if kind is int else f"{top:g}"
    return f"{noun} {low} {'up ' if 'gt' in bounds else ''}to {high}"


def sentence(field: str, value: Any) -> str:
    """Name a field, the value it was given, and what it accepts."""
    if field not in FIELDS:
        close = get_close_matches(field, FIELDS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"There is no field '{field}'.{hint} Fields are {', '.join(FIELDS)}."
    return f"{field}={value!s:.60} can't be used: {field} must be {allowed(field)}."


def word(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
