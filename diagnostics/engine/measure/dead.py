"""Units that stay exactly 0 for every sample of a fixed probe set."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from diagnostics.engine.measure.layers import Layer

Masks = dict[int, Tensor]


def dead_units(
    layers: Sequence[Layer], forward: Callable[[Tensor], object], parts: Sequence[Tensor]
) -> Masks:
    """Which units of each layer with an activation are dead, bool [units] by the layer's index.

    Args:
        parts: the probe set; once no unit is left that might be dead, the rest of it can't change
            anything and is spared.
    """
    masks: Masks = {}
    handles = [
        layer.activation.register_forward_hook(_look(i, masks))
        for i, layer in enumerate(layers)
        if layer.activation is not None
    ]
    try:
        with torch.no_grad():
            for part in parts:
                forward(part)
                if not any(bool(mask.any()) for mask in masks.values()):
                    break
    finally:
        for handle in handles:
            handle.remove()
    return masks


def _look(i: int, masks: Masks) -> Callable[..., None]:
    def look(module: object, args: object, h: Tensor) -> None:
        dead = ~h.reshape(-1, h.shape[-1]).any(dim=0)
        masks[i] = dead & masks[i] if i in masks else dead

    return look
