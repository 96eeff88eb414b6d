"""Every choice builds and trains."""

import numpy as np
import pytest

from diagnostics.subject.config import FIELDS, choices_of
from tests.engine.helpers import trained

WORDS = [f"{field}={key}" for field in FIELDS for key in (choices_of(field) or ())] + [
    "residual=true",
    "dropout=0.3",
    "weight_decay=0.01",
    "norm=batch norm_position=after",
    "norm=layer norm_position=after residual=true",
    "batch_size=2048",
    "batch_size=1",
    "width=2 depth=1",
    "max_norm=0.5",
    "early_stopping=5",
    "accumulate=3 dropout=0.2",
    "architecture=rnn residual=true norm=batch",
    "architecture=rnn init=lsuv activation=prelu",
    "architecture=rnn chunk=1 dataset=moons",
    "architecture=rnn chunk=7 init=identity gain=1.1",
]


@pytest.mark.parametrize("words", WORDS)
def test_every_choice_trains(words: str) -> None:
    shape = "" if "depth" in words else "depth=3 width=8"
    run = trained(f"{shape} lr=0.01 steps=3 {words}")
    assert run.summary.state == "finished"
    assert run.batch.steps.tolist() == [1, 2, 3]
    assert np.isfinite(run.batch.scalar("loss")).all()
    assert np.isfinite(run.batch.metric("signal_grad_norm")).all()


def test_clipping_methods_limit_what_they_say() -> None:
    words = "activation=relu init=he_normal depth=3 width=32 steps=5 clip_threshold=0.01"
    free = trained(f"{words} clip=none").batch
    assert (free.scalar("clipped_norm") == free.scalar("grad_norm")).all()
    for method in ("norm", "value", "layer_norm", "agc"):
        clipped = trained(f"{words} clip={method}").batch
        assert (clipped.scalar("clipped_norm") < clipped.scalar("grad_norm")).all(), method
    by_norm = trained(f"{words} clip=norm").batch
    assert by_norm.scalar("clipped_norm").max() <= 0.01
