"""A scene as the page shows it: before training, at every step, and at its end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diagnostics.dashboard import frames
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.frames import Sketch
from diagnostics.diagnosis import way
from diagnostics.diagnosis.dead_units import deaths
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.engine.lab.worker import train_into
from diagnostics.runs.control import Control
from diagnostics.store.records import DeadUnits, Diagnosis, StepBatch, Summary
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

Floats = NDArray[np.float64]

RECENT = 20
"""Last steps over which a loss is averaged."""


@dataclass(frozen=True)
class Shown:
    """A run at its end, with what the page said of it before the first step and after the last."""

    config: RunConfig
    summary: Summary
    start: StepBatch
    batch: StepBatch
    before: tuple[Diagnosis, ...]
    after: tuple[Diagnosis, ...]
    looks: tuple[DeadUnits, ...]

    @property
    def first(self) -> str:
        """The verdict before training."""
        return self.before[0].rule

    @property
    def last(self) -> str:
        """The verdict at the end."""
        return self.after[0].rule

    @property
    def said(self) -> set[str]:
        """All that is said before and after."""
        return {found.rule for found in (*self.before, *self.after)}

    @property
    def accuracy(self) -> float:
        """Held-out, at the end."""
        return self.summary.accuracy or 0.0

    @property
    def guesses(self) -> bool:
        """Whether it reads digits hardly better than chance: not one of four, of ten kinds."""
        return self.accuracy < 0.25

    def at(self, step: int, metric: str) -> Floats:
        """A metric of the hidden layers at a step, 0 for before training, [layers − 1]."""
        batch = self.start if step == 0 else self.batch[step - 1 : step]
        return np.asarray(batch.metric(metric)[0, :-1], np.float64)

    def end(self, metric: str) -> Floats:
        """The same at the end."""
        return self.at(len(self.batch), metric)

    def decades(self, step: int = 0) -> Floats:
        """log10 of each hidden layer's signal over the last one's, [layers − 1]."""
        batch = self.start if step == 0 else self.batch[step - 1 : step]
        return np.asarray(way.decades(batch.metric("signal_grad_norm"))[0])

    @property
    def factor(self) -> float:
        """What a layer passes on of the gradient it gets, on average before training."""
        return float(10 ** (self.decades()[0] / (self.config.hidden_layers - 1)))

    @cached_property
    def loss(self) -> float:
        """On batches, at the end."""
        return float(self.batch.scalar("loss")[-RECENT:].mean())

    @property
    def heldout(self) -> float:
        """The held-out loss at the end."""
        return float(self.batch.scalar("heldout_loss")[-1])

    @property
    def gap(self) -> float:
        """Between the two."""
        return self.heldout - self.loss

    @property
    def cut(self) -> NDArray[np.bool_]:
        """Which steps were clipped, [steps]."""
        before, after = self.batch.scalar("grad_norm"), self.batch.scalar("clipped_norm")
        return np.asarray(after < before * (1 - 1e-5))

    def revived(self, layer: int) -> float:
        """The share of a layer's deaths that were not for good."""
        found = deaths(self.looks)
        return float(found[found.layer == layer].revived.notna().mean())


Scenes = Mapping[str, Shown]
Fact = Callable[[Scenes], bool]


def show(config: RunConfig, folder: Path) -> Shown:
    """Train a scene and read it as the page does."""
    store = Store(f"sqlite:///{folder / 'scenes.sqlite'}")
    try:
        run = store.create_run(config)
        summary = train_into(store, run, Control())
        feed = Feed(store, run)
        start = profile_batch(config)
        before = frames.diagnoses(None, Sketch(config, start))
        looks = tuple(store.dead_units(run))
        after = frames.diagnoses(feed, None)
        return Shown(config, summary, start, feed.kept, before, after, looks)
    finally:
        store.close()
