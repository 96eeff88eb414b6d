"""Many tensors in few calls of torch's: small ones of one size together, one transfer for all.

A result that a type's range may have spoilt (squares of entries below ~1e-23 underflow in float32,
above ~1e19 overflow) is computed again in float64, so that it is right wherever the entries are.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure.kernels import Floats

HALF = (torch.float16, torch.bfloat16)

SMALL = 1 << 13
"""Entries up to which copying tensors side by side is cheaper than a call for each."""

SAFE_LOW, SAFE_HIGH = 1e-25, 1e35
"""Sums of float32 squares in here are right to ~1e-6: what underflowed in them is negligible."""


def whole(dense: Tensor) -> Tensor:
    """In a type that holds sums."""
    return dense.float() if dense.dtype in HALF else dense


def norms(tensors: Sequence[Tensor]) -> Floats:
    """The L2 norm of each dense tensor; NaN or inf where entries are."""
    dense = [whole(tensor) for tensor in tensors]
    found = transferred(torch._foreach_norm(dense))
    safe = (found > math.sqrt(SAFE_LOW)) & (found < math.sqrt(SAFE_HIGH))
    for i in np.flatnonzero(~safe).tolist():
        found[i] = exact_norm(dense[i])
    return found


def transferred(numbers: Sequence[Tensor]) -> Floats:
    """Several tensors in one, in one transfer."""
    first = numbers[0].device
    whole = torch.cat([number.reshape(-1).to(first) for number in numbers])
    return whole.detach().cpu().numpy().astype(np.float64)


def side_to_side(parts: Sequence[Tensor], rows: int) -> Floats:
    """Matrices of so many rows in one, in one transfer."""
    if not parts:
        return np.empty((rows, 0))
    return transferred([torch.cat([part.to(parts[0]) for part in parts], 1)]).reshape(rows, -1)


def square_sum(rows: Tensor) -> Tensor:
    """Σx² of each row, in the tensor's type."""
    if len(rows) == 1:
        return torch.dot(rows[0], rows[0]).reshape(1)
    sums: Tensor = torch.linalg.vecdot(rows, rows)
    return sums


def side_by_side(tensors: Sequence[Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Indices and matrix [tensors, entries]: small ones alike together, others alone."""
    for rows in alike(tensors):
        if tensors[rows[0]].numel() <= SMALL and len(rows) > 1:
            yield rows, torch.stack([tensors[i] for i in rows]).reshape(len(rows), -1)
        else:
            for i in rows:
                yield [i], tensors[i].reshape(1, -1)


def alike(tensors: Sequence[Tensor]) -> Iterator[list[int]]:
    """Indices of tensors of one shape, type and device together."""
    found: dict[tuple[torch.Size, torch.dtype, torch.device], list[int]] = {}
    for i, tensor in enumerate(tensors):
        found.setdefault((tensor.shape, tensor.dtype, tensor.device), []).append(i)
    yield from found.values()


def exact_norm(tensor: Tensor) -> float:
    """The L2 norm in float64, rescaled by the largest entry: right at any scale."""
    exact = whole(tensor).double()
    largest = float(exact.abs().max()) if exact.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(torch.linalg.vector_norm(exact / largest))
