"""What a sweep's matrix says of a cell."""

import numpy as np
import pytest

from diagnostics.dashboard.shades import SHOWN, Shade
from diagnostics.sweeps.outcomes import Outcome
from diagnostics.sweeps.product import Cell

TOLD = {
    "nothing is known": ([], Shade()),
    "a number": ([-3.0], Shade("vanishing", 0.5, "−3.0 decades")),
    "what explodes": ([9.0], Shade("exploding", 1.0, "+9.0 decades")),
    "of seeds the mean with half the range": (
        [-2.0, -4.0],
        Shade("vanishing", 0.5, "−3.0 ± 1.0 decades"),
    ),
    "none to speak of": ([-0.02], Shade("vanishing", 0.003, "+0.0 decades")),
    "nothing arrives": ([-np.inf], Shade("vanishing", 1.0, "no gradient")),
    "in one of the seeds": ([-np.inf, 2.0], Shade("vanishing", 1.0, "no gradient")),
    "beyond floats": ([np.inf], Shade("exploding", 1.0, "beyond numbers")),
    "both": ([np.inf, -np.inf], Shade("vanishing", 1.0, "beyond numbers")),
    "no number": ([np.nan], Shade()),
    "of what is known": ([np.nan, 6.0], Shade("exploding", 1.0, "+6.0 decades")),
}


@pytest.mark.parametrize("case", TOLD)
def test_decades_and_their_shade(case: str) -> None:
    numbers, expected = TOLD[case]
    seeds = [Outcome(Cell(0, {}, None), "", decades=np.array([one, 0.0])) for one in numbers]
    assert SHOWN["decades"].shade(seeds) == expected


def test_curves_and_diagnoses_have_no_shade() -> None:
    seeds = [Outcome(Cell(0, {}, None), "", decades=np.array([-3.0, 0.0]))]
    assert SHOWN["curves"].shade(seeds) == SHOWN["diagnosis"].shade(seeds) == Shade()
