"""A training put aside and taken up again: trees of plain values and tensors, and back.

Nothing is pickled: tensors become arrays, what holds them becomes JSON that says which goes where.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diagnostics.store.packing import Checkpoint


class SetAside(Exception):
    """A run gives its worker back, in a state, with all that it needs to go on."""

    def __init__(self, kept: Checkpoint, state: str) -> None:
        super().__init__(f"set aside: {state}")
        self.kept, self.state = kept, state


def packed(tree: Any) -> Checkpoint:
    """A tree of dicts, lists, tensors, arrays and plain values."""
    arrays: dict[str, NDArray[Any]] = {}
    return Checkpoint(arrays, {"tree": _apart(tree, "", arrays)})


def unpacked(kept: Checkpoint) -> Any:
    """The tree that was packed; arrays come back as tensors, tuples as lists."""
    return _together(kept.counters["tree"], kept)


def standing(kept: Checkpoint | None) -> tuple[bool, int]:
    """Whether a run was paused when it was put aside, and the last command that it had obeyed."""
    if kept is None:
        return False, 0
    plain = unpacked(kept)["plain"]
    return plain["paused"], plain["obeyed"]


def _apart(tree: Any, name: str, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(tree, dict):
        return {
            "dict": [[key, _apart(value, f"{name}/{key}", arrays)] for key, value in tree.items()]
        }
    if isinstance(tree, list | tuple):
        return {"list": [_apart(value, f"{name}/{i}", arrays) for i, value in enumerate(tree)]}
    if isinstance(tree, Tensor | np.ndarray):
        arrays[name] = tree.detach().numpy() if isinstance(tree, Tensor) else tree
        return {"tensor": name}
    return tree


def _together(told: Any, kept: Checkpoint) -> Any:
    if not isinstance(told, dict):
        return told
    ((kind, inside),) = told.items()
    if kind == "tensor":
        return torch.from_numpy(kept.arrays[inside])
    if kind == "list":
        return [_together(value, kept) for value in inside]
    return {key: _together(value, kept) for key, value in inside}


def numbers_of(network: nn.Module) -> dict[str, Tensor]:
    """A network's parameters and buffers, each once."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


@torch.no_grad()
def restore(network: nn.Module, numbers: dict[str, Tensor]) -> None:
    """Write parameters and buffers back where they were."""
    for name, mine in numbers_of(network).items():
        mine.copy_(numbers[name])
