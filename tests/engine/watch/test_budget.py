"""What watching is said to cost, and how it keeps to its share."""

import time

import pytest

from diagnostics.engine.watch import budget
from diagnostics.engine.watch.budget import Budget


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "perf_counter", found.perf_counter)
    return found


def train(clock: Clock, kept: Budget, steps: int, hooks: float, own: float) -> tuple[int, float]:
    """Steps of 10 ms each; (how many were measured, what all watching took)."""
    kept.begin()
    measured, spent = 0, 0.0
    for _ in range(steps):
        due = kept.due
        measured += due
        taken = hooks if due else 0.0
        clock.now += 0.010 + taken
        kept.over(due, taken / 2)  # half of it no clock in a hook has seen
        clock.now += own
        kept.go_on()
        spent += taken + own
    return measured, spent


@pytest.mark.parametrize("share", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("hooks", [0.0001, 0.005, 0.1])
def test_a_budget_is_kept_and_used(clock: Clock, share: float, hooks: float) -> None:
    measured, spent = train(clock, Budget(share, None), 5000, hooks, 1e-5)
    assert spent <= share * 50 * 1.05
    assert measured == 4998 or spent * budget.UNSEEN > share * 50 * 0.7


def test_where_every_step_is_measured_hooks_tell_what_it_costs(clock: Clock) -> None:
    kept = Budget(0.03, 1)
    measured, _ = train(clock, kept, 1000, 0.002, 0.0)
    assert measured == 1000
    assert kept.share == pytest.approx(budget.UNSEEN * 0.001 / 0.012, rel=0.2)


def test_the_thread_that_writes_counts_though_not_against_the_first_points(clock: Clock) -> None:
    kept = Budget(0.03, None)
    kept.elsewhere = 100.0
    assert train(clock, kept, 1000, 0.001, 0.0)[0] == 1 + len(budget.EARLY)


def test_compiling_is_nobodys_time(clock: Clock) -> None:
    """Neither watching's nor that of a bare step: once in a measured step, once in another."""
    kept = Budget(0.03, None)
    kept.begin(5.0)
    for step, compiled in enumerate((60.0, 40.0, 0.0, 0.0)):
        clock.now += 0.010 + compiled
        kept.over(step == 0, 0.0, 5.0 + 60.0 + 40.0 * (step > 0))
        kept.go_on()
    assert kept.bare == pytest.approx(0.010)
    assert kept.share == pytest.approx(0.0)


@pytest.mark.parametrize("every", [1, 2, 5])
def test_what_lies_ahead_is_when_it_is_due(clock: Clock, every: int) -> None:
    kept = Budget(0.03, every)
    kept.begin()
    rest = 1
    for _ in range(20):
        rest -= 1
        assert kept.due == (rest == 0)
        clock.now += 0.010
        kept.over(kept.due, 0.0)
        if rest == 0:
            rest = kept.ahead()
        kept.go_on()


def test_ahead_of_what_is_costly_lie_many_steps(clock: Clock) -> None:
    """As many as the share allows, where steps go on to take as long."""
    kept = Budget(0.03, None)
    kept.begin()
    clock.now += 0.1
    kept.over(True, 0.05)
    assert kept.ahead() == budget.EARLY[0] - 1
    for _ in range(200):
        kept.go_on()
        clock.now += 0.010
        kept.over(False, 0.0)
    kept.go_on()
    clock.now += 1.010
    kept.over(True, 0.0)
    steps = kept.ahead()
    assert 1 < steps < 10_000
    for _ in range(steps):
        assert not kept.due
        kept.go_on()
        clock.now += 0.010
        kept.over(False, 0.0)
    assert kept.due


class Device(Clock):
    """Works on what it was given, one thing after the other, while the loop goes on."""

    free = 0.0

    def give(self, host: float, device: float) -> None:
        """The loop takes a while to hand work over."""
        self.now += host
        self.free = max(self.free, self.now) + device

    def settle(self) -> bool:
        self.now = max(self.now, self.free)
        return True


MOST_AHEAD = 5
"""Steps by which a loop is ahead of a device at most: a queue is full then."""

LOOPS = {"busy device": (0.002, 0.050), "busy loop": (0.050, 0.002)}
"""Seconds that a step takes the loop, and the device."""


def train_there(device: Device, kept: Budget, loop: str, looks: bool, measures: bool) -> float:
    """Seconds that 5,000 steps take in all.

    Args:
        looks: whether the loop looks at each step's loss.
        measures: whether what is due is done, and takes time.
    """
    host, work = LOOPS[loop]
    kept.begin()
    for _ in range(5000):
        due = kept.due and measures
        device.give(host / 2, work / 2)
        if due:  # numbers of the forward pass are waited for, then some are made
            device.settle()
            device.give(0.004, 0.002)
        device.give(host / 2, work / 2)
        if looks:
            device.settle()
        device.now = max(device.now, device.free - MOST_AHEAD * work)
        if measures:
            kept.over(due, 0.004 if due else 0.0)
            kept.go_on(kept.due)
    device.settle()
    return device.now


@pytest.mark.parametrize("every", [None, 20])
@pytest.mark.parametrize("looks", [False, True])
@pytest.mark.parametrize("loop", LOOPS)
def test_what_watching_costs_beside_a_device_is_what_it_adds(
    monkeypatch: pytest.MonkeyPatch, loop: str, looks: bool, every: int | None
) -> None:
    """Though a measured step waits for all that was given before it."""
    seconds = []
    for measures in (False, True):
        device = Device()
        monkeypatch.setattr(time, "perf_counter", device.perf_counter)
        kept = Budget(0.03, every, device.settle)
        seconds.append(train_there(device, kept, loop, looks, measures))
    bare, watched = seconds
    assert kept.share == pytest.approx(watched / bare - 1, rel=0.3, abs=0.002)
    if every is None:
        assert 0.02 < watched / bare - 1 < 0.04
