"""Kinds of false alarm, each with the illness that it was taken for."""

import numpy as np
import pytest

from diagnostics.diagnosis.evidence import evidence
from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import METRIC_INDEX, StepBatch
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.diagnosis.made import LAYERS, Values, falling, flat, ill, model, run, said

LONG = 300
VANISHED = 10 ** np.linspace(-4, 0, LAYERS)
ADAM = model(scales_steps=True)


def _tested(count: int, **changes: object) -> tuple[StepBatch, StepBatch]:
    """The same measurements of a network that learns, and of one that does not."""
    return run(count, falling(count), **changes), run(count, flat(count), **changes)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("vanishing", {"signal_grad_norm": VANISHED}),
        ("exploding", {"signal_grad_norm": VANISHED[::-1]}),
        ("dead", {"dead": 0.5, "sparsity": 0.6}),
        ("dead", {"dead": np.linspace(0, 0.5, LONG)[:, None], "sparsity": 0.6}),
        ("stalled", {"update_ratio": 1e-7}),
        ("too_large", {"update_ratio": 0.3}),
    ],
)
def test_ill_is_what_keeps_a_network_from_learning(rule: str, changes: dict[str, object]) -> None:
    well, sick = _tested(LONG, **changes)
    assert not ill(well) and (rule in ill(sick) or "born_dead" in ill(sick))


def test_saturated_units_do_no_harm_where_the_loss_falls() -> None:
    bounded = model(activation="hard_tanh")
    later = np.where(np.arange(LONG)[:, None] > 100, 0.7, 0.1)
    well, _ = _tested(LONG, saturated=later)
    _, sick = _tested(LONG, saturated=0.8)
    assert not said(well, bounded) and "saturated" in ill(sick, bounded)


def test_optimizers_make_up_for_what_vanishes() -> None:
    deep = 10 ** np.linspace(-2.5, 0, LAYERS)
    assert not said(run(3, 2.3, signal_grad_norm=deep), ADAM)
    assert "vanishing" in ill(run(LONG, flat(LONG), signal_grad_norm=deep), ADAM)


def test_a_verdict_waits_until_a_run_had_time() -> None:
    """Nothing was learned in fifty steps of warm-up, and in two hundred."""
    slow = {"update_ratio": 1e-6}
    assert not said(run(50, flat(50), **slow))
    assert "stalled" in ill(run(200, flat(200), **slow))


def test_steps_are_small_while_the_rate_rises_and_at_its_end() -> None:
    rising, ended = np.linspace(1e-6, 1e-2, 150), np.linspace(1e-3, 1e-9, 200)
    assert "stalled" not in said(run(150, flat(150), update_ratio=1e-6, lr=rising))
    assert not said(run(200, flat(200, 0.4), first=400, update_ratio=1e-7, lr=ended))


def test_frozen_layers_and_idle_experts_do_not_stall() -> None:
    """Four of six layers get no gradient, two learn slowly but surely."""
    frozen = np.r_[[np.nan] * 4, 1.0, 1.0]
    still = np.r_[[0.0] * 4, 1e-3, 1e-3]
    batch = run(LONG, flat(LONG), weight_grad_norm=frozen, update_ratio=still)
    assert "stalled" not in said(batch)
    assert "stalled" in ill(run(LONG, flat(LONG), update_ratio=still))


@pytest.mark.parametrize("zeros", [[0], [1, 3], [0, 1, 2]])
def test_exact_zeros_are_ways_that_begin_closed(zeros: list[int]) -> None:
    signal = np.ones(LAYERS)
    signal[zeros] = 0.0
    batch = run(3, 2.3, signal_grad_norm=signal)
    assert not said(batch) and said(run(3, 2.3, signal_grad_norm=VANISHED**3))


def test_zeros_at_the_end_of_floats_are_tiny_numbers() -> None:
    assert said(run(3, 2.3, signal_grad_norm=[0.0, 1e-38, 1e-30, 1e-20, 1e-10, 1.0])) == {
        "vanishing"
    }


