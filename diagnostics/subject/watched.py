"""A model that is not the laboratory's own: what is known of it, in the place of a ``RunConfig``.

Rules and page ask either kind the same questions; what can't be known of a stranger's model has a
neutral answer.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from diagnostics.subject.config import RunConfig


class WatchedLayer(BaseModel):
    """A layer: its path as in ``named_modules()``, its class, and the activation seen after it."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str = ""
    activation: str = ""

    @property
    def block(self) -> str:
        """What its path says it is a part of; empty at the top."""
        return self.name.rpartition(".")[0]


class WatchedModel(BaseModel):
    """What is watched.

    Attributes:
        layers: in the order of their first call; empty before it.
        norm: batch or layer where such a module was seen.
        residual: whether tensors of one shape were added up on the way.
        clip: norm once clipping was seen, with the largest norm that came out of it.
        unseen: sentences on what can't be seen.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    optimizer: str = ""
    layers: tuple[WatchedLayer, ...] = ()
    norm: str = "none"
    residual: bool = False
    clip: str = "none"
    clip_threshold: float = 0.0
    unseen: tuple[str, ...] = ()

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

    def words(self) -> list[str]:
        """For a list of runs."""
        return [f"model={self.model}", f"layers={len(self.layers)}", f"optimizer={self.optimizer}"]


Subject = RunConfig | WatchedModel
"""What a run trains."""


def subject(stored: Mapping[str, Any]) -> Subject:
    """A subject as the store keeps it. Raises ``InvalidConfig``."""
    return WatchedModel(**stored) if "model" in stored else RunConfig.make(stored)
