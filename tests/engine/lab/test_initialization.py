"""Standard deviations of initial weights, and their biases."""

import math

import pytest
import torch
from torch import nn

from diagnostics.engine.lab import data, initialization, network
from tests.engine.helpers import config

EXPECTED = {"glorot": 0.07071, "he": 0.08165, "lecun": 0.05774}


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("scheme", EXPECTED)
def test_standard_deviations(scheme: str, kind: str) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(300, 100)
    initialization.draw(linear.weight, linear.bias, config(f"init={scheme}_{kind}"))
    assert float(linear.weight.detach().std()) == pytest.approx(EXPECTED[scheme], rel=0.01)
    assert not linear.bias.any()
    if kind == "uniform":
        largest = math.sqrt(3) * EXPECTED[scheme]
        assert float(linear.weight.detach().abs().max()) == pytest.approx(largest, rel=0.01)


def test_torch_default_draws_biases_too() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(300, 10_000)
    initialization.draw(linear.weight, linear.bias, config("init=torch_default"))
    for parameter in linear.parameters():
        assert float(parameter.detach().std()) == pytest.approx(0.03333, rel=0.01)


def test_normal_takes_its_own_std() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(300, 100)
    initialization.draw(linear.weight, linear.bias, config("init=normal init_std=0.3"))
    assert float(linear.weight.detach().std()) == pytest.approx(0.3, rel=0.01)


def test_orthogonal_is_a_rotation() -> None:
    linear = nn.Linear(50, 50)
    initialization.draw(linear.weight, linear.bias, config("init=orthogonal"))
    product = linear.weight.detach() @ linear.weight.detach().T
    assert torch.allclose(product, torch.eye(50), atol=1e-5)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_lsuv_gives_unit_variance_and_leaves_statistics_alone(norm: str) -> None:
    chosen = config(f"init=lsuv activation=tanh depth=5 width=64 norm={norm}")
    samples = data.load(chosen)
    model = network.build(chosen, samples)
    stds: list[float] = []
    for layer in model.layers():
        layer.linear.register_forward_hook(lambda m, a, z: stds.append(float(z.detach().std())))
    with network.batch_statistics(model):
        model(samples.train_x[: network.LSUV_SAMPLES])
    assert stds == pytest.approx([1.0] * 6, abs=0.05)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            assert not module.running_mean.any()
