"""Datasets: a fixed split into training and held-out samples, globally standardized."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits, make_circles, make_moons
from sklearn.model_selection import train_test_split
from torch import Tensor

from diagnostics.subject.choices import DATASETS
from diagnostics.subject.config import RunConfig

Arrays = tuple[NDArray[np.float64], NDArray[np.int64]]

TOY_SAMPLES = 2000
GAUSSIAN_CLASSES = 10
PROBE_SAMPLES = 2048


@dataclass(frozen=True)
class Dataset:
    """Inputs float32 [samples, inputs] and labels int64 [samples], split 75/25."""

    train_x: Tensor
    train_y: Tensor
    heldout_x: Tensor
    heldout_y: Tensor

    @property
    def inputs(self) -> int:
        """Features of one sample."""
        return self.train_x.shape[1]

    @property
    def classes(self) -> int:
        """Number of labels."""
        return int(self.train_y.max()) + 1

    @property
    def probe_x(self) -> Tensor:
        """The fixed samples on which dead units are counted: the training set, capped."""
        return self.train_x[:PROBE_SAMPLES]


def load(config: RunConfig) -> Dataset:
    """The configuration's dataset; the same samples and the same split for every seed."""
    return _load(config.dataset, 0 if DATASETS[config.dataset].inputs else config.width)


@lru_cache(maxsize=8)
def _load(key: str, width: int) -> Dataset:
    x, y = _SOURCES[key](width)
    split = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
    train_x, heldout_x, train_y, heldout_y = split
    mean, std = train_x.mean(), train_x.std()
    return Dataset(
        torch.tensor((train_x - mean) / std, dtype=torch.float32),
        torch.tensor(train_y),
        torch.tensor((heldout_x - mean) / std, dtype=torch.float32),
        torch.tensor(heldout_y),
    )


def _digits(width: int) -> Arrays:
    x, y = load_digits(return_X_y=True)
    return x, y


def _moons(width: int) -> Arrays:
    x, y = make_moons(TOY_SAMPLES, noise=0.15, random_state=0)
    return x, y


def _circles(width: int) -> Arrays:
    x, y = make_circles(TOY_SAMPLES, noise=0.08, factor=0.5, random_state=0)
    return x, y


def _spirals(width: int) -> Arrays:
    """Two arms of 1.75 turns each, with Gaussian noise."""
    rng = np.random.default_rng(0)
    y = np.arange(TOY_SAMPLES) % 2
    radius = np.sqrt(rng.uniform(0.02, 1.0, TOY_SAMPLES))
    angle = 3.5 * np.pi * radius + np.pi * y
    arms = radius * np.stack([np.cos(angle), np.sin(angle)])
    return arms.T + rng.normal(0, 0.02, (TOY_SAMPLES, 2)), y


def _gaussian(width: int) -> Arrays:
    """As many inputs as units, so that every hidden layer is square."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((TOY_SAMPLES, width))
    return x, rng.integers(0, GAUSSIAN_CLASSES, TOY_SAMPLES)


_SOURCES: Mapping[str, Callable[[int], Arrays]] = {
    "digits": _digits,
    "spirals": _spirals,
    "moons": _moons,
    "circles": _circles,
    "gaussian": _gaussian,
}
