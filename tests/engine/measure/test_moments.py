"""The gradient through time against a network that is unrolled by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from diagnostics import watch
from diagnostics.store.store import Store

LENGTH = 12


class Reader(nn.Module):
    """Tells the class of a sequence at its end."""

    def __init__(self, kind: type[nn.Module], first: bool = True, packs: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.core: nn.Module = kind(4, 6, batch_first=first)
        self.head, self.packs = nn.Linear(6, 3), packs

    def forward(self, x: Tensor) -> Tensor:
        if self.packs:
            lengths = torch.full((len(x),), LENGTH)
            last = self.core(pack_padded_sequence(x, lengths, batch_first=True))[1]
            return self.head((last[0] if isinstance(last, tuple) else last)[-1])
        out = self.core(x if self.core.batch_first else x.movedim(1, 0))[0]
        return self.head(out[:, -1] if self.core.batch_first else out[-1])


class Looped(nn.Module):
    """A cell, or a layer of its own, that is called for each moment."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.head = cell, nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), 6)
        for moment in x.unbind(1):
            if isinstance(self.cell, nn.Linear):
                h = torch.tanh(self.cell(torch.cat([moment, h], 1)))
            else:
                h = self.cell(moment, h)
        return self.head(h)


def ratio(store: Store, model: nn.Module, x: Tensor) -> float:
    """As watching has it, and the losses are those without."""
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(2):
            model(x).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    assert not any("time" in sentence for sentence in w.subject.unseen)
    first, second = store.since(w.run_id).batch.metric("time_ratio")[:, 0]
    assert first == second or np.isnan([first, second]).all()
    np.testing.assert_array_equal(first, second)
    return float(first)


@pytest.mark.parametrize("packs", [False, True])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_recurrent_layer_shows_what_its_inputs_receive(
    store: Store, kind: type[nn.Module], first: bool, packs: bool
) -> None:
    model, x = Reader(kind, first or packs, packs), torch.randn(5, LENGTH, 4)
    known = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(model(known).square().mean(), known)
    expected = float(g[:, 0].norm() / g[:, -1].norm())
    assert expected < 0.1
    assert ratio(store, model, x) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("cell", [nn.RNNCell(4, 6), nn.GRUCell(4, 6), nn.Linear(10, 6)])
def test_a_cell_shows_what_its_states_receive(store: Store, cell: nn.Module) -> None:
    model, x = Looped(cell), torch.randn(5, LENGTH, 4)
    states: list[Tensor] = []
    hook = cell.register_forward_hook(lambda m, args, h: states.append(h))
    loss = model(x).square().mean()
    hook.remove()
    found = [float(g.norm()) for g in torch.autograd.grad(loss, states)]
    assert ratio(store, model, x) == pytest.approx(found[0] / found[-1], rel=1e-4)


def test_what_goes_through_no_time_has_no_ratio(store: Store) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))
    assert np.isnan(ratio(store, model, torch.randn(8, 4)))
