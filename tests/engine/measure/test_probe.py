"""The probe against plain autograd, and against its traps."""

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.lab import data, network
from diagnostics.engine.lab.network import batch_statistics
from diagnostics.engine.measure.kernels import rounded as as_float32
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.probe import Probe
from diagnostics.store.records import METRIC_INDEX
from tests.engine.helpers import config, trained


def column(values: np.ndarray, key: str) -> np.ndarray:
    return values[:, METRIC_INDEX[key]]


def by_autograd(
    layers: list[tuple[Tensor, Tensor]], activation: nn.Module, x: Tensor, y: Tensor
) -> tuple[list[float], list[float], list[Tensor]]:
    """Norms of δ and of weight gradients and the activations, from torch.autograd.grad alone."""
    zs, hs, h = [], [], x
    for weight, bias in layers[:-1]:
        zs.append(h @ weight.T + bias)
        h = activation(zs[-1])
        hs.append(h.detach())
    zs.append(h @ layers[-1][0].T + layers[-1][1])
    loss = F.cross_entropy(zs[-1], y)
    weights = [weight for weight, _ in layers]
    found = torch.autograd.grad(loss, [*zs, *weights])
    norms = [float(torch.linalg.vector_norm(g.double())) for g in found]
    return norms[: len(zs)], norms[len(zs) :], hs


def test_gradients_come_by_in_a_thread_of_each_device() -> None:
    torch.manual_seed(0)
    layers = [Layer(str(i), nn.Linear(3, 3), None) for i in range(200)]
    probe = Probe(layers)
    probe.attach()
    outputs = [layer.linear(torch.ones(2, 3)) for layer in layers]
    given = [torch.randn(2, 3) for _ in layers]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as devices:
            parts = [(outputs[k::4], given[k::4]) for k in range(4)]
            for done in [devices.submit(torch.autograd.backward, *part) for part in parts]:
                done.result()
    finally:
        sys.setswitchinterval(before)
    probe.backward()
    probe.before_step()
    found = probe.after_step().values[:, METRIC_INDEX["signal_grad_norm"]]
    probe.detach()
    np.testing.assert_allclose(found, [float(one.norm()) for one in given], rtol=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu"])
def test_norms_and_activations_agree_with_autograd(activation: str) -> None:
    chosen = config(f"activation={activation} init=he_normal depth=4 width=16")
    torch.manual_seed(1)
    samples = data.load(chosen)
    model = network.build(chosen, samples)
    x, y = samples.train_x[:32], samples.train_y[:32]
    probe = Probe(model.layers())
    probe.attach()
    F.cross_entropy(model(x), y).backward()
    probe.backward()
    values = probe.after_step().values
    pairs = [(layer.linear.weight, layer.linear.bias) for layer in model.layers()]
    signal, weight, hs = by_autograd(pairs, network.activation(chosen), x, y)
    np.testing.assert_allclose(column(values, "signal_grad_norm"), signal, rtol=1e-5)
    np.testing.assert_allclose(column(values, "weight_grad_norm"), weight, rtol=1e-5)
    stds = [float(h.double().std(correction=0)) for h in hs]
    means = [float(h.double().mean()) for h in hs]
    zeros = [float((h == 0).double().mean()) for h in hs]
    np.testing.assert_allclose(column(values, "activation_std")[:-1], stds, rtol=1e-5)
    np.testing.assert_allclose(column(values, "activation_mean")[:-1], means, atol=1e-6)
    np.testing.assert_allclose(column(values, "sparsity")[:-1], zeros, rtol=1e-6)


def test_in_place_activations_and_modules_called_twice() -> None:
    def measure(inplace: bool) -> np.ndarray:
        torch.manual_seed(0)
        linear, relu = nn.Linear(8, 8), nn.ReLU(inplace=inplace)
        probe = Probe([Layer("1", linear, relu)])
        probe.attach()
        h = torch.randn(16, 8)
        for _ in range(2):
            h = relu(linear(h))
        h.square().sum().backward()
        probe.backward()
        return probe.after_step().values

    torch.manual_seed(0)
    linear, x = nn.Linear(8, 8), torch.randn(16, 8)
    first = linear(x)
    second = linear(F.relu(first))
    grads = torch.autograd.grad(F.relu(second).square().sum(), [first, second])
    expected = float(torch.cat(grads).norm())
    for inplace in (False, True):
        assert column(measure(inplace), "signal_grad_norm")[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "lr"), [("sgd", 0.1), ("adam", 0.01), ("momentum", 0.1), ("rmsprop", 0.01)]
)
def test_update_ratio_is_that_of_the_step_taken(optimizer: str, lr: float) -> None:
    run = trained(f"depth=2 width=16 activation=tanh optimizer={optimizer} lr={lr} steps=1")
    chosen = config(f"depth=2 width=16 activation=tanh optimizer={optimizer} lr={lr} steps=1")
    torch.manual_seed(0)
    samples = data.load(chosen)
    model = network.build(chosen, samples)
    before = model.blocks[0].linear.weight.detach().clone()
    order = torch.randperm(len(samples.train_x), generator=torch.Generator().manual_seed(0))
    x, y = samples.train_x[order[:64]], samples.train_y[order[:64]]
    F.cross_entropy(model(x), y).backward()
    kinds = {"sgd": torch.optim.SGD, "momentum": torch.optim.SGD, "adam": torch.optim.Adam}
    kind = kinds.get(optimizer, torch.optim.RMSprop)
    kind(model.parameters(), lr=lr).step()
    after = model.blocks[0].linear.weight.detach()
    expected = float((after - before).double().std() / after.double().std())
    assert run.batch.metric("update_ratio")[0, 0] == pytest.approx(expected, rel=1e-3)


