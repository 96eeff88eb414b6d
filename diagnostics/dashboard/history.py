"""A whole run, small enough to paint: heatmap, loss, clipping, the lives of units."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.dashboard import wire
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.groups import Level
from diagnostics.dashboard.moments import moments
from diagnostics.dashboard.wire import Kind
from diagnostics.diagnosis import dead_units
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import DeadUnits, StepBatch
from diagnostics.subject.choices import CLIPS

COLUMNS = 120
POINTS = 200

JUDGED, FEWEST = 100_000, 40
"""Points of all layers that rules see, so that a verdict takes no longer on 2,000 layers than on
500; and of each at least."""


def history(
    feed: Feed,
    beside: Sequence[Feed],
    metric: str,
    kinds: Collection[Kind],
    lives: wire.Lives | None = None,
    layer: int = 1,
    folded: Level | None = None,
) -> wire.History:
    """The run so far, thinned, with what charts of these kinds draw. No gap can arise."""
    columns, points = _spread(feed.kept, COLUMNS), _spread(feed.kept, POINTS)
    heat = decades(columns.metric(metric))
    heat = np.clip(np.where(np.isfinite(heat), heat, np.nan), -9, 9)
    if folded is not None and len(columns):
        heat = folded.farthest(heat).round(1)
    return wire.History(
        **vars(series(points)),
        heat=wire.Heat(columns.steps, heat.T.round(2)),
        events=tuple(feed.events),
        moments=moments(feed),
        beside=tuple(series(_spread(one.kept, POINTS)) for one in beside),
        clipping=clipping(feed) if "clipping" in kinds else None,
        lives=lives,
        updates=updates(points, layer) if "updates" in kinds else None,
        own=own(feed.kept),
    )


def own(kept: StepBatch) -> tuple[wire.Own, ...]:
    """A loop's own scalars, each thinned by itself: some are told at a few steps only."""
    told = ((name, kept[np.flatnonzero(~np.isnan(values))]) for name, values in kept.own.items())
    shown = ((name, _spread(batch, POINTS)) for name, batch in told)
    return tuple(wire.Own(name, batch.steps, batch.own[name]) for name, batch in shown)


def updates(shown: StepBatch, layer: int) -> NDArray[np.float64]:
    """A layer's update ratios over steps; those of the nearest for one that there is not."""
    ratios = shown.metric("update_ratio").astype(np.float64)
    return ratios[:, np.clip(layer, 1, shown.layers) - 1] if shown.layers else np.empty(0)


def series(shown: StepBatch) -> wire.Series:
    """Loss and held-out numbers over steps."""
    return wire.Series(
        steps=shown.steps,
        loss=shown.scalar("loss"),
        heldout=shown.scalar("heldout_loss"),
        accuracy=shown.scalar("heldout_accuracy"),
    )


def clipping(feed: Feed) -> wire.Clipping:
    """Global norms before and after clipping, the share of steps clipped, and the angle."""
    shown = _spread(feed.kept, POINTS)
    before, after = shown.scalar("grad_norm"), shown.scalar("clipped_norm")
    cosine = np.clip(shown.scalar("clip_cosine"), -1, 1)
    known = np.degrees(np.arccos(cosine[np.isfinite(cosine)]))
    config = feed.run.config
    return wire.Clipping(
        steps=shown.steps,
        before=before,
        after=after,
        share=float(np.mean(after < before * (1 - 1e-5))) if len(shown) else 0.0,
        angle=float(known.mean()) if len(known) else None,
        method=config.clip,
        threshold=config.clip_threshold if CLIPS[config.clip].global_norm else None,
    )


def lives(dead: Sequence[DeadUnits], layer: int) -> wire.Lives:
    """The strip of a layer's units, and how many died and came back."""
    steps, strip = dead_units.strip(dead, layer)
    found = dead_units.deaths(dead)
    mine = found[found.layer == layer]
    return wire.Lives(
        steps=steps, dead=strip, died=len(mine), revived=int(mine.revived.notna().sum())
    )


def recent(feed: Feed, step: int | None = None) -> StepBatch:
    """The run as the rules see it, up to a step or to its end.

    Thinned, with its last steps, and with the one that was clipped most: what never happened is
    told of all steps.
    """
    diverged = step is None and feed.patient() is not None
    last = [feed.sound, feed.newest] if diverged else [feed.at(step)]
    points = max(FEWEST, min(POINTS, JUDGED // max(1, feed.newest.layers)))
    return StepBatch.join([_within(_spread(feed.before(step), points), feed.cut), *last])


def _within(batch: StepBatch, one: StepBatch) -> StepBatch:
    """A step in its place among others; left out where it is not among them, or is there."""
    inside = len(one) and len(batch) and batch.steps[0] <= one.steps[0] <= batch.steps[-1]
    place = int(np.searchsorted(batch.steps, one.steps[0])) if inside else len(batch)
    if place == len(batch) or batch.steps[place] == one.steps[0]:
        return batch
    return StepBatch.join([batch[:place], one, batch[place:]])


def _spread(batch: StepBatch, most: int) -> StepBatch:
    """At most so many steps, evenly spread, first and last among them."""
    if len(batch) <= most:
        return batch
    rows = np.linspace(0, len(batch) - 1, most).round().astype(int)
    return batch[rows]
