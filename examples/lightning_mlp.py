"""Watch inside Lightning's trainer: one callback.  Needs ``gradient-diagnostics[lightning]``."""

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from diagnostics.integrations.lightning import GradientWatch


class Classifier(pl.LightningModule):
    """An MLP, as one writes it for Lightning."""

    def __init__(self) -> None:
        super().__init__()
        hidden = [layer for _ in range(5) for layer in (nn.Linear(32, 32), nn.ReLU())]
        self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), *hidden, nn.Linear(32, 4))

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=3e-3)


def main() -> None:
    pl.seed_everything(0)
    x = torch.randn(4096, 10)
    data = TensorDataset(x, x[:, :4].argmax(1))
    trainer = pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        callbacks=[GradientWatch(name="Lightning MLP")],
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
    )
    trainer.fit(Classifier(), DataLoader(data, batch_size=128, shuffle=True))


if __name__ == "__main__":
    main()
