"""Who is trained side by side."""

import pytest

from diagnostics.subject.config import FIELDS, RunConfig
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.teams import ALIKE, MOST, WIDEST, shape, teams


def _configs(words: str) -> list[RunConfig]:
    return [cell.config for cell in plan([words]).cells if cell.config]


@pytest.mark.parametrize(
    "changes",
    [{"architecture": "rnn"}, {"dropout": 0.1}, {"width": WIDEST + 1}],
    ids=lambda changes: "".join(changes),
)
def test_what_can_not_be_stacked_is_trained_alone(changes: dict[str, object]) -> None:
    configs = [RunConfig().changed(seed=seed, **changes) for seed in range(3)]
    assert teams(configs, 1) == [[0], [1], [2]]


def test_a_shape_is_what_members_have_in_common() -> None:
    assert set(ALIKE) <= set(FIELDS)
    one = RunConfig()
    assert shape(one) == shape(
        one.changed(seed=3, init="zeros", activation="relu", lr=1, clip="agc")
    )
    assert shape(one) != shape(one.changed(depth=3))


@pytest.mark.parametrize(
    ("words", "slots", "found"),
    [
        ("seed=0:15", 1, [8, 8]),
        ("seed=0:8", 1, [5, 4]),
        ("seed=0:15", 4, [4, 4, 4, 4]),
        ("seed=0:2", 8, [1, 1, 1]),
        ("depth=3:5 init=zeros,lsuv activation=relu,tanh", 2, [4, 4, 4]),
    ],
)
def test_all_workers_have_work(words: str, slots: int, found: list[int]) -> None:
    configs = _configs(words)
    parts = teams(configs, slots)
    assert list(map(len, parts)) == found and max(found) <= MOST
    assert sorted(place for part in parts for place in part) == list(range(len(configs)))
    assert all(len({shape(configs[place]) for place in part}) == 1 for part in parts)
