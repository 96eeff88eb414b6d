"""Each loop of the table against plain autograd, and watched against not, to the last bit."""

import copy
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from diagnostics import watch
from diagnostics.dashboard import frames
from diagnostics.dashboard.feed import Feed
from diagnostics.engine.measure import hearing, reductions, stacked
from diagnostics.engine.measure.updates import Updates
from diagnostics.store.records import METRICS
from diagnostics.store.store import Store
from tests.engine.watch.loops import more  # noqa: F401  its rows are in the same table
from tests.engine.watch.loops.others import OTHERS, SAID
from tests.engine.watch.loops.table import LOOPS, Loop, unwatched
from tests.engine.watch.loops.trial import Trial, batch, gradients, mlp

EVERY = LOOPS | OTHERS

prototypes = pytest.mark.filterwarnings(
    "ignore:The PyTorch API of nested tensors",
    "ignore:`torch.jit.script` is deprecated",
    "ignore:torch.ao.quantization is deprecated",
    "ignore:Please use quant_min and quant_max",
    "ignore:Using backward.. with create_graph=True",
)
"""What torch itself says of parts that are young or old."""


def watched(store: Store, loop: Loop, every: int | None) -> Trial:
    @contextmanager
    def watching(model: nn.Module, optimizer: Any) -> Iterator[Trial]:
        with watch(model, optimizer, store=store, every=every) as w:
            yield Trial(w)

    return loop(watching)


WAYS = [(1, False), (None, False), pytest.param(1, True, marks=pytest.mark.slow)]
"""Which steps are measured; and whether by torch, in pieces, as on other devices."""


