"""Remedies are tried: those that help come first, with what came of them."""

import re

import pytest

from diagnostics.diagnosis import rules
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.engine.lab.trials import consult, outcome
from tests.engine.helpers import config

pytestmark = pytest.mark.thorough
slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("rule", "words", "field"),
    [
        pytest.param(
            "vanishing", "activation=relu init=glorot_normal depth=30", "init", marks=slow
        ),
        pytest.param("exploding", "activation=tanh init=normal depth=10", "init", marks=slow),
        pytest.param("saturated", "activation=tanh init=normal depth=10", "init", marks=slow),
        pytest.param(
            "born_dead", "activation=relu init=he_normal depth=30 width=3", "width", marks=slow
        ),
        ("exploding", "activation=relu init=normal init_std=0.4 depth=10", "clip"),
        pytest.param(
            "small_batches",
            "activation=relu init=he_normal norm=batch batch_size=2 depth=10",
            "batch_size",
            marks=slow,
        ),
        ("symmetric", "init=zeros activation=tanh depth=3 steps=50", "init"),
        ("diverged", "activation=relu init=he_normal depth=3 lr=2 steps=50", "clip"),
        ("stalled", "activation=relu init=he_normal depth=3 lr=1e-7", "lr"),
    ],
)
def test_what_helps_is_found(rule: str, words: str, field: str) -> None:
    sick = config(words)
    found = consult(rule, sick)
    assert any(field in remedy.changes for remedy in found)
    for remedy in found:
        assert sick.changed(**remedy.changes) != sick
        assert remedy.effect and "nan" not in remedy.effect


@slow
def test_what_does_not_help_is_not_offered() -> None:
    found = consult("vanishing", config("activation=relu init=glorot_normal depth=30"))
    assert {"init": "orthogonal"} not in [dict(remedy.changes) for remedy in found]
    assert found[0].effect.startswith("layer 1: 6 × 10⁻⁵ → ") or "10⁻⁵" in found[0].effect


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("stalled", "activation=relu init=he_normal depth=3 lr=0.05"),
        pytest.param("vanishing", "depth=30", marks=slow),
    ],
)
def test_a_trial_gives_way_and_comes_to_the_same(rule: str, words: str) -> None:
    """Other networks are looked at between its slices, as the assistant does."""
    ill = config(words)
    at_once = outcome(rule, ill, seconds=60.0)
    slices = 1
    while (found := outcome(rule, ill, seconds=1e-9)) is None:
        profile_batch(config("activation=tanh depth=2"))
        slices += 1
    assert found == at_once and slices > 1


def test_a_trial_that_nobody_asks_for_any_more_is_dropped() -> None:
    first, second = config("lr=0.05 depth=2"), config("lr=0.04 depth=2")
    assert outcome("stalled", first, seconds=1e-9) is None
    assert outcome("stalled", second, seconds=60.0) is not None
    assert outcome("stalled", first, seconds=60.0) == outcome("stalled", first, seconds=60.0)


@slow
@pytest.mark.parametrize("seed", [0, 1])
def test_clipping_is_the_first_remedy_of_an_rnn_that_diverged(seed: int) -> None:
    """It diverges only after 150 steps, at which others have learned more by then."""
    rnn = "architecture=rnn activation=relu init=orthogonal lr=1 steps=400"
    found = consult("diverged", config(f"{rnn} seed={seed}"))
    assert found[0].changes["clip"] == "norm"
    (error,) = re.findall(r"diverged → (\d+)%", found[0].effect)
    assert int(error) < 10


def test_every_illness_of_the_labs_networks_has_a_yardstick() -> None:
    """What was forgotten around a model of one's own has advice, and nothing to be tried."""
    for rule in rules.RULES.values():
        assert rule.yardstick or rule.advice or rule.severity == "fine", rule.key
