"""The gate for tensors: which can be read, and as what. Only here torch's odd kinds are known."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn

PLAIN = {Tensor, nn.Parameter}

SHARED: set[Any] = set()
"""Meshes of devices whose processes put together what they see, so that each may see its part."""

USUAL = attrgetter("dtype", "layout", "is_nested", "is_meta", "is_mps", "is_xpu")
KINDS = {
    (kind, torch.strided, *[False] * 4)
    for kind in (torch.float32, torch.float64, torch.float16, torch.bfloat16)
}

DOUBLE_LESS = ("mps", "xpu")
"""Devices of which all or some have no float64: what lies there is read on the processor."""


class Captured(Exception):
    """What is done now is not done, but recorded, to be done again and again (CUDA graphs)."""


BARRED = (torch.OutOfMemoryError, MemoryError, Captured)
"""Why nothing is to be had of a tensor for now: watching does without, and training goes on."""


def is_captured(tensor: Tensor) -> bool:
    """Whether what is done with it is recorded: then nobody may wait for its numbers."""
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()


def refuse_captured(tensors: Sequence[Tensor]) -> None:
    """Raise ``Captured`` where one is."""
    if tensors and is_captured(tensors[0]):
        raise Captured


def why(error: Exception) -> str:
    """The kind of what is barred, as of what can't be read."""
    known = isinstance(error, Captured)
    return "a CUDA graph that is captured" if known else "a size that no memory was left for"


def readable(tensor: Tensor) -> Tensor | None:
    """A dense, real, detached tensor of the same entries; None where they can't be had.

    It lies where there is float64: on its own device, or else on the processor.

    Entries that a sparse tensor does not keep are left out, and so is what pads a nested one; a
    complex number is two. A tensor that lies in pieces, has no numbers, or is whatever a subclass
    makes of it, can't be read.
    """
    try:
        return tensor.detach() if _is_usual(tensor) else _read(tensor)
    except (RuntimeError, NotImplementedError, AttributeError, TypeError):
        return None  # a kind that nobody has heard of


def local(tensor: Any) -> Any:
    """This process's part of a tensor in pieces that are put together, else the tensor."""
    in_pieces = type(tensor).__name__ == "DTensor" and tensor.device_mesh in SHARED
    return tensor._local_tensor if in_pieces else tensor


def name_of(tensor: Tensor) -> str:
    """What kind one is that can't be read."""
    if tensor.is_meta:
        return "the meta device"
    freed = type(tensor) in PLAIN and not has_memory(tensor)
    return "freed memory" if freed else type(tensor).__name__


def has_memory(tensor: Tensor) -> bool:
    """Whether its entries lie anywhere: storage may be freed under a tensor that is kept."""
    strided = tensor.layout is torch.strided and not tensor.is_nested
    return not strided or tensor.data_ptr() != 0 or tensor.numel() == 0


def lie_plainly(tensors: Sequence[Tensor]) -> bool:
    """Whether the numbers of all lie as they are, in memory that is there."""
    return (
        PLAIN.issuperset(map(type, tensors))
        and not any(map(Tensor.is_neg, tensors))
        and not any(map(Tensor._is_zerotensor, tensors))
        and all(map(Tensor.data_ptr, tensors))
    )


def version_of(tensor: Tensor) -> int | None:
    """How often it was written to; None where torch doesn't count, as in inference mode."""
    try:
        return tensor._version
    except RuntimeError:
        return None


def _is_usual(tensor: Tensor) -> bool:
    """Whether it needs no more than to be detached: nearly all do, so this is to be quick."""
    return (
        type(tensor) in PLAIN
        and USUAL(tensor) in KINDS
        and has_memory(tensor)
        and not tensor.is_neg()
        and not tensor._is_zerotensor()
    )


def _read(tensor: Tensor) -> Tensor | None:
    known = tensor if type(tensor) in PLAIN else _without_class(tensor)
    if known is None or known.is_meta or not has_memory(known):
        return None
    known = _dense(known.detach())
    if known.device.type in DOUBLE_LESS:
        known = known.cpu()
    if known.is_quantized:
        known = known.dequantize()
    if known.is_complex():
        return torch.view_as_real(known.resolve_conj())
    return known.resolve_neg() if known.is_floating_point() else known.double()


def _dense(tensor: Tensor) -> Tensor:
    if tensor.is_nested:
        parts = tensor.unbind()
        return torch.cat([part.reshape(-1, part.shape[-1]) for part in parts if part.ndim])
    if tensor.is_sparse:
        return tensor.coalesce().values()
    if tensor.layout is not torch.strided:
        return tensor.values()
    return tensor.clone() if tensor._is_zerotensor() else tensor


def _without_class(tensor: Any) -> Tensor | None:
    """What a subclass keeps, where that is its entries and nothing else."""
    kind = type(tensor)
    if tensor.layout is torch.jagged:
        return (
            _without_class(tensor._values) if type(tensor._values) not in PLAIN else tensor._values
        )
    if kind.__name__ == "DTensor":
        known = tensor.device_mesh.size() == 1 or tensor.device_mesh in SHARED
        return tensor._local_tensor if known else None
    if kind.__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return None
    with torch._C.DisableTorchFunctionSubclass():
        return Tensor.as_subclass(tensor, Tensor)
