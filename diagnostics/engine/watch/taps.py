"""Taps in a compiled model: sums leave its graph as gradients of leaves of ours.

What is compiled calls no module that could be heard. A forward hook is traced with it, though: it
sends a layer's output through functions that change nothing, whose backward pass gives a leaf a
few sums of δ, and those of z or h that the forward pass had kept, as if they were its gradient. A
leaf that wants no gradient is the flag: torch keeps a second graph then, with nothing of ours in
it. Leaves are no parameters: no optimizer, DistributedDataParallel or clipping sees them.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._dynamo.comptime import comptime

from diagnostics.engine.measure import hearing
from diagnostics.engine.measure.layers import EVERYWHERE, linear_range
from diagnostics.engine.measure.sums import WIDTH

INFINITE = float("inf")

exporting: Callable[[], bool] = getattr(torch.compiler, "is_exporting", bool)
"""Whether ``torch.export`` is at work; False where torch can't tell yet."""


class _Signal(torch.autograd.Function):
    """Gives a leaf sums of the gradient that comes back to z."""

    @staticmethod
    def forward(z: Tensor, leaf: Tensor) -> Tensor:
        return z.clone()  # a view could not be worked on in place

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, δ: Tensor) -> tuple[Tensor, Tensor]:
        return δ, _signal_sums(δ)


class _Output(torch.autograd.Function):
    """Gives a leaf, in the backward pass, sums of what came by in the forward pass."""

    @staticmethod
    def forward(h: Tensor, leaf: Tensor, bounded: bool) -> tuple[Tensor, Tensor]:
        return h.clone(), _output_sums(h, leaf, bounded)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(output[1])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, δ: Tensor, unused: Tensor) -> tuple[Tensor, Tensor, None]:
        return δ, ctx.saved_tensors[0], None


def _signal_sums(δ: Tensor) -> Tensor:
    """``SIGNAL``, float64 [WIDTH]: no square of a float32 leaves the range."""
    exact = δ.double()
    size, square = exact.abs(), exact.square()
    return _row(
        δ,
        _count(~(size < INFINITE)),
        square.sum(),
        square.square().sum(),
        size.amax(),
        _count(size == 0),
        _count(size < torch.finfo(δ.dtype).tiny),
    )


def _output_sums(h: Tensor, leaf: Tensor, bounded: bool) -> Tensor:
    """``OUTPUT``, float64 [WIDTH]; the leaf begins with the shift and the linear range."""
    exact = h.double()
    size, off = exact.abs(), exact - leaf[0]
    square = off.square()
    found = [
        _count(~(size < INFINITE)),
        off.sum(),
        square.sum(),
        (square * off).sum(),
        square.square().sum(),
        size.amax(),
        _count(size == 0),
    ]
    if bounded:
        found.append(_count(exact < leaf[1]) + _count(exact > leaf[2]))
    return _row(h, *found)


def _count(which: Tensor) -> Tensor:
    """As floats: whole numbers among them would keep a compiler from going in lanes."""
    return which.double().sum()


def _row(x: Tensor, *sums: Tensor) -> Tensor:
    """Behind a 1, which counts calls, and the number of entries.

    Chosen by place: of what is stacked each number would be a buffer of its own.
    """
    place = torch.arange(WIDTH, device=x.device)
    row = torch.where(place == 0, 1.0, torch.where(place == 1, x.numel(), 0)).double()
    for k, one in enumerate(sums, 2):
        row = torch.where(place == k, one, row)
    return row


class Tap:
    """A forward hook, traced where its module is compiled.

    Args:
        path: of the module, as in ``named_modules()``.
        layer: its index, of a layer.
        output: whether what comes by is summed up as well as δ.
        noted: takes each tap that is called, or traced, in that order.

    Attributes:
        signal: the leaf for sums of δ, of a layer.
        output: that for sums of what comes by.
        shift: what is taken off it.
    """

    def __init__(
        self,
        path: str,
        module: nn.Module,
        device: torch.device,
        layer: int | None,
        output: bool,
        noted: list["Tap"],
    ) -> None:
        self.path, self.module, self.layer = path, module, layer
        self.span = linear_range(module) if layer is None else None
        self.shift = 0.0
        self.signal = None if layer is None else _leaf(device)
        self.output = _leaf(device, 0.0, *(self.span or EVERYWHERE)) if output else None
        self._device, self._noted = device, noted

    @property
    def leaves(self) -> list[Tensor]:
        """Those that it has."""
        return [leaf for leaf in (self.signal, self.output) if leaf is not None]

    def move(self, shift: float) -> None:
        """Take something else off what comes by, from the next forward pass on."""
        assert self.output is not None
        self.shift = shift
        with torch.no_grad():
            self.output[0] = shift

    def __call__(self, module: nn.Module, args: object, output: Any) -> Any:
        """Send an output through; None where there is nothing to be seen of it."""
        if not torch.is_grad_enabled() or exporting():
            return None
        if not torch.compiler.is_compiling() and hearing.transformed():
            return None
        comptime(_traced, self._called)
        if type(output) is tuple:
            return tuple([self._through(one) for one in output])
        return self._through(output)

    def _through(self, z: Any) -> Any:
        if type(z) is not Tensor or not z.requires_grad or not z.is_floating_point():
            return z
        if z.device != self._device or not z.numel():
            return z
        if self.output is not None and self.output.requires_grad:
            z = _Output.apply(z, self.output, self.span is not None)[0]  # type: ignore[no-untyped-call]
        if self.signal is not None and self.signal.requires_grad:
            z = _Signal.apply(z, self.signal)  # type: ignore[no-untyped-call]
        return z

    def _called(self) -> None:
        """Where nothing is compiled, hooks are called each time."""
        if self.leaves[0].requires_grad:
            self.note()

    def note(self) -> None:
        """It was called, or traced."""
        self._noted.append(self)


def _leaf(device: torch.device, *given: float) -> Tensor:
    leaf = torch.zeros(WIDTH, dtype=torch.float64, device=device)
    leaf[: len(given)] = torch.tensor(given, dtype=torch.float64, device=device)
    return leaf


def _traced(context: Any) -> None:
    """Called by torch while it traces a tap; a graph that several modules share is traced once."""
    tap = context.get_local("self")._i_will_not_complain_if_bc_breaks_VariableTracker()
    found = getattr(tap, "value", None)
    if isinstance(found, Tap):
        found.note()
