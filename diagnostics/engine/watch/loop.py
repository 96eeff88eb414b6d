"""What can be told of a stranger's training loop from where it calls."""

from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import Tensor

SCALING = ("eps", "etas", "beta2_decay", "ns_coefficients")

DEPTH_SEARCHED = 12
"""Frames between an optimizer's step and the GradScaler that called it, and some more."""


def when_backward_ends(act: Callable[[], None]) -> None:
    """Have something done at the end of the backward pass that is going on."""
    torch.autograd.Variable._execution_engine.queue_callback(act)


def current_backward() -> int:
    """The number of the backward pass that is going on."""
    return int(torch._C._current_graph_task_id())


def number(loss: Any, measuring: bool) -> float | None:
    """A loss as a number; None where none was given, or it isn't looked at.

    One on another device is looked at in measured steps only: every look waits for the device.
    """
    if loss is None or (isinstance(loss, Tensor) and not loss.is_cpu and not measuring):
        return None
    return float(loss.item() if isinstance(loss, Tensor) else loss)


def will_skip(optimizer: Any) -> bool:
    """Whether a fused optimizer was told by a GradScaler that its gradients are not finite."""
    found = getattr(optimizer, "found_inf", None)
    return found is not None and bool(found)


def scales_steps(optimizer: torch.optim.Optimizer) -> bool:
    """Whether an optimizer scales each weight's step by that weight's own gradients.

    Told by its settings, not by its name: what divides by a running size of gradients has an eps
    that is not 0, what takes signs a second beta (Lion) or etas (Rprop), what orthogonalizes
    coefficients for that (Muon). A wrapper shows the settings of what it wraps.
    """
    known = {**getattr(optimizer, "defaults", {}), **optimizer.param_groups[0]}
    betas = known.get("betas") or ()
    return any(known.get(key) for key in SCALING) or any(betas[1:])


def find_scaler(frame: FrameType | None) -> Any:
    """The GradScaler on whose behalf the optimizer steps, if there is one."""
    for _ in range(DEPTH_SEARCHED):
        if frame is None:
            return None
        owner = frame.f_locals.get("self")
        if isinstance(owner, torch.amp.GradScaler) and owner.is_enabled():
            return owner
        frame = frame.f_back
    return None


def is_follower() -> bool:
    """Whether another process of the same training watches: rank 0 does."""
    distributed = torch.distributed
    ready = distributed.is_available() and distributed.is_initialized()
    return ready and distributed.get_rank() > 0
