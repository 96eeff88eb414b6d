"""A run that goes on after a restart: its steps, its layers, its rules, its place in the list."""

from typing import Any

import numpy as np
import pytest

from diagnostics import Unwatchable, watch
from diagnostics.store.schema import StoreError
from diagnostics.store.store import Store
from tests.engine.watch.test_watch import measured, run
from tests.engine.watch.zoo import Training, training


def half(t: Training, which: slice) -> Training:
    return t._replace(batches=t.batches[which])


def restarted(t: Training) -> Training:
    """The same model in another process, from a checkpoint."""
    saved: dict[str, Any] = {"model": t.model.state_dict(), "optimizer": t.optimizer.state_dict()}
    fresh = training("resnet", 8)
    fresh.model.load_state_dict(saved["model"])
    fresh.optimizer.load_state_dict(saved["optimizer"])
    return fresh._replace(batches=t.batches)


def test_what_goes_on_is_what_was_never_interrupted(store: Store) -> None:
    t = training("resnet", 8)
    with watch(t.model, t.optimizer, store=store, every=1) as whole:
        run(t, whole)
    t = training("resnet", 8)
    with watch(t.model, t.optimizer, store=store, every=1) as first:
        run(half(t, slice(4)), first)
    assert store.run(first.run_id).state == "finished"
    t = restarted(t)
    with watch(t.model, t.optimizer, store=store, every=1, resume=first.run_id) as second:
        assert store.run(first.run_id).state == "running"
        run(half(t, slice(4, None)), second)
        seen = [step.number for step in second._any._alerts._recent]
    assert second.run_id == first.run_id and len(store.runs()) == 2
    found, right = measured(store, second), measured(store, whole)
    assert found.steps.tolist() == right.steps.tolist() == seen == [*range(1, 9)]
    for key in ("signal_grad_norm", "weight_grad_norm", "update_norm", "activation_std"):
        np.testing.assert_array_equal(found.metric(key), right.metric(key), err_msg=key)
    assert second.subject.names == whole.subject.names
    kinds = [event.kind for event in store.since(first.run_id).events]
    assert kinds.count("resumed") == 1
    assert store.run(first.run_id).steps == 8


def test_what_can_not_go_on_is_refused_in_a_sentence(store: Store) -> None:
    t = training("resnet", 2)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    store.set_state(w.run_id, "running")
    with pytest.raises(StoreError, match="still going"):
        watch(t.model, t.optimizer, store=store, resume=w.run_id).__enter__()
    store.set_state(w.run_id, "finished")
    other = training("cnn", 2)
    with pytest.raises(Unwatchable, match="another model"):
        watch(other.model, other.optimizer, store=store, resume=w.run_id).__enter__()
    with pytest.raises(StoreError):
        watch(t.model, t.optimizer, store=store, resume="nobody").__enter__()
    assert store.run(w.run_id).state == "finished" and len(store.runs()) == 1
