"""Training loops as people write them, under ``watch``."""

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.corpus.families.tasks import TASKS, above_chance, score
from benchmarks.corpus.record import Record

LOOK = 20
"""Steps between two looks at what is held out."""


class Training(Protocol):
    """A loop around a model.

    Attributes:
        model, optimizer: what is watched.
        steps: how long it goes on.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    steps: int

    def step(self, number: int) -> Mapping[str, float]:
        """One step, from 0; what ``w.step`` is told."""

    def score(self) -> float:
        """From 0 for chance to 1 for perfect."""


def watched(make: Callable[[], Training], seed: int) -> Record:
    """A loop run to its end, every step measured."""
    from diagnostics import watch
    from diagnostics.store.store import Store

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    training = make()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'watched.sqlite'}")
        try:
            with watch(training.model, training.optimizer, store=store, every=1) as w:
                for number in range(training.steps):
                    w.step(**training.step(number))
            run, batch = store.run(w.run_id), store.since(w.run_id).batch
        finally:
            store.close()
    return Record(run.config, batch, training.score(), run.patient_zero)


OPTIMIZERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adafactor": torch.optim.Adafactor,
    "fast": lambda p, lr: torch.optim.AdamW(p, lr, betas=(0.9, 0.95), weight_decay=0.1),
}


def warmup(number: int, steps: int) -> float:
    """Up to the full rate within a fifth."""
    return min(1.0, (number + 1) / (steps / 5))


def cosine(number: int, steps: int) -> float:
    """Down to nothing at four fifths, where it stays."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, number / (0.8 * steps))))


SCHEDULES: Mapping[str, Callable[[int, int], float]] = {
    "": lambda number, steps: 1.0,
    "warmup": warmup,
    "cosine": cosine,
    "warmup cosine": lambda number, steps: warmup(number, steps) * cosine(number, steps),
    "soon nothing": lambda number, steps: 0.0 if number > 4 else 1.0,
}


def by_norm(parameters: list[nn.Parameter], most: float) -> None:
    nn.utils.clip_grad_norm_(parameters, most)


def by_value(parameters: list[nn.Parameter], most: float) -> None:
    nn.utils.clip_grad_value_(parameters, most)


def by_layer(parameters: list[nn.Parameter], most: float) -> None:
    for parameter in parameters:
        nn.utils.clip_grad_norm_([parameter], most)


def adaptive(parameters: list[nn.Parameter], most: float) -> None:
    """Brock et al. 2021, by whole weights."""
    for parameter in (p for p in parameters if p.grad is not None):
        limit = most * parameter.detach().norm().clamp(min=1e-3)
        norm = parameter.grad.norm()
        if norm > limit:
            parameter.grad.mul_(limit / norm)


@dataclass(kw_only=True)
class Supervised:
    """Samples in, answers compared.

    Attributes:
        schedule: a key of ``SCHEDULES``.
        clip: how, and to what.
        told: what ``w.step`` is told: loss, accuracy, heldout.
        zeroed: whether gradients are set to nothing after a step.
        other: whether the optimizer was made of another model's parameters.
        broken: done to the loss.
    """

    make: Callable[[], nn.Module]
    task: str = "digits"
    stepper: str = "adam"
    lr: float = 2e-3
    batch: int = 48
    steps: int = 300
    schedule: str = ""
    clip: tuple[Callable[[list[nn.Parameter], float], None], float] | None = None
    told: str = "loss"
    zeroed: bool = True
    other: bool = False
    accumulate: int = 1
    sharpness: float = 0.0
    broken: Callable[[Tensor], Tensor] = field(default=lambda loss: loss)

    def __post_init__(self) -> None:
        self.model = self.make()
        source = self.make() if self.other else self.model
        self.moved = [p for p in source.parameters() if p.requires_grad]
        self.optimizer = OPTIMIZERS[self.stepper](self.moved, lr=self.lr)
        self.data = TASKS[self.task]()

    def step(self, number: int) -> Mapping[str, Any]:
        self._schedule(number)
        parts = [self._pass() for _ in range(self.accumulate)]
        if self.sharpness:
            self._climb()
        if self.clip is not None:
            self.clip[0](self.moved, self.clip[1])
        self.optimizer.step()
        if self.zeroed:
            self.model.zero_grad()
        return self._tell(number, *parts[-1])

    def _pass(self) -> tuple[Tensor, float]:
        x, y = self.data.batch(self.batch)
        out = self.model(x)
        loss, answer = self._loss(out, y), out[0] if isinstance(out, tuple) else out
        (loss / self.accumulate).backward()
        right = float((answer.argmax(-1) == y).float().mean()) if self.data.accurate else 0.0
        return loss.detach(), right

    def _loss(self, out: Any, y: Tensor) -> Tensor:
        if isinstance(out, tuple):
            return self.broken(self.data.loss(out[0], y) + 0.002 * out[1])
        return self.broken(self.data.loss(out, y))

    def _schedule(self, number: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * SCHEDULES[self.schedule](number, self.steps)

    def _climb(self) -> None:
        """Sharpness-aware: the step's gradient is taken uphill (Foret et al. 2021)."""
        norm = torch.stack([p.grad.norm() for p in self.moved if p.grad is not None]).norm()
        moves = [(p, p.grad * (self.sharpness / norm)) for p in self.moved if p.grad is not None]
        with torch.no_grad():
            for p, move in moves:
                p.add_(move)
        self.model.zero_grad()
        self._pass()
        with torch.no_grad():
            for p, move in moves:
                p.sub_(move)

    def _tell(self, number: int, loss: Tensor, right: float) -> Mapping[str, Any]:
        told: dict[str, Any] = {"loss": loss} if "loss" in self.told else {}
        if "accuracy" in self.told:
            told["accuracy"] = right
        if "heldout" in self.told:
            told["heldout_loss"] = self._heldout(number)
        return told

    def _heldout(self, number: int) -> float:
        if number % LOOK == 0:
            x, y = self.data.heldout
            self.model.eval()
            with torch.no_grad():
                self._last = float(self._loss(self.model(x), y))
            self.model.train()
        return self._last

    def score(self) -> float:
        return score(self.model, self.data)


@dataclass(kw_only=True)
class Contrastive(Supervised):
    """Pairs in a batch that must find each other."""

    def _pass(self) -> tuple[Tensor, float]:
        x, _ = self.data.batch(self.batch)
        loss = F.cross_entropy(self.model(x), torch.arange(len(x)))
        loss.backward()
        return loss.detach(), 0.0

    def score(self) -> float:
        with torch.no_grad():
            x = self.data.heldout[0][:32]
            return above_chance(self.model(x), torch.arange(len(x)), 1 / len(x))
