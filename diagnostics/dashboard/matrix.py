"""A sweep as one HTML file that opens anywhere: a matrix of small gradient curves.

A cell is a network, or the same one of several seeds: its curves are what of the gradient reaches
each hidden layer at the last step, as everywhere in decades over the last hidden layer; its colour
is its diagnosis; dashes are what theory predicts at initialization.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from diagnostics.dashboard import embedded
from diagnostics.dashboard.foreseen import predicted
from diagnostics.dashboard.report import SCHEME
from diagnostics.diagnosis.rules import GRAVITY
from diagnostics.subject.config import FIELDS, word
from diagnostics.sweeps.outcomes import Outcome

WIDE, HIGH = 96.0, 48.0
"""A cell's picture, in units of its own."""

MOST, LEAST = 2.0, -12.0
"""Decades between which curves are drawn; what is beyond is at an edge."""


@dataclass(frozen=True)
class Shown:
    """A cell as it is drawn.

    Attributes:
        runs: that answer it, one for each seed.
        tone: of the gravest diagnosis among them; empty where there is none.
        curves, theory: paths of SVG.
        numbers: of all its runs, in words.
    """

    runs: tuple[str, ...]
    tone: str
    said: str
    curves: tuple[str, ...]
    theory: str
    numbers: str


def matrix(found: Sequence[Outcome], words: str) -> str:
    """The file's text: one field in columns, all others but the seed in rows."""
    cells = [one.cell.values for one in found]
    varied = [key for key in (cells[0] if cells else {}) if key != "seed"]
    across = max(varied, key=lambda key: len(_values(cells, key)), default="")
    down = [key for key in varied if key != across]
    rows = [
        (" · ".join(map(_named, down, key)), list(map(_cell, columns)))
        for key, columns in _table(found, down, across)
    ]
    return embedded.TEMPLATES.get_template("matrix.html").render(
        words=words,
        across=FIELDS[across].title if across else "",
        columns=[word(value) for value in _values(cells, across)],
        rows=rows,
        wide=WIDE,
        high=HIGH,
        zero=_height(np.zeros(1))[0],
        style=embedded.bundle("css"),
        scheme=SCHEME,
    )


def _values(cells: Iterable[Mapping[str, object]], key: str) -> list[object]:
    """What a field takes, in the order in which it does."""
    return list(dict.fromkeys(cell[key] for cell in cells if key in cell))


def _table(
    outcomes: Sequence[Outcome], down: Sequence[str], across: str
) -> list[tuple[tuple[object, ...], list[list[Outcome]]]]:
    """Outcomes by their values in rows, and in each row by those in columns."""
    cells = [one.cell.values for one in outcomes]
    found: dict[tuple[object, ...], list[Outcome]] = {}
    for one in outcomes:
        place = tuple(one.cell.values.get(key) for key in (*down, across))
        found.setdefault(place, []).append(one)
    columns = _values(cells, across) or [None]
    return [
        (row, [found.get((*row, column), []) for column in columns])
        for row in product(*(_values(cells, key) for key in down))
    ]


def _named(key: str, value: object) -> str:
    return word(value) if FIELDS[key].annotation is str else f"{key} {word(value)}"


def _cell(seeds: Sequence[Outcome]) -> Shown:
    """What came of one network, over its seeds."""
    runs = [one.run for one in seeds if one.run]
    curves = [one.decades for one in seeds if len(one.decades)]
    told = [one.diagnosis for one in seeds if one.diagnosis]
    gravest = min(told, key=lambda said: GRAVITY.index(said.severity), default=None)
    errors = [one.error for one in seeds if one.error]
    reached = [float(curve[0]) for curve in curves]
    accuracies = [run.accuracy for run in runs if run.accuracy is not None]
    return Shown(
        runs=tuple(run.id for run in runs),
        tone=gravest.tone if gravest else "",
        said=gravest.title if gravest else " ".join(errors[:1]),
        curves=tuple(map(_path, curves)),
        theory=_theory(seeds),
        numbers=" · ".join([*_spread(reached, "{:+.1f} decades"), *_spread(accuracies, "{:.0%}")]),
    )


def _spread(numbers: Sequence[float], form: str) -> list[str]:
    """The mean, with the half of the range over seeds."""
    known = [one for one in numbers if np.isfinite(one)]
    if not known:
        return []
    half = (max(known) - min(known)) / 2
    more = [] if len(known) == 1 else [f"± {form.format(half).lstrip('+')}"]
    return [" ".join([form.format(mean(known)), *more]).replace("-", "−")]


def _theory(seeds: Sequence[Outcome]) -> str:
    config = seeds[0].cell.config if seeds else None
    told = predicted(config).decades if config else None
    return "" if told is None else _path(np.asarray(told))


def _height(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    shown = np.clip(np.nan_to_num(curve, nan=LEAST), LEAST, MOST)
    return np.asarray(HIGH * (MOST - shown) / (MOST - LEAST))


def _path(curve: NDArray[np.float64]) -> str:
    """A curve from the first hidden layer to the last."""
    across = np.linspace(0, WIDE, len(curve)) if len(curve) > 1 else np.array([WIDE / 2])
    points = zip(across, _height(curve), strict=True)
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
