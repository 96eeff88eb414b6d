"""What a server does not allow is refused in one sentence that says what it does."""

import pytest

from diagnostics.runs.limits import Limits, Refused
from diagnostics.runs.runner import Runner
from diagnostics.store.settings import Settings
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers

MANY = RunConfig(steps=5000, depth=50, width=64)

REFUSED = [
    (Limits(steps=2000), "steps=5000", "at most 2000"),
    (Limits(units=3199), "depth × width = 3200", "at most 3199"),
    (Limits(runs_each=2), "You have 2 runs", "stop one of them"),
    (Limits(megabytes=1), "The store holds", "this server allows 1"),
]


@pytest.mark.parametrize(("limits", "given", "allowed"), REFUSED)
def test_more_than_is_allowed_is_refused_in_a_sentence(
    limits: Limits, given: str, allowed: str
) -> None:
    with pytest.raises(Refused) as refusal:
        limits.check(MANY, 2, 2_000_000)
    words = str(refusal.value)
    assert given in words and allowed in words and words.endswith(".") and "\n" not in words


@pytest.mark.parametrize(
    "limits", [Limits(), Limits(steps=5000, units=3200, runs_each=3, megabytes=2)]
)
def test_what_is_allowed_is_not_refused(limits: Limits) -> None:
    limits.check(MANY, 2, 2_000_000)


def test_who_has_as_many_runs_as_he_may_is_refused_and_others_are_not(store: Store) -> None:
    runner = Runner(store, NoWorkers(), limits=Limits(runs_each=2))
    for _ in range(2):
        runner.submit(MANY, owner="ann")
    with pytest.raises(Refused):
        runner.submit(MANY, owner="ann")
    runner.submit(MANY, owner="bob")
    for _ in range(3):
        runner.submit(MANY)
    assert [run.owner for run in store.runs()] == ["", "", "", "bob", "ann", "ann"]


def test_limits_are_settings() -> None:
    settings = Settings.read(turn=7, most_runs=3, most_steps=100, most_units=64)
    assert Limits.of(settings) == Limits(7, runs_each=3, steps=100, units=64)
    assert Limits.of(Settings.read()) == Limits()
