"""Watching inside Lightning's trainer: ``Trainer(callbacks=[GradientWatch()])``."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from diagnostics.integrations.lifetime import Watching


class GradientWatch(Watching, Callback):
    """Watches the trained module and its first optimizer, from the first step to the last.

    Args:
        options: those of ``diagnostics.watch``.

    Attributes:
        run_id: the run in the store, once training has begun.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a run."""
        self._step = trainer.global_step
        self._begin(pl_module, trainer.optimizers[0])

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """A step is over where the optimizer moved.

        Lightning hands over the loss divided by ``accumulate_grad_batches``, except in manual
        optimization, where nobody knows which batches belong together.
        """
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if loss is not None:
            self._losses.append(loss.detach())
        if self._watch is None or trainer.global_step == self._step:
            return
        known, self._losses = self._losses, []
        self._step = trainer.global_step
        parts = 1 if pl_module.automatic_optimization else len(known)
        self._watch.step(loss=sum(known) / parts if known else None)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the run."""
        self._end(None)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """End the run as failed, or as stopped by Ctrl-C."""
        self._end(exception)
