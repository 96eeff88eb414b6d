"""Hooks → per-layer numbers, without touching training.

For each layer the probe sees the pre-activation z (its module's output), the signal gradient
δ = ∂L/∂z, the activation h = φ(z), and the weights before and after the step. A tensor hook placed
on z by a forward hook gives δ even where an activation works in place, and once for each call where
a module is called twice. Nothing here draws a random number or writes to what training reads.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diagnostics.engine import reductions
from diagnostics.engine.network import Layer
from diagnostics.engine.reductions import Floats
from diagnostics.records import METRIC_INDEX, METRICS

ALL = slice(None)

OUTERMOST = 0.05

DEFINED_TANH = 0.97
"""|tanh| above which it counts as saturated; other bounded activations use OUTERMOST."""


def linear_range(activation: nn.Module | None) -> tuple[float, float] | None:
    """(centre, radius) outside of which a bounded activation counts as saturated, or None."""
    if isinstance(activation, nn.Tanh):
        return 0.0, DEFINED_TANH
    if isinstance(activation, nn.Sigmoid):
        return 0.5, 0.5 - OUTERMOST
    if isinstance(activation, nn.Hardtanh):
        low, high = activation.min_val, activation.max_val
        return (low + high) / 2, (high - low) * (0.5 - OUTERMOST)
    return None


def _outside(span: tuple[float, float], h: Tensor) -> Tensor:
    centre, radius = span
    return (h - centre).abs() > radius


class _Watched:
    """One layer: its hooks' catch of the current step."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.range = linear_range(layer.activation)
        self.mean = 0.0
        self.clear()

    def clear(self) -> None:
        self.signals: list[Tensor] = []
        self.activations: list[Tensor] = []

    @property
    def weight(self) -> nn.Parameter:
        weight = self.layer.linear.weight
        assert isinstance(weight, nn.Parameter)
        return weight

    @property
    def bias(self) -> nn.Parameter | None:
        bias = self.layer.linear.bias
        return bias if isinstance(bias, nn.Parameter) else None

    def see_activation(self, h: Tensor) -> None:
        """Keep a copy, which outlives what a later module overwrites in place."""
        self.activations.append(h.detach().clone())


