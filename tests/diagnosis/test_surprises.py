"""Gradients that outgrow what their optimizer remembers of them."""

import numpy as np
import pytest

from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import Diagnosis
from tests.diagnosis.made import LAYERS, falling, model, run

STEPS = 60


def _told(surprise: np.ndarray, loss: np.ndarray) -> list[Diagnosis]:
    found = diagnose(model(), run(STEPS, loss, surprise=surprise))
    return [one for one in found if one.rule == "surprised"]


def _surprise(at: int, size: float) -> np.ndarray:
    found = np.ones((STEPS, LAYERS))
    found[at, 2] = size
    return found


def _spike(size: float) -> np.ndarray:
    loss = falling(STEPS)
    loss[52:] += size
    return loss


@pytest.mark.parametrize(
    ("at", "size", "spike", "severity"),
    [
        (51, 9.0, 1.0, "watch"),
        (51, 9.0, 0.0, "fine"),
        (51, 9.0, 0.1, "fine"),
        (51, 2.2, 1.0, None),
        (30, 9.0, 1.0, None),
    ],
)
def test_it_is_more_than_a_word_where_the_loss_leaps(
    at: int, size: float, spike: float, severity: str | None
) -> None:
    found = _told(_surprise(at, size), _spike(spike))
    assert [one.severity for one in found] == ([severity] if severity else [])
    for one in found:
        assert (
            one.layers == (3,)
            and one.evidence["surprise"] == size
            and "layer 3" in (one.sentence.lower())
        )


def test_where_nothing_is_remembered_nothing_is_said() -> None:
    assert not _told(np.full((STEPS, LAYERS), np.nan), _spike(1.0))