def test_half_the_units_forced_dead_are_counted_as_half() -> None:
    chosen = config("activation=relu init=he_normal depth=2 width=128")
    torch.manual_seed(0)
    samples = data.load(chosen)
    model = network.build(chosen, samples)
    with torch.no_grad():
        model.blocks[0].linear.bias[:64] = -100.0
    probe = Probe(model.layers())
    probe.attach()
    probe.count_dead(model, [samples.probe_x])
    F.cross_entropy(model(samples.train_x[:16]), samples.train_y[:16]).backward()
    probe.backward()
    dead = column(probe.after_step().values, "dead")
    assert dead[0] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(dead[-1])


@pytest.mark.parametrize(("q", "share"), [(1.0, 0.0364), (2.0, 0.139), (256.0, 0.896)])
def test_saturation_of_tanh_on_gaussian_input(q: float, share: float) -> None:
    torch.manual_seed(0)
    linear, tanh = nn.Linear(512, 512), nn.Tanh()
    nn.init.eye_(linear.weight)
    nn.init.zeros_(linear.bias)
    probe = Probe([Layer("1", linear, tanh)])
    probe.attach()
    tanh(linear(torch.randn(512, 512) * q**0.5)).sum().backward()
    probe.backward()
    assert column(probe.after_step().values, "saturated")[0] == pytest.approx(share, abs=0.005)


def test_watching_leaves_batch_statistics_and_hooks_as_they_were() -> None:
    chosen = config("norm=batch activation=relu depth=3 width=8")
    samples = data.load(chosen)
    model = network.build(chosen, samples)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    probe = Probe(model.layers())
    probe.attach()
    with batch_statistics(model):
        probe.count_dead(model, [samples.probe_x])
    probe.detach()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_frozen_weights_have_no_gradient_rather_than_zero() -> None:
    linear = nn.Linear(4, 4)
    linear.weight.requires_grad_(False)
    probe = Probe([Layer("1", linear, None)])
    probe.attach()
    linear(torch.randn(2, 4)).sum().backward()
    probe.backward()
    values = probe.after_step().values
    assert np.isnan(column(values, "weight_grad_norm")[0])
    assert column(values, "bias_grad_norm")[0] > 0


def test_rounding_keeps_finite_and_zero_apart() -> None:
    values = np.array([[0.0, 1e-60, -1e-60, 1e60, np.nan, np.inf, -np.inf, 1.5]])
    rounded = as_float32(values)[0]
    assert rounded[0] == 0
    assert rounded[1] > 0 > rounded[2]
    assert np.isfinite(rounded[3])
    assert np.isnan(rounded[4])
    assert rounded[5] == np.inf
    assert rounded[6] == -np.inf
    assert rounded[7] == 1.5


@pytest.mark.parametrize(
    "words", ["activation=relu", "activation=relu norm=batch", "activation=elu"]
)
def test_dead_units_are_the_same_in_parts_as_in_the_whole(words: str) -> None:
    chosen = config(f"{words} init=he_normal depth=12 width=24")
    samples = data.load(chosen)
    model = network.build(chosen, samples)
    probe = Probe(model.layers())
    probe.attach()
    found = []
    for parts in ([samples.probe_x], network.probe_parts(chosen, samples.probe_x)):
        with network.batch_statistics(model):
            found.append(probe.count_dead(model, parts))
    probe.detach()
    assert np.array_equal(*found)


def test_reading_that_calls_reading_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    linear, relu = nn.Linear(3, 4), nn.ReLU()
    probe = Probe([Layer("1", linear, relu)])
    probe.attach()
    for _ in range(2):  # the second time tensors wait until gradients are read
        relu(linear(torch.randn(5, 3))).sum().backward()
        before = probe.step.seconds
        ticks = itertools.count()
        monkeypatch.setattr(time, "perf_counter", lambda ticks=ticks: next(ticks))
        probe.backward()
        assert probe.step.seconds - before == next(ticks) - 1
        probe.after_step()
    probe.detach()
