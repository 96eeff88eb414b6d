"""What can be watched in a stranger's model, and what it does between its modules."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch import nn
from torch.nn.modules import activation as activations
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize

from diagnostics.engine.measure.kernels import Flags
from diagnostics.engine.measure.layers import HOLDERS, Layer, own
from diagnostics.subject.watched import Unwatchable

NO_LAYERS = (nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.GroupNorm, _NormBase)
"""They have weights, but no gradient that could vanish on its way through them."""

NO_ACTIVATIONS = (nn.MultiheadAttention, nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.Softmax2d)
COMPILED = "_orig_mod."


class Anatomy(NamedTuple):
    """A model's parts as a probe needs them.

    Attributes:
        layers: modules with weights of their own, in the order of ``named_modules()``.
        activations: modules whose outputs are activations.
        others: parameters of all other modules.
        channels: which layers are convolutions, whose units are channels, [layers].
        norm: batch or layer where such a module is there, else none.
        left_out: classes of modules with weights that are no layers here.
        compiled: whether some of it is, so that not all modules can be heard.
    """

    layers: list[Layer]
    activations: list[nn.Module]
    others: list[nn.Parameter]
    channels: Flags
    norm: str
    left_out: tuple[str, ...]
    compiled: bool = False


def examine(model: nn.Module) -> Anatomy:
    """Take a model apart. Raises ``Unwatchable``."""
    _refuse(model)
    modules = list(model.named_modules())
    parts = {id(part) for _, m in modules for part in _belongings(m)}
    modules = [(name, m) for name, m in modules if id(m) not in parts]
    layers = [
        Layer(clean(name) or type(m).__name__, m, None)
        for name, m in modules
        if not isinstance(m, NO_LAYERS) and any(p.ndim > 1 for p in own(m))
    ]
    if not layers:
        raise Unwatchable(f"{type(model).__name__} has no layer with weights: nothing to watch.")
    inside = {id(layer.linear) for layer in layers}
    return Anatomy(
        layers,
        [m for _, m in modules if _is_activation(m)],
        [p for _, m in modules if id(m) not in inside for p in own(m)],
        np.array([isinstance(layer.linear, _ConvNd) for layer in layers]),
        _norm(m for _, m in modules),
        tuple(sorted({type(m).__name__ for _, m in modules if isinstance(m, NO_LAYERS)})),
        any(_is_compiled(m) for _, m in modules),
    )


def clean(path: str) -> str:
    """A module's path without what compiling adds to it."""
    return f"{path}.".replace(COMPILED, "")[:-1]


def _refuse(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise Unwatchable(f"model={model!r:.60} can't be watched: it must be a torch.nn.Module.")
    names = {type(m).__name__ for m in model.modules()}
    if "FullyShardedDataParallel" in names:
        raise Unwatchable(
            "A model in FullyShardedDataParallel can't be watched: its parameters lie in pieces of "
            "one another. Shard it by torch.distributed.fsdp.fully_shard."
        )
    if any(isinstance(p, UninitializedParameter) for p in model.parameters()):
        raise Unwatchable("The model has lazy parameters: pass one batch through it first.")


def _is_compiled(module: nn.Module) -> bool:
    wrapped = hasattr(module.forward, "_torchdynamo_orig_callable")
    return wrapped or module._compiled_call_impl is not None


def _belongings(module: nn.Module) -> Iterator[nn.Module]:
    """Modules inside that only hold what is the module's own: lists, and what makes its weights."""
    for part in module.children():
        if isinstance(part, HOLDERS):
            yield part
    if parametrize.is_parametrized(module):
        yield from module.parametrizations.modules()  # type: ignore[union-attr]


def _is_activation(module: nn.Module) -> bool:
    known = type(module).__module__ == activations.__name__
    return known and not isinstance(module, NO_ACTIVATIONS)


def _norm(modules: Iterator[nn.Module]) -> str:
    for module in modules:
        if isinstance(module, _NormBase):
            return "batch"
        if isinstance(module, nn.LayerNorm):
            return "layer"
    return "none"