@prototypes
@pytest.mark.parametrize(("every", "by_torch"), WAYS)
@pytest.mark.parametrize("name", EVERY)
def test_numbers_are_autograds_and_nothing_changes(
    store: Store, name: str, every: int | None, by_torch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_torch:
        monkeypatch.setattr(reductions, "NATIVE", set())
        monkeypatch.setattr(Updates, "_native", lambda self, which: False)
        monkeypatch.setattr(stacked, "AT_ONCE", 7)
    ears = set(hearing._ears)
    plain, seen = EVERY[name](unwatched), watched(store, EVERY[name], every)
    assert len(plain.outputs) == len(seen.outputs)
    assert all(map(torch.equal, plain.outputs, seen.outputs))
    assert not seen.watched.subject.unzeroed and set(hearing._ears) == ears
    found = store.since(seen.watched.run_id).batch
    assert len(found) and store.run(seen.watched.run_id).state == "finished"
    apart = max(1, len(plain.outputs) // 4) if name == "micro-batches" else 1
    for key, right in plain.expected.items():
        numbers = found.metric(key) if key in METRICS else found.scalar(key)
        steps = [(step + apart - 1) // apart - 1 for step in found.steps.tolist()]
        steps = [step for step in steps if step < len(right)]
        assert numbers[: len(steps)] == pytest.approx(
            np.array([right[step] for step in steps]), rel=2e-5, nan_ok=True
        ), key


@prototypes
@pytest.mark.parametrize("name", OTHERS)
def test_what_cannot_be_seen_is_said_and_nothing_else(store: Store, name: str) -> None:
    unseen = watched(store, OTHERS[name], 1).watched.subject.unseen
    assert len(unseen) == len(SAID[name])
    assert all(sentence.startswith(said) for sentence, said in zip(unseen, SAID[name], strict=True))


def test_a_run_is_named_by_its_own_illness(store: Store) -> None:
    """However layers are run, they stand in the order of the data's way."""
    verdicts = set()
    for name in ("sigmoids", "sigmoids, checkpointed", "sigmoids, reentrant"):
        w = watched(store, LOOPS[name], 1).watched
        assert w.subject.ways == (tuple(range(9)),)
        verdicts.add(w.diagnoses()[0].sentence)
    assert len(verdicts) == 1


def test_a_part_frozen_for_some_passes_is_trained_and_kept_apart(store: Store) -> None:
    """Five steps of the critic and one of the generator in each step of the loop."""
    critic, generator = mlp(2), nn.Linear(5, 4)
    both = nn.ModuleList([critic, generator])
    ours, others = (torch.optim.SGD(part.parameters(), 0.01) for part in both)
    with watch(both, [ours, others], store=store, every=1) as w:
        for _ in range(3):
            critic.requires_grad_(True)
            for _ in range(5):
                ours.zero_grad()
                fake = generator(torch.randn(8, 5))
                (critic(batch()).mean() - critic(fake.detach()).mean()).backward()
                norms = gradients(critic)
                ours.step()
            critic.requires_grad_(False)
            others.zero_grad()
            critic(fake).mean().backward()
            norms = gradients(generator) + norms
            others.step()
            w.step()
    assert not any(layer.frozen for layer in w.subject.layers)
    assert w.subject.ways == ((1, 2, 3), (0,)) and not w.subject.unzeroed
    found = store.since(w.run_id)
    assert found.batch.metric("weight_grad_norm")[-1] == pytest.approx(norms, rel=1e-5)
    assert not found.events


def test_frozen_layers_are_known_as_frozen_and_followed_when_they_thaw(store: Store) -> None:
    model = mlp(2)
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(4):
            if i == 2:
                assert [layer.frozen for layer in w.subject.layers] == [True, False, False]
                model[0].requires_grad_(True)
            model(batch(i)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    assert not any(layer.frozen for layer in w.subject.layers)
    found = store.since(w.run_id)
    updates = found.batch.metric("update_norm")
    assert np.isfinite(found.batch.metric("activation_std")).all()
    assert np.isfinite(updates[2:]).all() and np.isfinite(updates[:, 1:]).all()
    assert [(e.step, e.kind, e.data["layers"]) for e in found.events] == [(3, "followed", ["0"])]


def test_what_no_watched_optimizer_moves_is_unknown(store: Store) -> None:
    model = mlp(2)
    one = torch.optim.Muon([model[2].weight], lr=0.01)
    others = [p for p in model.parameters() if p is not model[2].weight]
    other = torch.optim.AdamW(others, 1e-3)
    for watched_ones, moved in ((one, [False, True, False]), ([one, other], [True] * 3)):
        with watch(model, watched_ones, store=store, every=1) as w:
            for i in range(3):
                model(batch(i)).square().mean().backward()
                norm = float(model[2].weight.grad.norm())
                one.step()
                other.step()
                model.zero_grad()
                w.step()
        found = store.since(w.run_id).batch
        assert [layer.moved for layer in w.subject.layers] == moved
        assert np.isfinite(found.metric("update_norm")[-1]).tolist() == moved
        if moved[0] is False:
            assert found.scalar("grad_norm")[-1] == pytest.approx(norm, rel=1e-5)


def test_gradients_never_set_to_0_are_told_from_accumulation(store: Store) -> None:
    for forgets in (True, False):
        model = mlp(2)
        optimizer = torch.optim.SGD(model.parameters(), 1e-3)
        with watch(model, optimizer, store=store, every=1) as w:
            for i in range(8):
                model(batch(i)).square().mean().backward()
                if forgets or i % 2:
                    optimizer.step()
                if not forgets and i % 2:
                    optimizer.zero_grad(set_to_none=False)
                w.step()
        assert w.subject.unzeroed == forgets
        left = store.since(w.run_id).batch.scalar("left_norm")
        assert (left[1:] > 0).all() if forgets else (left == 0).all()


def test_a_batch_that_is_skipped_is_an_event_and_no_end(store: Store) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(1, 8):
            loss = model(batch(i) * (torch.nan if i == 4 else 1.0)).square().mean()
            if not torch.isfinite(loss):
                optimizer.zero_grad()
                continue
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    assert store.run(w.run_id).state == "finished"
    assert [(e.step, e.kind) for e in store.since(w.run_id).events] == [(4, "skipped")]


@pytest.mark.parametrize(
    ("error", "state"),
    [(GeneratorExit(), "stopped"), (SystemExit(0), "stopped"), (SystemExit(1), "failed")],
)
def test_how_a_loop_was_left(store: Store, error: BaseException, state: str) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(type(error)), watch(model, optimizer, store=store) as w:
        raise error
    assert store.run(w.run_id).state == state


def test_a_run_that_measured_nothing_says_why(store: Store) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store) as w:
        model(batch()).mean().backward()
    assert "w.step() was never called" in store.run(w.run_id).error
    with watch(model, optimizer, store=store) as w:
        model(batch()).mean().backward()
        w.step()
    assert "No step of a watched optimizer" in store.run(w.run_id).error


def test_a_watch_that_is_begun_anew_or_let_go_ends_the_one_before(store: Store) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    runs = []
    for _ in range(3):
        w = watch(model, optimizer, store=store, every=1)
        w.__enter__()
        model(batch()).mean().backward()
        optimizer.step()
        w.step()
        runs.append(w.run_id)
    del w
    assert [store.run(run).state for run in runs] == ["stopped"] * 3
    assert not any(id(module) in hearing._ears for module in model.modules())


def test_scripting_tracing_and_exporting_find_the_model_as_it_is(
    store: Store, tmp_path: Path
) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's own, of what is deprecated
                torch.jit.script(model)
                torch.jit.trace(model, batch())
            for strict in (False, True):
                torch.export.export(model, (batch(),), strict=strict)
            torch.save(model, tmp_path / "model.pt")
            assert b"diagnostics" not in (tmp_path / "model.pt").read_bytes()
            model(batch(i)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    assert np.isfinite(store.since(w.run_id).batch.metric("signal_grad_norm")).all()


@pytest.mark.parametrize(
    ("order", "to_none"),
    [
        ("forward backward zero step", True),
        ("forward backward zero step", False),
        ("zero forward step backward", True),
    ],
)
def test_a_step_that_finds_no_gradient_is_named(store: Store, order: str, to_none: bool) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    loss: Any = None
    deeds = {
        "backward": lambda: loss.backward(),
        "zero": lambda: optimizer.zero_grad(set_to_none=to_none),
        "step": optimizer.step,
    }
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(5):
            for deed in order.split():
                if deed == "forward":
                    loss = model(batch(i)).square().mean()
                else:
                    deeds[deed]()
            w.step(loss=loss)
    (found,) = w.diagnoses()
    assert found.rule == "unmoved" and "finds no gradient" in found.sentence


def test_an_optimizer_of_a_copy_is_named(store: Store) -> None:
    model = mlp(2)
    optimizer = torch.optim.Adam(copy.deepcopy(model).parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(5):
            loss = model(batch(i)).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    (found,) = w.diagnoses()
    assert found.rule == "unmoved" and "of other parameters" in found.sentence


def test_layers_that_come_later_find_their_way(store: Store) -> None:
    """One that thaws, and one that is not always called."""
    model = mlp(3)
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(6):
            model[0].requires_grad_(i > 2)
            h = model[:2](batch(i))
            h = model[2:4](h) if i != 0 else h
            model[4:](h).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    names = w.subject.names
    assert ("0", "2", "4", "6") in [tuple(names[k] for k in way) for way in w.subject.ways]


def test_of_a_step_with_parts_that_nobody_knew_no_norm_is_told(store: Store) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(4):
            if i == 2:
                model.append(nn.Linear(3, 2))
                optimizer.add_param_group({"params": list(model[-1].parameters())})
            model(batch(i)).square().mean().backward()
            norm = float(nn.utils.clip_grad_norm_(model.parameters(), 1e9))
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    found = store.since(w.run_id)
    norms = found.batch.scalar("grad_norm")
    assert np.isnan(norms).tolist() == [False, False, True, False]
    assert norms[-1] == pytest.approx(norm, rel=1e-5)
    assert [event.kind for event in found.events] == ["followed"]


@pytest.mark.parametrize("every", [1, None])
@pytest.mark.parametrize("loss", [True, False])
def test_weights_that_were_replaced_after_a_divergence_are_judged_by_what_goes_on(
    store: Store, every: int | None, loss: bool
) -> None:
    """A checkpoint is loaded, and training goes on."""
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    kept = copy.deepcopy(model.state_dict())
    told = []
    with watch(model, optimizer, store=store, every=every, on_alert=told.append) as w:
        for i in range(1, 61):
            if i == 20:
                with torch.no_grad():
                    model[0].weight.fill_(torch.nan)
            if i == 30:
                assert every is None or w.diagnoses()[0].rule == "diverged"
                model.load_state_dict(kept)
            out = model(batch(i)).square().mean()
            out.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=out if loss else None)
    run, events = store.run(w.run_id), store.since(w.run_id).events
    assert run.state == "finished" and run.patient_zero is None
    seen = [(event.step, event.kind) for event in events]
    if every == 1:
        assert [kind for _, kind in seen] == ["diverged", "replaced"] and seen[1][0] == 30
    assert {one.severity for one in w.diagnoses()} <= {"fine"}
    assert every is None or frames.diagnoses(Feed(store, w.run_id), None) == w.diagnoses()
    if every == 1:
        assert frames.diagnoses(Feed(store, w.run_id), None, 25)[0].rule == "diverged"
        assert frames.diagnoses(Feed(store, w.run_id), None, 15)[0].severity == "fine"


def test_a_second_divergence_is_one_of_its_own(store: Store) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    kept = copy.deepcopy(model.state_dict())
    told: list[Any] = []
    with watch(model, optimizer, store=store, every=1, on_alert=told.append) as w:
        for i in range(1, 13):
            if i in (3, 9):
                with torch.no_grad():
                    model[i - 3].weight.fill_(torch.inf) if i == 3 else model[2].bias.fill_(
                        torch.nan
                    )
            if i == 6:
                model.load_state_dict(kept)
            model(batch(i)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    run, events = store.run(w.run_id), store.since(w.run_id).events
    assert run.state == "diverged" and run.patient_zero.step >= 8 and run.patient_zero.layer == 2
    assert [event.kind for event in events] == ["diverged", "replaced", "diverged"]
    assert [alert.rule for alert in told] == ["diverged", "diverged"]


def test_a_live_run_that_diverged_says_so_on_the_page(store: Store) -> None:
    model = mlp(2)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(1, 10):
            (model(batch(i)) * (torch.nan if i == 5 else 1)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
        end = time.monotonic() + 20
        while len(store.since(w.run_id).batch) < 9 and time.monotonic() < end:
            time.sleep(0.02)
        found = frames.diagnoses(Feed(store, w.run_id), None)
        assert [one.rule for one in found] == ["diverged"] and found == w.diagnoses()


class Signs(torch.optim.Optimizer):
    """Goes by signs alone, of infinite gradients too."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for p in self.param_groups[0]["params"]:
            p.sub_(0.01 * p.grad.sign())


def test_an_optimizer_that_survives_what_is_infinite_goes_on(store: Store) -> None:
    model = mlp(2)
    optimizer = Signs(model.parameters(), {"lr": 0.01})
    with watch(model, optimizer, store=store, every=1) as w:
        for i in range(1, 30):
            loss = model(batch(i)).square().mean()
            loss.backward()
            if i == 5:
                model[0].weight.grad[0, 0] = torch.inf
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    assert store.run(w.run_id).state == "finished"
    assert [(e.step, e.kind) for e in store.since(w.run_id).events] == []
