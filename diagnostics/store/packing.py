"""Measurements as rows of the store, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.store.records import METRICS, SCALARS, StepBatch

DEAD_UNITS = "dead "
COUNTERS = "counters"


@dataclass(frozen=True)
class Checkpoint:
    """All that a run needs to go on from where it stood, to the last bit.

    Attributes:
        arrays: by name, of any plain type and shape.
        counters: what can be said in JSON.
    """

    arrays: Mapping[str, NDArray[Any]]
    counters: Mapping[str, Any]


def pack(batch: StepBatch) -> dict[str, Any]:
    """A row of steps."""
    scalars = np.column_stack([batch.scalars, *batch.own.values()])
    return {
        "first_step": int(batch.steps[0]),
        "steps": len(batch),
        "layers": batch.layers,
        "numbers": batch.steps.astype("<i8").tobytes(),
        "array": batch.values.astype("<f4").tobytes(),
        "scalars": scalars.astype("<f8").tobytes(),
        "own": " ".join(batch.own).encode() or None,
    }


def unpack(row: Any) -> StepBatch:
    """The steps of a row. Raises ``ValueError`` where its columns don't fit each other."""
    numbers = np.frombuffer(row.numbers, "<i8")
    if len(numbers) != row.steps or np.any(np.diff(numbers, prepend=-1) <= 0):
        raise ValueError("steps are numbered from 0 on, in order")
    names = (row.own or b"").decode().split()
    scalars = np.frombuffer(row.scalars, "<f8").reshape(row.steps, -1)
    known, own = np.split(scalars, [scalars.shape[1] - len(names)], axis=1)
    return StepBatch(
        numbers,
        padded(np.frombuffer(row.array, "<f4").reshape(row.steps, row.layers, -1), len(METRICS)),
        padded(known, len(SCALARS)),
        dict(zip(names, own.T, strict=True)),
    )


def padded(kept: NDArray[Any], columns: int) -> NDArray[Any]:
    """[…, columns]; columns that an older version did not keep are NaN."""
    missing = columns - kept.shape[-1]
    if not missing:
        return kept
    added = np.full((*kept.shape[:-1], missing), np.nan, kept.dtype)
    return np.concatenate([kept, added], axis=-1)


def pack_mask(dead: NDArray[np.bool_]) -> dict[str, Any]:
    """A bit for each unit; the kind carries the shape."""
    layers, units = dead.shape
    return {"kind": f"{DEAD_UNITS}{layers}x{units}", "array": np.packbits(dead).tobytes()}


def unpack_mask(kind: str, bits: bytes) -> NDArray[np.bool_]:
    """Which units are dead, [layers, units]."""
    layers, units = map(int, kind.removeprefix(DEAD_UNITS).split("x"))
    flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=layers * units)
    return flat.reshape(layers, units).astype(bool)


def pack_checkpoint(kept: Checkpoint) -> list[dict[str, Any]]:
    """A row for each array, whose kind carries type and shape, and one for the counters.

    The latter's says how many arrays there are: of a damaged store a whole row may be missing.
    """
    kind, counters = f"json {len(kept.arrays)}", json.dumps(dict(kept.counters)).encode()
    told = {"name": COUNTERS, "kind": kind, "array": counters}
    return [told, *(_pack_array(name, array) for name, array in kept.arrays.items())]


def unpack_checkpoint(rows: Sequence[Any]) -> Checkpoint:
    """What was packed. Raises ``ValueError`` unless these are all of the rows that were."""
    arrays = {row.name: _unpack_array(row) for row in rows if row.name != COUNTERS}
    (told,) = [row for row in rows if row.name == COUNTERS]
    count = told.kind.partition(" ")[2]
    if count and int(count) != len(arrays):
        raise ValueError(f"{len(arrays)} of {count} arrays are left")
    return Checkpoint(arrays, json.loads(told.array))


def _pack_array(name: str, array: NDArray[Any]) -> dict[str, Any]:
    kind = " ".join([array.dtype.str, *map(str, array.shape)])
    return {"name": name, "kind": kind, "array": array.tobytes()}


def _unpack_array(row: Any) -> NDArray[Any]:
    kind, *shape = row.kind.split(" ")
    return np.frombuffer(bytearray(row.array), np.dtype(kind)).reshape(tuple(map(int, shape)))
