"""What the families learn: data that make learning measurable within some hundred steps."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TRAIN = 1400
"""Samples to train on; the others are held out."""


@dataclass(frozen=True)
class Task:
    """Samples, how wrong an answer is, and how good answers are.

    Attributes:
        x, y: all samples, those held out last.
        loss: of answers and targets.
        score: of answers to held-out samples, 0 for chance and 1 for perfect.
        accurate: whether a share of right answers has a meaning.
    """

    x: Tensor
    y: Tensor
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[Tensor, Tensor], float]
    accurate: bool = True
    train: int = TRAIN

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Samples at random."""
        rows = torch.randint(self.train, (size,))
        return self.x[rows], self.y[rows]

    @property
    def heldout(self) -> tuple[Tensor, Tensor]:
        """Samples that are not trained on."""
        return self.x[self.train :], self.y[self.train :]


def _classes(x: Tensor, y: Tensor, count: int, train: int = TRAIN) -> Task:
    return Task(x, y, _entropy, lambda out, y: above_chance(out, y, 1 / count), train=train)


def _entropy(out: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(out.flatten(0, -2), y.flatten())


def above_chance(out: Tensor, y: Tensor, chance: float) -> float:
    """Accuracy from 0 for chance to 1."""
    return (float((out.argmax(-1) == y).float().mean()) - chance) / (1 - chance)


def _near(x: Tensor, y: Tensor, train: int = TRAIN) -> Task:
    """Numbers to be met: scored by the variance that is explained."""
    return Task(x, y, F.mse_loss, explained, accurate=False, train=train)


def explained(out: Tensor, y: Tensor) -> float:
    """Share of the variance."""
    return 1 - float(F.mse_loss(out, y) / (y - y.mean(0)).square().mean())


@cache
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    found = load_digits()
    order = torch.randperm(len(found.data), generator=torch.Generator().manual_seed(7))
    return torch.tensor(found.data, dtype=torch.float32)[order], torch.tensor(found.target)[order]


def _normal() -> Tensor:
    x = _digits()[0]
    return (x - x.mean()) / x.std()


def digits() -> Task:
    return _classes(_normal(), _digits()[1], 10)


def images() -> Task:
    return _classes(_normal().reshape(-1, 1, 8, 8), _digits()[1], 10)


def rows() -> Task:
    return _classes(_normal().reshape(-1, 8, 8), _digits()[1], 10)


def large_inputs() -> Task:
    """Nobody divided by 255, or standardized a column in thousands."""
    return _classes(_digits()[0] * 60, _digits()[1], 10)


def large_images() -> Task:
    return _classes(large_inputs().x.reshape(-1, 1, 8, 8), _digits()[1], 10)


def random_labels() -> Task:
    """Nothing to learn but 200 samples by heart."""
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(600, 32, generator=draw)
    return _classes(x, torch.randint(10, (600,), generator=draw), 10, train=200)


def few_digits() -> Task:
    """So few, and mislabelled in part, that they are soon known by heart."""
    x, y = _normal(), _digits()[1].clone()
    draw = torch.Generator().manual_seed(5)
    wrong = torch.rand(120, generator=draw) < 0.6
    y[:120][wrong] = torch.randint(10, (int(wrong.sum()),), generator=draw)
    return _classes(x, y, 10, train=120)


def restore() -> Task:
    return _near(_normal(), _normal())


def restore_images() -> Task:
    x = _normal().reshape(-1, 1, 8, 8)
    return _near(x, x)


def denoise() -> Task:
    x = _normal().reshape(-1, 1, 8, 8)
    return _near(x + torch.randn(x.shape, generator=torch.Generator().manual_seed(1)) * 0.5, x)


def curve() -> Task:
    draw = torch.Generator().manual_seed(2)
    x = torch.rand(1800, 4, generator=draw) * 2 - 1
    y = torch.sin(3 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]
    return _near(x, y)


def returns() -> Task:
    """Targets in thousands, as sums of rewards are."""
    task = curve()
    return _near(task.x, task.y * 1000)


def wave() -> Task:
    order = torch.randperm(1800, generator=torch.Generator().manual_seed(2))
    x = torch.linspace(-1, 1, 1800)[order][:, None]
    return _near(x, torch.sin(12 * x) * torch.exp(-x.square()))


WORDS, LENGTH = 12, 12


@cache
def _sentences() -> Tensor:
    return torch.randint(WORDS, (2400, LENGTH), generator=torch.Generator().manual_seed(4))


def topic() -> Task:
    """Which third of the vocabulary most words are of."""
    x = _sentences()
    counts = torch.stack([(x % 3 == k).sum(1) for k in range(3)], 1)
    return _classes(x, counts.argmax(1), 3, train=2000)


def first_word() -> Task:
    """The first word is to be told after the last."""
    x = _sentences()
    return _classes(x, x[:, 0] % 4, 4, train=2000)


def far_back() -> Task:
    """The same after sixty words."""
    x = torch.randint(WORDS, (2400, 60), generator=torch.Generator().manual_seed(4))
    return _classes(x, x[:, 0] % 4, 4, train=2000)


def text() -> Task:
    """Next words of a Markov chain in which each is followed by one of two."""
    draw = torch.Generator().manual_seed(6)
    after = torch.stack([torch.randperm(WORDS, generator=draw)[:2] for _ in range(WORDS)])
    words = [torch.randint(WORDS, (2400,), generator=draw)]
    for _ in range(LENGTH):
        words.append(after[words[-1], torch.randint(2, (2400,), generator=draw)])
    x = torch.stack(words, 1)
    return Task(x[:, :-1], x[:, 1:], _entropy, _fluent, accurate=False, train=2000)


def _fluent(out: Tensor, y: Tensor) -> float:
    return 1 - (float(_entropy(out, y)) - math.log(2)) / math.log(WORDS / 2)


NODES = 24


def graphs() -> Task:
    """Two communities each; nodes that know little by themselves tell which is theirs."""
    draw = torch.Generator().manual_seed(8)
    y = torch.randint(2, (1000, NODES), generator=draw)
    same = (y[:, :, None] == y[:, None]).float()
    edges = (torch.rand(same.shape, generator=draw) < 0.1 + 0.4 * same).float().triu(1)
    edges = edges + edges.transpose(1, 2) + torch.eye(NODES)
    noise = torch.randn((1000, NODES, 4), generator=draw)
    features = noise + (y[..., None] * 2 - 1) * 0.5
    edges = edges / edges.sum(-1, keepdim=True)
    return _classes(torch.cat([features, edges], -1), y, 2, train=800)


def points() -> Task:
    """Sets of points, on a sphere or in a cube."""
    draw = torch.Generator().manual_seed(9)
    x = torch.randn((1800, 16, 3), generator=draw)
    y = torch.randint(2, (1800,), generator=draw)
    ball = x / x.norm(dim=-1, keepdim=True)
    return _classes(torch.where(y[:, None, None] == 1, ball, x / 1.7), y, 2)


def spirals() -> Task:
    draw = torch.Generator().manual_seed(10)
    y = torch.randint(2, (1800,), generator=draw)
    t = torch.rand(1800, generator=draw).sqrt() * 4
    angle = t + math.pi * y
    x = torch.stack([t * angle.cos(), t * angle.sin()], 1) / 2
    return _classes(x, y, 2)


TASKS: Mapping[str, Callable[[], Task]] = {
    make.__name__: cache(make)
    for make in (
        digits, images, rows, large_inputs, large_images, random_labels, few_digits,
        restore, restore_images, denoise, curve, returns, wave, topic, first_word, far_back, text,
        graphs, points, spirals,
    )
}  # fmt: skip


def score(model: nn.Module, task: Task) -> float:
    """Of a model in evaluation, which goes on to train afterwards."""
    training = model.training
    model.eval()
    with torch.no_grad():
        x, y = task.heldout
        out = model(x)
    model.train(training)
    answer = out[0] if isinstance(out, tuple) else out
    found = task.score(answer, y)
    return found if math.isfinite(found) else -1.0
