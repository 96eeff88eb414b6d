"""Tensor → number: the reductions behind every measurement, in one room.

Each is a single fast pass in the tensor's own type. A result that the type's range may have spoilt
(squares of entries below ~1e-23 underflow in float32, above ~1e19 overflow) is computed again in
float64, so that norms are right wherever the entries are.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

SAFE_LOW, SAFE_HIGH = 1e-25, 1e35
"""Sums of float32 squares in here are right to ~1e-6: what underflowed in them is negligible."""

CANCELLATION = 1e-4
"""A variance below this share of the mean square has lost too many digits to float32."""


class Moments(NamedTuple):
    """Per tensor: number of entries, mean, std (population) and L2 norm, each float64 [tensors]."""

    size: Floats
    mean: Floats
    std: Floats
    norm: Floats


def square_sum(tensor: Tensor) -> Tensor:
    """Σx² as a scalar tensor, in the tensor's type."""
    flat = tensor.reshape(-1)
    return torch.dot(flat, flat)


def norms(tensors: Sequence[Tensor]) -> Floats:
    """The L2 norm of each tensor, float64 [tensors]; NaN or inf where entries are."""
    return roots([square_sum(tensor) for tensor in tensors], tensors)


def roots(square_sums: Sequence[Tensor], tensors: Sequence[Tensor]) -> Floats:
    """Norms from square sums already taken; one transfer for all."""
    sums = gather(square_sums)
    found = np.sqrt(sums)
    for i in np.flatnonzero(~((sums > SAFE_LOW) & (sums < SAFE_HIGH))).tolist():
        found[i] = exact_norm(tensors[i])
    return found


def exact_norm(tensor: Tensor) -> float:
    """The L2 norm in float64, rescaled by the largest entry: right at any scale."""
    exact = tensor.detach().double()
    largest = float(exact.abs().max()) if exact.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(torch.linalg.vector_norm(exact / largest))


def moments(tensors: Sequence[Tensor]) -> Moments:
    """Mean, std and norm of each tensor; one transfer for all."""
    sums = gather([tensor.sum() for tensor in tensors] + [square_sum(t) for t in tensors])
    total, squares = np.split(sums, 2)
    size = np.array([tensor.numel() for tensor in tensors], np.float64)
    with np.errstate(all="ignore"):
        mean, mean_square = total / size, squares / size
        variance = mean_square - mean**2
        spoilt = ~((squares > SAFE_LOW) & (squares < SAFE_HIGH)) | (
            variance < CANCELLATION * mean_square
        )
        result = Moments(size, mean, np.sqrt(np.maximum(variance, 0)), np.sqrt(squares))
    for i in np.flatnonzero(spoilt).tolist():
        result.mean[i], result.std[i], result.norm[i] = exact_moments(tensors[i])
    return result


def exact_moments(tensor: Tensor) -> tuple[float, float, float]:
    """Mean, std and norm in float64, at any scale."""
    exact = tensor.detach().double()
    largest = float(exact.abs().max()) if exact.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return float(exact.mean()), largest, largest
    scaled = exact / largest
    std, mean = torch.std_mean(scaled, correction=0)
    return float(mean) * largest, float(std) * largest, exact_norm(exact)


def gather(scalars: Sequence[Tensor]) -> Floats:
    """Scalar tensors → float64 [scalars], in one transfer."""
    if not scalars:
        return np.empty(0)
    return torch.stack(list(scalars)).detach().cpu().numpy().astype(np.float64)


def nonfinite(tensor: Tensor) -> int:
    """How many entries are NaN or infinite."""
    return int(tensor.numel() - torch.isfinite(tensor).sum())


def global_norm(norms: Floats) -> float:
    """The norm of several tensors taken together, from their norms."""
    return exact_norm(torch.from_numpy(norms))
