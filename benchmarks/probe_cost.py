"""What watching every step costs: watched and bare steps in turn, and the ratio of their times.

Run with ``python -m benchmarks.probe_cost``. The machine's noise hits both alike, so the median of
paired ratios is what to read; "bare again" says how much of it is noise.
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from diagnostics.engine.lab import data, network
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.probe import Probe
from diagnostics.subject.config import RunConfig

ROUNDS, STEPS = 15, 20


class Workload:
    """A model, its batch, and a training step that may be watched."""

    def __init__(self, model: nn.Module, layers: list[Layer], x: torch.Tensor) -> None:
        self.model, self.layers, self.x = model, layers, x
        self.y = torch.randint(0, 10, (len(x),))
        self.optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step(self, probe: Probe | None) -> None:
        loss = F.cross_entropy(self.model(self.x), self.y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if probe is not None:
            probe.backward()
            probe.before_step()
        self.optimizer.step()
        if probe is not None:
            probe.after_step(self.optimizer)

    def seconds(self, watched: bool) -> float:
        """Per step; hooks are on only while watching."""
        probe = Probe(self.layers) if watched else None
        if probe is not None:
            probe.attach()
        self.step(probe)
        started = time.perf_counter()
        for _ in range(STEPS):
            self.step(probe)
        spent = time.perf_counter() - started
        if probe is not None:
            probe.detach()
        return spent / STEPS


def mlp(depth: int, width: int, batch: int) -> Workload:
    config = RunConfig(
        depth=depth, width=width, batch_size=batch, activation="relu", init="he_normal"
    )
    samples = data.load(config)
    model = network.build(config, samples)
    return Workload(model, model.layers(), samples.train_x[:batch])


def cnn() -> Workload:
    convolutions = [nn.Conv2d(3, 16, 3), nn.Conv2d(16, 32, 3, stride=2), nn.Conv2d(32, 32, 3)]
    relus = [nn.ReLU() for _ in convolutions]
    blocks = [part for pair in zip(convolutions, relus, strict=True) for part in pair]
    last = nn.Linear(32 * 12 * 12, 10)
    layers = [Layer("conv", *pair) for pair in zip(convolutions, relus, strict=True)]
    model = nn.Sequential(*blocks, nn.Flatten(), last)
    return Workload(model, [*layers, Layer("out", last, None)], torch.randn(32, 3, 32, 32))


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "W1 MLP 10×64, batch 64": lambda: mlp(10, 64, 64),
    "W2 MLP 50×100, batch 64": lambda: mlp(50, 100, 64),
    "W3 MLP 20×512, batch 128": lambda: mlp(20, 512, 128),
    "W4 small CNN, batch 32": cnn,
}


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'workload':<26} {'bare ms':>8} {'watched':>8} {'bare again':>11}")
    for name, make in WORKLOADS.items():
        torch.manual_seed(0)
        workload = make()
        workload.seconds(True), workload.seconds(False)
        rounds = [[workload.seconds(w) for w in (False, True, False)] for _ in range(ROUNDS)]
        watched = statistics.median(2 * w / (b + c) for b, w, c in rounds)
        again = statistics.median(c / b for b, _, c in rounds)
        bare = statistics.median(b for b, _, _ in rounds) * 1e3
        print(f"{name:<26} {bare:>8.2f} {watched:>8.2f} {again:>11.2f}", flush=True)


if __name__ == "__main__":
    main()
