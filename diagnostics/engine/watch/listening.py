"""What a model computes between its modules: activations, what adds up, what specials read."""

import threading
from collections.abc import Callable, Iterator
from itertools import product
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules import activation as activations
from torch.overrides import TorchFunctionMode

from diagnostics.engine.measure import hearing
from diagnostics.engine.measure.hearing import Ear
from diagnostics.engine.specials.specials import Specials
from diagnostics.engine.watch.anatomy import NO_ACTIVATIONS
from diagnostics.subject.activations import ACTIVATIONS, Span, key_of

DEAF = (
    "Activations that are functions aren't heard: the loop calls neither the model nor one of its "
    "direct parts."
)

EVALUATED = (
    "Activations that are functions aren't heard: the model is trained in evaluation mode, in "
    "which torch takes faster ways where nobody listens."
)

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


def _opened(function: Any) -> Callable[..., Any]:
    """A function that hands itself to whoever listens, as one in which each call is heard."""
    room = {**function.__globals__, "has_torch_function": lambda tensors: False}
    twin = FunctionType(function.__code__, room, function.__name__, function.__defaults__)
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


OPENED = {F.multi_head_attention_forward: _opened(F.multi_head_attention_forward)}

ADDITIONS = (torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__iadd__, Tensor.__radd__)


class Listener(TorchFunctionMode):
    """Hears of functional activations, of tensors of one shape that are added up, for specials.

    Args:
        activated: is given each activation's output and linear range.
        specials: hear of all other functions.
    """

    def __init__(
        self, activated: Callable[[str, Tensor, Span | None], None], specials: Specials
    ) -> None:
        super().__init__()
        self._activated, self._specials = activated, specials
        self.heard = 0
        self.adds = False
        self.entered: set[int] = set()
        """Modules listened to so far, by ``id``."""
        self.evaluated = False
        """Whether a module was called in evaluation mode, with gradients on."""
        self._inside: tuple[nn.Module, int] | None = None

    def enter(self, module: nn.Module, args: object = ()) -> None:
        """Hear what happens inside a module, if it isn't inside another that is listened to.

        Of evaluation nothing is heard: torch takes faster ways there where nobody listens.
        """
        learns = torch.is_grad_enabled() and not hearing.transformed()
        self.evaluated |= learns and not module.training
        heard = module.training and learns
        if self._inside is None and heard:
            self._inside = module, threading.get_ident()
            self.entered.add(id(module))
            self.__enter__()  # type: ignore[no-untyped-call]

    def leave(self, module: nn.Module, args: object = (), output: object = None) -> None:
        """Hear no more once that module is left."""
        if self._inside is not None and self._inside[0] is module:
            self.close()

    def close(self) -> None:
        """Hear no more; nothing happens where nobody listens, or another thread does.

        Each thread has modes of its own: whoever is inside leaves by himself.
        """
        if self._inside is not None and self._inside[1] == threading.get_ident():
            self._inside = None
            self.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let the function do its work, and look at what came of it."""
        kwargs = kwargs or {}
        if func in OPENED:
            with self:
                return OPENED[func](*args, **kwargs)
        result = func(*args, **kwargs)
        found = FUNCTIONS.get(func)
        if found is not None:
            self.heard += 1
            self._activated(found[0], result, found[1])
        elif func in ADDITIONS and _residual(args):
            self.adds = True
        else:
            self._specials.hear(func, result, args, kwargs)
        return result


def _residual(args: Any) -> bool:
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return len(tensors) == 2 and tensors[0].shape == tensors[1].shape and tensors[0].ndim > 1


class Listening:
    """Listens inside a model, and inside its parts where a loop calls those and never the whole.

    Attributes:
        adds: whether tensors of one shape are added up on the way.
        deaf: whether nothing that is listened to was called in a measured step.
        evaluated: whether it was called in evaluation mode, and gradients were wanted.
    """

    def __init__(
        self,
        model: nn.Module,
        activated: Callable[[str, Tensor, Span | None], None],
        specials: Specials,
    ) -> None:
        self._model, self._specials = model, specials
        self._listener: Listener | None = Listener(activated, specials)
        self._ears: list[tuple[nn.Module, Ear]] = []
        self.adds = self.deaf = self.evaluated = False

    def attach(self) -> None:
        """From now on, if there is anything that only listening tells."""
        if self._listener is not None:
            ear = Ear(self._listener.enter, self._listener.leave)
            self._ears = [(module, ear) for module in (self._model, *self._model.children())]
            for module, _ in self._ears:
                hearing.listen(module, ear)

    def detach(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()
        self._leave(self._ears)
        self._ears = []

    def suffice(self, by_modules: int) -> None:
        """A step is over: leave off where modules tell all there is.

        Args:
            by_modules: how many activations they told of.
        """
        if self._listener is None:
            return
        self.adds, self.deaf = self._listener.adds, not self._listener.entered
        self.evaluated = self._listener.evaluated
        if id(self._model) in self._listener.entered:
            self._leave(self._ears[1:])
            del self._ears[1:]
        if self._listener.heard <= by_modules and not self._specials.heard:
            self.detach()
            self._listener = None

    def _leave(self, ears: list[tuple[nn.Module, Ear]]) -> None:
        for module, ear in ears:
            hearing.leave(module, ear)
