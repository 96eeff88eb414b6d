"""Loops in which a loss need not fall: two networks against each other, and agents that play."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.corpus.families.tasks import above_chance

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
