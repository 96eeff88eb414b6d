"""The callback inside Lightning's own trainer."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from diagnostics import Store
from tests.conftest import needs

pl = needs("lightning.pytorch")
GradientWatch = needs("diagnostics.integrations.lightning").GradientWatch

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),  # Lightning's own
]

BATCHES = 12


class Net(pl.LightningModule):
    """Two hidden layers; breaks at a batch where one is named."""

    def __init__(self, breaks_at: int | None = None, error: type[BaseException] = ValueError):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
        self.out = nn.Linear(16, 3)
        self.breaks_at, self.error = breaks_at, error
        self.losses: list[float] = []

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        if index == self.breaks_at:
            raise self.error("broken on purpose")
        x, y = batch
        loss = nn.functional.cross_entropy(self.out(self.net(x)), y)
        self.losses.append(float(loss.detach()))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.01)


class Often(Net):
    """LBFGS calls its closure several times a step."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=3)


class ByHand(Net):
    """Manual optimization: a step at every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        loss = super().training_step(batch, index)
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return loss


class Validated(Net):
    """Looks at held-out batches in between."""

    validation_step = Net.training_step


def batches() -> DataLoader[Any]:
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(BATCHES * 8, 6, generator=draw)
    return DataLoader(TensorDataset(x, (x.sum(1) > 0).long()), batch_size=8)


def fit(kind: type[Net] = Net, *callbacks: pl.Callback, **options: Any) -> Net:
    torch.manual_seed(0)
    model = kind()
    trainer(*callbacks, **options).fit(model, batches())
    return model


def trainer(*callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return pl.Trainer(
        callbacks=list(callbacks),
        max_epochs=1,
        accelerator="cpu",
        enable_model_summary=False,
        **{**quiet, **options},
    )


def test_each_optimizer_step_is_one_of_the_run(store: Store) -> None:
    watched = GradientWatch(every=1, name="mine")
    model = fit(Net, watched)
    run, batch = store.run(watched.run_id), store.since(watched.run_id).batch
    assert (run.state, run.steps, run.name) == ("finished", BATCHES, "mine")
    assert run.config.names == ("net.0", "net.2", "out")
    assert batch.steps.tolist() == list(range(1, BATCHES + 1))
    assert batch.scalar("loss") == pytest.approx(model.losses, rel=1e-6)
    for key in ("signal_grad_norm", "weight_grad_norm", "update_ratio"):
        assert (batch.metric(key) > 0).all(), key


@pytest.mark.parametrize("kind", [Net, Often, ByHand])
def test_losses_are_the_same_without_the_callback(kind: type[Net], store: Store) -> None:
    watched = GradientWatch(every=1)
    assert fit(kind, watched).losses == fit(kind).losses
    assert (store.since(watched.run_id).batch.metric("update_ratio") > 0).all()


def test_accumulated_batches_are_one_step_with_their_mean_loss(store: Store) -> None:
    watched = GradientWatch(every=1)
    model = fit(Net, watched, accumulate_grad_batches=3)
    batch = store.since(watched.run_id).batch
    assert store.run(watched.run_id).steps == len(batch) == BATCHES / 3
    means = np.array(model.losses).reshape(-1, 3).mean(1)
    assert batch.scalar("loss") == pytest.approx(means, rel=1e-6)


def test_clipping_by_the_trainer_is_seen(store: Store) -> None:
    watched = GradientWatch(every=1)
    fit(Net, watched, gradient_clip_val=0.01)
    batch = store.since(watched.run_id).batch
    assert batch.scalar("clipped_norm") == pytest.approx(0.01, rel=1e-3)
    assert (batch.scalar("grad_norm") > 0.02).all()


def test_validation_in_between_counts_nothing(store: Store) -> None:
    watched = GradientWatch(every=1)
    torch.manual_seed(0)
    trainer(watched, val_check_interval=4).fit(Validated(), batches(), batches())
    assert store.run(watched.run_id).steps == len(store.since(watched.run_id).batch) == BATCHES


@pytest.mark.parametrize(
    ("error", "raised", "state"),
    [(ValueError, ValueError, "failed"), (KeyboardInterrupt, SystemExit, "stopped")],
)
def test_an_exception_ends_the_run(
    error: type[BaseException], raised: type[BaseException], state: str, store: Store
) -> None:
    watched = GradientWatch()
    with pytest.raises(raised):
        trainer(watched).fit(Net(breaks_at=5, error=error), batches())
    run = store.run(watched.run_id)
    assert (run.state, run.steps) == (state, 5)
