"""What is said of attention and of routers, and of which healthy ones nothing is."""

import numpy as np
import pytest

from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import METRIC_INDEX, Diagnosis, StepBatch
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.conftest import steps

READER = WatchedModel(
    model="Reader",
    layers=tuple(WatchedLayer(name=name) for name in ("qkv", "proj", "gate", "head")),
)
FLAT, FALLING, SOLVED = np.full(120, 1.0), np.geomspace(1, 0.3, 120), np.geomspace(1, 0.01, 120)
NOTHING = {"attention_entropy": np.nan, "attention_logit": np.nan, "idle_experts": np.nan}


def _batch(loss: object, layer: int, **values: object) -> StepBatch:
    """A run of which these numbers are known at one layer."""
    batch = steps(1, 120)
    for key, value in {**NOTHING, **values}.items():
        batch.values[:, :, METRIC_INDEX[key]] = np.nan
        batch.values[:, layer, METRIC_INDEX[key]] = value
    batch.scalars[:, :4] = np.nan
    batch.scalars[:, 0] = loss
    return batch


def _said(batch: StepBatch) -> dict[str, Diagnosis]:
    rules = ("collapsed_attention", "exploding_logits", "idle_experts")
    return {one.rule: one for one in diagnose(READER, batch) if one.rule in rules}


ATTENTION = {
    "collapsed": (0.01, 500.0, FLAT, {"collapsed_attention": "ill"}),
    "collapsed_and_learning": (0.01, 500.0, FALLING, {"collapsed_attention": "watch"}),
    "sure_and_right": (0.01, 500.0, SOLVED, {}),
    "collapsed_and_huge": (0.001, 1e6, FLAT, {"collapsed_attention": "ill"}),
    "huge": (0.3, 2e4, FALLING, {"exploding_logits": "watch"}),
    "huge_and_stuck": (0.3, 2e4, FLAT, {"exploding_logits": "ill"}),
    "infinite": (np.nan, np.inf, FLAT, {}),
    "heads_at_the_first_token": (0.04, 20.0, FLAT, {}),
    "sharp_of_induction": (0.3, 300.0, FALLING, {}),
    "uniform": (1.0, 0.1, FLAT, {}),
    "unknown": (np.nan, np.nan, FLAT, {}),
}


@pytest.mark.parametrize("key", ATTENTION)
def test_attention_is_ill_where_all_heads_have_one_key_and_nothing_is_learned(key: str) -> None:
    entropy, logit, loss, expected = ATTENTION[key]
    said = _said(_batch(loss, 1, attention_entropy=entropy, attention_logit=logit))
    assert {rule: one.severity for rule, one in said.items()} == expected
    for one in said.values():
        assert one.layers == (2,) and "layer 2 (proj)" in one.sentence and one.remedies


def test_collapse_dates_from_where_it_began() -> None:
    entropy = np.where(np.arange(120) < 70, 0.8, 0.01)
    said = _said(_batch(FALLING, 1, attention_entropy=entropy, attention_logit=500.0))
    assert said["collapsed_attention"].since_step == 71


SHARES = {
    "idle": (0.25, "fine"),
    "most_idle": (0.75, "watch"),
    "none_idle": (0.0, None),
    "now_and_then": (np.tile([0.25, 0.25, 0.0, 0.25], 30), None),
    "few_tokens": (np.nan, None),
    "some_steps_unknown": (np.where(np.arange(120) % 3, np.nan, 0.5), "watch"),
    "used_by_now": (np.where(np.arange(120) < 110, 0.5, 0.0), None),
}


@pytest.mark.parametrize("key", SHARES)
def test_experts_are_idle_where_they_were_in_several_steps_in_a_row(key: str) -> None:
    share, severity = SHARES[key]
    found = _said(_batch(FALLING, 2, idle_experts=share)).get("idle_experts")
    assert (found.severity if found else None) == severity
    if found:
        assert "layer 3 (gate)" in found.sentence and found.layers == (3,)
