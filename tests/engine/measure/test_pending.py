"""What training writes to before it was read: dropped, and read at once from then on, by call."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from diagnostics.engine.measure import pending
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.pending import Pending
from diagnostics.engine.measure.probe import Probe
from diagnostics.store.records import METRIC_INDEX

STEPS = 3


@pytest.fixture(params=["kept waiting", "read at once"], autouse=True)
def _held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "read at once":
        monkeypatch.setattr(pending, "MOST_HELD", 0)


def _twice(written: tuple[bool, bool], step: int = 1) -> tuple[list[float], list[float]]:
    """One layer called twice a step: (std measured, std of all that it gave out), each step.

    Args:
        written: whether each call's output is written to afterwards.
        step: from which step on.
    """
    torch.manual_seed(0)
    layer = nn.Linear(8, 8)
    probe = Probe([Layer("layer", layer, None)])
    probe.attach()
    measured, plain = [], []
    for number in range(1, STEPS + 1):
        seen = []
        for scale, overwrites in zip((0.1, 10.0), written, strict=True):
            z = layer(scale * torch.randn(4, 8))
            seen.append(z.detach().clone())
            if overwrites and number >= step:
                z.detach().fill_(99.0)
            z.sum().backward()
            probe.backward()
        probe.before_step()
        values = probe.after_step().values
        measured.append(float(values[0, METRIC_INDEX["activation_std"]]))
        plain.append(float(torch.stack(seen).std(correction=0)))
    probe.detach()
    return measured, plain


@pytest.mark.parametrize("written", [(True, False), (False, True), (True, True), (False, False)])
def test_a_call_whose_output_is_written_to_keeps_its_numbers(written: tuple[bool, bool]) -> None:
    measured, plain = _twice(written)
    assert measured == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("written", [(True, False), (False, True), (True, True)])
def test_one_first_written_to_later_is_missed_once_and_never_again(
    written: tuple[bool, bool],
) -> None:
    """A step in which something was lost has no number: part of it would be a wrong one."""
    measured, plain = _twice(written, step=2)
    known = [0, 2] if np.isnan(measured[1]) else [0, 1, 2]
    assert [measured[i] for i in known] == pytest.approx([plain[i] for i in known], rel=1e-5)


def test_calls_of_one_layer_are_told_apart() -> None:
    """Two layers, the second call of the first one changed: only that call is dropped."""
    read: list[tuple[int, float]] = []
    lost: list[int] = []

    def take(layers: list[int], tensors: list[Tensor]) -> None:
        read.extend((i, float(t)) for i, t in zip(layers, tensors, strict=True))

    waits = Pending(take, lost.extend)
    waits.first = False
    for _ in range(2):
        tensors = [torch.tensor(float(n)) for n in range(3)]
        for key, layer, tensor in zip((0, 1, 2), (0, 1, 0), tensors, strict=True):
            waits.add(key, layer, tensor)
        tensors[2].add_(90)
        waits.read()
        waits.clear()
    if pending.MOST_HELD:
        assert lost == [0] and read == [(0, 0.0), (1, 1.0), (0, 0.0), (1, 1.0), (0, 2.0)]
    else:
        assert lost == [] and read == [(0, 0.0), (1, 1.0), (0, 2.0)] * 2
