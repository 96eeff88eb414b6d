"""What a loop tells beside its loss: kept under its name, or refused with a sentence."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from diagnostics import watch
from diagnostics.engine.watch.told import Told
from diagnostics.store.records import METRICS, MOST_OWN, SCALARS
from diagnostics.store.store import Store
from tests.engine.watch.zoo import loss_of, training


def test_numbers_of_ones_own_are_kept_with_their_step(store: Store) -> None:
    t = training("mlp", 4)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        for i, batch in enumerate(t.batches):
            loss = loss_of(t.model, batch)
            loss.backward()
            t.optimizer.step()
            t.optimizer.zero_grad()
            w.step(loss=loss, reward=-i, **({"kl": torch.tensor(0.25)} if i == 2 else {}))
    found = store.since(w.run_id).batch
    assert found.own["reward"].tolist() == [0, -1, -2, -3]
    assert np.array_equal(found.own["kl"], [np.nan, np.nan, 0.25, np.nan], equal_nan=True)
    assert np.isfinite(found.scalar("loss")).all()


def test_what_is_told_between_measured_steps_is_kept_with_the_next(store: Store) -> None:
    t = training("mlp", 5)
    with watch(t.model, t.optimizer, store=store, every=4) as w:
        for i, batch in enumerate(t.batches):
            loss_of(t.model, batch).backward()
            t.optimizer.step()
            t.optimizer.zero_grad()
            w.step(seen=i, **({"heldout_loss": 0.5} if i == 2 else {}))
    found = store.since(w.run_id).batch
    assert found.steps.tolist() == [1, 4] or found.steps.tolist() == [1, 5]
    assert found.own["seen"].tolist() == [step - 1 for step in found.steps]
    assert found.scalar("heldout_loss")[-1] == 0.5


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (torch.tensor([1.0, 2.0]), 1.5),
        (torch.tensor(7, dtype=torch.int64), 7.0),
        (torch.ones(1, requires_grad=True), 1.0),
        (math.inf, math.inf),
    ],
)
def test_numbers_and_tensors_are_numbers(value: Any, number: float) -> None:
    told = Told()
    told.hear({"own": value, "accuracy": value, "nothing": None})
    assert told.take() == ({"accuracy": number}, {"own": number})
    assert told.take() == ({}, {})


@pytest.mark.parametrize(
    "value",
    ["0.5", b"1", [1.0], {"a": 1}, 1j, 10**400, object(), torch.tensor(1j), torch.empty(0),
     np.ones(3)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["own", "accuracy"])
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    told = Told()
    with pytest.raises(ValueError, match=rf"w.step\({name}=…\).* must be a number, not "):
        told.hear({"first": 1, name: value})
    assert told.take() == ({}, {})


@pytest.mark.parametrize(
    "name",
    sorted(
        {*METRICS, *SCALARS, "step", "layer"} - {"accuracy", "heldout_loss", "heldout_accuracy"}
    ),
)
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name it otherwise"):
        Told().hear({name: 1.0})


@pytest.mark.parametrize("name", ["", "my reward", "1st", "a-b", "x" * 41, "a\n", "<b>", "%{x}"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and underscores, 40 at most"):
        Told().hear({name: 1.0})


def test_too_many_names_are_refused_and_the_others_go_on() -> None:
    told = Told()
    names = [f"n{i}" for i in range(MOST_OWN)]
    told.hear(dict.fromkeys(names, 1))
    with pytest.raises(ValueError, match="8 of your own are the most, beside n0, n1"):
        told.hear({"ninth": 1})
    told.hear({"accuracy": 0.5, "n7": 2})
    known, own = told.take()
    assert known == {"accuracy": 0.5} and list(own) == names and own["n7"] == 2


def test_a_name_may_be_self(store: Store) -> None:
    t = training("mlp", 1)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        loss_of(t.model, t.batches[0]).backward()
        t.optimizer.step()
        w.step(**{"self": 1.0})
    assert store.since(w.run_id).batch.own["self"].tolist() == [1.0]
