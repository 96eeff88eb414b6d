"""Odd tensors: read as what they hold, or not at all."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.testing._internal.two_tensor import TwoTensor

from diagnostics.engine.measure import gate, reductions

DENSE = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


class Named(Tensor):
    """A subclass that only has a name, as those of other libraries do."""


def _nested(layout: torch.layout) -> Tensor:
    return torch.nested.as_nested_tensor([DENSE[:2], DENSE[2:]], layout=layout)


def _fake() -> Tensor:
    with FakeTensorMode() as mode:
        return mode.from_tensor(DENSE)


READABLE = {
    "plain": lambda: DENSE,
    "parameter": lambda: nn.Parameter(DENSE),
    "transposed": lambda: DENSE.t(),
    "negated lazily": lambda: torch.complex(DENSE, DENSE).conj().imag,
    "double": lambda: DENSE.double(),
    "sparse": lambda: DENSE.to_sparse(),
    "compressed": lambda: DENSE.to_sparse_csr(),
    "jagged": lambda: _nested(torch.jagged),
    "subclass": lambda: DENSE.as_subclass(Named),
    "inference": lambda: _inference(),
}
UNREADABLE = {
    "fake": _fake,
    "wrapper subclass": lambda: TwoTensor(DENSE, DENSE.clone()),
    "meta": lambda: DENSE.to("meta"),
    "freed": lambda: _freed(),
}


def _freed() -> Tensor:
    tensor = DENSE.clone()
    tensor.untyped_storage().resize_(0)
    return tensor


def _inference() -> Tensor:
    with torch.inference_mode():
        return DENSE * 1


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize("name", READABLE)
def test_what_can_be_read_has_its_norm(name: str) -> None:
    tensor = READABLE[name]()
    assert reductions.norms([tensor])[0] == pytest.approx(float(DENSE.norm()), rel=1e-6)


def test_a_complex_number_is_two() -> None:
    both = torch.complex(DENSE, 2 * DENSE)
    assert reductions.norms([both])[0] == pytest.approx(float(both.abs().norm()), rel=1e-6)
    assert gate.readable(both.conj()).shape == (6, 4, 2)


def test_a_lazy_sign_is_not_lost() -> None:
    tensor = torch.complex(DENSE, DENSE).conj().imag
    assert torch.equal(gate.readable(tensor), -DENSE)
    found = reductions.gather([0], [tensor])
    assert torch.equal(found.kept[0].cpu(), -DENSE)


def test_zeros_without_memory_are_zeros() -> None:
    assert reductions.norms([torch._efficientzerotensor(5)])[0] == 0


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_can_not_be_read_is_named(name: str) -> None:
    tensor = UNREADABLE[name]()
    these = reductions.gather([0, 1], [tensor, DENSE])
    called = {"meta": "the meta device", "freed": "freed memory"}
    assert these.unread == [(0, called.get(name, type(tensor).__name__))]
    norms = reductions.Norms(2)
    norms.add(these)
    assert math.isnan(norms.entries[0]) and np.isfinite(norms.entries[1])
