"""Pictures of what a network has learned, taken now and then, and how the store packs them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

BINS = 48
"""Of a histogram."""

QUANTITIES = ("activation", "signal", "weight")
"""What is counted in each hidden layer: h = φ(z), log10|∂L/∂z|, and the weights."""

SIDE = 32
"""Places along each side of the plane at which a network is asked."""

MOST_PICTURES = 100
MOST_BYTES = 4_000_000
FEWEST_PICTURES = 8
"""Of one run: so many, fewer where they are large, but never less than a few."""


@dataclass(frozen=True)
class Ground:
    """What all pictures of a run are of: the plane with points in it, or some held-out digits.

    Attributes:
        inputs: float32 [samples, 2] points as the network is given them, or pixels of 8 × 8
            digits, [samples, 64], from 0 to 16.
        labels: [samples].
        heldout: [samples], whether it is kept from training.
        reach: half the side of the square that is looked at, [1]; 0 for digits.
    """

    inputs: NDArray[np.float32]
    labels: Bytes
    heldout: Flags
    reach: NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """What a network has learned at a step, and how its hidden layers look inside.

    Attributes:
        step: [1].
        guesses: the class answered at each place of the plane, row by row from the lower left, or
            for each digit of the ground; empty where there is none.
        sure: float16, the probability given to it; NaN where the answer is no number.
        edges: float64 [layers, quantities, 2], where the first bin begins, and a bin's width.
        counts: uint32 [layers, quantities, BINS], entries that are neither 0 nor non-finite.
        apart: uint32 [layers, quantities, 2], entries that are exactly 0, and non-finite ones.
        mean: float32 [layers, units], each unit's activation over the batch.
        saturated: float16 [layers, units], share of the batch; NaN where φ has no ends.
        dead: [layers, units], those that are 0 for every sample of the probe set.
    """

    step: NDArray[np.int64]
    guesses: Bytes
    sure: NDArray[np.float16]
    edges: NDArray[np.float64]
    counts: NDArray[np.uint32]
    apart: NDArray[np.uint32]
    mean: NDArray[np.float32]
    saturated: NDArray[np.float16]
    dead: Flags


Snapshot = Ground | Picture
S = TypeVar("S", Ground, Picture)

KINDS: Mapping[type[Snapshot], str] = {Ground: "ground 1", Picture: "picture 1"}
"""What the store calls them, with the version of what is packed: others are passed over."""


FORMS: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "inputs": ("f4", ("samples", "features")),
    "labels": ("u1", ("samples",)),
    "heldout": ("?", ("samples",)),
    "reach": ("f4", (1,)),
    "step": ("i8", (1,)),
    "guesses": ("u1", ("places",)),
    "sure": ("f2", ("places",)),
    "edges": ("f8", ("layers", len(QUANTITIES), 2)),
    "counts": ("u4", ("layers", len(QUANTITIES), BINS)),
    "apart": ("u4", ("layers", len(QUANTITIES), 2)),
    "mean": ("f4", ("layers", "units")),
    "saturated": ("f2", ("layers", "units")),
    "dead": ("?", ("layers", "units")),
}
"""The type and the shape of each array; what has one name in several is as long in all."""


def pack(shot: Snapshot) -> dict[str, Any]:
    """A row of the store: the arrays as a compressed .npz."""
    packed = BytesIO()
    np.savez_compressed(packed, **vars(shot))
    step = int(shot.step[0]) if isinstance(shot, Picture) else 0
    return {"step": step, "kind": KINDS[type(shot)], "array": packed.getvalue()}


def unpack(kind: type[S], packed: bytes) -> S:
    """What was packed; for what was not raises ``ValueError``, or whatever numpy does."""
    with np.load(BytesIO(packed), allow_pickle=False) as arrays:
        found = {field.name: arrays[field.name] for field in fields(kind)}
    sizes: dict[str, int] = {}
    for name, array in found.items():
        _check(array, *FORMS[name], sizes)
    return kind(**found)


def _check(
    array: NDArray[Any], kind: str, shape: tuple[str | int, ...], sizes: dict[str, int]
) -> None:
    expected = tuple(
        sizes.setdefault(side, size) if isinstance(side, str) else side
        for side, size in zip(shape, array.shape, strict=True)
    )
    if array.dtype != np.dtype(kind) or array.shape != expected:
        raise ValueError(f"{array.dtype}{list(array.shape)} is not {kind}{list(expected)}")


def spare(steps: list[int], size: int) -> int | None:
    """The index of the picture that can best be spared; None while there is room for all.

    The one whose neighbours are nearest to each other, never the first or the newest: so those
    that stay are spread evenly over the run, however long it grows.

    Args:
        steps: of the pictures kept, in order.
        size: bytes of the newest.
    """
    if len(steps) <= max(FEWEST_PICTURES, min(MOST_PICTURES, MOST_BYTES // max(1, size))):
        return None
    gaps = np.subtract(steps[2:], steps[:-2])
    return 1 + int(gaps.argmin())
