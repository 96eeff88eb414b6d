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
from diagnostics.dashboard.page import TEMPLATES
from diagnostics.diagnosis.rules import diagnose
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import Diagnosis
from diagnostics.store.store import Store
from diagnostics.subject.config import FIELDS, word
from diagnostics.sweeps.sweep import Result

WIDE, HIGH = 96.0, 48.0
"""A cell's picture, in units of its own."""

MOST, LEAST = 2.0, -12.0
"""Decades between which curves are drawn; what is beyond is at an edge."""

SEVERITIES = ("ill", "watch", "fine")


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


def matrix(store: Store, results: Sequence[Result], words: str) -> str:
    """The file's text: one field in columns, all others but the seed in rows."""
    results = sorted(results, key=lambda result: result.cell.place)
    cells = [result.cell.values for result in results]
    varied = [key for key in (cells[0] if cells else {}) if key != "seed"]
    across = max(varied, key=lambda key: len(_values(cells, key)), default="")
    down = [key for key in varied if key != across]
    rows = [
        (" · ".join(map(_named, down, key)), [_cell(store, one) for one in columns])
        for key, columns in _table(results, down, across)
    ]
    return TEMPLATES.get_template("matrix.html").render(
        words=words,
        across=FIELDS[across].title if across else "",
        columns=[word(value) for value in _values(cells, across)],
        rows=rows,
        wide=WIDE,
        high=HIGH,
        zero=_height(np.zeros(1))[0],
        style=embedded.bundle("css"),
    )


def _values(cells: Iterable[Mapping[str, object]], key: str) -> list[object]:
    """What a field takes, in the order in which it does."""
    return list(dict.fromkeys(cell[key] for cell in cells if key in cell))


def _table(
    results: Sequence[Result], down: Sequence[str], across: str
) -> list[tuple[tuple[object, ...], list[list[Result]]]]:
    """Results by their values in rows, and in each row by those in columns."""
    cells = [result.cell.values for result in results]
    found: dict[tuple[object, ...], list[Result]] = {}
    for result in results:
        place = tuple(result.cell.values.get(key) for key in (*down, across))
        found.setdefault(place, []).append(result)
    columns = _values(cells, across) or [None]
    return [
        (row, [found.get((*row, column), []) for column in columns])
        for row in product(*(_values(cells, key) for key in down))
    ]


def _named(key: str, value: object) -> str:
    return word(value) if FIELDS[key].annotation is str else f"{key} {word(value)}"


def _cell(store: Store, results: Sequence[Result]) -> Shown:
    """What came of one network, over its seeds."""
    told: list[Diagnosis] = []
    curves, reached, accuracies = [], [], []
    for run in (result.run for result in results if result.run):
        batch = store.since(run.id).batch
        told += diagnose(run.config, batch, run.patient_zero)[:1]
        accuracies += [] if run.accuracy is None else [run.accuracy]
        if len(batch):
            curve = decades(batch[-1:].metric("signal_grad_norm"))[0]
            curves.append(_path(curve))
            reached.append(float(curve[0]))
    gravest = min(told, key=lambda one: SEVERITIES.index(one.severity), default=None)
    errors = [result.error for result in results if result.error]
    return Shown(
        runs=tuple(result.run.id for result in results if result.run),
        tone=gravest.tone if gravest else "",
        said=gravest.title if gravest else " ".join(errors[:1]),
        curves=tuple(curves),
        theory=_theory(results),
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


def _theory(results: Sequence[Result]) -> str:
    config = results[0].cell.config if results else None
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
