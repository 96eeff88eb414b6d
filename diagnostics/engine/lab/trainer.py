"""The loop: a configuration, a sink and a control → measured steps and a summary."""

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from diagnostics.engine.lab import checkpoints, clipping, data, network
from diagnostics.engine.lab.album import Album
from diagnostics.engine.lab.checkpoints import SetAside
from diagnostics.engine.lab.divergence import locate
from diagnostics.engine.lab.isolation import isolated
from diagnostics.engine.lab.network import count_dead, probe_parts
from diagnostics.engine.lab.optimization import Batches, accuracy, evaluate, limit_norms, optimizer
from diagnostics.engine.lab.studio import Studio
from diagnostics.engine.measure import reductions
from diagnostics.engine.measure.kernels import Floats, rounded
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.probe import Probe
from diagnostics.engine.sinks import Sink
from diagnostics.runs.control import Control
from diagnostics.store.packing import Checkpoint
from diagnostics.store.records import (
    METRICS,
    SCALAR_INDEX,
    SCALARS,
    Command,
    Event,
    PatientZero,
    Summary,
)
from diagnostics.subject.config import LIVE_FIELDS, InvalidConfig, RunConfig

EVALUATE_EVERY = 10
"""Steps between two looks at the held-out and the probe set; the last look stands in between."""

PAUSED_WAIT = 3600.0

PLAIN = ("step", "loss", "heldout", "best", "paused", "allowed", "pace", "obeyed")
"""What else is kept of a run that is put aside."""

Batch = tuple[Tensor, Tensor]
Values = NDArray[np.float32]
R = TypeVar("R")


def train(
    config: RunConfig,
    sink: Sink,
    control: Control,
    *,
    probe: bool = True,
    pictures: bool = False,
    every: int = 0,
    kept: Checkpoint | None = None,
) -> Summary:
    """Train to the end, until told to stop, or until a loss or gradient turns non-finite.

    Args:
        probe: measure layers; the losses are the same to the last bit without.
        pictures: of what is learned, now and then; the losses are the same without, too.
        every: steps from one picture to the next; 0 for about a second.
        kept: what a run that was put aside goes on from, as if it had never been.

    Raises:
        SetAside: somebody else needs the worker.
    """
    return through(
        training(config, sink, control, probe=probe, pictures=pictures, every=every, kept=kept)
    )


def training(
    config: RunConfig,
    sink: Sink,
    control: Control,
    *,
    probe: bool = True,
    pictures: bool = False,
    every: int = 0,
    kept: Checkpoint | None = None,
) -> Generator[None, None, Summary]:
    """The same, giving way after it was set up, and after each look and step.

    Whoever has it then must leave torch's state alone.
    """
    with isolated(config.seed):
        going = Training(config, sink, control, probe)
        if pictures:
            going.pictured(every, begun=kept is not None)
        if kept is not None:
            going.take_up(kept)
        yield
        return (yield from going.run())


def through(going: Generator[None, None, R]) -> R:
    """Go on to the end, without giving way, and return what came of it."""
    while True:
        try:
            next(going)
        except StopIteration as ended:
            came: R = ended.value
            return came


