"""Hooks on modules, and what they are given."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from torch import Tensor


class Hook(partial[object]):
    """A module's hook that does nothing any more once the module was copied or saved."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Hook, (nothing,)

    def __deepcopy__(self, memo: object) -> "Hook":
        return Hook(nothing)


def nothing(*given: object) -> None:
    """Do nothing."""


def tensors_of(output: Any) -> list[Tensor]:
    """The tensors that a module gave out, each once: of an LSTM the outputs of all steps first."""
    return list({id(tensor): tensor for tensor in _within(output)}.values())


def _within(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list, dict)):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _within(part)
