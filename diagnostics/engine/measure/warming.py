"""What a process does before it measures anything."""

import numpy as np
import torch
from torch import nn

from diagnostics.engine.measure import sums
from diagnostics.engine.measure.census import Census
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.probe import Probe


def warm_up() -> None:
    """Measure two steps of next to nothing: a process loads or compiles its kernels then."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        linear, relu = nn.Linear(1, 1), nn.ReLU()
        probe = Probe([Layer("", linear, relu)])
        probe.census = Census(1, np.array([False]))
        for _ in range(2):
            relu(linear(torch.ones(1, 1))).sum().backward()
            probe.gradients()
            probe.remember()
            sums.rounded(probe.finish())
        probe.close()
