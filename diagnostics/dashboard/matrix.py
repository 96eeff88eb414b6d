"""A sweep as a matrix: one field in columns, all others but the seed in rows.

A cell is a network, or the same one of several seeds. It shows what of the gradient reaches each
hidden layer as a small curve, in decades over the last hidden layer as everywhere, or one number;
its edge has the colour of its diagnosis.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from diagnostics.dashboard import embedded
from diagnostics.dashboard.report import SCHEME
from diagnostics.dashboard.shades import SHOWN, Shade
from diagnostics.diagnosis.rules import GRAVITY
from diagnostics.subject.config import FIELDS, InvalidConfig, word
from diagnostics.sweeps.outcomes import Outcome
from diagnostics.sweeps.product import Cell, Plan

WIDE, HIGH = 96.0, 48.0
"""A cell's picture, in units of its own."""

MOST, LEAST = 2.0, -12.0
"""Decades between which curves are drawn; what is beyond is at an edge."""

MANY = 150
"""Cells from which on a matrix is a map: curves are too many to be read."""


class Choice(NamedTuple):
    """How somebody wants to see a matrix; what is empty is chosen for him.

    ``columns`` and ``rows`` are fields that are varied, ``show`` is a key of ``SHOWN``.
    """

    columns: str = ""
    rows: str = ""
    show: str = ""

    def checked(self, plan: Plan) -> "Choice":
        """With everything chosen.

        Raises:
            InvalidConfig: a field that is not varied, or nothing that can be shown.
        """
        varied = tuple(key for key in plan.values if key != "seed")
        _allowed("columns", self.columns, varied)
        _allowed("rows", self.rows, varied)
        _allowed("show", self.show, tuple(SHOWN))
        longest = sorted(varied, key=lambda key: -len(plan.values[key]))
        across = self.columns or next((key for key in longest if key != self.rows), "")
        down = next((key for key in (self.rows, *varied) if key and key != across), "")
        usual = "curves" if len(plan.cells) < MANY else "decades"
        return Choice(across, down, self.show or usual)


def _allowed(name: str, given: str, known: Sequence[str]) -> None:
    if given and given not in known:
        raise InvalidConfig(f"{name}={given} can't be used: it must be one of {', '.join(known)}.")


USUAL = Choice()


@dataclass(frozen=True)
class Drawn:
    """A cell as it is drawn.

    Attributes:
        runs: that answer it, one for each seed.
        query: of the first seed's configuration.
        waits: nothing is known of it yet.
        tone: of the gravest diagnosis among them; empty where there is none.
        curves, theory: paths of SVG.
        numbers: of all its runs, in words.
        shade: of the number that is shown.
        away: theory predicts something else.
    """

    runs: tuple[str, ...]
    query: str
    waits: bool
    tone: str
    said: str
    curves: tuple[str, ...]
    theory: str
    numbers: str
    shade: Shade
    away: bool


@dataclass(frozen=True)
class Matrix:
    """What a template draws.

    Attributes:
        across: title of the columns' field.
        rows: each with its name.
        trained: whether its networks were.
        wide, high, zero: of a cell's curves.
    """

    across: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Drawn, ...]], ...]
    show: str
    trained: bool
    wide: float = WIDE
    high: float = HIGH

    @property
    def zero(self) -> float:
        """Where nothing is lost and nothing gained."""
        return float(_height(np.zeros(1))[0])

    @property
    def title(self) -> str:
        """What is seen in it."""
        when = "at the last step" if self.trained else "at initialization"
        what = SHOWN[self.show].what
        return f"{what[0].upper()}{what[1:]}, {when}"

    @property
    def map(self) -> bool:
        """Whether cells are too many for words."""
        return len(self.columns) * len(self.rows) >= MANY and self.show != "curves"


def matrix(plan: Plan, found: Sequence[Outcome], choice: Choice = USUAL) -> Matrix:
    """What is known of a plan's cells, laid out; raises ``InvalidConfig`` for a bad choice."""
    across, first, show = choice.checked(plan)
    varied = [key for key in plan.values if key not in ("seed", across)]
    down = sorted(varied, key=lambda key: key != first)
    columns = plan.values.get(across, (None,))
    places = _places(plan.cells, found, (*down, across))
    rows = tuple(
        (
            " · ".join(map(_named, down, row)),
            tuple(_drawn(*places.get((*row, column), ([], [])), show) for column in columns),
        )
        for row in product(*(plan.values[key] for key in down))
    )
    title = FIELDS[across].title or "" if across else ""
    return Matrix(title, tuple(map(word, columns)) if across else ("",), rows, show, plan.trained)


def drawn(matrix: Matrix, home: str = "/") -> str:
    """The matrix as HTML; ``home`` is where networks are shown, empty where there is no lab."""
    return embedded.TEMPLATES.get_template("cells.html").render(matrix=matrix, home=home)


def file(matrix: Matrix, words: Sequence[str]) -> str:
    """The matrix as one HTML file that opens anywhere."""
    return embedded.TEMPLATES.get_template("matrix.html").render(
        words=" ".join(words),
        cells=Markup(drawn(matrix, "")),
        style=embedded.bundle("css"),
        scheme=SCHEME,
    )


Place = tuple[list[Cell], list[Outcome]]


def _places(
    cells: Iterable[Cell], found: Iterable[Outcome], keys: Sequence[str]
) -> dict[tuple[object, ...], Place]:
    """Cells and their outcomes by the values of fields, seeds together."""
    known = {one.cell.place: one for one in found}
    places: dict[tuple[object, ...], Place] = {}
    for cell in cells:
        there = places.setdefault(tuple(cell.values.get(key) for key in keys), ([], []))
        there[0].append(cell)
        if cell.place in known:
            there[1].append(known[cell.place])
    return places


def _named(key: str, value: object) -> str:
    return word(value) if FIELDS[key].annotation is str else f"{key} {word(value)}"


def _drawn(cells: Sequence[Cell], seeds: Sequence[Outcome], show: str) -> Drawn:
    """What came of one network, over its seeds."""
    runs = [one.run for one in seeds if one.run]
    config = next((cell.config for cell in cells if cell.config), None)
    curves = [one.decades for one in seeds if len(one.decades) and not np.isnan(one.decades).any()]
    told = [one.diagnosis for one in seeds if one.diagnosis]
    gravest = min(told, key=lambda said: GRAVITY.index(said.severity), default=None)
    errors = [one.error for one in seeds if one.error]
    theory = next((one.theory for one in seeds if one.theory), None)
    return Drawn(
        runs=tuple(run.id for run in runs),
        query=config.query() if config else "",
        waits=not seeds,
        tone=gravest.tone if gravest else "",
        said=gravest.title if gravest else " ".join(errors[:1]),
        curves=tuple(map(_path, curves)) if show == "curves" else (),
        theory=_path(theory.decades) if theory and show == "curves" else "",
        numbers=" · ".join(_numbers(seeds)),
        shade=SHOWN[show].shade(seeds),
        away=any(one.away for one in seeds),
    )


def _numbers(seeds: Sequence[Outcome]) -> list[str]:
    told = (SHOWN[key].told(seeds) for key in ("decades", "accuracy"))
    return [text for text in told if text]


def _height(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(HIGH * (MOST - np.clip(curve, LEAST, MOST)) / (MOST - LEAST))


def _path(curve: NDArray[np.float64]) -> str:
    """A curve from the first hidden layer to the last."""
    across = np.linspace(0, WIDE, len(curve)) if len(curve) > 1 else np.array([WIDE / 2])
    points = zip(across, _height(curve), strict=True)
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
