"""What others do at every step, to measure beside `watch`; each is imported only when measured."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import torch
from torch.nn import functional as F

from benchmarks.probe_cost import Workload

Step = Callable[[torch.Tensor], object]
"""What a watcher does at the end of a step, given the loss."""

Watcher = Callable[[Workload, Path], AbstractContextManager[Step]]


@contextmanager
def wandb_watch(work: Workload, folder: Path) -> Iterator[Step]:
    """wandb.watch of gradients and the loss, offline."""
    import wandb

    settings = wandb.Settings(silent=True, console="off")
    run = wandb.init(mode="offline", dir=str(folder), settings=settings)
    run.watch(work.model, log="gradients", log_freq=1)
    yield lambda loss: run.log({"loss": float(loss.detach())})
    run.unwatch(work.model)
    run.finish()


@contextmanager
def tensorboard(work: Workload, folder: Path) -> Iterator[Step]:
    """A histogram of every gradient, and the loss."""
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
def cockpit(work: Workload, folder: Path) -> Iterator[Step]:
    """Cockpit's "economy" but for Alpha, which keeps each sample's gradient: 11 GB on W3."""
    from backpack import extend
    from cockpit import Cockpit
    from cockpit.quantities import Alpha
    from cockpit.utils.configuration import configuration

    plain, backward = (work.model, work.optimizer), torch.Tensor.backward
    # BackPACK's hooks can't be taken off again.
    work.model, work.optimizer = deepcopy(plain)
    for module in work.model.modules():
        # BackPACK keeps a module's output as `output`, which is a layer's name in some containers.
        if not list(module.children()):
            extend(module)
    quantities = [q for q in configuration("economy") if not isinstance(q, Alpha)]
    pilot = Cockpit(work.model.parameters(), quantities)
    logits: list[torch.Tensor] = []
    hook = work.model.register_forward_hook(lambda model, x, out: logits.append(out))
    number = 0

    def tracked(loss: torch.Tensor) -> None:
        nonlocal number
        info = {
            "batch_size": len(work.y),
            "individual_losses": F.cross_entropy(logits.pop(), work.y, reduction="none"),
            "loss": loss,
            "optimizer": work.optimizer,
        }
        with pilot(number, info=info):
            backward(loss, create_graph=pilot.create_graph(number))  # type: ignore[no-untyped-call]
        number += 1

    with mock.patch.object(torch.Tensor, "backward", tracked):
        yield lambda loss: None
    hook.remove()
    work.model, work.optimizer = plain


@contextmanager
def activation_stats(work: Workload, folder: Path) -> Iterator[Step]:
    """fastai's ActivationStats with histograms on the layers it picks, without a Learner."""
    from fastai.callback.hook import ActivationStats

    stats = ActivationStats(with_hist=True)
    stats.learn = SimpleNamespace(model=work.model, training=True)
    stats.before_fit()
    yield lambda loss: stats.after_batch()
    stats.after_fit()


@contextmanager
def torchmortem(work: Workload, folder: Path) -> Iterator[Step]:
    """torchmortem's Autopsy at its default sampling; its analysis at the end is not timed."""
    from torchmortem import Autopsy

    with Autopsy(work.model, optimizer=work.optimizer) as autopsy:
        yield lambda loss: autopsy.step(loss=loss.item())


@contextmanager
def nn_htop(work: Workload, folder: Path) -> Iterator[Step]:
    """nn-htop's Monitor without its screen, which would draw five times a second beside it."""
    from nn_htop import Monitor

    with Monitor(work.model) as monitor:
        yield lambda loss: monitor.record_step(loss=loss.item())


PEERS: dict[str, Watcher] = {
    "wandb.watch gradients, every step": wandb_watch,
    "TensorBoard histograms, every step": tensorboard,
    "Cockpit economy less Alpha, every step": cockpit,
    "fastai ActivationStats, every step": activation_stats,
    "torchmortem, default sampling": torchmortem,
    "nn-htop, every step": nn_htop,
}
