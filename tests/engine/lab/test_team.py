"""A training in a team is the one it would be alone, up to the last bits of floats."""

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor

import numpy as np
import pytest

from diagnostics.engine.lab import network, trainer
from diagnostics.engine.lab.checkpoints import SetAside
from diagnostics.engine.lab.isolation import isolated
from diagnostics.engine.lab.network import Network
from diagnostics.engine.lab.team import Outcome, Team
from diagnostics.engine.lab.trainer import Training, train
from diagnostics.engine.lab.worker import train_stored, train_together
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.store.packing import Checkpoint
from diagnostics.store.pictures import Picture
from diagnostics.store.records import SCALAR_INDEX, Command, StepBatch, Summary
from diagnostics.store.store import Store
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.choices import CLIPS, DATASETS, NORM_POSITIONS, NORMS, OPTIMIZERS
from diagnostics.subject.config import RunConfig

STEPS = 12
BASE = RunConfig(activation="tanh", depth=3, width=8, steps=STEPS, batch_size=32)
OWN = (
    {"init": "glorot_normal", "seed": 1},
    {"init": "he_normal", "seed": 2, "lr": 0.01, "weight_decay": 0.01},
    {"init": "orthogonal", "gain": 1.5, "seed": 3, "optimizer": "adam", "lr": 1e-3},
)
DIVERGING = BASE.changed(activation="linear", lr=1000.0)
TIMES = [SCALAR_INDEX[key] for key in ("step_time", "probe_time")]

CHANGES = [
    *({"activation": key, "norm": norm} for key in ACTIVATIONS for norm in NORMS),
    *({"activation": key, "residual": True} for key in ("relu", "tanh", "linear")),
    *({"norm": norm, "norm_position": at} for norm in NORMS for at in NORM_POSITIONS),
    *({"dataset": key} for key in DATASETS),
    {"norm": "batch", "residual": True, "accumulate": 3},
    {"accumulate": 2, "max_norm": 1.0},
    {"batch_size": 2048},
    {"width": 24, "depth": 1},
]
OPTIONS = [
    *({"clip": key, "clip_threshold": 0.05} for key in CLIPS),
    *({"optimizer": key, "lr": one.usual_lr} for key, one in OPTIMIZERS.items()),
    {"init": "lsuv"},
    {"init": "zeros"},
    {"activation": "prelu", "alpha": 0.2},
    {"activation": "sigmoid"},
]
"""Which members need not have in common."""


def _members(configs: Sequence[RunConfig], probe: bool = True) -> dict[str, Training]:
    members = {}
    for number, config in enumerate(configs):
        with isolated(config.seed):
            members[str(number)] = Training(config, MemorySink(), Control(), probe)
    return members


def _together(members: dict[str, Training]) -> list[Outcome]:
    found = dict(Team(members).run())
    return [found[name] for name in members]


def _sink(member: Training) -> MemorySink:
    assert isinstance(member.sink, MemorySink)
    return member.sink


def _alike(one: MemorySink, other: MemorySink) -> None:
    a, b = one.batch(), other.batch()
    assert a.steps.tolist() == b.steps.tolist()
    _near(a.values, b.values)
    _near(np.delete(a.scalars, TIMES, axis=1), np.delete(b.scalars, TIMES, axis=1))
    assert [step for step, _ in one.dead] == [step for step, _ in other.dead]


def _near(a: np.ndarray, b: np.ndarray) -> None:
    """A cosine of nearly 0 is rounded by its sums, which are larger."""
    assert np.array_equal(np.isnan(a), np.isnan(b))
    largest = np.nanmax(np.abs(b), axis=tuple(range(b.ndim - 1)), initial=0)
    off = np.nan_to_num(np.abs(a - b)) - 1e-4 * np.nan_to_num(np.abs(b)) - 1e-5 * largest
    assert (off <= 0).all(), np.argwhere(off > 0)


def _as_alone(configs: Sequence[RunConfig]) -> None:
    members = _members(configs)
    outcomes = _together(members)
    for config, member, outcome in zip(configs, members.values(), outcomes, strict=True):
        sink = MemorySink()
        alone = train(config, sink, Control())
        assert isinstance(outcome, Summary) and outcome.state == alone.state
        _alike(_sink(member), sink)


