"""What can be told of a stranger's training loop from where it calls."""

import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import grad_scaler

from diagnostics.engine.measure import gate

DEPTH_SEARCHED = 12
"""Frames between an optimizer's step and the GradScaler that called it, and some more."""


def when_backward_ends(act: Callable[[], None]) -> None:
    """Have something done at the end of the backward pass that is going on."""
    torch.autograd.Variable._execution_engine.queue_callback(act)


def current_backward() -> int:
    """The number of the backward pass that is going on."""
    return int(torch._C._current_graph_task_id())


def compiling() -> float:
    """Seconds that torch has spent compiling in this process."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return float(dynamo.calculate_time_spent()["total_wall_time"]) if dynamo else 0.0


def replays() -> bool:
    """Whether what is compiled is replayed by CUDA graphs in this process (``reduce-overhead``)."""
    trees = sys.modules.get("torch._inductor.cudagraph_trees")
    if trees is None:
        return False
    containers = trees.get_obj(trees.local, "tree_manager_containers")
    return any(one.tree_manager is not None for one in containers.values())


def number(loss: Any, measuring: bool) -> float | None:
    """A loss as a number; None where none was given, it isn't looked at, or it is none.

    One on another device is looked at in measured steps only: every look waits for the device. Of
    several (as of replicas) it is the mean, of a dict of them (as of tasks) the sum.
    """
    if isinstance(loss, Mapping):
        parts = [number(part, measuring) for part in loss.values()]
        known = [part for part in parts if part is not None]
        return sum(known) if known else None
    if isinstance(loss, Tensor):
        if not loss.numel() or not (loss.is_cpu or measuring) or gate.is_captured(loss):
            return None
        return float(loss.item() if loss.numel() == 1 else loss.detach().cpu().double().mean())
    try:
        return None if loss is None else float(loss)
    except (TypeError, ValueError):
        return None


def settle(model: nn.Module) -> bool:
    """Wait until devices have done all they were given; whether a model lies on any."""
    devices = {parameter.device for parameter in model.parameters()}
    found = False
    for device in devices:
        known = getattr(getattr(torch, device.type, None), "synchronize", None)
        if known is None or device.type == "cpu" or torch.cuda.is_current_stream_capturing():
            continue
        known(*([] if device.type == "mps" else [device]))
        found = True
    return found


def will_skip(optimizer: Any) -> bool:
    """Whether a fused optimizer was told by a GradScaler that its gradients are not finite."""
    found = getattr(optimizer, "found_inf", None)
    return found is not None and bool(found)


def find_scaler(frame: FrameType | None) -> Any:
    """The GradScaler on whose behalf the optimizer steps, if there is one.

    Only its own frames are looked into: one that was keeps what it holds alive to its end.
    """
    for _ in range(DEPTH_SEARCHED):
        if frame is None:
            return None
        own = frame.f_code.co_filename == grad_scaler.__file__
        owner = frame.f_locals.get("self") if own else None
        if isinstance(owner, torch.amp.GradScaler) and owner.is_enabled():
            return owner
        frame = frame.f_back
    return None


def is_follower() -> bool:
    """Whether another process of the same training watches: rank 0 does."""
    distributed = torch.distributed
    ready = distributed.is_available() and distributed.is_initialized()
    return ready and distributed.get_rank() > 0
