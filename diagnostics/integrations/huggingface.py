"""Watching inside transformers' trainer: ``Trainer(..., callbacks=[GradientWatch()])``."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from diagnostics.integrations.lifetime import Watching


class GradientWatch(Watching, TrainerCallback):
    """Watches the model and optimizer of a ``transformers.Trainer``.

    The trainer tells callbacks of no exception: a run whose training failed is shown as lost.

    Args:
        options: those of ``diagnostics.watch``.

    Attributes:
        run_id: the run in the store, once training has begun.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._listening: Any = None
        self._sum = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Begin a run; accelerate's wrapper around the optimizer is taken off."""
        model, optimizer = given["model"], given["optimizer"]
        self._begin(model, getattr(optimizer, "optimizer", optimizer))
        self._listening = model.register_forward_hook(self._heard, with_kwargs=True)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """A step is over, of however many batches."""
        if self._watch is None:
            return
        known, self._losses = self._losses, []
        total = sum(known) if self._sum or not known else sum(known) / len(known)
        try:
            self._watch.step(loss=total if known else None)
        except BaseException as error:  # such as Stopped, of which the trainer tells nobody
            self._end(error)
            raise

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """End the run."""
        self._end(None)

    def _heard(self, model: Any, args: Any, given: dict[str, Any], output: Any) -> None:
        """Keep a batch's loss: one over all the step's items is a part of a sum, else of a mean."""
        loss = output.get("loss") if isinstance(output, dict) else None
        if model.training and loss is not None:
            self._sum = given.get("num_items_in_batch") is not None
            self._losses.append(loss.detach().mean())

    def _end(self, error: BaseException | None) -> None:
        if self._watch is not None:
            self._listening.remove()
        super()._end(error)