@pytest.mark.parametrize("changes", CHANGES, ids=lambda one: " ".join(map(str, one.values())))
def test_each_is_as_alone(changes: dict[str, object]) -> None:
    _as_alone([BASE.changed(**changes, **own) for own in OWN])


def test_members_may_differ_in_all_that_is_their_own() -> None:
    _as_alone([BASE.changed(**changes, seed=i) for i, changes in enumerate(OPTIONS)])


def test_weights_begin_as_alone_and_losses_are_the_same_unwatched() -> None:
    configs = [BASE.changed(**own) for own in OWN]
    seen: dict[bool, list[MemorySink]] = {}
    for probe in (True, False):
        members = _members(configs, probe)
        before = [_weights(member.network) for member in members.values()]
        Team(members)._gather()
        for member, weights in zip(members.values(), before, strict=True):
            assert all(map(np.array_equal, _weights(member.network), weights))
        _together(members)
        seen[probe] = list(map(_sink, members.values()))
    for watched, unwatched in zip(seen[True], seen[False], strict=True):
        losses = [sink.batch().scalar("loss") for sink in (watched, unwatched)]
        assert np.array_equal(*losses)


def _weights(network: Network) -> list[np.ndarray]:
    return [parameter.detach().numpy().copy() for parameter in network.parameters()]


def test_who_diverges_or_stops_early_leaves_the_others() -> None:
    configs = [BASE, DIVERGING, BASE.changed(steps=5)]
    members = _members(configs)
    outcomes = _together(members)
    states = [one.state for one in outcomes if isinstance(one, Summary)]
    assert states == ["finished", "diverged", "finished"]
    for config, member, outcome in zip(configs, members.values(), outcomes, strict=True):
        sink = MemorySink()
        alone = train(config, sink, Control())
        assert isinstance(outcome, Summary) and outcome.patient_zero == alone.patient_zero
        assert sink.steps == _sink(member).steps
        assert [one.kind for one in sink.events] == [one.kind for one in _sink(member).events]


def test_who_diverges_beside_others_only_goes_on_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "locate", lambda *given: None)
    members = _members([BASE, DIVERGING])
    finished, left = _together(members)
    assert isinstance(finished, Summary) and isinstance(left, Checkpoint)
    assert not np.isfinite(_sink(members["1"]).batch().scalar("grad_norm")[-1])


class Told(Control):
    """Sends commands when a run has come to a step."""

    def __init__(self, sink: MemorySink, at: int, *commands: Command) -> None:
        super().__init__()
        self._sink, self._at, self._commands = sink, at, commands

    @property
    def waits(self) -> bool:
        if self._sink.steps[-1:] == [self._at]:
            for command in self._commands:
                self.send(command)
            self._commands = ()
        return super().waits


