"""Several trainings at once, of networks of one shape: passes are made together, all else apart.

A small network's step is mostly calls; side by side they are made once for all. Numbers are those
that each would have alone but for the last bits, which another order of sums rounds otherwise.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from diagnostics.engine.lab.isolation import isolated
from diagnostics.engine.lab.stack import Stack
from diagnostics.engine.lab.trainer import Training, Values, through, unmeasured
from diagnostics.engine.measure import reductions
from diagnostics.engine.measure.kernels import Floats, rounded
from diagnostics.engine.measure.probe import Probe
from diagnostics.store.packing import Checkpoint
from diagnostics.store.records import Summary

Outcome = Summary | Checkpoint | Exception
"""What a run came to: its end, what it goes on from alone, or why it was left off."""


class Team:
    """Trains members until each has come to its end, or leaves.

    Args:
        members: by their names, not yet begun; alike in what ``sweeps.teams.shape`` names. All of
            them have a probe, or none.
    """

    def __init__(self, members: Mapping[str, Training]) -> None:
        order = sorted(members, key=lambda name: members[name].config.activation)
        self._here = {name: members[name] for name in order}
        self._gone: dict[str, Outcome] = {}
        self._probe: Probe | None = None

    def run(self) -> Iterator[tuple[str, Outcome]]:
        """Each member's outcome, as soon as it leaves; the others go on."""
        with isolated(0):
            self._gather()
            while self._here:
                self._each(self._prepare)
                yield from self._partings()
                if self._here:
                    self._step()
                    yield from self._partings()

    def _gather(self) -> None:
        """Those who are here go on side by side."""
        members = self._members
        if not members:
            return
        self._stack = Stack([one.network for one in members])
        self._count = len(members[0].layers)
        probes = [one.probe for one in members if one.probe is not None]
        if probes:
            self._probe = Probe([layer for one in members for layer in one.layers])
            self._probe.take_up(_joined([one.kept() for one in probes]))
            self._probe.attach(listens=False)

    @property
    def _members(self) -> list[Training]:
        return list(self._here.values())

    def _partings(self) -> Iterator[tuple[str, Outcome]]:
        """Those who leave, told; who stays moves together."""
        gone, self._gone = self._gone, {}
        if not gone:
            return
        self._hand_back(self._members)
        for name in gone:
            del self._here[name]
        self._gather()
        yield from gone.items()

    def _each(self, act: Callable[[Training], Outcome | None]) -> None:
        """Do for each that is not about to leave; what goes wrong with one is its own."""
        for name, member in self._here.items():
            if name in self._gone:
                continue
            try:
                outcome = act(member)
                if isinstance(outcome, Summary):
                    member.close()
            except Exception as trouble:
                outcome = trouble
            if outcome is not None:
                self._gone[name] = outcome

    def _prepare(self, member: Training) -> Outcome | None:
        """Before a step, what everyone does alone; who is told to wait goes on alone."""
        if member.control.waits:
            self._hand_back([member])
            if not member.hear():
                return member.kept()
        if member.step >= member.config.steps:
            return member.summary("finished")
        return through(member.over())

    def _step(self) -> None:
        started, members = time.perf_counter(), self._members
        self._backward(members)
        norms = dict(zip(members, _norms(members), strict=True))
        self._each(lambda one: one.clip(norms[one]))
        if self._probe is not None:
            self._probe.before_step()
        self._each(Training.update)
        values, watching = self._measured(members)
        lasted = time.perf_counter() - started
        shares = lasted / len(members), watching / len(members)
        rows = dict(zip(members, values, strict=True))
        self._each(lambda one: one.record(rows[one], *shares))
        self._each(self._ended)

    def _backward(self, members: list[Training]) -> None:
        """Gradients, losses and accuracies of the next step."""
        self._stack.forget_gradients()
        for one in members:
            one.draw()
        passes = list(zip(*(one.samples for one in members), strict=True))
        found = np.zeros((2, len(members)))
        share = 1 / len(passes)
        for samples in passes:
            x, y = (torch.stack(part) for part in zip(*samples, strict=True))
            if self._probe is not None:
                self._probe.pass_begins()
            found += self._stack.backward(x, y, share)
            if self._probe is not None:
                self._tell(self._probe)
                self._probe.backward(share)
        for one, (loss, right) in zip(members, found.T, strict=True):
            one.found = {"loss": float(loss), "accuracy": float(right)}

    def _tell(self, probe: Probe) -> None:
        """Have the probe know of what a pass computed."""
        places = np.arange(len(self._here)) * self._count
        layers = [int(place + i) for i in range(self._count) for place in places]
        outputs = [part for whole in self._stack.outputs for part in whole.unbind()]
        signals = [part for whole in reversed(self._stack.signals) for part in whole.unbind()]
        probe.hear(layers, outputs, signals)

    def _measured(self, members: list[Training]) -> tuple[Values, float]:
        """Numbers of each member's layers, and the seconds that they took."""
        if self._probe is None:
            return np.stack([unmeasured(one.layers) for one in members]), 0.0
        counted = [one.probe.counted for one in members if one.probe is not None]
        self._probe.counted[:] = np.concatenate(counted, axis=1)
        measured = self._probe.after_step(*(one.optimizer for one in members))
        return rounded(measured.values).reshape(len(members), self._count, -1), measured.seconds

    def _ended(self, member: Training) -> Outcome | None:
        """What diverged; who does so beside others only goes on alone."""
        summary = member.ended()
        if summary is None and not member.healthy:
            self._hand_back([member])
            return member.kept()
        return summary

    def _hand_back(self, members: list[Training]) -> None:
        """Have members' own probes know what theirs in common does."""
        if self._probe is None:
            return
        known, every = self._probe.kept(), self._members
        for one in members:
            first = every.index(one) * self._count
            rows = slice(first, first + self._count)
            assert one.probe is not None
            one.probe.take_up({"counted": one.probe.counted, "updates": known["updates"][rows]})


def _norms(members: Sequence[Training]) -> list[Floats]:
    """Of each member's gradients, read together."""
    gradients = [one.gradients() for one in members]
    ends = np.cumsum([len(own) for own in gradients])
    return np.split(reductions.norms([one for own in gradients for one in own]), ends[:-1])


def _joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What probes know, as one that has all their layers would."""
    counted = np.concatenate([part["counted"] for part in parts], axis=1)
    return {"counted": counted, "updates": [one for part in parts for one in part["updates"]]}
