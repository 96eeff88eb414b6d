"""What the browser is sent: a run's newest layers and its history, small enough to paint."""

from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics import theory
from diagnostics.config import RunConfig
from diagnostics.evidence import decades
from diagnostics.records import Event, StepBatch
from diagnostics.rules import diagnose
from diagnostics.store import Run, Store

MOST_ROWS = 4096
COLUMNS = 120
POINTS = 200

OK, ZERO, BELOW_RANGE, NONFINITE = range(4)
LAYER_METRICS = ("saturated", "dead", "update_ratio")
LEADS = ("signal_grad_norm", "weight_grad_norm")


class Feed:
    """One run as the page needs it: thinned evenly to some thousand steps, and its newest step."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._cursor = (0, 0)
        self._stride = 1
        self.run: Run = store.run(run_id)
        self.kept = StepBatch.empty()
        self.newest = StepBatch.empty()
        self.events: list[Event] = []
        self.refresh()

    def refresh(self) -> bool:
        """Read what is new; whether anything was."""
        before = (self._cursor, self.run.state)
        found = self._store.since(self.run.id, self._cursor)
        self.run = self._store.run(self.run.id)
        self._cursor = found.cursor
        self.events.extend(found.events)
        if len(found.batch):
            self._keep(found.batch)
        return before != (self._cursor, self.run.state)

    def at(self, step: int | None) -> StepBatch:
        """The kept step nearest to one asked for; the newest for None."""
        if step is None or not len(self.kept) or step >= self.newest.steps[-1]:
            return self.newest
        row = int(np.abs(self.kept.steps - step).argmin())
        return self.kept[row : row + 1]

    def _keep(self, batch: StepBatch) -> None:
        self.newest = batch[-1:]
        self.kept = StepBatch.join([self.kept, _every(batch, self._stride)])
        while len(self.kept) > MOST_ROWS:
            self._stride *= 2
            self.kept = _every(self.kept, self._stride)


def _every(batch: StepBatch, stride: int) -> StepBatch:
    rows = np.flatnonzero((batch.steps - 1) % stride == 0)
    return StepBatch(batch.steps[rows], batch.values[rows], batch.scalars[rows])


def layers(feed: Feed, lead: str, at: int | None = None) -> dict[str, Any] | None:
    """The per-layer charts of one step; None before the first."""
    batch = feed.at(at)
    if not len(batch):
        return None
    values = batch.metric(lead)[0].astype(np.float64)
    return {
        "step": int(batch.steps[0]),
        "lead": values,
        "marks": marks(batch, lead),
        "decades": _clean(np.append(decades(batch.metric(lead))[0], 0.0)),
        **{key: batch.metric(key)[0].astype(np.float64) for key in LAYER_METRICS},
    }


def marks(batch: StepBatch, lead: str) -> NDArray[np.int64]:
    """Which values are no ordinary numbers, [layers].

    A 0 is a true zero where the gradient was cut off on its way from the output: by a layer
    whose activations are all 0, or by weights that are all 0. Elsewhere it fell below float range.
    """
    values = batch.metric(lead)[0]
    cut = (batch.metric("sparsity")[0] == 1) | _weights_above_are_zero(batch)
    cut_above = np.maximum.accumulate(cut[::-1])[::-1]
    found = np.where(values == 0, np.where(cut_above, ZERO, BELOW_RANGE), OK)
    return np.where(np.isfinite(values), found, NONFINITE)


def _weights_above_are_zero(batch: StepBatch) -> NDArray[np.bool_]:
    return np.append(batch.metric("weight_norm")[0][1:] == 0, False)


def history(feed: Feed, lead: str) -> dict[str, Any]:
    """The whole run so far, thinned: heatmap, loss, accuracy and events. No gap can arise."""
    columns, points = _spread(feed.kept, COLUMNS), _spread(feed.kept, POINTS)
    heat = np.clip(_clean(decades(columns.metric(lead)), nan=np.nan), -9, 9)
    return {
        "heat": {"steps": columns.steps, "decades": heat.T.round(2)},
        **series(feed, points),
        "events": [asdict(event) for event in feed.events],
    }


def series(feed: Feed, points: StepBatch | None = None) -> dict[str, Any]:
    """Loss and held-out accuracy over steps."""
    shown = _spread(feed.kept, POINTS) if points is None else points
    return {
        "steps": shown.steps,
        "loss": shown.scalar("loss"),
        "accuracy": shown.scalar("heldout_accuracy"),
    }


def verdict(feed: Feed) -> list[dict[str, Any]]:
    """The diagnoses of the run so far, as objects."""
    recent = StepBatch.join([_spread(feed.kept, POINTS), feed.newest])
    run = feed.run
    return [asdict(found) for found in diagnose(run.config, recent, run.state, run.patient_zero)]


def about(run: Run) -> dict[str, Any]:
    """A run's name in words, its state and its length."""
    return {
        "run": run.id,
        "state": run.state,
        "error": run.error,
        "steps": run.config.steps,
        "layers": run.config.hidden_layers + 1,
        "label": label(run),
        "theory": _theory(run.config),
    }


@lru_cache(maxsize=256)
def _theory(config: RunConfig) -> dict[str, Any]:
    """The predicted profile and its band in decades, or a sentence where there is none."""
    found = theory.predict(config)
    if found is None:
        return {"why_not": theory.unfounded(config)}
    return {"decades": found.decades, "spread": found.spread}


def label(run: Run) -> str:
    """What tells a run from others: the four remedies in short."""
    config = run.config
    parts = [config.activation, config.init]
    parts += [f"{config.norm} norm"] if config.norm != "none" else []
    parts += [f"clip {config.clip}"] if config.clip != "none" else []
    return " · ".join(part.replace("_", " ") for part in parts)


def _spread(batch: StepBatch, most: int) -> StepBatch:
    """At most so many steps, evenly spread, first and last among them."""
    if len(batch) <= most:
        return batch
    rows = np.linspace(0, len(batch) - 1, most).round().astype(int)
    return StepBatch(batch.steps[rows], batch.values[rows], batch.scalars[rows])


def _clean(values: NDArray[Any], nan: float = 0.0) -> NDArray[Any]:
    return np.where(np.isfinite(values), values, nan)
