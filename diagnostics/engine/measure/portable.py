"""What kernels sum up, by torch, for devices and types that no kernel reads."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate, kernels
from diagnostics.engine.measure.kernels import MEMORY, SIZE, TALLY, Floats, Records
from diagnostics.engine.measure.layers import EVERYWHERE
from diagnostics.engine.measure.running import Memory
from diagnostics.engine.measure.stacked import (
    alike,
    mended,
    norms,
    pieces,
    side_by_side,
    side_to_side,
    square_sum,
    transferred,
    unit_sums,
)
from diagnostics.subject.activations import Span

OF_A_CHANGE = ("sum", "squares", "moved", "moved_squares", "along", "last_squares")


def _apart(tensors: Sequence[Tensor]) -> AbstractContextManager[None]:
    """Sums are no part of what a loop does: where it has torch compute in half precision, they are
    not; of a graph that it captures, they would be waited for. Raises ``gate.Captured``.
    """
    gate.refuse_captured(tensors)
    kind = tensors[0].device.type if tensors else "cpu"
    known = torch.amp.is_autocast_available(kind)
    return torch.autocast(kind, enabled=False) if known else nullcontext()


def magnitudes(tensors: Sequence[Tensor]) -> list[Floats]:
    """Σ|x| of each unit, which lies along the last axis, for each tensor [units]."""
    order: list[int] = []
    sums: list[Tensor] = []
    with _apart(tensors):
        for rows in alike(tensors):
            order += rows
            one = tensors[rows[0]]
            several = torch.stack([tensors[i] for i in rows]) if len(rows) > 1 else one[None]
            sums += unit_sums(several if one.ndim > 1 else several[:, None])
        numbers = transferred(sums)
    ends = np.cumsum([len(part) for part in sums], dtype=np.int64)
    found = dict(zip(order, np.split(numbers, ends)[:-1], strict=True))
    return [found[i] for i in range(len(tensors))]


def changes(
    now: Sequence[Tensor], before: Sequence[Tensor], last: Sequence[Tensor | None]
) -> tuple[dict[str, Floats], list[Tensor], list[Tensor]]:
    """What ``kernels.change`` sums up, [weights] by the names of ``CHANGE``, copies of what is
    now, and what lies between.

    Args:
        now, before, last: of each weight the entries that are looked at.
    """
    gate.refuse_captured(now)
    sums, order = [], []
    kept: list[Tensor] = list(now)
    moved: list[Tensor] = list(now)
    for rows in alike(now):
        matrix = torch.stack([now[i] for i in rows])
        w = matrix.double()
        off = w - torch.stack([before[i] for i in rows])
        was = torch.stack([_fitting(last[i], now[i]) for i in rows]).double()
        along = torch.linalg.vecdot(off, was)
        sums.append(
            torch.stack(
                [w.sum(1), square_sum(w), off.sum(1), square_sum(off), along, square_sum(was)]
            )
        )
        order += rows
        for i, one, other in zip(rows, matrix, off.to(matrix.dtype), strict=True):
            kept[i], moved[i] = one, other
    found = np.empty((len(OF_A_CHANGE), len(now)))
    found[:, order] = side_to_side(sums, len(found))
    return dict(zip(OF_A_CHANGE, found, strict=True)), kept, moved


def nonfinite(tensors: Sequence[Tensor]) -> Floats:
    """How many entries of each are not finite, [tensors]."""
    rows, parts = pieces(range(len(tensors)), tensors)
    with _apart(parts):
        finite = transferred([part.isfinite().sum() for part in parts])
    sizes = np.array([tensor.numel() for tensor in tensors], np.float64)
    return sizes - np.bincount(np.array(rows, np.int64), finite, len(tensors))


def told(memories: Sequence[Memory]) -> Records:
    """Rows of ``MEMORY``."""
    steps = [_number(one.steps) for one in memories]
    found = np.zeros(len(memories), MEMORY)
    for row, one, count in zip(found, memories, transferred(steps), strict=True):
        row["share"], row["newest"] = 1 - one.forgets**count, 1 - one.forgets
        row["floor"], row["decay"] = one.floor**2, one.decay
    return found


def surprises(
    gradients: Sequence[Tensor], squares: Sequence[Tensor], weights: Sequence[Tensor], told: Records
) -> Floats:
    """What ``kernels.surprises`` gives, of entries that are looked at, [weights]."""
    gate.refuse_captured(gradients)
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


def _number(steps: Any) -> Tensor:
    if isinstance(steps, Tensor):
        return steps.detach().float()
    return torch.tensor(steps, dtype=torch.float32, device="cpu")


def _fitting(last: Tensor | None, now: Tensor) -> Tensor:
    """What was kept, unless a model was moved or made of another type since."""
    same = last is not None and (last.dtype, last.device) == (now.dtype, now.device)
    return last if last is not None and same else torch.zeros_like(now)


def sizes(rows: Sequence[int], tensors: Sequence[Tensor], tails: bool, out: Records) -> bool:
    """Take dense tensors into rows of ``kernels.SIZE``; whether all are finite.

    Args:
        tails: as ``kernels.tails`` does, else as ``kernels.norms``.
    """
    rows, tensors = pieces(rows, tensors)
    found = np.zeros(len(tensors), SIZE)
    found["entries"] = [tensor.numel() for tensor in tensors]
    with _apart(tensors):
        (_tails if tails else _norms_and_zeros)(tensors, found)
    kernels.add(found, np.array(rows, np.int64), out)
    return bool(np.isfinite(found["norm"]).all())


def _norms_and_zeros(tensors: Sequence[Tensor], found: Records) -> None:
    order: list[int] = []
    zeros: list[Tensor] = []
    for places, matrix in side_by_side(tensors):
        order += places
        zeros.append(_zeros(matrix))
    known = transferred([*norms(tensors), *zeros])
    found["norm"] = mended(known[: len(tensors)], tensors)
    found["zeros"][order] = known[len(tensors) :]


def _tails(tensors: Sequence[Tensor], found: Records) -> None:
    """All of a row's numbers in one pass, over the largest entry, which leaves no type's range."""
    starts = [torch.finfo(t.dtype).tiny if t.is_floating_point() else 0.0 for t in tensors]
    order, parts = [], []
    for start in set(starts):
        where = [k for k, other in enumerate(starts) if other == start and tensors[k].numel()]
        for places, matrix in side_by_side([tensors[k] for k in where]):
            order += [where[place] for place in places]
            parts.append(_tailed(matrix, start))
    zeros, small, largest, squares, fourths = side_to_side(parts, 5)
    bounded = np.isfinite(largest) & (largest > 0)
    found["zeros"][order], found["small"][order] = zeros, small - zeros
    found["largest"][order] = largest
    found["norm"][order] = np.where(bounded, largest * np.sqrt(squares), largest)
    found["root"][order] = np.where(bounded, largest * fourths**0.25, largest)


def _tailed(rows: Tensor, start: float) -> Tensor:
    """Zeros, entries below normal range, max |x|, and Σx² and Σx⁴ over the largest: [5, tensors]"""
    sizes = rows.abs()
    counts = _zeros(sizes), _count(torch.lt, sizes, start)
    largest = sizes.amax(1)
    squares = sizes.div_(largest[:, None]).square_()
    return torch.stack([*counts, largest, squares.sum(1), square_sum(squares)])


def tally(
    rows: Sequence[int], tensors: Sequence[Tensor], low: Floats, high: Floats, out: Records
) -> None:
    """Add to rows what ``kernels.tallies`` adds of dense tensors.

    Args:
        low, high: of each tensor the linear range, [tensors].
    """
    spans = list(zip(low.tolist(), high.tolist(), strict=True))
    places, tensors = pieces(range(len(tensors)), tensors)
    with _apart(tensors):
        found = _tallied(tensors, [spans[place] for place in places])
    some = np.flatnonzero(found["count"])
    kernels.pool(found, some, np.array(rows, np.int64)[places], out)


def _tallied(tensors: Sequence[Tensor], spans: Sequence[Span]) -> Records:
    """Rows of ``TALLY``, about each tensor's own mean; in float64 where a type falls short."""
    order, parts = [], []
    for span in set(spans):
        where = [k for k, other in enumerate(spans) if other == span and tensors[k].numel()]
        for places, matrix in side_by_side([tensors[k] for k in where]):
            order += [where[place] for place in places]
            parts.append(_moments(matrix, span))
    told = side_to_side(parts, 9)
    found = np.zeros(len(tensors), TALLY)
    found["count"] = [tensor.numel() for tensor in tensors]
    found[order] = _about_means(told, found["count"][order])
    largest, reach = told[1:3]
    for k in np.array(order)[np.isfinite(largest) & ~np.isfinite(reach)].tolist():
        if tensors[k].dtype is not torch.float64:
            found[k] = _tallied([tensors[k].double()], [spans[k]])[0]
    return found


