"""A sweep as a picture."""

import re

import numpy as np
import pytest

from diagnostics.dashboard.matrix import Choice, file, matrix
from diagnostics.store.store import Store
from diagnostics.sweeps.outcomes import Outcome, outcomes
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.sweep import Result, Sweep
from tests.sweeps.test_sweep import Here


def drawn(store: Store, *words: str) -> tuple[str, list[Result]]:
    asked = plan([*words, "width=8 steps=3"])
    results = list(Sweep(store, Here(), 1).results(asked))
    return file(matrix(asked, outcomes(store, results)), asked.words), results


def test_the_longest_field_goes_across_and_others_down(file_store: Store) -> None:
    html, results = drawn(file_store, "activation=relu,sigmoid depth=3:9:3")
    heads = re.findall(r'<th scope="(col|row)">([^<]*)</th>', html)
    assert heads == [("col", "3"), ("col", "6"), ("col", "9"), ("row", "relu"), ("row", "sigmoid")]
    assert html.count("<svg") == 6 and all(one.run and one.run.id in html for one in results)
    assert html.count('data-tone="vanishing"') >= 1 and html.count('class="theory"') == 6


def test_seeds_share_a_cell_with_their_spread(file_store: Store) -> None:
    html, _ = drawn(file_store, "activation=relu,sigmoid seed=0:2")
    assert html.count("<td data-tone") == 2 and len(re.findall(r'<path d="M', html)) == 6
    assert "±" in html


def test_a_cell_that_can_not_be_says_why_and_nothing_is_fetched(file_store: Store) -> None:
    html, _ = drawn(file_store, "norm=none,batch batch_size=1,32")
    assert "batch_size=1 can" in html and "http" not in re.sub(r"xmlns=.\S+", "", html)


@pytest.mark.parametrize(
    ("decades", "curves"), [([-3.0, 0.0], 1), ([-np.inf, -np.inf], 1), ([np.nan, np.nan], 0)]
)
def test_what_has_no_number_is_no_line_and_what_does_not_arrive_is_one_at_the_bottom(
    decades: list[float], curves: int
) -> None:
    asked = plan(["depth=2,3"])
    found = Outcome(asked.cells[0], "", decades=np.array(decades))
    drawn = matrix(asked, [found]).rows[0][1][0].curves
    assert len(drawn) == curves and all("nan" not in path for path in drawn)
    assert ("48.0 L96.0 48.0" in "".join(drawn)) == (decades[0] == -np.inf)


def test_many_cells_are_a_map(file_store: Store) -> None:
    asked = plan(["depth=1:20 gain=0.5:1.4:0.1 init=orthogonal activation=tanh steps=0"])
    found = matrix(asked, [])
    assert found.map and found.show == "decades" and not found.trained
    assert not matrix(asked, [], Choice(show="curves")).map
