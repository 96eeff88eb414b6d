"""What Adam and its kin remember of a weight: the running mean v of its squared gradients."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from diagnostics.engine.measure import gate

COUPLED = (
    torch.optim.Adam,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.RMSprop,
    torch.optim.Adadelta,
)
"""These square a gradient together with the weight's decay, unless they are told otherwise."""


class Memory(NamedTuple):
    """What is remembered of a weight.

    Attributes:
        gradient: what the optimizer was given last.
        squares: v, which began at 0.
        steps: how many gradients are in it; a number, or a tensor of one.
        forgets: what of v is kept at each step, β₂ of Adam.
        floor: ε, which is added to √v.
        decay: λ, where what is squared is the gradient plus λ times the weight.
    """

    gradient: Tensor
    squares: Tensor
    steps: Any
    forgets: float
    floor: float
    decay: float


def memories(
    optimizers: Sequence[Optimizer], weights: Sequence[nn.Parameter]
) -> list[Memory | None]:
    """What optimizers that have just stepped remember of weights; None where none has a v."""
    known = dict(pair for one in optimizers for pair in _remembered(one))
    return [known.get(id(weight)) for weight in weights]


def _remembered(optimizer: Optimizer) -> Iterator[tuple[int, Memory]]:
    first = next(iter(optimizer.state.values()), None)
    if not isinstance(first, Mapping) or _squares(first) is None:
        return
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            memory = _memory(optimizer, group, parameter)
            if memory is not None:
                yield id(parameter), memory


def _memory(optimizer: Optimizer, group: Mapping[str, Any], parameter: Tensor) -> Memory | None:
    state, gradient = optimizer.state.get(parameter, {}), parameter.grad
    squares, forgets = _squares(state), _forgets(group)
    if gradient is None or squares is None or forgets is None or not _begun(state.get("step")):
        return None
    if not (_alike(squares, parameter) and _alike(gradient, parameter)):
        return None
    floor, decay = float(group.get("eps") or 0.0), _decay(optimizer, group)
    return Memory(gradient, squares, state["step"], forgets, floor, decay)


def _begun(steps: Any) -> bool:
    """Whether any were taken; of those that another device counts nobody asks: one just was."""
    return isinstance(steps, Tensor) or bool(steps)


def _squares(state: Mapping[str, Any]) -> Tensor | None:
    found = state.get("exp_avg_sq", state.get("square_avg"))
    return found if isinstance(found, Tensor) else None


def _forgets(group: Mapping[str, Any]) -> float | None:
    """How much of v is kept at each step; None where that is not known."""
    betas: Sequence[Any] = group.get("betas") or ()
    found = betas[1] if len(betas) > 1 else group.get("alpha", group.get("rho"))
    return None if found is None else float(found)


def _decay(optimizer: Optimizer, group: Mapping[str, Any]) -> float:
    if not isinstance(optimizer, COUPLED) or group.get("decoupled_weight_decay"):
        return 0.0
    decay = float(group.get("weight_decay") or 0.0)
    return -decay if group.get("maximize") else decay


def _alike(tensor: Tensor, parameter: Tensor) -> bool:
    """Whether entries lie beside those of a parameter."""
    return (
        type(tensor) in gate.PLAIN
        and tensor.is_floating_point()
        and tensor.layout is torch.strided
        and tensor.shape == parameter.shape
    )