def _about_means(told: Floats, count: Floats) -> Records:
    """Rows of ``TALLY`` of what ``_moments`` gives, and numbers of entries."""
    mean, largest, reach, *sums, zeros, outside = told
    found = np.zeros(len(mean), TALLY)
    found["count"], found["shift"], found["largest"] = count, mean, largest
    found["zeros"], found["outside"] = zeros, outside
    with np.errstate(over="ignore"):
        for power, key in enumerate(("total", "squares", "cubes", "fourths"), 1):
            found[key] = np.where(reach == 0, 0.0, sums[power - 1] * reach**power)
    return found


def _moments(rows: Tensor, span: Span) -> Tensor:
    """Mean, max |x|, the reach max |x − mean|, Σuᵏ of u = (x − mean)/reach, k = 1 … 4, zeros, and
    how many are out of range: [9, tensors].

    Entries near their mean differ from it by what floats hold exactly.
    """
    mean = rows.mean(1, keepdim=True)
    off = rows - mean
    reach = off.abs().amax(1, keepdim=True)
    u = off.div_(reach)
    squares = u.square()
    sums = u.sum(1), square_sum(u), torch.linalg.vecdot(squares, u), square_sum(squares)
    zeros = _zeros(rows)
    outside = zeros.new_zeros(len(rows)) if span == EVERYWHERE else _outside(rows, *span)
    ends = mean[:, 0], rows.abs().amax(1), reach[:, 0]
    return torch.stack([*ends, *sums, zeros, outside])


def _zeros(rows: Tensor) -> Tensor:
    return _count(torch.eq, rows, 0)


def _outside(rows: Tensor, low: float, high: float) -> Tensor:
    return _count(torch.ne, rows.clamp(low, high), rows)


def _count(test: Callable[..., Tensor], rows: Tensor, other: Any) -> Tensor:
    """For how many entries of each row it holds; flags of the rows' own type add up fastest."""
    return test(rows, other, out=torch.empty_like(rows)).sum(1)
