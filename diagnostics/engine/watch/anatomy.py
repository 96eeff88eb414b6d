"""What can be watched in a stranger's model, and what it does between its modules."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules import activation as activations
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from diagnostics.engine.measure import hearing
from diagnostics.engine.measure.kernels import Flags
from diagnostics.engine.measure.layers import HOLDERS, Layer, own
from diagnostics.subject.activations import ACTIVATIONS, Span, key_of
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
    """

    layers: list[Layer]
    activations: list[nn.Module]
    others: list[nn.Parameter]
    channels: Flags
    norm: str
    left_out: tuple[str, ...]


def examine(model: nn.Module) -> Anatomy:
    """Take a model apart. Raises ``Unwatchable``."""
    _refuse(model)
    modules = list(model.named_modules())
    parts = {id(part) for _, m in modules for part in _belongings(m)}
    modules = [(name, m) for name, m in modules if id(m) not in parts]
    layers = [
        Layer(name.replace(COMPILED, "") or type(m).__name__, m, None)
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
    )


def _refuse(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise Unwatchable(f"model={model!r:.60} can't be watched: it must be a torch.nn.Module.")
    names = {type(m).__name__ for m in model.modules()}
    if any(name.startswith(("FSDP", "FullySharded")) for name in names):
        raise Unwatchable("A model in FSDP can't be watched: its parameters lie in pieces.")
    if "OptimizedModule" in names or any(m._compiled_call_impl for m in model.modules()):
        raise Unwatchable(
            "A compiled model can't be watched: torch.compile leaves no room for hooks inside. "
            "Watch the model itself, and compile it for the runs that need no watching."
        )
    if any(isinstance(p, UninitializedParameter) for p in model.parameters()):
        raise Unwatchable("The model has lazy parameters: pass one batch through it first.")


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


Heard = tuple[str, Span | None]
"""What an activation is called, and its linear range where it has one."""


def _functions() -> Iterator[tuple[Callable[..., Any], Heard]]:
    """The functions that compute what modules of ``torch.nn.modules.activation`` compute."""
    for name in sorted(set(activations.__all__) - {kind.__name__ for kind in NO_ACTIVATIONS}):
        key = key_of(name)
        known = key in ACTIVATIONS and key != "hard_tanh"  # whose ends are the caller's
        span = ACTIVATIONS[key].linear_range if known else None
        for room, word in product((F, torch, Tensor), (key, name.lower())):
            for function in filter(None, (getattr(room, w, None) for w in (word, f"{word}_"))):
                yield function, (name, span)


FUNCTIONS: dict[Callable[..., Any], Heard] = dict(_functions())
"""Functional activations, which no module's hook would see."""

ADDITIONS = (torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__iadd__, Tensor.__radd__)


class Listener(TorchFunctionMode):
    """Hears of functional activations, and of tensors of one shape that are added up.

    Args:
        activated: is given each activation's output and linear range.
    """

    def __init__(self, activated: Callable[[str, Tensor, Span | None], None]) -> None:
        super().__init__()
        self._activated = activated
        self.heard = 0
        self.adds = False
        self.entered: set[int] = set()
        """Modules listened to so far, by ``id``."""
        self._inside: nn.Module | None = None

    def enter(self, module: nn.Module, args: object = ()) -> None:
        """Hear what happens inside a module, if it isn't inside another that is listened to.

        Of evaluation nothing is heard: torch takes faster ways there where nobody listens.
        """
        heard = module.training and torch.is_grad_enabled() and not hearing.transformed()
        if self._inside is None and heard:
            self._inside = module
            self.entered.add(id(module))
            self.__enter__()  # type: ignore[no-untyped-call]

    def leave(self, module: nn.Module, args: object = (), output: object = None) -> None:
        """Hear no more once that module is left."""
        if self._inside is module:
            self.close()

    def close(self) -> None:
        """Hear no more; nothing happens where nobody listens."""
        if self._inside is not None:
            self._inside = None
            self.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let the function do its work, and look at what came of it."""
        result = func(*args, **(kwargs or {}))
        found = FUNCTIONS.get(func)
        if found is not None:
            self.heard += 1
            self._activated(found[0], result, found[1])
        elif func in ADDITIONS and _residual(args):
            self.adds = True
        return result


def _residual(args: Any) -> bool:
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return len(tensors) == 2 and tensors[0].shape == tensors[1].shape and tensors[0].ndim > 1
