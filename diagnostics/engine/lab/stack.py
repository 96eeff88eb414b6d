"""Networks of one shape computed side by side: one call of torch's for a layer of all of them.

Their parameters and buffers become rows of stacked tensors, so that whatever reads or writes those
of one network goes on as before. What is computed is [members, batch, units].
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.lab.network import Block, Network
from diagnostics.engine.measure.kernels import Floats

Part = Callable[[Tensor], Tensor]


class Stack:
    """Computes networks side by side.

    Args:
        networks: MLPs without dropout, which differ in numbers and in activations only; alike
            activations should be neighbours.

    Attributes:
        outputs: of the last pass, from input to output: each hidden layer's activation, and logits.
        signals: of the same pass gradients by pre-activations, from output to input.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._own = [p for one in networks for p in one.parameters()]
        self._parameters: list[tuple[Tensor, list[Tensor]]] = []
        self.outputs: list[Tensor] = []
        self.signals: list[Tensor] = []
        blocks = zip(*(cast(Sequence[Block], one.blocks) for one in networks), strict=True)
        self._blocks = [self._block(together) for together in blocks]
        self._output = self._linear([one.output for one in networks])

    def forget_gradients(self) -> None:
        """A step begins."""
        for parameter in self._own:
            parameter.grad = None
        for whole, _ in self._parameters:
            whole.grad = None

    def backward(self, x: Tensor, y: Tensor, share: float) -> Floats:
        """Add to each network's gradients those of its mean cross-entropy times a share.

        Args:
            x, y: inputs [members, batch, inputs] and labels [members, batch].

        Returns:
            Each network's loss and its accuracy, both times the share, [2, members].
        """
        self.outputs, self.signals = [], []
        for block in self._blocks:
            x = block(x)
        logits = self._heard(self._output(x))
        each = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
        losses = each.view(y.shape).mean(1) * share
        losses.sum().backward()  # type: ignore[no-untyped-call]
        for whole, own in self._parameters:
            assert whole.grad is not None
            for parameter, gradient in zip(own, whole.grad.unbind(), strict=True):
                parameter.grad = gradient
        right = (logits.detach().argmax(2) == y).float().mean(1) * share
        return torch.stack([losses.detach(), right]).double().numpy()

    def _heard(self, output: Tensor) -> Tensor:
        self.outputs.append(output.detach())
        return output

    def _rows(self, modules: Sequence[nn.Module], name: str) -> Tensor:
        """What each module calls so, as rows of one tensor, [members, …]."""
        own: list[Tensor] = [getattr(module, name) for module in modules]
        whole = torch.stack([one.detach() for one in own])
        for one, row in zip(own, whole.unbind(), strict=True):
            one.data = row  # which has a count of writes of its own
        if own[0].requires_grad:
            self._parameters.append((whole.requires_grad_(), own))
        return whole

    def _block(self, blocks: Sequence[Block]) -> Part:
        linear = self._linear([block.linear for block in blocks])
        rest = [self._part(blocks, i) for i in range(len(blocks[0].rest))]
        adds = blocks[0].adds

        def block(x: Tensor) -> Tensor:
            h = linear(x)
            for part in rest:
                h = part(h)
            return x + h if adds else h

        return block

    def _part(self, blocks: Sequence[Block], i: int) -> Part:
        """A normalization, the activation, or nothing."""
        modules = [block.rest[i] for block in blocks]
        if modules[0] is blocks[0].activation:
            activation = _activation(modules)
            return lambda z: self._heard(activation(z))
        norm = _NORMS.get(type(modules[0]))
        return norm(self, modules) if norm else _as_it_is

    def _linear(self, modules: Sequence[nn.Linear]) -> Part:
        weight, bias = self._rows(modules, "weight"), self._rows(modules, "bias")
        apply: Any = _Linear.apply
        return lambda x: cast(Tensor, apply(x, weight, bias, self.signals))

    def _layer_norm(self, modules: Sequence[Any]) -> Part:
        first = modules[0]
        weight, bias = (self._rows(modules, name).unsqueeze(1) for name in ("weight", "bias"))

        def layer_norm(h: Tensor) -> Tensor:
            even = F.layer_norm(h, first.normalized_shape, eps=first.eps)
            return torch.addcmul(bias, even, weight)

        return layer_norm

    def _batch_norm(self, modules: Sequence[Any]) -> Part:
        """Units of all members are channels of one."""
        first, names = modules[0], ("running_mean", "running_var", "weight", "bias")
        mean, variance, weight, bias = (self._rows(modules, name).flatten() for name in names)
        seen = self._rows(modules, "num_batches_tracked")

        def batch_norm(h: Tensor) -> Tensor:
            seen.add_(1)
            flat = h.transpose(0, 1).flatten(1)
            even = F.batch_norm(flat, mean, variance, weight, bias, True, first.momentum, first.eps)
            return even.view(len(flat), len(modules), -1).transpose(0, 1).contiguous()

        return batch_norm


class _Linear(torch.autograd.Function):
    """z = x Wᵀ + b of each member; a backward pass that comes here is heard of."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, signals: list[Tensor]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.signals = signals
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (signal,), (x, weight) = gradients, ctx.saved_tensors
        ctx.signals.append(signal)
        back = signal @ weight if ctx.needs_input_grad[0] else None
        return back, signal.transpose(1, 2) @ x, signal.sum(1), None


def _activation(modules: Sequence[nn.Module]) -> Part:
    """Neighbours that compute the same are called once; one with a parameter of its own, alone."""
    alike = [list(group) for _, group in groupby(modules, key=_kind)]
    if len(alike) == 1:
        return alike[0][0]
    counts = [len(group) for group in alike]

    def activation(z: Tensor) -> Tensor:
        parts = zip(alike, torch.split(z, counts), strict=True)
        return torch.cat([group[0](part) for group, part in parts])

    return activation


def _kind(module: nn.Module) -> object:
    return id(module) if any(True for _ in module.parameters()) else repr(module)


def _as_it_is(h: Tensor) -> Tensor:
    return h


_NORMS: Mapping[type[nn.Module], Callable[[Stack, Sequence[Any]], Part]] = {
    nn.BatchNorm1d: Stack._batch_norm,
    nn.LayerNorm: Stack._layer_norm,
}