@pytest.mark.parametrize(
    ("command", "left"),
    [
        (Command("stop"), Summary),
        (Command("aside", {"state": "paused"}), SetAside),
        (Command("pause"), Checkpoint),
        (Command("step"), Checkpoint),
        (Command("pace", {"steps_per_second": 1e6}), Checkpoint),
        (Command("set", {"lr": 0.02}), None),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_who_is_told_to_wait_goes_on_alone_from_where_it_was(
    command: Command, left: type[Outcome] | None
) -> None:
    members = _members([BASE.changed(**own) for own in OWN[2:0:-1]])
    told = members["0"]
    told.control = Told(_sink(told), 7, command)
    outcome, other = _together(members)
    assert isinstance(other, Summary) and _sink(members["1"]).steps == list(range(1, STEPS + 1))
    assert isinstance(outcome, left or Summary)
    assert len(_sink(told).steps) == (7 if left else STEPS)
    kept = outcome.kept if isinstance(outcome, SetAside) else outcome
    if isinstance(kept, Checkpoint):
        going = Control()
        going.send(Command("resume"))
        train(told.config, told.sink, going, kept=kept)
        alone = MemorySink()
        train(told.config, alone, Control())
        _alike(_sink(told), alone)


def test_what_goes_wrong_with_one_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    members = _members([BASE.changed(**own) for own in OWN])
    monkeypatch.setattr(members["1"], "_evaluate", _fails)
    first, second, third = _together(members)
    assert isinstance(second, MemoryError)
    assert isinstance(first, Summary) and isinstance(third, Summary)


def test_the_last_picture_is_of_the_end() -> None:
    members = _members([BASE, BASE.changed(steps=5)])
    for member in members.values():
        member.pictured(beside=2)
    _together(members)
    shots = [_sink(member).pictures for member in members.values()]
    ends = [one[-1].step for one in shots if isinstance(one[-1], Picture)]
    assert [int(step[0]) for step in ends] == [STEPS, 5]


def _fails() -> None:
    raise MemoryError("too large")


def _queued(store: Store, *changes: dict[str, object]) -> list[str]:
    return [store.create_run(BASE.changed(**one)) for one in changes]


def test_runs_of_the_store_are_trained_together(file_store: Store) -> None:
    runs = _queued(file_store, {"seed": 1}, {"seed": 2, "steps": 7}, {"seed": 3})
    file_store.send(runs[2], Command("pause"))
    file_store.send(runs[2], Command("resume"))
    train_stored(file_store.url, *runs)
    found = [file_store.run(run) for run in runs]
    assert [one.state for one in found] == ["finished"] * 3
    for run, steps in zip(runs, (STEPS, 7, STEPS), strict=True):
        assert file_store.since(run).batch.steps.tolist() == list(range(1, steps + 1))


@pytest.mark.parametrize("kind", ["aside", "pause"])
def test_a_run_that_is_put_aside_leaves_its_team(file_store: Store, kind: str) -> None:
    runs = _queued(file_store, {"seed": 1}, {"seed": 2})
    last = Command("aside", {"state": "paused"})
    for command in (last,) if kind == "aside" else (Command("pause"), last):
        file_store.send(runs[0], command)
    train_together(file_store, runs)
    assert [file_store.run(run).state for run in runs] == ["paused", "finished"]
    assert file_store.kept(runs[0]) is not None
    file_store.send(runs[0], Command("resume"))
    train_stored(file_store.url, runs[0])
    assert file_store.since(runs[0]).batch.steps.tolist() == list(range(1, STEPS + 1))


def test_a_run_that_can_not_begin_fails_alone(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[[RunConfig], object] = network.build

    def build(config: RunConfig, *given: object) -> object:
        return _fails() if config.seed == 2 else real(config, *given)  # type: ignore[call-arg]

    monkeypatch.setattr(network, "build", build)
    runs = _queued(file_store, {"seed": 1}, {"seed": 2}, {"seed": 3})
    train_stored(file_store.url, *runs)
    found = [file_store.run(run) for run in runs]
    assert [one.state for one in found] == ["finished", "failed", "finished"]
    assert found[1].error == "MemoryError: too large"


def test_a_job_that_a_cluster_hands_out_again_leaves_alone_what_ended(file_store: Store) -> None:
    runs = _queued(file_store, {"seed": 1}, {"seed": 2})
    train_stored(file_store.url, runs[0])
    train_stored(file_store.url, *runs)
    assert [file_store.run(run).state for run in runs] == ["finished"] * 2
    assert file_store.since(runs[0]).batch.steps.tolist() == list(range(1, STEPS + 1))


def test_a_job_whose_worker_was_killed_in_the_middle_does_not_begin_again(
    file_store: Store,
) -> None:
    runs = _queued(file_store, {"seed": 1}, {"seed": 2})
    file_store.set_state(runs[0], "running")
    file_store.append(runs[0], _some_steps())
    with pytest.raises(BrokenExecutor, match="killed after step 2"):
        train_stored(file_store.url, *runs)
    assert file_store.run(runs[1]).steps == 0


def _some_steps() -> StepBatch:
    sink = MemorySink()
    train(BASE.changed(steps=2), sink, Control())
    return sink.batch()
