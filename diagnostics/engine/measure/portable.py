"""What kernels sum up, by torch, for devices and types that no kernel reads."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import kernels
from diagnostics.engine.measure.kernels import MEMORY, SIZE, TALLY, Floats, Records
from diagnostics.engine.measure.layers import EVERYWHERE
from diagnostics.engine.measure.running import Memory
from diagnostics.engine.measure.stacked import (
    Reducer,
    alike,
    moments,
    norms,
    plain,
    reduce,
    side_by_side,
    side_to_side,
    transferred,
)
from diagnostics.subject.activations import Span

OF_A_CHANGE = ("sum", "squares", "moved", "moved_squares", "along", "last_squares")


def magnitudes(tensors: Sequence[Tensor]) -> list[Floats]:
    """Σ|x| of each unit, which lies along the last axis, for each tensor [units]."""
    found: dict[int, Floats] = {}
    for rows in alike(tensors):
        whole = torch.stack([plain(tensors[i]) for i in rows])
        sums = torch.linalg.vector_norm(whole.reshape(len(rows), -1, whole.shape[-1]), 1, 1)
        found |= zip(rows, transferred([sums]).reshape(sums.shape), strict=True)
    return [found[i] for i in range(len(tensors))]


def changes(
    now: Sequence[Tensor], before: Sequence[Tensor], last: Sequence[Tensor | None]
) -> tuple[dict[str, Floats], list[Tensor], list[Tensor]]:
    """What ``kernels.change`` sums up, [weights] by the names of ``CHANGE``, copies of what is
    now, and what lies between.

    Args:
        now, before, last: of each weight the entries that are looked at.
    """
    sums, order = [], []
    kept: list[Tensor] = list(now)
    moved: list[Tensor] = list(now)
    for rows in alike(now):
        matrix = torch.stack([now[i] for i in rows])
        whole = matrix.double()
        off = whole - torch.stack([before[i] for i in rows])
        was = torch.stack([_fitting(last[i], now[i]) for i in rows]).double()
        pairs = (whole, whole), (off, off), (off, was), (was, was)
        products = [torch.linalg.vecdot(*pair) for pair in pairs]
        sums.append(torch.stack([whole.sum(1), products[0], off.sum(1), *products[1:]]))
        order += rows
        for i, one, other in zip(rows, matrix, off.to(matrix.dtype), strict=True):
            kept[i], moved[i] = one, other
    found = np.empty((len(OF_A_CHANGE), len(now)))
    found[:, order] = side_to_side(sums, len(found))
    return dict(zip(OF_A_CHANGE, found, strict=True)), kept, moved


def told(memories: Sequence[Memory]) -> Records:
    """Rows of ``MEMORY``."""
    steps = [torch.as_tensor(one.steps, dtype=torch.float32) for one in memories]
    found = np.zeros(len(memories), MEMORY)
    for row, one, count in zip(found, memories, transferred(steps), strict=True):
        row["share"], row["newest"] = 1 - one.forgets**count, 1 - one.forgets
        row["floor"], row["decay"] = one.floor**2, one.decay
    return found


def surprises(
    gradients: Sequence[Tensor], squares: Sequence[Tensor], weights: Sequence[Tensor], told: Records
) -> Floats:
    """What ``kernels.surprises`` gives, of entries that are looked at, [weights]."""
    found, order, parts = np.empty((2, len(weights))), [], []
    for rows in alike(gradients):
        g, v, w = (
            torch.stack([part[i] for i in rows]).double() for part in (gradients, squares, weights)
        )
        share, newest, floor, decay = (
            torch.as_tensor(told[key][rows], device=g.device)[:, None] for key in MEMORY.names or ()
        )
        square = (g + decay * w).square_()
        strange = newest * square > kernels.ROUGH * v + kernels.SUBNORMAL
        over = square / torch.maximum(v / share, floor).clamp_(min=1e-300)
        parts.append(torch.stack([over.sum(1), strange.sum(1).double()]))
        order += rows
    found[:, order] = side_to_side(parts, 2)
    return np.where(found[1] > 0, np.nan, found[0])


def _fitting(last: Tensor | None, now: Tensor) -> Tensor:
    """What was kept, unless a model was moved or made of another type since."""
    same = last is not None and (last.dtype, last.device) == (now.dtype, now.device)
    return last if last is not None and same else torch.zeros_like(now)


def sizes(rows: Sequence[int], tensors: Sequence[Tensor], tails: bool, out: Records) -> bool:
    """Take tensors into rows of ``kernels.SIZE``; whether all are finite.

    Args:
        tails: as ``kernels.tails`` does, else as ``kernels.norms``.
    """
    found = np.zeros(len(tensors), SIZE)
    found["entries"] = [tensor.numel() for tensor in tensors]
    (_tails if tails else _norms_and_zeros)(tensors, found)
    kernels.add(found, np.array(rows, np.int64), out)
    return bool(np.isfinite(found["norm"]).all())


def _norms_and_zeros(tensors: Sequence[Tensor], found: Records) -> None:
    dense = [plain(tensor) for tensor in tensors]
    found["norm"] = norms(dense)
    found["zeros"] = reduce(dense, _zeros)[0]


def _tails(tensors: Sequence[Tensor], found: Records) -> None:
    """All of a row's numbers in one pass, over the largest entry, which leaves no type's range."""
    starts = [torch.finfo(t.dtype).tiny if t.is_floating_point() else 0.0 for t in tensors]
    order, parts = [], []
    for start in set(starts):
        where = [k for k, other in enumerate(starts) if other == start and tensors[k].numel()]
        for rows, matrix in side_by_side([plain(tensors[k]) for k in where]):
            order += [where[row] for row in rows]
            parts.append(_tailed(matrix, start))
    zeros, small, largest, squares, fourths = side_to_side(parts, 5)
    whole = np.isfinite(largest) & (largest > 0)
    found["zeros"][order], found["small"][order] = zeros, small - zeros
    found["largest"][order] = largest
    found["norm"][order] = np.where(whole, largest * np.sqrt(squares), largest)
    found["root"][order] = np.where(whole, largest * fourths**0.25, largest)


def _tailed(rows: Tensor, start: float) -> Tensor:
    """Zeros, entries below normal range, max |x|, and Σx² and Σx⁴ over the largest: [5, tensors]"""
    sizes = rows.abs()
    counts = [(sizes == 0).sum(1), (sizes < start).sum(1)]
    largest = sizes.amax(1)
    squares = sizes.div_(largest[:, None]).square_()
    sums = squares.sum(1), squares.square().sum(1)
    return torch.stack([*(count.to(largest) for count in counts), largest, *sums])


def tally(
    rows: Sequence[int], tensors: Sequence[Tensor], low: Floats, high: Floats, out: Records
) -> None:
    """Add to rows what ``kernels.tallies`` adds.

    Args:
        low, high: of each tensor the linear range, [tensors].
    """
    dense = [plain(tensor) for tensor in tensors]
    spans = list(zip(low.tolist(), high.tolist(), strict=True))
    found = np.zeros(len(tensors), TALLY)
    for span in set(spans):
        where = [k for k, other in enumerate(spans) if other == span and tensors[k].numel()]
        if where:
            found[where] = _tallied([dense[k] for k in where], span)
    some = np.flatnonzero(found["count"])
    kernels.pool(found, some, np.array(rows, np.int64)[some], out)


def _tallied(tensors: Sequence[Tensor], span: Span) -> Records:
    """Rows of ``TALLY``, about each tensor's own mean."""
    found = np.zeros(len(tensors), TALLY)
    counters = (_zeros,) if span == EVERYWHERE else (_zeros, _outside(*span))
    told, counts = moments(tensors, *counters)
    largest, third, fourth = _shapes(tensors)
    bent = told.std > 0
    with np.errstate(all="ignore"):
        found["count"], found["shift"], found["largest"] = told.size, told.mean, largest
        found["squares"] = told.size * told.std**2
        found["cubes"] = np.where(bent, told.size * third * told.std**3, told.std)
        found["fourths"] = np.where(bent, told.size * fourth * told.std**4, told.std)
    for key, count in zip(("zeros", "outside"), counts, strict=False):
        found[key] = count
    return found


def _shapes(tensors: Sequence[Tensor]) -> Floats:
    """max |x|, E[u³] and E[u⁴] of each tensor, u = (x − mean)/std: float64 [3, tensors].

    Of entries over the largest, whose squares can't leave the type's range.
    """
    order, parts = [], []
    for rows, matrix in side_by_side(tensors):
        order += rows
        largest = matrix.abs().amax(1, keepdim=True)
        scaled = matrix / largest
        off = scaled - scaled.mean(1, keepdim=True)
        squares = off.square()
        variance = squares.mean(1)
        third = (squares * off).mean(1) / variance**1.5
        fourth = squares.square().mean(1) / variance**2
        parts.append(torch.stack([largest[:, 0], third, fourth]))
    found = np.empty((3, len(tensors)))
    found[:, order] = side_to_side(parts, 3)
    return found


def _zeros(rows: Tensor) -> Tensor:
    return (rows == 0).sum(1)


def _outside(low: float, high: float) -> Reducer:
    return lambda rows: ((rows < low) | (rows > high)).sum(1)
