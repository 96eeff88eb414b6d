"""What came of a sweep, as a table: a row for each cell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.diagnosis.rules import diagnose
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import Diagnosis, StepBatch
from diagnostics.store.store import Run, Store
from diagnostics.subject.theory import Prediction, predict
from diagnostics.sweeps.product import Cell
from diagnostics.sweeps.sweep import Result

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "run": "the run that answers the cell",
    "state": "how it ended",
    "diagnosis": "the gravest of what is said of its end",
    "severity": "of the diagnosis",
    "decades": "log10 of the first hidden layer's signal gradient over the last one's, at the end, "
    "or at the last step before numbers end",
    "predicted": "the same at initialization, by theory; empty where that does not hold",
    "dead": "the largest share of dead units of a layer, at the end",
    "loss": "held-out loss at the end",
    "accuracy": "held-out accuracy at the end",
    "steps": "that were trained",
    "error": "why there is no result",
}
"""Beside the fields that were varied."""


START = "at initialization"

AWAY = 1.0
"""Decades from theory's prediction that are worth a word."""


@dataclass(frozen=True)
class Outcome:
    """What a cell came to.

    Attributes:
        run: that answers it; none at initialization, and where it could not be trained, as
            ``error`` says.
        diagnosis: the gravest of what is said of the run's end, if anything.
        decades: of each hidden layer over the last one at the last step (of what diverged, at the
            last whose signals are numbers), [hidden layers]; −∞ where no gradient arrives at the
            last one, empty where nothing was measured.
        dead: the largest share of dead units of a layer; NaN where none was counted.
        theory: what is predicted at initialization, if anything.
    """

    cell: Cell
    error: str
    run: Run | None = None
    diagnosis: Diagnosis | None = None
    decades: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    dead: float = np.nan
    theory: Prediction | None = None

    @property
    def away(self) -> bool:
        """Whether theory predicts other decades, by more than one and twice its own spread."""
        if self.theory is None or not len(self.decades):
            return False
        off = np.abs(self.decades[0] - self.theory.decades[0])
        return bool(off > AWAY + 2 * self.theory.spread[0])


def outcomes(store: Store, results: Iterable[Result]) -> list[Outcome]:
    """What cells came to, in their order; each run is read and judged once."""
    found = sorted(results, key=lambda result: result.cell.place)
    return [outcome(store, result) for result in found]


def outcome(store: Store, result: Result) -> Outcome:
    """What a cell came to."""
    cell, run, config = result.cell, result.run, result.cell.config
    if config is None or (run is None and result.start is None):
        return Outcome(cell, result.error)
    batch = store.since(run.id).batch if run else result.start
    assert batch is not None
    first = next(iter(diagnose(config, batch, run.patient_zero if run else None)), None)
    return Outcome(
        cell, result.error, run, first, *_measured(batch.sound() or batch[-1:]), predict(config)
    )


def _measured(last: StepBatch) -> tuple[NDArray[np.float64], float]:
    """Decades and dead units of a step, if there is one."""
    if not len(last):
        return np.empty(0), np.nan
    dead = last.metric("dead")[0]
    share = float(np.nanmax(dead)) if np.isfinite(dead).any() else np.nan
    signal = last.metric("signal_grad_norm")
    arrives = len(signal[0]) < 2 or signal[0][-2] != 0
    return np.where(arrives, decades(signal)[0], -np.inf), share


def frame(found: Sequence[Outcome]) -> "pd.DataFrame":
    """A row for each cell: the fields that were varied, and ``COLUMNS``."""
    import pandas as pd

    fields = list(found[0].cell.values) if found else []
    rows = [{**one.cell.values, **_row(one)} for one in found]
    return pd.DataFrame(rows, columns=[*fields, *COLUMNS])


def _row(one: Outcome) -> dict[str, Any]:
    """One cell's numbers; NaN and empty words where there are none."""
    run, said = one.run, one.diagnosis
    return {
        "run": run.id if run else "",
        "state": run.state if run else START if len(one.decades) else "",
        "diagnosis": said.title if said else "",
        "severity": said.severity if said else "",
        "decades": one.decades[0] if len(one.decades) else np.nan,
        "predicted": one.theory.decades[0] if one.theory else np.nan,
        "dead": one.dead,
        "loss": np.nan if run is None or run.loss is None else run.loss,
        "accuracy": np.nan if run is None or run.accuracy is None else run.accuracy,
        "steps": run.steps if run else 0,
        "error": one.error,
    }
