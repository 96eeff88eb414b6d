"""Processes of one training, each with a part of what is seen of it.

Each measures the same steps. At the end of such a step sums and largest values of all are put
together, in one reduction each, and process 0 tells with them in how many steps the next one is
measured: it alone keeps to a budget. On other steps nothing is sent.
"""

import logging
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist

from diagnostics.engine.measure import gate
from diagnostics.engine.measure.kernels import Floats, Records
from diagnostics.engine.measure.parameters import NORMS
from diagnostics.engine.measure.parts import Parts

NEVER = 1 << 40
"""Steps until the next one is measured where that can no longer be agreed upon."""

log = logging.getLogger("diagnostics.watch")


class Together:
    """Puts together what processes have seen of a step.

    Args:
        ahead: on process 0, in how many steps the next one is measured.

    Attributes:
        rest: that number, as process 0 told it last.
    """

    def __init__(self, ahead: Callable[[], int]) -> None:
        self._rank, self._size = dist.get_rank(), dist.get_world_size()
        self._ahead = ahead
        self._shifts: Floats | None = None
        self.rest = 1

    def __call__(self, parts: Parts) -> None:
        """Write the whole in a part's place. What fails ends measuring, and not training."""
        if self.rest == NEVER:
            return
        try:
            self._put_together(parts)
        except RuntimeError as trouble:  # another process has died
            self.rest = NEVER
            log.warning("What processes see can't be put together any more: %s", trouble)

    def _put_together(self, parts: Parts) -> None:
        mine = np.array([self._is_mine(p) for p in parts.parameters.all])
        if self._shifts is None:
            self._shifts = np.zeros(len(parts.outputs))
        _shift(parts.outputs, self._shifts)
        parts.signals["norm"] /= self._size  # a loss is the mean of the processes' own
        for key in ("root", "largest"):
            parts.signals[key] /= self._size
        ahead = np.array([float(self._ahead()) if self._rank == 0 else 0.0])
        sums = [*_sums(parts, mine), ahead]
        parts.step.broken |= not np.isfinite(parts.changes["squares"]).all()
        largest = [*_largest(parts), np.array([float(parts.step.broken)])]
        whole = self._reduced(sums, dist.ReduceOp.SUM)
        self.rest = int(whole[-1][0])
        _write_sums(parts, whole)
        *found, broken = self._reduced(largest, dist.ReduceOp.MAX)
        parts.step.broken = bool(broken[0])
        _write_largest(parts, found)
        counts = np.maximum(parts.outputs["count"], 1.0)
        self._shifts = self._shifts + np.nan_to_num(parts.outputs["total"] / counts)

    def _is_mine(self, parameter: Tensor) -> bool:
        """Whether this process tells of a parameter: where several have the same, the first."""
        if gate.local(parameter) is parameter:
            return self._rank == 0
        mesh, places = parameter.device_mesh, parameter.placements  # type: ignore[attr-defined]
        here = mesh.get_coordinate()
        return all(at == 0 for at, place in zip(here, places, strict=True) if place.is_replicate())

    def _reduced(self, parts: list[Floats], how: "dist.ReduceOp.RedOpType") -> list[Floats]:
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        whole = torch.from_numpy(np.concatenate(parts)).to(device)
        dist.all_reduce(whole, how)
        ends = np.cumsum([len(part) for part in parts])[:-1]
        return list(np.split(whole.cpu().numpy(), ends))


def _columns(parts: Parts) -> Iterator[tuple[Records, str, int]]:
    """What adds up as it is, or as a power: rows, column, and the power."""
    for key, power in (("norm", 2), ("root", 4), ("entries", 1), ("zeros", 1), ("small", 1)):
        yield parts.signals, key, power
    for key in ("count", "total", "squares", "cubes", "fourths", "zeros", "outside"):
        yield parts.outputs, key, 1


def _sums(parts: Parts, mine: Floats) -> Iterable[Floats]:
    for rows, key, power in _columns(parts):
        yield rows[key] ** power
    weights = mine[parts.parameters.weight_rows]
    for key in parts.changes.dtype.names or ():
        yield np.where(weights, parts.changes[key], 0.0)
    for key in NORMS:
        yield np.where(mine, getattr(parts.parameters, key), 0.0) ** 2
    local = np.array([gate.local(p).numel() for p in parts.parameters.all])
    yield np.where(mine, np.nan_to_num(parts.parameters.zeros) * local, 0.0)
    yield parts.strange
    yield np.array([parts.step.left**2 if mine.all() else 0.0])
    for rows in (parts.signals, parts.outputs):
        yield np.isnan(rows["largest"]).astype(np.float64)


def _write_sums(parts: Parts, sums: list[Floats]) -> None:
    found = iter(sums)
    for rows, key, power in _columns(parts):
        rows[key] = next(found) ** (1 / power)
    for key in parts.changes.dtype.names or ():
        parts.changes[key] = next(found)
    for key in NORMS:
        getattr(parts.parameters, key)[:] = np.sqrt(next(found))
    entries = np.array([p.numel() for p in parts.parameters.all])
    parts.parameters.zeros[:] = next(found) / entries
    parts.strange[:] = next(found)
    parts.step.left = max(parts.step.left, float(np.sqrt(next(found)[0])))
    for rows in (parts.signals, parts.outputs):
        rows["largest"][next(found) > 0] = np.nan


def _largest(parts: Parts) -> Iterable[Floats]:
    return [np.nan_to_num(rows["largest"]) for rows in (parts.signals, parts.outputs)]


def _write_largest(parts: Parts, found: Iterable[Floats]) -> None:
    for rows, largest in zip((parts.signals, parts.outputs), found, strict=True):
        rows["largest"] = np.where(np.isnan(rows["largest"]), np.nan, largest)


def _shift(rows: Records, to: Floats) -> None:
    """Move moments about one shift to another, [layers]."""
    d, n = rows["shift"] - to, rows["count"]
    total, squares, cubes = (rows[key].copy() for key in ("total", "squares", "cubes"))
    rows["fourths"] += 4 * d * cubes + 6 * d**2 * squares + 4 * d**3 * total + n * d**4
    rows["cubes"] += 3 * d * squares + 3 * d**2 * total + n * d**3
    rows["squares"] += 2 * d * total + n * d**2
    rows["total"] += n * d
    rows["shift"] = to
