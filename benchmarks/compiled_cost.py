"""What watching a compiled model costs, beside other ways: paired ratios to the bare compiled step.

    python -m benchmarks.compiled_cost [STEPS] [ROUNDS] [--only ROW ...] [--on WORKLOAD ...]

Each way has a model of its own, compiled and watched once; then all take so many steps in turn, and
the median of the ratios in each round is printed, with how many graphs torch made of the model and
how often it broke one. Time is the processor's; on a GPU, where there is one, the clock's.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from benchmarks.probe_cost import WORKLOADS, Workload
from benchmarks.watch_cost import Step, bare, every_step, ours, train_step
from diagnostics.engine.watch import budget

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CLOCK = time.perf_counter if DEVICE == "cuda" else time.process_time
"""Processor time, the writing thread's too: others on the machine hardly count in it."""

FEW = 2
"""Steps before those that count: one measured, one not."""


class Holder(nn.Module):
    """Each way has a class of its own: models of one share graphs, whose hooks nobody looks for."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.model(x)
        return z


def seldom(work: Workload, folder: Path) -> AbstractContextManager[Step]:
    return ours(work, folder, every=1000)


def hooked(work: Workload, hook: Callable[..., None]) -> AbstractContextManager[Step]:
    for layer in work.layers:
        layer.linear.register_forward_hook(hook)
    return nullcontext(lambda loss: None)


def disabled_hooks(work: Workload, folder: Path) -> AbstractContextManager[Step]:
    """As OLMo-core has them: hooks that are left out of graphs, and read δ as well."""
    found: list[Tensor] = []

    @torch._dynamo.disable  # type: ignore[no-untyped-call]
    def hook(module: nn.Module, args: object, z: Tensor) -> None:
        found[:] = [z.detach().norm()]
        z.register_hook(lambda δ: found.append(δ.norm()))  # type: ignore[no-untyped-call]

    return hooked(work, hook)


def plain_hook(work: Workload, folder: Path) -> AbstractContextManager[Step]:
    """As in a tutorial: a number of each output."""
    found: dict[int, float] = {}

    def hook(module: nn.Module, args: object, z: Tensor) -> None:
        found[id(module)] = z.detach().norm().item()

    return hooked(work, hook)


WAYS: dict[str, Callable[[Workload, Path], AbstractContextManager[Step]]] = {
    "bare compiled": bare,
    "bare again": bare,
    "watch, every step": every_step,
    "watch, default budget of 3%": ours,
    "watch, one step of a thousand": seldom,
    "disabled hooks": disabled_hooks,
    "a plain hook": plain_hook,
}


class Stopwatch:
    """A clock for each way, which stands still while others run: they are none of its training."""

    def __init__(self) -> None:
        self._spent: dict[object, float] = {}
        self._whose: object = None
        self._since = time.perf_counter()

    def turn(self, whose: object) -> None:
        """From now on it runs for another."""
        self._spent[self._whose] = self.perf_counter()
        self._whose, self._since = whose, time.perf_counter()

    def perf_counter(self) -> float:
        return self._spent.get(self._whose, 0.0) + time.perf_counter() - self._since


class Way:
    """A compiled workload, watched in one way until a stack of contexts is closed."""

    def __init__(self, make: Callable[[], Workload], name: str, stack: ExitStack) -> None:
        torch.manual_seed(0)
        self._work = work = make()
        work.model.to(DEVICE)
        work.x, work.y = work.x.to(DEVICE), work.y.to(DEVICE)
        self._model = type("Own", (Holder,), {})(work.model)
        self._name, self._stack = name, stack
        work.model = torch.compile(self._model)  # type: ignore[assignment]

    def enter(self) -> None:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._tell = self._stack.enter_context(WAYS[self._name](self._work, folder))

    def warm(self) -> str:
        """Compile; what came of it."""
        counters.clear()
        for _ in range(FEW):
            train_step(self._work, self._tell)
        breaks = sum(counters["graph_break"].values())
        return f"{counters['stats']['unique_graphs']}, {breaks}"

    def seconds(self, steps: int) -> float:
        """Of a step."""
        _synchronized()
        started = CLOCK()
        for _ in range(steps):
            train_step(self._work, self._tell)
        _synchronized()
        return (CLOCK() - started) / steps


def _synchronized() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def in_turn(ways: list[Way], clock: Stopwatch) -> Iterator[Way]:
    for way in ways:
        clock.turn(way)
        yield way


def measure(make: Callable[[], Workload], names: list[str], steps: int, rounds: int) -> list[str]:
    """A cell for each way: the median ratio, graphs and breaks."""
    torch._dynamo.config.recompile_limit = 100  # type: ignore[attr-defined]
    clock = Stopwatch()
    with ExitStack() as stack, mock.patch.object(budget, "time", clock):
        ways = [Way(make, name, stack) for name in names]
        for way in in_turn(ways, clock):  # each resets what was compiled before
            way.enter()
        graphs = [way.warm() for way in in_turn(ways, clock)]
        times = [[way.seconds(steps) for way in in_turn(ways, clock)] for _ in range(rounds)]
    cells = []
    for k, made in enumerate(graphs):
        ratios = [row[k] / row[0] for row in times]
        least = min(row[k] for row in times) / min(row[0] for row in times)
        cells.append(f"{statistics.median(ratios):.2f} [{least:.2f}] ({made})")
    cells[0] = f"{min(row[0] for row in times) * 1e3:.2f} ms ({graphs[0]})"
    return cells


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiled_cost")
    parser.add_argument("steps", type=int, nargs="?", default=100)
    parser.add_argument("rounds", type=int, nargs="?", default=15)
    others = list(WAYS)[1:]
    parser.add_argument("--only", nargs="+", metavar="ROW", choices=others, default=others)
    parser.add_argument("--on", nargs="+", metavar="WORKLOAD", default=["W1", "W3"])
    return parser.parse_args()


def main() -> None:
    torch.set_num_threads(1)
    options = arguments()
    chosen = {name: make for name, make in WORKLOADS.items() if name[:2] in options.on}
    names = ["bare compiled", *options.only]
    columns = [measure(make, names, options.steps, options.rounds) for make in chosen.values()]
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else "processor, one thread"
    print(f"{device}: median ratio [ratio of least times] (graphs, breaks)\n")
    print("| | " + " | ".join(chosen) + " |\n| --- |" + " --- |" * len(chosen))
    for k, name in enumerate(names):
        print(f"| {name} | " + " | ".join(column[k] for column in columns) + " |")


if __name__ == "__main__":
    main()
