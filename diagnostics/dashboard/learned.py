"""What a network has learned, and one of its layers inside, for the wire."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from diagnostics.dashboard import wire
from diagnostics.dashboard.wire import Inside, Learned, Watch
from diagnostics.store.pictures import BINS, QUANTITIES, Ground, Picture
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig


class Shot(NamedTuple):
    """A picture of a network of the lab's, and what it is of; neither where there is none."""

    config: RunConfig | None = None
    ground: Ground | None = None
    picture: Picture | None = None
    heldout: float = np.nan


def compose(watch: Watch, shot: Shot, *, preview: bool, inside: bool) -> Learned:
    """All that a browser may be sent of a picture.

    Args:
        preview: it is of the controls' network before training.
        inside: whether the chosen layer's inside is in sight.
    """
    told = Learned(watch.run, watch.query if preview else "")
    picture = shot.picture
    if picture is None or shot.config is None:
        return told
    return replace(
        told,
        step=int(picture.step[0]),
        ground=_ground(shot.ground) if shot.ground else None,
        guesses=picture.guesses if shot.ground else None,
        sure=picture.sure.astype(np.float64).round(3) if shot.ground else None,
        heldout=shot.heldout,
        inside=_inside(shot.config, picture, watch.layer) if inside else None,
    )


def news(sent: Learned | None, now: Learned | None) -> Learned | None:
    """What a browser has not been sent yet; the ground only once a network."""
    if now is None or sent is None or (sent.run, sent.query) != (now.run, now.query):
        return now
    return None if _which(sent) == _which(now) else replace(now, ground=None)


def _which(learned: Learned) -> tuple[object, ...]:
    held = learned.heldout
    return (learned.step, learned.inside and learned.inside.layer, held if held == held else None)


def _ground(ground: Ground) -> wire.Ground:
    return wire.Ground(
        inputs=ground.inputs.astype(np.float64).round(3),
        labels=ground.labels,
        heldout=ground.heldout.astype(np.uint8),
        reach=float(ground.reach[0]),
    )


def _inside(config: RunConfig, picture: Picture, layer: int) -> Inside | None:
    """None for the output layer, whose units are the classes."""
    if not 1 <= layer <= len(picture.counts):
        return None
    i = layer - 1
    dead = picture.dead[i] if i < len(picture.dead) else np.zeros(picture.mean.shape[1], bool)
    return Inside(
        layer=layer,
        histograms=_histograms(config, picture, i),
        mean=picture.mean[i].astype(np.float64),
        saturated=picture.saturated[i].astype(np.float64).round(3),
        dead=dead.astype(np.uint8),
    )


def _histograms(config: RunConfig, picture: Picture, i: int) -> Mapping[str, wire.Histogram]:
    found = {}
    for j, quantity in enumerate(QUANTITIES):
        low, width = picture.edges[i, j]
        counts, (zeros, nonfinite) = picture.counts[i, j], picture.apart[i, j]
        edges = low + width * np.arange(BINS + 1)
        expected = theory.shares(config, i + 1, edges) if quantity == "activation" else None
        found[quantity] = wire.Histogram(
            float(low), float(width), counts, int(zeros), int(nonfinite), expected
        )
    return found
