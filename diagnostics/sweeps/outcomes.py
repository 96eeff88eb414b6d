"""What came of a sweep, as a table: a row for each cell."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from diagnostics.diagnosis.rules import diagnose
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import StepBatch
from diagnostics.store.store import Run, Store
from diagnostics.sweeps.sweep import Result

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "run": "the run that answers the cell",
    "state": "how it ended",
    "diagnosis": "the gravest of what is said of its end",
    "severity": "of the diagnosis",
    "decades": "log10 of the first hidden layer's signal gradient over the last one's, at the end",
    "dead": "the largest share of dead units of a layer, at the end",
    "loss": "held-out loss at the end",
    "accuracy": "held-out accuracy at the end",
    "steps": "that were trained",
    "error": "why there is no result",
}
"""Beside the fields that were varied."""


def frame(store: Store, results: Iterable[Result]) -> "pd.DataFrame":
    """A row for each cell, in their order: the fields that were varied, and ``COLUMNS``."""
    import pandas as pd

    found = sorted(results, key=lambda result: result.cell.place)
    fields = list(found[0].cell.values) if found else []
    rows = [{**result.cell.values, **row(store, result)} for result in found]
    return pd.DataFrame(rows, columns=[*fields, *COLUMNS])


def row(store: Store, result: Result) -> dict[str, Any]:
    """One cell's numbers; NaN and empty words where there are none."""
    told: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    told |= dict.fromkeys(("decades", "dead", "loss", "accuracy"), np.nan)
    told |= {"steps": 0, "error": result.error}
    return told if result.run is None else told | _of(store, result.run)


def _of(store: Store, run: Run) -> dict[str, Any]:
    batch = store.since(run.id).batch
    said = diagnose(run.config, batch, run.patient_zero)
    first = said[0] if said else None
    return {
        "run": run.id,
        "state": run.state,
        "diagnosis": first.title if first else "",
        "severity": first.severity if first else "",
        "loss": np.nan if run.loss is None else run.loss,
        "accuracy": np.nan if run.accuracy is None else run.accuracy,
        "steps": run.steps,
        **_measured(batch),
    }


def _measured(batch: StepBatch) -> dict[str, float]:
    if not len(batch):
        return {}
    last = batch[-1:]
    dead = last.metric("dead")[0]
    return {
        "decades": float(decades(last.metric("signal_grad_norm"))[0, 0]),
        "dead": float(np.nanmax(dead)) if np.isfinite(dead).any() else np.nan,
    }
