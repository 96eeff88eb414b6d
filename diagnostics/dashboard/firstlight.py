"""The network and the leading chart of the frame inside the page, before any script ran."""

from dataclasses import dataclass

import numpy as np

from diagnostics.dashboard import charts
from diagnostics.dashboard.theme import DECADES, THEMES, Theme
from diagnostics.dashboard.wire import Frame, Numbers
from diagnostics.diagnosis.way import decades

LOW, HIGH = -8, 1
"""Decades that the leading chart shows before numbers widen it."""


@dataclass(frozen=True)
class Point:
    """A layer: its place in per cent of the chart, from the left and from above, and its colours
    by scheme; ``y`` is None where it has none on a logarithmic axis."""

    x: float
    y: float | None
    colours: dict[str, str]


@dataclass(frozen=True)
class Picture:
    """Layers from the input: the network's ``boxes`` and the chart's ``points``; powers of ten with
    their places in per cent from above."""

    boxes: tuple[Point, ...]
    points: tuple[Point, ...]
    ticks: tuple[tuple[int, float], ...]


def picture(frame: Frame | None) -> Picture | None:
    """What a frame's layers look like; None where there is nothing to show yet."""
    if frame is None or frame.now is None:
        return None
    now = frame.now
    signal = now.metrics[charts.CHARTS["network"].metric]
    values = now.metrics[charts.view(frame.view).metric]
    with np.errstate(all="ignore"):
        logs = np.where(np.isfinite(values) & (values > 0), np.log10(values), np.nan)
    low, high = _reach(logs)
    heights = 100 * (high - logs) / (high - low)
    ticks = range(low + -low % (every := max(1, -(-(high - low) // 6))), high + 1, every)
    return Picture(
        _points(np.append(decades(signal[None])[0], 0), np.full(len(signal), np.nan)),
        _points(now.decades, heights),
        tuple((power, 100 * (high - power) / (high - low)) for power in ticks),
    )


def _points(shades: Numbers, heights: Numbers) -> tuple[Point, ...]:
    across = 100 * (np.arange(len(shades)) + 0.6) / (len(shades) + 0.2)
    return tuple(
        Point(round(float(x), 2), None if np.isnan(y) else round(float(y), 2), _colours(shade))
        for x, y, shade in zip(across, heights, shades, strict=True)
    )


def _reach(logs: Numbers) -> tuple[int, int]:
    """Whole decades around all values."""
    if np.isnan(logs).all():
        return LOW, HIGH
    low, high = np.floor(np.nanmin(logs) - 0.7), np.ceil(np.nanmax(logs) + 0.3)
    return min(LOW, int(low)), max(HIGH, int(high))


def _colours(decade: float) -> dict[str, str]:
    return {name: _colour(theme, decade) for name, theme in THEMES.items()}


def _colour(theme: Theme, decade: float) -> str:
    """A place in the scale of colours, as ``#rrggbb``."""
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in theme.scale])
    at = (float(np.clip(np.nan_to_num(decade), -DECADES, DECADES)) / DECADES + 1) / 2
    places = np.linspace(0, 1, len(stops))
    return "#" + "".join(f"{round(np.interp(at, places, channel)):02x}" for channel in stops.T)
