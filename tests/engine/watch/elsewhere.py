"""A device that is none: tensors that say they lie elsewhere, and what refuses them there refuses.

Whatever was not brought to the processor (``cpu()``, ``tolist()`` and their like, which are
counted) says that it lies on another: gradients come by in a thread of its own, its entries can't
be read as they are, what lies here and there can't be mixed, and a device without float64 makes
none. So what is done for other devices is tested where there is none.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import FrameType
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

AUTOCAST = torch.autocast
FORK_RNG = torch.random.fork_rng
RUN_BACKWARD = torch.autograd._engine_run_backward

WAITED_FOR = ("cpu", "tolist", "item", "__float__", "__int__", "__bool__", "__index__")
BRINGS = {getattr(Tensor, name) for name in WAITED_FOR}
"""What waits for a device until it has done all that it was given."""

OURS = ("/engine/measure/", "/engine/specials/")
THEIRS = ("/nn/modules/", "/torch/optim/", "/tests/", "/engine/watch/")


class Elsewhere(TorchFunctionMode):
    """While it is on, all tensors lie on a device of some type.

    Args:
        kind: of device.
        doubles: whether it has float64.
        full: told of each call of ours that makes something there; whether no memory is left.

    Attributes:
        waited: how often numbers were waited for.
        captures: whether what is done is recorded, so that nobody may wait for it.
    """

    def __init__(self, kind: str, doubles: bool, full: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self._device, self._doubles, self._full = torch.device(kind), doubles, full
        self._here: dict[int, Tensor] = {}
        self._lies = ExitStack()
        self.waited, self.captures = 0, False

    def __enter__(self) -> "Elsewhere":
        for owner, name, lie in (
            (Tensor, "is_cpu", property(self._is_here)),
            (Tensor, "is_cuda", property(lambda tensor: self._device_of(tensor).type == "cuda")),
            (torch.cuda, "is_current_stream_capturing", lambda: self.captures),
            *((room, "synchronize", self._wait) for room in (torch.cuda, torch.mps)),
            (Tensor, "is_mps", property(lambda tensor: self._device_of(tensor).type == "mps")),
            (Tensor, "device", property(self._device_of)),
            (torch.autograd, "_engine_run_backward", self._run_backward),
            (torch.random, "fork_rng", lambda devices: FORK_RNG(devices=[])),
            (torch, "autocast", lambda kind, *rest, **named: AUTOCAST("cpu", *rest, **named)),
        ):
            self._lies.enter_context(mock.patch.object(owner, name, lie, create=True))
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._lies.close()

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        aims = [one.type for one in tree_leaves((args, kwargs)) if isinstance(one, torch.device)]
        brings = function in BRINGS or "cpu" in aims
        args, kwargs = tree_map(_in_truth, (args, kwargs or {}))
        given = list(_tensors((args, kwargs)))
        away = [tensor for tensor in given if not self._is_here(tensor)]
        name = getattr(function, "__name__", "")
        if not away and self._device.type not in aims:
            return self._kept(function(*args, **kwargs))
        if brings:
            self._wait()
            found = function(*args, **kwargs)
            return self._kept(found.clone()) if isinstance(found, Tensor) else found
        if function is Tensor.numpy:
            raise TypeError(f"can't convert a tensor of {self._device} to numpy")
        if any(tensor.dim() for tensor in given if self._is_here(tensor)):
            raise RuntimeError(f"{name}: all tensors must be on one device")
        found = self._checked(name, function(*args, **kwargs))
        known = set(map(_memory, given))
        made = name != "__get__" and any(_memory(one) not in known for one in _tensors(found))
        if made and _is_ours(sys._getframe().f_back) and self._full():
            raise torch.OutOfMemoryError(f"{name}: no memory is left on {self._device}")
        return found

    def _wait(self, device: object = None) -> None:
        if self.captures:
            raise RuntimeError("not permitted when stream is capturing")
        self.waited += 1

    def _run_backward(self, *args: Any, **kwargs: Any) -> Any:
        """In a thread of the device's, as torch has one for each."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._backward, *args, **kwargs).result()

    def _backward(self, *args: Any, **kwargs: Any) -> Any:
        """Hooks are called in it, of which a mode that is at work would hear nothing."""
        torch.set_num_threads(torch.get_num_threads())  # a thread's own: sums are in their order
        super().__enter__()
        try:
            return RUN_BACKWARD(*args, **kwargs)
        finally:
            super().__exit__(None, None, None)

    def _checked(self, name: str, found: Any) -> Any:
        if not self._doubles and any(one.dtype is torch.float64 for one in _tensors(found)):
            raise TypeError(f"{name}: {self._device} has no float64")
        return found

    def _kept(self, found: Any) -> Any:
        self._here |= {id(one): one for one in _tensors(found)}
        return found

    def _is_here(self, tensor: Tensor) -> bool:
        return id(tensor) in self._here

    def _device_of(self, tensor: Tensor) -> torch.device:
        return torch.device("cpu") if self._is_here(tensor) else self._device


def _is_ours(frame: FrameType | None) -> bool:
    """Whether it is watching that calls, and not the loop, a module or an optimizer."""
    while frame is not None:
        if any(part in frame.f_code.co_filename for part in OURS):
            return True
        if any(part in frame.f_code.co_filename for part in THEIRS):
            return False
        frame = frame.f_back
    return False


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (one for one in tree_leaves(tree) if isinstance(one, Tensor))


def _in_truth(one: Any) -> Any:
    """A device's tensors lie on the processor."""
    return torch.device("cpu") if isinstance(one, torch.device) else one
