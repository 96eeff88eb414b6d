"""Words that spell many configurations."""

import pytest

from diagnostics.subject.config import InvalidConfig
from diagnostics.sweeps.product import Cell, plan

SPELLED = {
    "depth=5:30:5": [5, 10, 15, 20, 25, 30],
    "seed=0:3": [0, 1, 2, 3],
    "depth=3": [3],
    "depth=3,5:7,20": [3, 5, 6, 7, 20],
    "lr=0.1:0.3:0.1": [0.1, 0.2, 0.3],
    "lr=1e-3,3e-1": [1e-3, 3e-1],
    "depth=5,5,5": [5],
    "depth=5:12:5": [5, 10],
    "residual=true,false": [True, False],
    "lr=0.001:1:x10": [0.001, 0.01, 0.1, 1.0],
    "lr=0.001:0.05:x3": [0.001, 0.003, 0.009, 0.027],
    "depth=2:64:x2": [2, 4, 8, 16, 32, 64],
}


def cells(words: list[str]) -> tuple[Cell, ...]:
    return plan(words).cells


@pytest.mark.parametrize("words", SPELLED)
def test_values_and_ranges_with_both_ends(words: str) -> None:
    field = words.partition("=")[0]
    assert [getattr(cell.config, field) for cell in cells([words])] == SPELLED[words]


def test_every_combination_whether_in_one_word_or_in_several() -> None:
    words = "init=glorot_normal,he_normal activation=relu,tanh,sigmoid depth=5:30:5"
    found = cells([words, "steps=100"])
    assert len(found) == 36 and cells([*words.split(), "steps=100"]) == found
    assert {cell.config.steps for cell in found if cell.config} == {100}
    assert found[0].values == {"init": "glorot_normal", "activation": "relu", "depth": 5}
    assert [cell.values["depth"] for cell in found[:6]] == [5, 10, 15, 20, 25, 30]


REFUSED = {
    "depth": "no key=value pair",
    "depht=5": "depth",
    "depth=5,x": "depth",
    "depth=5:200:5": "depth",
    "depth=9:3": "must go up",
    "depth=3:9:0": "must go up",
    "lr=a:b": "no range",
    "lr=nan:1": "no range",
    "lr=0:inf": "no range",
    "seed=0:1e12": "more than 10,000 values",
    "seed=0:1:1e-99": "more than 10,000 values",
    "seed=0:1:1e-999999": "no range",
    "lr=1e-999999:1e999999:x2": "no range",
    "lr=1e-90:1e90:x1.001": "more than 10,000 values",
    "lr=0:1:x2": "from above 0",
    "lr=1:8:x1": "a FACTOR above 1",
    "lr=1:8:xx": "no range",
    "steps=0 steps=5": "given twice",
    "steps=0,5": "steps",
    "depth=1:50 width=2:200 seed=0:9": "a sweep has at most",
    "depth=3 depth=4": "given twice",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_can_not_be_is_refused_in_a_sentence(words: str) -> None:
    with pytest.raises(InvalidConfig) as told:
        cells([words])
    assert REFUSED[words] in str(told.value) and "\n" not in str(told.value)


def test_values_at_odds_are_a_cell_with_its_reason() -> None:
    found = cells(["norm=none,batch batch_size=1,32"])
    assert [cell.config is None for cell in found] == [False, False, True, False]
    assert "batch_size" in found[2].error


def test_without_steps_nothing_is_trained() -> None:
    found = plan(["gain=0.5:1.5:0.5 depth=2,4", "steps=0"])
    assert not found.trained and len(found.cells) == 6
    assert found.values == {"gain": (0.5, 1.0, 1.5), "depth": (2, 4)}
    assert plan(["depth=2,4"]).trained
