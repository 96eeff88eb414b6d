"""Sums by torch: of tensors in pieces, and what is copied to make them."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from diagnostics.engine.measure import portable, stacked
from diagnostics.engine.measure.kernels import SIZE, TALLY, Records
from diagnostics.engine.measure.layers import EVERYWHERE
from diagnostics.subject.activations import Span

AT_ONCE = 1 << 10

COPIES = 8
"""Of what is worked on in one go, in float64, so many may lie about at a time."""


class Allocated(TorchDispatchMode):
    """Bytes of all that is made while it is on: as they are now, and at most."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {one.untyped_storage()._cdata for one in _tensors((args, kwargs))}
        found = func(*args, **(kwargs or {}))
        for one in _tensors(found):
            storage = one.untyped_storage()
            if storage._cdata not in given | self._known:
                self._known.add(storage._cdata)
                self._add(storage._cdata, storage.nbytes())
                weakref.finalize(storage, self._drop, storage._cdata, storage.nbytes())
        return found

    def _add(self, key: int, size: int) -> None:
        self.now += size
        self.most = max(self.most, self.now)

    def _drop(self, key: int, size: int) -> None:
        self.now -= size
        self._known.discard(key)


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (one for one in tree_leaves(tree) if isinstance(one, Tensor))


SHAPES: dict[str, Callable[[], list[Tensor]]] = {
    "one large": lambda: [torch.randn(1 << 15)],
    "rows": lambda: [torch.randn(1 << 8, 1 << 7)],
    "columns": lambda: [torch.randn(1 << 8, 1 << 7).t()],
    "images": lambda: [torch.randn(8, 3, 41, 37).to(memory_format=torch.channels_last)],
    "every other": lambda: [torch.randn(300, 300)[::2, ::3]],
    "the same throughout": lambda: [torch.randn(1, 100).expand(300, 100)],
    "logits": lambda: [torch.randn(2, 3, 1 << 13)],
    "many small": lambda: [torch.randn(7, 9) for _ in range(400)],
    "a few of each": lambda: [torch.randn(n) for n in (1, 0, 5, 1 << 11, 1 << 14, 5)],
}

HALVES = (torch.bfloat16, torch.float32, torch.float64)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacked, "AT_ONCE", AT_ONCE)


def _summed(tensors: Sequence[Tensor], tails: bool) -> tuple[Records, Records]:
    rows, spans = range(len(tensors)), [EVERYWHERE, (-1.0, 1.0)] * len(tensors)
    sizes, tallies = np.zeros(len(tensors), SIZE), np.zeros(len(tensors), TALLY)
    low, high = np.array(spans[: len(tensors)]).T
    portable.sizes(rows, tensors, tails, sizes)
    portable.tally(rows, tensors, low, high, tallies)
    portable.magnitudes([one for one in tensors if one.numel() and one.shape[-1] <= AT_ONCE])
    return sizes, tallies


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_copy_is_made_of_a_whole_model(shape: str, dtype: torch.dtype) -> None:
    tensors = [_as(dtype, one) for one in SHAPES[shape]()]
    for tails in (False, True):
        with Allocated() as allocated:
            _summed(tensors, tails)
        assert allocated.most
        assert allocated.most <= COPIES * 8 * AT_ONCE + 200 * len(tensors)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_pieces_come_to_what_the_whole_does(
    shape: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = [_as(dtype, one) for one in SHAPES[shape]()][:50]
    for tails in (False, True):
        sizes, tallies = _summed(tensors, tails)
        for k, one in enumerate(tensors):
            span = (EVERYWHERE, (-1.0, 1.0))[k % 2]
            _compare(sizes[k], tallies[k], one.double(), span, tails)


def _as(dtype: torch.dtype, one: Tensor) -> Tensor:
    """In a type, lying as it did."""
    return one.to(dtype, memory_format=torch.preserve_format)


def _compare(size: Any, tally: Any, entries: Tensor, span: Span, tails: bool) -> None:
    assert size["entries"] == tally["count"] == entries.numel()
    if not entries.numel():
        return
    assert size["norm"] == pytest.approx(float(entries.norm()), rel=1e-5)
    assert size["zeros"] == tally["zeros"] == int((entries == 0).sum())
    if tails:
        assert size["largest"] == float(entries.abs().max())
        assert size["root"] == pytest.approx(float(entries.pow(4).sum() ** 0.25), rel=1e-5)
    off = entries - tally["shift"]
    for power, key in enumerate(("total", "squares", "cubes", "fourths"), 1):
        close = {"rel": 1e-4, "abs": 1e-4 * float(off.abs().pow(power).sum())}
        assert tally[key] == pytest.approx(float(off.pow(power).sum()), **close), key
    assert tally["outside"] == int(((entries < span[0]) | (entries > span[1])).sum())


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_units_of_large_outputs_are_summed_where_they_lie(dtype: torch.dtype) -> None:
    parts = [torch.randn(300, 40), torch.randn(40), torch.randn(2, 40), torch.randn(9, 31, 5)]
    parts = [one.to(dtype) for one in (*parts, torch.randn(8, 5, 30, 9).movedim(1, -1))]
    for found, one in zip(portable.magnitudes(parts), parts, strict=True):
        expected = one.double().abs().reshape(-1, one.shape[-1]).sum(0)
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5)
