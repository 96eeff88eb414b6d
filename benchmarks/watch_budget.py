"""Whether `watch` keeps to its budget, on models of 5 to 200 layers: paired ratios to bare.

python -m benchmarks.watch_budget [SECONDS] [ROUNDS]
"""

import statistics
import sys

import torch
from torch import nn

from benchmarks.probe_cost import Workload
from benchmarks.watch_cost import bare, ours, seconds_a_step
from diagnostics.engine.measure.layers import Layer

SHAPES = [(5, 32), (5, 512), (20, 128), (50, 64), (100, 128), (200, 64)]
"""(layers, width)"""


def mlp(depth: int, width: int) -> Workload:
    layers = [Layer(str(i), nn.Linear(width, width), nn.ReLU()) for i in range(depth - 1)]
    layers.append(Layer("out", nn.Linear(width, 10), None))
    parts = [part for _, *pair in layers for part in pair if part is not None]
    return Workload(nn.Sequential(*parts), layers, torch.randn(64, width))


def main() -> None:
    torch.set_num_threads(1)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    print("| layers × width | bare step, ms | budget 3% | budget 10% |\n| --- | --- | --- | --- |")
    for depth, width in SHAPES:
        torch.manual_seed(0)
        work = mlp(depth, width)
        found: dict[float, list[float]] = {0.03: [], 0.1: []}
        for _ in range(rounds):
            alone = seconds_a_step(work, bare, seconds)
            for share, ratios in found.items():
                watched = seconds_a_step(work, lambda w, f, s=share: ours(w, f, budget=s), seconds)
                ratios.append(watched / alone)
        cells = " | ".join(f"{statistics.median(ratios):.3f}" for ratios in found.values())
        print(f"| {depth} × {width} | {alone * 1e3:.2f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
