"""Who is trained side by side."""

import pytest

from diagnostics.subject.config import FIELDS, RunConfig
from diagnostics.sweeps.pace import seconds
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.teams import ALIKE, MOST, shape, teams


def _configs(words: str) -> list[RunConfig]:
    return [cell.config for cell in plan([words]).cells if cell.config]


@pytest.mark.parametrize(
    "changes",
    [{"architecture": "rnn"}, {"dropout": 0.1}, {"width": 256}, {"batch_size": 1024}],
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


def test_teams_are_reckoned_to_be_faster_and_the_last_one_is_waited_for() -> None:
    small, large = _configs("seed=0:7 depth=10"), _configs("seed=0:7 depth=10 width=512")
    alone = sum(seconds([config], 1, trained=True) for config in small)
    assert 0.4 < seconds(small, 1, trained=True) / alone < 0.5
    assert seconds(large, 1, trained=True) == pytest.approx(8 * seconds(large[:1], 1, trained=True))
    assert seconds(large[:3], 2, trained=True) == seconds(large[:2], 1, trained=True)
