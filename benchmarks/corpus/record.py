"""What is kept of a training: all that rules may look at, and whether it learned."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from diagnostics.store.records import METRICS, SCALARS, PatientZero, StepBatch
from diagnostics.subject.watched import Subject, subject

WELL = "well"


@dataclass(frozen=True)
class Record:
    """A training.

    Attributes:
        score: what it came to at its end, from 0 for chance to 1 for perfect.
        start: the network before its first step, where that is measured.
    """

    subject: Subject
    batch: StepBatch
    score: float
    patient: PatientZero | None = None
    start: StepBatch | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """So that what was kept is read where models and measurements have learned to tell more."""
        kept = self.subject.model_dump()
        return _restored, (kept, _parts(self.batch), self.score, self.patient, _parts(self.start))


Parts = tuple[Any, ...]


def _parts(batch: StepBatch | None) -> Parts | None:
    return batch and (batch.steps, batch.values, batch.scalars)


def _batch(parts: Parts | None) -> StepBatch | None:
    if parts is None:
        return None
    steps, values, scalars = parts
    return StepBatch(steps, _widened(values, len(METRICS)), _widened(scalars, len(SCALARS)))


def _widened(values: np.ndarray, columns: int) -> np.ndarray:
    """What was not measured then is not known."""
    missing = columns - values.shape[-1]
    around = [(0, 0)] * (values.ndim - 1) + [(0, missing)]
    return np.pad(values, around, constant_values=np.nan)


def _restored(kept: Any, batch: Parts, score: float, patient: Any, start: Parts | None) -> Record:
    known = _batch(batch)
    assert known is not None
    return Record(subject(kept), known, score, patient, _batch(start))


def dice(name: str) -> int:
    """The same for a name, for good."""
    return int.from_bytes(sha256(name.encode()).digest()[:4])


@dataclass(frozen=True)
class Entry:
    """A training that can be had.

    Attributes:
        name: what tells it from all others.
        truth: the rules that are right about it, any of them; none where it is well or where its
            outcome decides.
        good: the score from which on it has learned; below half of it, it has not.
        held_out: whether thresholds may not be chosen by it.
    """

    name: str
    truth: tuple[str, ...]
    train: Callable[[], Record]
    good: float
    held_out: bool

    def recorded(self, folder: Path | None) -> Record:
        """Trained, or read from a folder where it was kept before."""
        if folder is None:
            return self.train()
        kept = folder / f"{sha256(self.name.encode()).hexdigest()[:20]}.pickle"
        if not kept.exists():
            folder.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(self.train()))
        found: Record = pickle.loads(kept.read_bytes())
        return found