class Probe:
    """Measures layers at every training step: ``gradients``, ``clipped``, then ``finish``.

    Args:
        layers: what to watch, input to output.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._watched = [_Watched(layer) for layer in layers]
        self._active = [i for i, layer in enumerate(layers) if layer.activation is not None]
        self._bounded: dict[tuple[float, float], list[int]] = {}
        for i, watched in enumerate(self._watched):
            if watched.range is not None:
                self._bounded.setdefault(watched.range, []).append(i)
        self._handles: list[Any] = []
        self._values = np.full((len(layers), len(METRICS)), np.nan)
        self._before: list[Tensor] = []
        self._dead = np.full(len(layers), np.nan)
        self._masks: dict[int, Tensor] | None = None
        self.dead_units = np.empty((0, 0), dtype=bool)
        """Which units were dead at the last count, [active layers, units]."""
        self.seconds = 0.0
        """Time spent watching since the step began."""
        for i, watched in enumerate(self._watched):
            self._attach(i, watched)

    def close(self) -> None:
        """Take all hooks off."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def computed(self, batches: int) -> None:
        """After the first of several backward passes: its gradients, undiluted by their number."""
        started = time.perf_counter()
        found = _norms([watched.weight.grad for watched in self._watched])
        self._put("computed_grad_norm", found * batches)
        self.seconds += time.perf_counter() - started

    def gradients(self) -> None:
        """After the last backward: read all gradients, and remember the weights."""
        started = time.perf_counter()
        weights = [watched.weight for watched in self._watched]
        biases = [watched.bias for watched in self._watched]
        calls = [len(watched.signals) for watched in self._watched]
        signals = [signal for watched in self._watched for signal in watched.signals]
        gradients = [w.grad for w in weights] + [None if b is None else b.grad for b in biases]
        count = len(weights)
        found = _norms([*gradients, *signals])
        self._put("weight_grad_norm", found[:count])
        if np.isnan(self._get("computed_grad_norm")).all():
            self._put("computed_grad_norm", found[:count])
        self._put("weight_grad_rms", found[:count] / _root_sizes(weights))
        self._put("clipped_grad_norm", found[:count])
        self._put("bias_grad_norm", found[count : 2 * count])
        self._put_signals(np.split(found[2 * count :], np.cumsum(calls)[:-1]))
        self._remember([weight.detach() for weight in weights])
        self.seconds += time.perf_counter() - started

    def clipped(self) -> None:
        """After clipping: read the weight gradients again."""
        started = time.perf_counter()
        self._put("clipped_grad_norm", _norms([w.weight.grad for w in self._watched]))
        self.seconds += time.perf_counter() - started

    def finish(self) -> Floats:
        """After the optimizer's step: the step's numbers, float64 [layers, metrics]."""
        started = time.perf_counter()
        self._read_activations()
        self._read_update()
        self._put("dead", self._dead)
        self._count_nonfinite()
        values = self._values.copy()
        self._values.fill(np.nan)
        for watched in self._watched:
            watched.clear()
        self.seconds += time.perf_counter() - started
        return values

    def count_dead(self, forward: Callable[[Tensor], object], parts: Sequence[Tensor]) -> None:
        """Count units that stay exactly 0 for all samples, [layers].

        The count stands in every step's numbers until the next.

        Args:
            parts: the fixed probe set; once no unit is left that might be dead, the rest of it
                can't change anything and is spared.
        """
        self._masks = {}
        try:
            with torch.no_grad():
                for part in parts:
                    forward(part)
                    if not any(bool(mask.any()) for mask in self._masks.values()):
                        break
            for i, dead in self._masks.items():
                self._dead[i] = float(dead.float().mean())
            self.dead_units = np.array([dead.numpy() for dead in self._masks.values()])
        finally:
            self._masks = None

    def _attach(self, i: int, watched: _Watched) -> None:
        def on_output(module: nn.Module, args: object, z: Tensor) -> None:
            if self._masks is None and z.requires_grad:
                z.register_hook(watched.signals.append)  # type: ignore[no-untyped-call]
                if watched.layer.activation is None:
                    watched.see_activation(z)

        def on_activation(module: nn.Module, args: object, h: Tensor) -> None:
            started = time.perf_counter()
            if self._masks is not None:
                self._mask(i, h)
            elif h.requires_grad:
                watched.see_activation(h)
            self.seconds += time.perf_counter() - started

        self._handles.append(watched.layer.linear.register_forward_hook(on_output))
        if watched.layer.activation is not None:
            self._handles.append(watched.layer.activation.register_forward_hook(on_activation))

    def _mask(self, i: int, h: Tensor) -> None:
        assert self._masks is not None
        dead = ~h.reshape(-1, h.shape[-1]).any(dim=0)
        self._masks[i] = dead & self._masks[i] if i in self._masks else dead

    def _put_signals(self, found: list[Floats]) -> None:
        """A module called twice has a signal for each call: together one gradient."""
        for i, (watched, norms) in enumerate(zip(self._watched, found, strict=True)):
            if watched.signals:
                norm = norms[0] if len(norms) == 1 else reductions.global_norm(norms)
                size = sum(signal.numel() for signal in watched.signals)
                self._values[i, METRIC_INDEX["signal_grad_norm"]] = norm
                self._values[i, METRIC_INDEX["signal_grad_rms"]] = norm / np.sqrt(size)

    def _read_activations(self) -> None:
        seen = [i for i, watched in enumerate(self._watched) if watched.activations]
        tensors = {i: _joined(self._watched[i].activations) for i in seen}
        near = np.array([self._watched[i].mean for i in seen])
        found = reductions.moments(list(tensors.values()), near)
        self._put("activation_mean", found.mean, seen)
        self._put("activation_std", found.std, seen)
        for i, mean in zip(seen, found.mean.tolist(), strict=True):
            self._watched[i].mean = mean if np.isfinite(mean) else 0.0
        self._put_shares("sparsity", tensors, self._active, lambda h: h == 0)
        for span, layers in self._bounded.items():
            self._put_shares("saturated", tensors, layers, partial(_outside, span))

    def _put_shares(
        self,
        key: str,
        tensors: dict[int, Tensor],
        layers: list[int],
        test: Callable[[Tensor], Tensor],
    ) -> None:
        rows = [i for i in layers if i in tensors]
        self._put(key, reductions.share([tensors[i] for i in rows], test), rows)

    def _read_update(self) -> None:
        weights = [watched.weight.detach() for watched in self._watched]
        torch._foreach_sub_(self._before, weights)
        after, update = reductions.moments(weights), reductions.moments(self._before)
        self._put("weight_norm", after.norm)
        self._put("update_norm", update.norm)
        with np.errstate(all="ignore"):
            self._put("update_ratio", update.std / np.where(after.std == 0, np.nan, after.std))

    def _remember(self, weights: list[Tensor]) -> None:
        if not self._before:
            self._before = [weight.clone() for weight in weights]
        else:
            torch._foreach_copy_(self._before, weights)

    def _count_nonfinite(self) -> None:
        """Count only in layers whose norms say that there is something to count."""
        keys = ("signal_grad_norm", "weight_grad_norm", "activation_std", "weight_norm")
        columns = [METRIC_INDEX[key] for key in keys]
        self._put("nonfinite", np.zeros(len(self._watched)))
        for i in np.flatnonzero(~np.isfinite(self._values[:, columns]).all(axis=1)):
            watched = self._watched[i]
            tensors = [*watched.signals, *watched.activations, watched.weight.detach()]
            tensors += [] if watched.weight.grad is None else [watched.weight.grad]
            count = sum(reductions.nonfinite(tensor) for tensor in tensors)
            self._values[i, METRIC_INDEX["nonfinite"]] = count

    def _put(self, key: str, column: Floats, layers: list[int] | slice = ALL) -> None:
        self._values[layers, METRIC_INDEX[key]] = column

    def _get(self, key: str) -> Floats:
        return self._values[:, METRIC_INDEX[key]]


def to_float32(values: Floats) -> NDArray[np.float32]:
    """Rounded, yet what is finite stays finite and what is not 0 stays apart from 0."""
    limits = np.finfo(np.float32)
    size = np.clip(np.abs(values), limits.smallest_subnormal, limits.max)
    keep = np.isfinite(values) & (values != 0)
    return np.where(keep, np.copysign(size, values), values).astype(np.float32)


def _norms(gradients: Sequence[Tensor | None]) -> Floats:
    """Norms of gradients; NaN where a frozen parameter has none."""
    rows = [i for i, gradient in enumerate(gradients) if gradient is not None]
    found = np.full(len(gradients), np.nan)
    found[rows] = reductions.norms([g for g in gradients if g is not None])
    return found


def _root_sizes(tensors: Sequence[Tensor]) -> Floats:
    return np.sqrt([tensor.numel() for tensor in tensors])


def _joined(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat([t.reshape(-1) for t in tensors])
