"""TensorBoard event files, for those whose team lives there."""

from collections.abc import Sequence

from diagnostics.store.records import METRICS, SCALARS, Step
from diagnostics.subject.watched import Unwatchable


class Board:
    """Writes every measured number as a scalar: ``signal_grad_norm/conv1``, ``loss``.

    Raises:
        Unwatchable: the package tensorboard is not installed.
    """

    def __init__(self, folder: str) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise Unwatchable(
                f"tensorboard={folder} can't be written: install the package tensorboard first."
            ) from None
        self._writer = SummaryWriter(folder)

    def write(self, names: Sequence[str], step: Step) -> None:
        """A step of layers with these names. What is NaN is left out."""
        for key, number in {
            **dict(zip(SCALARS, step.scalars.tolist(), strict=True)),
            **step.own,
        }.items():
            self._put(key, number, step.number)
        for name, row in zip(names, step.values.tolist(), strict=True):
            for key, number in zip(METRICS, row, strict=True):
                self._put(f"{key}/{name}", number, step.number)

    def close(self) -> None:
        """Flush and let go of the files."""
        self._writer.close()

    def _put(self, tag: str, number: float, step: int) -> None:
        if number == number:  # NaN: not measured
            self._writer.add_scalar(tag, number, step)
