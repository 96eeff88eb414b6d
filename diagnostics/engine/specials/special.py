"""What specials are: numbers beside those of layers, read where a function of torch is called."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from diagnostics.engine.measure import gate
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.measured import Measured
from diagnostics.engine.measure.stacked import transferred
from diagnostics.store.records import METRIC_INDEX

Function = Callable[..., Any]


class Reading(NamedTuple):
    """What was read, and how many calls of layers had been heard in this step before.

    Its tensors stay where they are until the step is over, and are arrays then.
    """

    before: int
    numbers: Any


class Special(Protocol):
    """A kind of thing that is watched beside layers. It sees functions called, and no module.

    Attributes:
        metrics: keys of ``METRICS`` that it fills.
    """

    metrics: ClassVar[tuple[str, ...]]

    def __init__(self, model: nn.Module, layers: Sequence[Layer]) -> None: ...

    @property
    def readers(self) -> Mapping[Function, Callable[..., Any]]:
        """By function: what is called with its result and its arguments once it was called.

        Without gradients; None is said where there is nothing to be read.
        """

    def write(self, found: Sequence[Reading], step: Measured) -> None:
        """Fill rows of a step's layers with what was read in it."""


class Unreadable(Exception):
    """A tensor that can't be read, by the name of its kind."""


def plain(tensor: Tensor) -> Tensor:
    """The same without a way back, as numbers that lie as they seem.

    Raises ``Unreadable``, or one of ``gate.BARRED``.
    """
    gate.refuse_captured([tensor])
    found = None if tensor.is_nested else gate.readable(tensor)
    if found is None or found.shape != tensor.shape:
        raise Unreadable("NestedTensor" if tensor.is_nested else gate.name_of(tensor))
    return found


def columns(metrics: Sequence[str]) -> list[int]:
    """Where metrics stand in a row."""
    return [METRIC_INDEX[key] for key in metrics]


def brought(found: Sequence[Reading]) -> list[Reading]:
    """The same, with arrays of float64 in place of tensors, all in one transfer."""
    tensors: list[Tensor] = []
    tree_map_only(Tensor, tensors.append, list(found))
    ends = np.cumsum([tensor.numel() for tensor in tensors], dtype=np.int64)
    parts = zip(np.split(transferred(tensors), ends)[:-1], tensors, strict=True)
    arrays = (part.reshape(tensor.shape) for part, tensor in parts)
    return tree_map_only(Tensor, lambda _: next(arrays), list(found))  # type: ignore[no-any-return]