class Training:
    def __init__(self, config: RunConfig, sink: Sink, control: Control, probe: bool) -> None:
        self.config, self.sink, self.control = config, sink, control
        self.data = data.load(config)
        self.network = network.build(config, self.data)
        self.layers = self.network.layers()
        self.parameters = list(self.network.parameters())
        self.optimizer = optimizer(config, self.parameters)
        self.batches = Batches(self.data, config)
        self.parts = probe_parts(config, self.data.probe_x)
        self.album: Album | None = None
        self.probe = Probe(self.layers) if probe else None
        self.step = 0
        self.loss = math.nan
        self.samples: list[Batch] = []
        self.found: dict[str, float] = {}
        self.healthy = True
        self.heldout = (math.nan, math.nan)
        self.best = (math.inf, 0)
        self.dead = np.empty((0, 0), dtype=bool)
        self.paused = self.stopped = False
        self.allowed = self.obeyed = 0
        self.pace = 0.0
        self.due = 0.0

    def pictured(self, every: int = 0, begun: bool = False, beside: int = 1) -> None:
        """Before the first step: take pictures, too."""
        studio = Studio(self.config, self.data, self.network)
        self.album = Album(studio, self.sink, every, begun, beside)

    def kept(self) -> Checkpoint:
        """All that the next steps depend on."""
        return checkpoints.packed(
            {
                "numbers": checkpoints.numbers_of(self.network),
                "optimizer": self.optimizer.state_dict(),
                "batches": self.batches.state(),
                "random": torch.random.get_rng_state(),
                "dead": self.dead,
                "probe": None if self.probe is None else self.probe.kept(),
                "config": self.config.model_dump(),
                "plain": {name: getattr(self, name) for name in PLAIN},
            }
        )

    def take_up(self, kept: Checkpoint) -> None:
        """Before the first step: go on from where a run was put aside."""
        tree = checkpoints.unpacked(kept)
        checkpoints.restore(self.network, tree["numbers"])
        self.optimizer.load_state_dict(tree["optimizer"])
        self.batches.restore(tree["batches"])
        torch.random.set_rng_state(tree["random"])
        self.dead = tree["dead"].numpy()
        if self.probe is not None and tree.get("probe") is not None:
            self.probe.take_up(tree["probe"])
        self.config = RunConfig(**tree["config"])
        vars(self).update(tree["plain"])

    def run(self) -> Generator[None, None, Summary]:
        """All steps; gives way after each look and step."""
        summary = yield from self._run()
        self.close()
        return summary

    def close(self) -> None:
        """The run is over: its last picture."""
        if self.album is not None:
            self.album.close(self.step, self.dead)

    def _run(self) -> Generator[None, None, Summary]:
        if self.probe is not None:
            self.probe.attach()
        try:
            while self.step < self.config.steps:
                self._obey()
                over = yield from self.over()
                if over is not None:
                    return over
                over = self._advance()
                if over is not None:
                    return over
                yield
            return self.summary("finished")
        finally:
            if self.probe is not None:
                self.probe.detach()

    def over(self) -> Generator[None, None, Summary | None]:
        """Look, where it is due before the next step; what the run came to, if this is its end."""
        if self.stopped:
            return self.summary("stopped")
        if self.step % EVALUATE_EVERY == 0:
            self._evaluate()
            yield
        if self._patience_is_over():
            self.sink.event(Event(self.step, "stopped early", {"best": self.best[1]}))
            return self.summary("finished")
        return None

    def _advance(self) -> Summary | None:
        """One step of training; what the run came to, if a non-finite value appeared."""
        started = time.perf_counter()
        state = torch.random.get_rng_state() if self.config.dropout else None
        self.draw()
        self.found = self._backward()
        self.clip(reductions.norms(self.gradients()))
        if self.probe is not None:
            self.probe.before_step()
        self.update()
        values, watching = self._measured()
        self.record(values, time.perf_counter() - started, watching)
        if state is not None and not self.healthy:
            torch.random.set_rng_state(state)
        return self.ended()

    def draw(self) -> None:
        """The next step begins: take its batches."""
        self.step += 1
        self.samples = [next(self.batches) for _ in range(self.config.accumulate)]

    def _backward(self) -> dict[str, float]:
        """Gradients summed over the step's batches; mean loss and accuracy."""
        self.optimizer.zero_grad(set_to_none=True)
        share, mean, correct = 1 / len(self.samples), 0.0, 0.0
        for x, y in self.samples:
            logits = self.network(x)
            loss = F.cross_entropy(logits, y) * share
            loss.backward()  # type: ignore[no-untyped-call]
            mean += float(loss.detach())
            correct += accuracy(logits, y) * share
            if self.probe is not None:
                self.probe.backward(share)
        return {"loss": mean, "accuracy": correct}

    def clip(self, norms: Floats) -> None:
        """Gradients of these norms are there, and the loss is found: clip as configured."""
        self.loss = self.found["loss"]
        norm = reductions.global_norm(norms)
        self.healthy = math.isfinite(self.loss) and math.isfinite(norm)
        clipped, cosine = self._clip(norms, norm) if self.healthy else (norm, math.nan)
        self.found |= {"grad_norm": norm, "clipped_norm": clipped, "clip_cosine": cosine}

    def update(self) -> None:
        """Step by the gradients, where all is finite; take a picture, where one is due."""
        if self.healthy:
            self.optimizer.step()
            if self.config.max_norm:
                limit_norms(self.parameters, self.config.max_norm)
        if self.album is not None:
            self.album.look(self.step, self.samples[0], self.dead)

    def ended(self) -> Summary | None:
        """What the run came to, if the step found a non-finite value."""
        if self.healthy:
            return None
        x, y = map(torch.cat, zip(*self.samples, strict=True))
        patient = locate(self.step, self.network, self.layers, x, y)
        if patient is None:
            return None
        self.sink.event(Event(self.step, "diverged", asdict(patient)))
        return self.summary("diverged", patient)

    def gradients(self) -> list[Tensor]:
        return [p.grad for p in self.parameters if p.grad is not None]

    def _clip(self, norms: Floats, norm: float) -> tuple[float, float]:
        """Clip as configured; the global norm afterwards, and the cosine with the one before."""
        if self.config.clip == "none":
            return norm, math.nan
        watched = self.probe is not None
        before = [gradient.clone() for gradient in self.gradients()] if watched else []
        clipping.clip(self.config.clip, self.parameters, norms, self.config.clip_threshold)
        cosine = reductions.cosine(before, self.gradients()) if watched else math.nan
        return reductions.global_norm(reductions.norms(self.gradients())), cosine

    def _measured(self) -> tuple[Values, float]:
        """The layers' numbers in this step, and the seconds that they took."""
        if self.probe is None:
            return unmeasured(self.layers), 0.0
        measured = self.probe.after_step(self.optimizer)
        return rounded(measured.values), measured.seconds

    def record(self, values: Values, lasted: float, watching: float) -> None:
        """A step is over: hand it to the sink.

        Args:
            values: float32 [layers, metrics].
            lasted: seconds of the step with all that was measured.
            watching: seconds of those that the layers' numbers took.
        """
        if self.album is not None:
            watching += self.album.seconds
        row = np.full(len(SCALARS), np.nan)
        scalars = self.found | {"heldout_loss": self.heldout[0]}
        scalars |= {"heldout_accuracy": self.heldout[1], "lr": self.config.lr}
        scalars |= {"step_time": lasted - watching, "probe_time": watching}
        for key, value in scalars.items():
            row[SCALAR_INDEX[key]] = value
        self.sink.write(self.step, values, row)

    def _evaluate(self) -> None:
        self.heldout = evaluate(self.network, self.data.heldout_x, self.data.heldout_y)
        if self.heldout[0] < self.best[0]:
            self.best = (self.heldout[0], self.step)
        if self.probe is not None:
            dead = count_dead(self.network, self.probe, self.parts)
            if not np.array_equal(dead, self.dead):
                self.dead = dead
                self.sink.dead_units(self.step, dead)

    def _patience_is_over(self) -> bool:
        """Early stopping: the held-out loss has not improved for long enough."""
        patience = self.config.early_stopping
        return 0 < patience <= self.step - self.best[1]

    def _obey(self) -> None:
        """Take what was sent; return when a step may be made, or the run shall stop."""
        while not self.stopped:
            command = self.control.take(self._patience())
            if command is not None:
                self._handle(command)
            elif not self.paused:
                break
            if self.allowed:
                self.allowed -= 1
                break
        self.due = max(self.due + (1 / self.pace if self.pace else 0.0), time.monotonic() - 0.1)

    def hear(self) -> bool:
        """Take what was sent, waiting for nothing; whether it may go on as fast as it can."""
        while not self.stopped and (command := self.control.take()) is not None:
            self._handle(command)
        return self.stopped or not (self.paused or self.pace)

    def _patience(self) -> float:
        """Seconds to wait for a command before going on."""
        if self.paused:
            return PAUSED_WAIT
        return max(0.0, self.due - time.monotonic()) if self.pace else 0.0

    def _handle(self, command: Command) -> None:
        self.obeyed = max(self.obeyed, command.number)
        if command.kind == "stop":
            self.stopped = True
            if command.data:  # nobody wished it
                self.sink.event(Event(self.step, "refused", dict(command.data)))
        elif command.kind == "aside":
            self._give_way(command.data["state"])
        elif command.kind == "step":
            self._pause(True)
            self.allowed += 1
        elif command.kind in ("pause", "resume"):
            self._pause(command.kind == "pause")
        elif command.kind == "pace":
            self.pace = float(command.data["steps_per_second"])
            self.due = time.monotonic()
        elif command.kind == "set":
            self._change(dict(command.data))

    def _give_way(self, state: str) -> None:
        """A run that was paused stays so; one that shall wait to be told is paused."""
        self._pause(self.paused or state == "paused")
        raise SetAside(self.kept(), "paused" if self.paused else state)

    def _pause(self, paused: bool) -> None:
        if paused is not self.paused:
            self.paused = paused
            if self.album is not None and paused:
                self.album.close(self.step, self.dead)
            self.sink.event(Event(self.step, "paused" if paused else "resumed"))

    def _change(self, changes: dict[str, Any]) -> None:
        """Live changes take effect at the next step; a bad one changes nothing and says so."""
        try:
            self.config = live_change(self.config, changes)
        except InvalidConfig as refusal:
            self.sink.event(Event(self.step + 1, "refused", {"sentence": str(refusal)}))
            return
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr
        self.sink.event(Event(self.step + 1, "set", changes))

    def summary(self, state: Any, patient: PatientZero | None = None) -> Summary:
        """What the run came to."""
        accuracy = evaluate(self.network, self.data.heldout_x, self.data.heldout_y)[1]
        return Summary(state, self.step, self.loss, accuracy, patient)


def unmeasured(layers: Sequence[Layer]) -> Values:
    """Of layers that nobody measures, no numbers."""
    return np.full((len(layers), len(METRICS)), np.nan, np.float32)


def live_change(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """The configuration with fields changed that may change while a run is going.

    Raises:
        InvalidConfig: for a bad value, and for a field that is fixed once a run has begun.
    """
    for field, value in changes.items():
        if field not in LIVE_FIELDS:
            free = ", ".join(LIVE_FIELDS)
            raise InvalidConfig(f"{field}={value} can't change in a running run; only {free} can.")
    return config.changed(**changes)