def test_a_way_that_opens_is_no_symmetric_start() -> None:
    """LoRA's B and adaLN's gates begin at 0, and get a gradient."""
    weights = np.r_[5.0, 0.0, 5.0, 0.0, 5.0, 5.0]
    assert not said(run(3, 2.3, weight_norm=weights))
    silent = np.r_[0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    zeros = run(3, 2.3, weight_norm=np.r_[[0.0] * 5, 1.0], signal_grad_norm=silent)
    assert "symmetric" in ill(zeros)


def test_units_that_start_as_twins() -> None:
    """Weights that are all the same have no spread that an update could be set against."""
    alike = run(3, 2.3)
    alike.values[0, :-1, METRIC_INDEX["update_ratio"]] = np.nan
    assert ill(alike) == {"symmetric"}
    assert "symmetric" not in said(run(3, 2.3, first=50, update_ratio=np.nan))


def test_clipping_is_a_habit_until_it_sets_every_step() -> None:
    clipped = model(clip="norm", clip_threshold=1.0)
    habit = run(LONG, falling(LONG), grad_norm=4.0, clipped_norm=1.0)
    assert not said(habit, clipped)
    strict = run(LONG, falling(LONG), grad_norm=400.0, clipped_norm=1.0)
    assert said(strict, clipped) == {"clipping_always"}
    scaled = clipped.model_copy(update={"scales_steps": True})
    assert not said(strict, scaled)  # Adam divides by the size that clipping took


def test_a_moment_of_large_steps_is_how_an_optimizer_begins() -> None:
    ratio = np.full((40, 1), 1e-3)
    ratio[:2] = 0.9
    assert not said(run(40, falling(40), update_ratio=ratio))
    ratio[:8] = 0.9
    climbing = np.r_[2.3, np.full(39, 40.0)]
    assert "too_large" in ill(run(40, climbing, update_ratio=ratio))


def test_a_loss_rises_where_a_network_is_only_surer() -> None:
    heldout = np.repeat(np.r_[np.linspace(2, 0.3, 8), np.linspace(0.31, 0.6, 12)], 15)
    surer = {"heldout_loss": heldout, "accuracy": 1.0}
    better = np.linspace(0.9, 0.95, LONG)
    worse = np.r_[np.linspace(0.5, 0.8, 150), np.linspace(0.8, 0.6, 150)]
    loss = falling(LONG, 2, 1e-3)
    assert "overfitting" not in said(run(LONG, loss, heldout_accuracy=better, **surer))
    assert "overfitting" in said(run(LONG, loss, heldout_accuracy=worse, **surer))


@pytest.mark.parametrize(("depth", "rule"), [(6, "healthy"), (20, "healthy"), (30, "bn_explosion")])
def test_batch_norm_explodes_in_deep_networks_only(depth: int, rule: str) -> None:
    config = RunConfig(depth=depth, activation="relu", norm="batch")
    signal = 10 ** (0.083 * np.arange(depth + 1)[::-1])
    batch = run(1, 2.3)
    values = np.repeat(batch.values[:, :1], depth + 1, axis=1)
    values[0, :, METRIC_INDEX["signal_grad_norm"]] = signal
    found = diagnose(config, StepBatch(batch.steps, values, batch.scalars))
    assert found[0].rule == rule


def test_gradients_grow_in_residual_networks_with_layer_norm() -> None:
    residual = model(norm="layer", residual=True)
    grown = 10 ** np.linspace(2.5, 0, LAYERS)
    assert not said(run(LONG, falling(LONG), signal_grad_norm=grown), residual)
    assert not said(run(10, 2.3, signal_grad_norm=grown), residual)
    assert "exploding" in ill(run(10, 2.3, signal_grad_norm=grown))


def test_branches_are_not_compared() -> None:
    """An actor's layers get less than a critic's, and each gets what its head gets."""
    places = [(), (0,), (1,), (), (3,), (4,)]
    layers = tuple(
        WatchedLayer(name=f"{'actor' if i < 3 else 'critic'}.{i}", after=after)
        for i, after in enumerate(places)
    )
    actor_critic = WatchedModel(model="Net", layers=layers)
    apart = np.r_[[1e-5] * 3, [1.0] * 3]
    assert not said(run(LONG, flat(LONG), signal_grad_norm=apart), actor_critic)
    lost = run(LONG, flat(LONG), signal_grad_norm=np.r_[1e-5, 1, 1, 1, 1, 1])
    (found,) = diagnose(actor_critic, lost)
    assert found.rule == "vanishing" and "actor.1" in found.sentence


def test_windows_are_not_beginnings() -> None:
    """What died in training was not born dead, whichever steps are looked at."""
    late = run(200, flat(200), first=400, dead=0.9, weight_norm=0.0)
    assert not said(late) & {"born_dead", "symmetric", "dying", "input_scale", "small_batches"}
    early = run(200, flat(200), dead=0.9, sparsity=0.95)
    assert "born_dead" in ill(early)


def test_an_optimizer_of_another_model() -> None:
    still = {"update_norm": 0.0, "update_ratio": 0.0}
    assert ill(run(10, flat(10), **still)) == {"unmoved"}
    assert ill(run(10, flat(10), update_norm=np.nan, update_ratio=np.nan)) == {"unmoved"}
    unheard = {"update_norm": np.nan, "signal_grad_norm": np.nan}
    other = model()
    other = other.model_copy(
        update={"layers": tuple(one.model_copy(update={"moved": False}) for one in other.layers)}
    )
    assert ill(run(10, flat(10), **unheard), other) == {"unmoved"}
    copied = np.linspace(5, 6, 10)[:, None]  # of masters that an optimizer moves
    assert not said(run(10, flat(10), weight_norm=copied, **unheard), other)
    assert not said(run(10, flat(10), lr=0.0, **still))
    assert not said(run(2, flat(2), **still))


def test_a_dead_output() -> None:
    sparsity = np.r_[[0.4] * 5, 1.0]
    dead = run(20, flat(20), signal_grad_norm=0.0, weight_grad_norm=0.0, sparsity=sparsity)
    assert ill(dead) == {"dead_output"}
    assert not said(run(20, flat(20), sparsity=sparsity))


@pytest.mark.parametrize(
    ("changes", "activation", "found"),
    [
        ({"activation_std": [300, 150, 80, 60, 60, 60]}, "relu", True),
        ({"activation_std": [20, 200, 2000, 2e4, 2e5, 2e6]}, "relu", False),
        ({"saturated": [1, 0.1, 0.1, 0.1, 0.1, 0]}, "tanh", True),
        ({"saturated": [0.9, 0.9, 0.9, 0.9, 0.9, 0]}, "tanh", False),
    ],
)
def test_inputs_that_are_too_large(
    changes: dict[str, list[float]], activation: str, found: bool
) -> None:
    batch = run(20, flat(20), **{key: np.array(value) for key, value in changes.items()})
    assert ("input_scale" in ill(batch, model(activation=activation))) is found


@pytest.mark.parametrize(
    ("activation", "largest", "found"),
    [("relu", 1.0, True), ("relu", 3.1, False), ("", 1.0, False), ("tanh", np.tanh(1.0), True),
     ("tanh", np.tanh(3.1), False), ("hard_tanh", 1.0, False)],
)  # fmt: skip
def test_batch_norm_of_too_few(activation: str, largest: float, found: bool) -> None:
    """Of two samples each lies at −1 or 1."""
    batch = run(20, flat(20), activation_max=largest)
    subject = model(activation=activation, norm="batch")
    assert ("small_batches" in ill(batch, subject)) is found


def test_gains_of_0_tell_nothing_of_batches() -> None:
    """In a residual network that begins with some, its other layers tell how large batches are."""
    largest = np.r_[3.1, 0.5, 0.5, 0.5, 0.5, 3.1]
    batch = run(20, flat(20), activation_max=largest)
    assert "small_batches" not in said(batch, model(norm="batch", residual=True))
    batch = run(20, flat(20), activation_max=1.0)
    assert "small_batches" in ill(batch, model(norm="batch", residual=True))


def test_one_step_of_nans_silences_nobody() -> None:
    batch = run(LONG, flat(LONG), signal_grad_norm=VANISHED)
    batch.values[-1] = np.nan
    assert "vanishing" in ill(batch)
    batch.values[50:60, 2] = np.nan
    assert "vanishing" in ill(batch)
    dead = run(LONG, flat(LONG), dead=0.5)
    dead.values[-1] = np.nan
    assert {"dead", "born_dead"} & ill(dead)
    dead.values[-1, 2] = 1.0  # one layer is known, and it is well
    assert {"dead", "born_dead"} & ill(dead)


def test_what_loss_and_accuracy_tell() -> None:
    assert evidence(run(LONG, falling(LONG))).learns is True
    assert evidence(run(LONG, flat(LONG))).learns is False
    assert evidence(run(60, flat(60))).learns is None
    assert evidence(run(LONG, np.nan)).learns is None
    mended = np.r_[np.geomspace(8, 2.3, 50), flat(250)]  # only its scale
    assert evidence(run(LONG, mended, accuracy=0.1)).learns is False
    assert evidence(run(LONG, mended, accuracy=np.linspace(0.1, 0.9, LONG))).learns is True
    assert evidence(run(LONG, np.r_[2.3, falling(LONG - 1, 60, 10)])).worse


def test_what_knew_all_from_the_first_steps_on_has_learned() -> None:
    """Of the lab's networks, whose classes are about as frequent, and not of a stranger's."""
    known = run(LONG, np.r_[0.3, np.full(LONG - 1, 0.2)], accuracy=0.97)
    assert evidence(known, balanced=True) == (True, False, True)
    assert evidence(known).learns is not True
    spoilt = run(LONG, np.full(LONG, 0.2), accuracy=np.r_[np.ones(20), np.full(LONG - 20, 0.5)])
    assert evidence(spoilt, balanced=True).learns is False


@pytest.mark.parametrize(("share", "grave"), [([0.6, 0.2, 0.2, 0.2, 0.2, 0], False), (0.8, True)])
def test_one_saturated_layer_is_no_barrier(share: Values, grave: bool) -> None:
    few = run(5, 2.3, saturated=share)
    assert ("saturated" in ill(few, model(activation="tanh"))) == grave
