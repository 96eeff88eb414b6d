"""What `watch` costs around a plain loop, beside others: paired ratios to the bare step.

    python -m benchmarks.watch_cost [SECONDS] [ROUNDS]

Each round trains bare and watched in turn for so many seconds each, with a store on disk; the
median of the ratios is printed. "bare again" tells how much of it is noise. Peers are measured
where they are installed (`make bench-watch` puts them aside of the environment).
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.probe_cost import WORKLOADS, Workload
from diagnostics import watch

Step = Callable[[torch.Tensor], object]
"""What a watcher does at the end of a step, given the loss."""

Watcher = Callable[[Workload, Path], AbstractContextManager[Step]]


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
def clip_grad_norm(work: Workload, folder: Path) -> Iterator[Step]:
    """A yardstick: torch's own clipping alone."""
    hook = work.optimizer.register_step_pre_hook(
        lambda *args: nn.utils.clip_grad_norm_(work.model.parameters(), 1e9) and None
    )
    yield lambda loss: None
    hook.remove()


@contextmanager
def tensorboard(work: Workload, folder: Path) -> Iterator[Step]:
    """A histogram of every gradient at every step."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def histograms(*args: object) -> None:
        for name, parameter in work.model.named_parameters():
            writer.add_histogram(name, parameter.grad)

    hook = work.optimizer.register_step_pre_hook(histograms)
    yield lambda loss: writer.add_scalar("loss", float(loss.detach()))
    hook.remove()
    writer.close()


@contextmanager
def wandb_watch(work: Workload, folder: Path) -> Iterator[Step]:
    """wandb.watch of gradients at every step, offline."""
    import wandb

    settings = wandb.Settings(silent=True, console="off")
    run = wandb.init(mode="offline", dir=str(folder), settings=settings)
    run.watch(work.model, log="gradients", log_freq=1)
    yield lambda loss: run.log({"loss": float(loss.detach())})
    run.unwatch(work.model)
    run.finish()


WATCHERS: dict[str, Watcher] = {
    "bare again": bare,
    "watch, default budget of 3%": ours,
    "watch, every step": every_step,
    "clip_grad_norm_ alone": clip_grad_norm,
    "wandb.watch gradients, every step": wandb_watch,
    "TensorBoard histograms, every step": tensorboard,
}


def seconds_a_step(work: Workload, watcher: Watcher, seconds: float) -> float:
    """Mean time of a step, watching begun and ended outside of it."""
    with tempfile.TemporaryDirectory() as folder, watcher(work, Path(folder)) as tell:
        _step(work, tell)
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            _step(work, tell)
            count += 1
        return (time.perf_counter() - started) / count


def _step(work: Workload, tell: Step) -> None:
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


def main() -> None:
    os.environ["WANDB_SILENT"] = "true"
    torch.set_num_threads(1)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    print("| ratio to the bare step | " + " | ".join(WORKLOADS) + " |")
    print("| --- |" + " --- |" * len(WORKLOADS))
    for name, watcher in WATCHERS.items():
        cells = [ratio(make, watcher, seconds, rounds) for make in WORKLOADS.values()]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
