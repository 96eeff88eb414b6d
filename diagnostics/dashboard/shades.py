"""What a sweep's matrix may show of a cell: curves, or one number and its shade."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal, NamedTuple

import numpy as np

from diagnostics.dashboard.theme import DECADES
from diagnostics.sweeps.outcomes import Outcome

Hue = Literal["", "vanishing", "exploding", "lost", "ink"]


class Shade(NamedTuple):
    """How a cell is filled: a hue, how much of it (0 to 1), and the number in words."""

    hue: Hue = ""
    share: float = 0.0
    told: str = ""


@dataclass(frozen=True)
class Shown:
    """One of the things that can be shown.

    Attributes:
        label: what it is called.
        what: the same at length.
        number: of one network; NaN where it is not known. None where no single number is shown.
        form, unit: in which it is told.
        hue: of what is above 0; what is below is blue, as everywhere.
        none: what is said of −∞.
        ends: at which a shade is none and all of its hue.
    """

    label: str
    what: str
    number: Callable[[Outcome], float] | None = None
    form: str = ""
    unit: str = ""
    hue: Hue = "ink"
    ends: tuple[float, float] = (0.0, 1.0)
    none: str = ""

    def told(self, seeds: Sequence[Outcome]) -> str:
        """The mean over seeds, with the half of the range; empty where nothing is known."""
        known = self._known(seeds)
        if not known:
            return ""
        if not np.isfinite(known).all():
            return self.none if max(known) < np.inf else "beyond numbers"
        half = (max(known) - min(known)) / 2
        more = f" ± {self.form.format(half).lstrip('+')}" if len(known) > 1 else ""
        return f"{self.form.format(mean(known))}{more}{self.unit}".replace("-", "−")

    def shade(self, seeds: Sequence[Outcome]) -> Shade:
        """Of a cell."""
        known = self._known(seeds)
        if not known:
            return Shade()
        number, (none, whole) = min(known) if min(known) == -np.inf else mean(known), self.ends
        share = float(np.clip((abs(number) - none) / (whole - none), 0.0, 1.0))
        return Shade("vanishing" if number < 0 else self.hue, round(share, 3), self.told(seeds))

    def _known(self, seeds: Sequence[Outcome]) -> list[float]:
        found = map(self.number, seeds) if self.number else ()
        return [one for one in found if not np.isnan(one)]


def _decades(one: Outcome) -> float:
    return float(one.decades[0]) if len(one.decades) else np.nan


def _run(name: str) -> Callable[[Outcome], float]:
    """A number of the run's end."""

    def number(one: Outcome) -> float:
        found = getattr(one.run, name, None)
        return np.nan if found is None else float(found)

    return number


SHOWN = {
    "curves": Shown(
        "curves",
        "the gradient over hidden layers, from input (left) to output, in decades over the last",
    ),
    "decades": Shown(
        "decades",
        "decades of gradient between the last hidden layer and the first",
        _decades,
        "{:+z.1f}",
        " decades",
        "exploding",
        (0.0, DECADES),
        "no gradient",
    ),
    "dead": Shown(
        "dead units",
        "dead units of the worst layer",
        lambda one: one.dead,
        "{:.0%}",
        " dead",
        "lost",
    ),
    "accuracy": Shown("accuracy", "accuracy on held-out samples", _run("accuracy"), "{:.0%}"),
    "loss": Shown(
        "loss", "loss on held-out samples", _run("loss"), "{:.2g}", " loss", "ink", (0.0, 3.0)
    ),
    "diagnosis": Shown("diagnosis", "what is said of each network"),
}
