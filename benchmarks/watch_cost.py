"""What `watch` costs around a plain loop, beside others: paired ratios to the bare step.

    python -m benchmarks.watch_cost [SECONDS] [ROUNDS] [--only ROW ...]

Each round trains bare and watched in turn for so many seconds each, with a store on disk; the
median of the ratios is printed. "bare again" tells how much of it is noise. Peers are measured
where they are installed (`make bench-watch` puts them aside of the environment).
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from unittest import mock

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.peers import PEERS, Step, Watcher
from benchmarks.probe_cost import WORKLOADS, Workload
from diagnostics import watch
from diagnostics.engine.measure import reductions
from diagnostics.engine.measure.updates import Updates


def bare(work: Workload, folder: Path) -> AbstractContextManager[Step]:
    return nullcontext(lambda loss: None)


@contextmanager
def ours(work: Workload, folder: Path, **options: object) -> Iterator[Step]:
    url = f"sqlite:///{folder / 'store.sqlite'}"
    with watch(work.model, work.optimizer, store=url, **options) as watched:
        yield lambda loss: watched.step(loss=loss)


def every_step(work: Workload, folder: Path) -> AbstractContextManager[Step]:
    return ours(work, folder, every=1)


@contextmanager
def by_torch(work: Workload, folder: Path) -> Iterator[Step]:
    """Every step without the native kernels, as on other devices and for other types."""
    with (
        mock.patch.object(reductions, "NATIVE", set()),
        mock.patch.object(Updates, "_native", lambda self, which: False),
        every_step(work, folder) as tell,
    ):
        yield tell


@contextmanager
def clip_grad_norm(work: Workload, folder: Path) -> Iterator[Step]:
    """A yardstick: torch's own clipping alone."""

    def clip(*args: object) -> None:
        nn.utils.clip_grad_norm_(work.model.parameters(), 1e9)

    hook = work.optimizer.register_step_pre_hook(clip)
    yield lambda loss: None
    hook.remove()


@contextmanager
def idle_hooks(work: Workload, folder: Path) -> Iterator[Step]:
    """Hooks where `watch` has them, doing nothing: no measurement in Python can cost less."""

    def output(module: nn.Module, args: object, z: torch.Tensor) -> None:
        assert z.grad_fn is not None
        z.grad_fn.register_prehook(lambda gradients: None)

    hooks = [layer.linear.register_forward_hook(output) for layer in work.layers]
    hooks += [
        layer.activation.register_forward_hook(lambda *args: None)
        for layer in work.layers
        if layer.activation is not None
    ]
    yield lambda loss: None
    for hook in hooks:
        hook.remove()


WATCHERS: dict[str, Watcher] = {
    "bare again": bare,
    "watch, default budget of 3%": ours,
    "watch, every step": every_step,
    "watch, every step, by torch": by_torch,
    "the same hooks, doing nothing": idle_hooks,
    "clip_grad_norm_ alone": clip_grad_norm,
    **PEERS,
}


def seconds_a_step(work: Workload, watcher: Watcher, seconds: float) -> float:
    """Mean time of a step, watching begun and ended outside of it."""
    with tempfile.TemporaryDirectory() as folder, watcher(work, Path(folder)) as tell:
        train_step(work, tell)
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            train_step(work, tell)
            count += 1
        return (time.perf_counter() - started) / count


def train_step(work: Workload, tell: Step) -> None:
    loss = F.cross_entropy(work.model(work.x), work.y)
    loss.backward()  # type: ignore[no-untyped-call]
    work.optimizer.step()
    work.optimizer.zero_grad()
    tell(loss)


def ratio(make: Callable[[], Workload], watcher: Watcher, seconds: float, rounds: int) -> str:
    torch.manual_seed(0)
    work = make()
    try:
        seconds_a_step(work, watcher, 0.1)
    except ImportError:
        return "–"
    found = [
        seconds_a_step(work, watcher, seconds) / seconds_a_step(work, bare, seconds)
        for _ in range(rounds)
    ]
    return f"{statistics.median(found):.2f}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watch_cost")
    parser.add_argument("seconds", type=float, nargs="?", default=1.5)
    parser.add_argument("rounds", type=int, nargs="?", default=7)
    parser.add_argument("--only", nargs="+", metavar="ROW", choices=WATCHERS, default=WATCHERS)
    return parser.parse_args()


def main() -> None:
    os.environ["WANDB_SILENT"] = "true"
    torch.set_num_threads(1)
    options = arguments()
    print("| ratio to the bare step | " + " | ".join(WORKLOADS) + " |")
    print("| --- |" + " --- |" * len(WORKLOADS))
    for name in options.only:
        cells = [
            ratio(make, WATCHERS[name], options.seconds, options.rounds)
            for make in WORKLOADS.values()
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
