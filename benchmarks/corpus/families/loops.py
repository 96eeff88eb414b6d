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


RING = 2 * math.pi * torch.arange(4) / 4


@dataclass(kw_only=True)
class Adversarial:
    """A generator of points near four places of a ring, and a critic; one of both is watched."""

    watched: str = "critic"
    lr: float = 2e-3
    steps: int = 400
    width: int = 32
    critic_lr: float = 2e-3

    def __post_init__(self) -> None:
        width = self.width
        self.generator = nn.Sequential(
            nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
        )
        self.critic = nn.Sequential(
            nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )  # fmt: skip
        betas = (0.5, 0.99)
        self.of_generator = torch.optim.Adam(self.generator.parameters(), self.lr, betas)
        self.of_critic = torch.optim.Adam(self.critic.parameters(), self.critic_lr, betas)
        watches_critic = self.watched == "critic"
        self.model = self.critic if watches_critic else self.generator
        self.optimizer = self.of_critic if watches_critic else self.of_generator
        self.first = self._distance()

    def step(self, number: int) -> Mapping[str, Any]:
        at = RING[torch.randint(4, (48,))]
        real = torch.stack([at.cos(), at.sin()], 1) * 2 + 0.1 * torch.randn(48, 2)
        fake = self.generator(torch.randn(48, 4))
        critic = (
            F.softplus(-self.critic(real)).mean() + F.softplus(self.critic(fake.detach())).mean()
        )
        self.of_critic.zero_grad()
        critic.backward()
        self.of_critic.step()
        generator = F.softplus(-self.critic(fake)).mean()
        self.of_generator.zero_grad()
        generator.backward()
        self.of_generator.step()
        return {"loss": critic.detach() if self.watched == "critic" else generator.detach()}

    def _distance(self) -> float:
        """From points made to the nearest place."""
        with torch.no_grad():
            made = self.generator(torch.randn(400, 4))
        places = torch.stack([RING.cos(), RING.sin()], 1) * 2
        return float(torch.cdist(made, places).min(1).values.mean())

    def score(self) -> float:
        return 1 - self._distance() / self.first


class Actor(nn.Module):
    """Actor and critic in one module."""

    def __init__(self, shared: bool, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, width), nn.Tanh()) if shared else nn.Identity()
        inputs = width if shared else 4
        self.actor = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, 3))
        self.critic = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x)
        return self.actor(h), self.critic(h)[:, 0]


@dataclass(kw_only=True)
class Policy:
    """Proximal policy steps on a bandit with contexts; returns as large as wanted."""

    returns: float = 1.0
    shared: bool = False
    lr: float = 3e-3
    steps: int = 400

    def __post_init__(self) -> None:
        self.model = Actor(self.shared)
        self.optimizer = torch.optim.Adam(self.model.parameters(), self.lr, eps=1e-5)

    def step(self, number: int) -> Mapping[str, Any]:
        if number % 4 == 0:
            self._play()
        logits, value = self.model(self.x)
        found = torch.distributions.Categorical(logits=logits)
        ratio = (found.log_prob(self.action) - self.old).exp()
        gained = torch.min(ratio * self.gain, ratio.clamp(0.8, 1.2) * self.gain).mean()
        loss = -gained + 0.5 * F.mse_loss(value, self.reward) - 0.01 * found.entropy().mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimizer.step()
        return {"loss": loss.detach()}

    def _play(self) -> None:
        with torch.no_grad():
            self.x = torch.randn(64, 4)
            logits, value = self.model(self.x)
            found = torch.distributions.Categorical(logits=logits)
            self.action = found.sample()
            self.old = found.log_prob(self.action)
            self.reward = self.returns * (self.action == self.x[:, :3].argmax(1)).float()
            gain = self.reward - value
            self.gain = (gain - gain.mean()) / (gain.std() + 1e-8)

    def score(self) -> float:
        with torch.no_grad():
            x = torch.randn(1000, 4)
            return above_chance(self.model(x)[0], x[:, :3].argmax(1), 1 / 3)


@dataclass(kw_only=True)
class Values:
    """Deep Q-learning of the same bandit's chain, against a copy that follows."""

    lr: float = 2e-3
    steps: int = 400

    def __post_init__(self) -> None:
        import copy

        self.model = nn.Sequential(
            nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3)
        )
        self.target = copy.deepcopy(self.model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), self.lr)

    def step(self, number: int) -> Mapping[str, Any]:
        x, later, action = torch.randn(64, 4), torch.randn(64, 4), torch.randint(3, (64,))
        reward = (action == x[:, :3].argmax(1)).float()
        with torch.no_grad():
            aim = reward + 0.5 * self.target(later).max(1).values
        loss = F.smooth_l1_loss(self.model(x).gather(1, action[:, None])[:, 0], aim)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if number % 20 == 0:
            self.target.load_state_dict(self.model.state_dict())
        return {"loss": loss.detach()}

    def score(self) -> float:
        with torch.no_grad():
            x = torch.randn(1000, 4)
            return above_chance(self.model(x), x[:, :3].argmax(1), 1 / 3)
