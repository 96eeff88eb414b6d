"""What a run trains: the lab's network, or a model that is not the lab's own.

Rules and page ask either the same questions, in the keys of the tables of choices; what can't be
known of a stranger's model has a neutral answer.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, field_validator

from diagnostics.subject.activations import key_of
from diagnostics.subject.config import RunConfig
from diagnostics.subject.ways import ways


class Unwatchable(ValueError):
    """A model that can't be watched: one sentence that says why."""


class Stopped(RuntimeError):
    """Training was stopped because of a diagnosis that ``raise_on`` names."""


class Subject(Protocol):
    """What rules and page ask of what a run trains."""

    @property
    def lab(self) -> RunConfig | None:
        """What can be predicted, tried and changed; None for a model that is not the lab's."""

    @property
    def init(self) -> str:
        """A key of ``INITIALIZATIONS``; empty where it is not known."""

    @property
    def activation(self) -> str:
        """A key of ``ACTIVATIONS``, or what torch calls another in small letters; maybe empty."""

    @property
    def norm(self) -> str:
        """A key of ``NORMS``."""

    @property
    def residual(self) -> bool:
        """Whether something goes around layers."""

    @property
    def clip(self) -> str:
        """A key of ``CLIPS``."""

    @property
    def clip_threshold(self) -> float:
        """What clipping limits to."""

    @property
    def scales_steps(self) -> bool:
        """Whether the optimizer scales each weight's step by its own gradients."""

    @property
    def steps(self) -> int:
        """How long it trains; 0 where that is not known."""

    @property
    def hidden_layers(self) -> int:
        """All layers but the output."""

    @property
    def layer_word(self) -> str:
        """What a hidden layer is called."""

    @property
    def names(self) -> tuple[str, ...]:
        """What layers are called beside their number; empty where they have no names."""

    @property
    def unseen(self) -> tuple[str, ...]:
        """Sentences on what can't be seen of it."""

    @property
    def frozen(self) -> tuple[int, ...]:
        """Places of layers, from 0, that are not trained."""

    @property
    def unzeroed(self) -> bool:
        """Whether gradients of steps before still lie there when backward passes begin."""

    @property
    def unmoved(self) -> bool:
        """Whether the optimizer holds none of its weights."""

    @property
    def ways(self) -> tuple[tuple[int, ...], ...]:
        """Ways that data take through layers, as places from 0: along them signals compare."""

    @property
    def label(self) -> str:
        """What tells it from others, in short."""

    def words(self) -> list[str]:
        """It in ``key=value`` words."""

    def model_dump(self) -> dict[str, Any]:
        """It as the store keeps it."""


class WatchedLayer(BaseModel):
    """A layer: its path as in ``named_modules()``, its class, and the activation seen after it.

    Attributes:
        activation: a key of ``ACTIVATIONS``, or what torch calls another in small letters.
        frozen: none of its weights wants a gradient.
        moved: whether a watched optimizer holds some of its weights; of others no update is known.
        after: places (from 0) of the layers whose outputs its input is made of, the nearest ones
            that no other of them is made of; None where that is not known.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str = ""
    activation: str = ""
    frozen: bool = False
    moved: bool = True
    after: tuple[int, ...] | None = None

    @field_validator("activation")
    @classmethod
    def _key(cls, name: str) -> str:
        return key_of(name) if name else name

    @property
    def block(self) -> str:
        """What its path says it is a part of; empty at the top."""
        return self.name.rpartition(".")[0]


class WatchedModel(BaseModel):
    """What is watched.

    Attributes:
        optimizer: its class in small letters.
        scales_steps: whether it scales each weight's step by its own gradients.
        layers: in the order of their first call; empty before it.
        norm: batch or layer where such a module was seen.
        residual: whether tensors of one shape were added up on the way.
        clip: norm once clipping was seen, with the largest norm that came out of it.
        unseen: sentences on what can't be seen.
        unzeroed: whether gradients of steps before still lay there when backward passes began.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    optimizer: str = ""
    scales_steps: bool = False
    layers: tuple[WatchedLayer, ...] = ()
    norm: str = "none"
    residual: bool = False
    clip: str = "none"
    clip_threshold: float = 0.0
    unseen: tuple[str, ...] = ()
    unzeroed: bool = False

    @property
    def lab(self) -> None:
        """It is not the lab's own."""

    @property
    def label(self) -> str:
        """Its class."""
        return self.model

    @property
    def init(self) -> str:
        """How weights were drawn is not known."""
        return ""

    @property
    def activation(self) -> str:
        """The activation seen most."""
        seen = [layer.activation for layer in self.layers if layer.activation]
        return max(set(seen), key=seen.count) if seen else ""

    @property
    def steps(self) -> int:
        """How long training will go on is not known."""
        return 0

    @property
    def hidden_layers(self) -> int:
        """All but the last."""
        return max(1, len(self.layers) - 1)

    @property
    def layer_word(self) -> str:
        """What a layer is called."""
        return "layer"

    @property
    def names(self) -> tuple[str, ...]:
        """The layers' paths."""
        return tuple(layer.name for layer in self.layers)

    @property
    def frozen(self) -> tuple[int, ...]:
        """Places of layers, from 0, whose weights want no gradient."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.frozen)

    @property
    def unmoved(self) -> bool:
        """Whether no watched optimizer holds any of its weights."""
        return bool(self.layers) and not any(layer.moved for layer in self.layers)

    @property
    def ways(self) -> tuple[tuple[int, ...], ...]:
        """Where it isn't known what follows what, all layers are taken for one way."""
        after = [layer.after for layer in self.layers]
        if all(found is None for found in after):
            return (tuple(range(len(after))),)
        return ways(tuple(found or () for found in after))

    def words(self) -> list[str]:
        """For a list of runs."""
        return [f"model={self.model}", f"layers={len(self.layers)}", f"optimizer={self.optimizer}"]


def subject(stored: Mapping[str, Any]) -> RunConfig | WatchedModel:
    """A subject as the store keeps it. Raises ``InvalidConfig``."""
    return WatchedModel(**stored) if "model" in stored else RunConfig.make(stored)
