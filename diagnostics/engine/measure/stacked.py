"""Many tensors in few calls of torch's: small ones of one size together, large ones in pieces, one
transfer for all.

A result that a type's range may have spoilt (squares of entries below ~1e-23 underflow in float32,
above ~1e19 overflow) is computed again in float64, so that it is right wherever the entries are.
"""

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate
from diagnostics.engine.measure.kernels import Floats

HALF = (torch.float16, torch.bfloat16)

SMALL = 1 << 13
"""Entries up to which copying tensors side by side is cheaper than a call for each."""

AT_ONCE = 1 << 22
"""Entries that are worked on in one go: each copy that is made of them on the way takes 16 MiB. A
language model's logits may be a thousand times as many, and a copy of all would fill a device."""

SAFE_LOW, SAFE_HIGH = 1e-25, 1e35
"""Sums of float32 squares in here are right to ~1e-6: what underflowed in them is negligible."""


def whole(dense: Tensor) -> Tensor:
    """In a type that holds sums."""
    return dense.float() if dense.dtype in HALF else dense


def pieces(rows: Sequence[int], tensors: Sequence[Tensor]) -> tuple[list[int], list[Tensor]]:
    """Tensors of at most ``AT_ONCE`` entries: views of these, each with the row of its own."""
    found = [(row, part) for row, one in zip(rows, tensors, strict=True) for part in _cut(one)]
    return [row for row, _ in found], [part for _, part in found]


def _cut(tensor: Tensor) -> Iterator[Tensor]:
    """Cut along the axis whose neighbours lie farthest apart: what is contiguous stays so."""
    if tensor.numel() <= AT_ONCE:
        yield tensor
        return
    sizes, steps = tensor.shape, tensor.stride()
    axis = max(range(tensor.ndim), key=lambda k: (sizes[k] > 1, steps[k]))
    most = max(1, sizes[axis] * AT_ONCE // tensor.numel())
    for part in tensor.split(most, axis):  # type: ignore[no-untyped-call]
        yield from _cut(part)


def norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The L2 norm of each tensor, where it lies, as far as its type holds squares."""
    found: dict[int, Tensor] = {}
    groups: dict[tuple[torch.device, bool], list[int]] = {}
    for i, tensor in enumerate(tensors):
        groups.setdefault((tensor.device, tensor.dtype in HALF), []).append(i)
    for (_, half), these in groups.items():
        wider = torch.float32 if half else None
        sizes = torch._foreach_norm([tensors[i] for i in these], 2, wider)
        found |= zip(these, sizes, strict=True)
    return [found[i] for i in range(len(tensors))]


def mended(found: Floats, tensors: Sequence[Tensor]) -> Floats:
    """Norms, those anew whose squares may have left their type's range."""
    safe = (found > math.sqrt(SAFE_LOW)) & (found < math.sqrt(SAFE_HIGH))
    unsafe = np.flatnonzero(~safe & [tensor.numel() > 0 for tensor in tensors])
    largest, scaled = side_to_side([_exact_norm(tensors[i]) for i in unsafe.tolist()], 2)
    usual = np.isfinite(largest) & (largest > 0)
    found[unsafe] = np.where(usual, largest * scaled, largest)
    return found


def _exact_norm(tensor: Tensor) -> Tensor:
    """The largest |x| and ‖x‖ over it, in float64: right at any scale, [2, 1]."""
    sizes = tensor.double().abs()
    largest = sizes.amax()
    return torch.stack([largest, torch.linalg.vector_norm(sizes.div_(largest))])[:, None]


class Waits:
    """Seconds that were waited for devices: their own work is in them, and training's."""

    seconds = 0.0


def transferred(numbers: Sequence[Tensor]) -> Floats:
    """Several tensors in one, in one transfer. Raises ``gate.Captured``."""
    if not numbers:
        return np.empty(0)
    gate.refuse_captured(numbers)
    first = numbers[0].device
    whole = torch.cat([number.reshape(-1).to(first) for number in numbers]).detach()
    if not whole.is_cpu:
        started = time.perf_counter()
        whole = whole.cpu()
        Waits.seconds += time.perf_counter() - started
    return whole.numpy().astype(np.float64)


def side_to_side(parts: Sequence[Tensor], rows: int) -> Floats:
    """Matrices of so many rows in one, in one transfer."""
    together = [torch.cat([part.to(parts[0]) for part in parts], 1)] if parts else []
    return transferred(together).reshape(rows, -1)


def square_sum(rows: Tensor) -> Tensor:
    """Σx² of each row, in the tensor's type."""
    if len(rows) == 1:
        return torch.dot(rows[0], rows[0]).reshape(1)
    sums: Tensor = torch.linalg.vecdot(rows, rows)
    return sums


def unit_sums(several: Tensor) -> Tensor:
    """Σ|x| of each unit, which lies along the last axis, [tensors, units]."""
    axes = list(range(1, several.ndim - 1))
    if several.numel() <= AT_ONCE:
        return whole(several).abs().sum(axes)
    wider = torch.float32 if several.dtype in HALF else None
    sums: Tensor = torch.linalg.vector_norm(several, 1, axes, dtype=wider)  # slower, by no copy
    return sums


def side_by_side(tensors: Sequence[Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Indices and matrix [tensors, entries], in a type that holds sums: small ones alike together,
    others alone."""
    for rows in alike(tensors):
        if tensors[rows[0]].numel() <= SMALL and len(rows) > 1:
            yield rows, whole(torch.stack([tensors[i] for i in rows]).reshape(len(rows), -1))
        else:
            for i in rows:
                yield [i], whole(tensors[i].reshape(1, -1))


def alike(tensors: Sequence[Tensor]) -> Iterator[list[int]]:
    """Indices of tensors of one shape, type and device, ``AT_ONCE`` entries of them together."""
    found: dict[tuple[torch.Size, torch.dtype, torch.device], list[int]] = {}
    for i, tensor in enumerate(tensors):
        found.setdefault((tensor.shape, tensor.dtype, tensor.device), []).append(i)
    for (shape, _, _), rows in found.items():
        many = max(1, AT_ONCE // max(1, shape.numel()))
        yield from (rows[k : k + many] for k in range(0, len(rows), many))
