"""What the browser is sent: a run's newest layers and its history, small enough to paint."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.diagnosis import dead_units
from diagnostics.diagnosis.case import decades
from diagnostics.store.records import DeadUnits, Event, StepBatch
from diagnostics.store.store import Run, Store
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import Subject, WatchedModel

MOST_ROWS = 4096
COLUMNS = 120
POINTS = 200

OK, ZERO, BELOW_RANGE, NONFINITE = range(4)
LADDER = ("computed_grad_norm", "weight_grad_norm", "clipped_grad_norm", "update_norm")
"""The rungs of a weight's gradient, from the backward pass to the step really taken."""

LAYER_METRICS = ("saturated", "dead", "update_ratio", *LADDER)
LEADS = {
    "signal": "signal_grad_norm",
    "weight": "weight_grad_norm",
    "activation": "activation_std",
}
"""The views of the leading chart."""

FAR = 4.0
"""Standard deviations from the prediction at which training has left the initialization."""


class Feed:
    """One run as the page needs it: thinned evenly to some thousand steps, and its newest step."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._cursor = (0, 0)
        self._stride = 1
        self.met = 0
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
        self.kept = StepBatch.join([self.kept, batch[-self.met % self._stride :: self._stride]])
        self.met += len(batch)
        while len(self.kept) > MOST_ROWS:
            self._stride *= 2
            self.kept = self.kept[::2]


def layers(batch: StepBatch, lead: str) -> dict[str, Any] | None:
    """The per-layer charts of one step; None where there is none."""
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
        "heldout": shown.scalar("heldout_loss"),
        "accuracy": shown.scalar("heldout_accuracy"),
    }


def clipping(feed: Feed) -> dict[str, Any]:
    """Global norms before and after clipping, the share of steps clipped, and the angle."""
    shown = _spread(feed.kept, POINTS)
    before, after = shown.scalar("grad_norm"), shown.scalar("clipped_norm")
    cosine = np.clip(shown.scalar("clip_cosine"), -1, 1)
    known = np.degrees(np.arccos(cosine[np.isfinite(cosine)]))
    config = feed.run.config
    return {
        "steps": shown.steps,
        "before": before,
        "after": after,
        "share": float(np.mean(after < before * (1 - 1e-5))) if len(shown) else 0.0,
        "angle": float(known.mean()) if len(known) else None,
        "method": config.clip,
        "threshold": config.clip_threshold if config.clip == "norm" else None,
    }


def lives(dead: Sequence[DeadUnits], layer: int) -> dict[str, Any]:
    """The strip of a layer's units, and how many died and came back."""
    steps, strip = dead_units.strip(dead, layer)
    found = dead_units.deaths(dead)
    mine = found[found.layer == layer]
    return {
        "steps": steps,
        "dead": strip,
        "died": len(mine),
        "revived": int(mine.revived.notna().sum()),
    }


def recent(feed: Feed) -> StepBatch:
    """The run so far as the rules see it: thinned, and the newest step."""
    return StepBatch.join([_spread(feed.kept, POINTS), feed.newest])


def about(run: Run) -> dict[str, Any]:
    """A run's state and length."""
    told = {"run": run.id, "state": run.state, "error": run.error, **shape(run.config)}
    if run.watched:
        told |= {"steps": _round_up(run.steps), "label": title(run), "watched": True}
    return told


def _round_up(steps: int) -> int:
    """A length of axis that does not change at every step: 50, 100, 200, 500 …"""
    lengths = (m * 10**e for e in range(1, 12) for m in (5, 10, 20))
    return next((length for length in lengths if length >= steps), steps)


def shape(config: Subject) -> dict[str, Any]:
    """What charts need to know of a configuration."""
    return {
        "steps": config.steps,
        "layers": config.hidden_layers + 1,
        "word": config.layer_word,
        "names": config.names,
        "label": label(config),
        "theory": _theory(config),
    }


def _theory(config: Subject) -> dict[str, Any]:
    """The prediction for a network of the lab's; of others there is none."""
    if config.lab is None:
        return {"why_not": " · ".join(("one point a layer, in the order of calls", *config.unseen))}
    return _predicted(config.lab)


@lru_cache(maxsize=256)
def _predicted(config: RunConfig) -> dict[str, Any]:
    """The predicted profiles and the band in decades, or a sentence where there is none."""
    found = theory.predict(config)
    if found is None:
        return {"why_not": theory.unfounded(config)}
    slope = float(-found.decades[0] / max(1, len(found.decades) - 1))
    return {
        "decades": found.decades,
        "spread": found.spread,
        "activation_std": found.activation_std,
        "slope": -slope,
    }


def away(config: Subject, batch: StepBatch) -> bool:
    """Whether training has led so far from the initialization that theory no longer speaks of it.

    Theory's band is for the mean over networks; a tenth of a decade a layer is allowed beside it.
    """
    found = theory.predict(config) if isinstance(config, RunConfig) else None
    if found is None or not len(batch) or batch.steps[0] == 0 or batch.layers < 3:
        return False
    off = np.abs(_clean(decades(batch.metric("signal_grad_norm"))[0]) - found.decades)
    return bool(off[0] > FAR * found.spread[0] + 0.02 * len(off))


def cost(feed: Feed) -> str:
    """What watching costs: time as a share of a step's, and room in the store."""
    newest = feed.newest
    with np.errstate(all="ignore"):
        share = float((newest.scalar("probe_time") / newest.scalar("step_time"))[-1])
    measured = feed.met / max(1, feed.run.steps)
    size = newest.values[0].nbytes + newest.scalars[0].nbytes + newest.steps[:1].nbytes
    room = f"{measured * size / 1e3:.2g} MB per 1,000 steps"
    return f"{share:.1%} of step time, {room}" if np.isfinite(share) else room


def title(run: Run) -> str:
    """What tells a run from others: its name, or what it trains."""
    return run.name or label(run.config)


def label(config: Subject) -> str:
    """A model's class, or the four remedies in short."""
    if isinstance(config, WatchedModel):
        return config.model
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
