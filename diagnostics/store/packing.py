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
    return {
        "first_step": int(batch.steps[0]),
        "steps": len(batch),
        "layers": batch.layers,
        "numbers": batch.steps.astype("<i8").tobytes(),
        "array": batch.values.astype("<f4").tobytes(),
        "scalars": batch.scalars.astype("<f8").tobytes(),
    }


def unpack(row: Any) -> StepBatch:
    """The steps of a row. Raises ``ValueError`` where its columns don't fit each other."""
    numbers = np.frombuffer(row.numbers, "<i8")
    if len(numbers) != row.steps or np.any(np.diff(numbers, prepend=-1) <= 0):
        raise ValueError("steps are numbered from 0 on, in order")
    return StepBatch(
        numbers,
        padded(np.frombuffer(row.array, "<f4"), len(METRICS), row.steps, row.layers),
        padded(np.frombuffer(row.scalars, "<f8"), len(SCALARS), row.steps),
    )


def padded(flat: NDArray[Any], columns: int, *shape: int) -> NDArray[Any]:
    """[*shape, columns]; columns that an older version did not keep are NaN."""
    kept = flat.reshape(*shape, -1)
    missing = columns - kept.shape[-1]
    if not missing:
        return kept
    return np.concatenate([kept, np.full((*shape, missing), np.nan, flat.dtype)], axis=-1)


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
    """A row for each array, whose kind carries type and shape, and one for the counters."""
    told = {"name": COUNTERS, "kind": "json", "array": json.dumps(dict(kept.counters)).encode()}
    return [told, *(_pack_array(name, array) for name, array in kept.arrays.items())]


def unpack_checkpoint(rows: Sequence[Any]) -> Checkpoint:
    """What was packed; all of the rows that were."""
    arrays = {row.name: _unpack_array(row) for row in rows if row.kind != "json"}
    (told,) = [json.loads(row.array) for row in rows if row.kind == "json"]
    return Checkpoint(arrays, told)


def _pack_array(name: str, array: NDArray[Any]) -> dict[str, Any]:
    kind = " ".join([array.dtype.str, *map(str, array.shape)])
    return {"name": name, "kind": kind, "array": array.tobytes()}


def _unpack_array(row: Any) -> NDArray[Any]:
    kind, *shape = row.kind.split(" ")
    return np.frombuffer(bytearray(row.array), np.dtype(kind)).reshape(tuple(map(int, shape)))
