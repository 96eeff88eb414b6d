"""Hooks → per-layer numbers, without touching training.

    probe.attach()
    for x, y in batches:
        loss(model(x), y).backward(); probe.backward()
        probe.before_step(); optimizer.step(); measured = probe.after_step()

For each layer the probe sees the pre-activation z (its module's output), the signal gradient
δ = ∂L/∂z, the activation h = φ(z), and the weights before and after the step. Ears only note what
they hear: a call of Python's for every small tensor would cost more than reading it, so tensors
wait and are read many at a time, before training goes on to change them. What was heard counts
once it is known to have been part of a backward pass whose gradients were applied. Nothing here
draws a random number or writes to what training reads.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from diagnostics.engine.measure import kernels, reductions
from diagnostics.engine.measure.calls import Calls
from diagnostics.engine.measure.dead_units import InPassing, looked_at, shares
from diagnostics.engine.measure.graph import Ways
from diagnostics.engine.measure.hooks import NO_BACKWARD, Hooks, nothing
from diagnostics.engine.measure.kernels import Flags, Floats, Ints, Records
from diagnostics.engine.measure.layers import Layer, linear_range
from diagnostics.engine.measure.measured import ROW, Measured
from diagnostics.engine.measure.moments import Times
from diagnostics.engine.measure.parameters import NONE, Parameters
from diagnostics.engine.measure.parts import Parts
from diagnostics.engine.measure.passes import Passes
from diagnostics.engine.measure.pending import Pending
from diagnostics.engine.measure.running import memories
from diagnostics.engine.measure.signals import Signals
from diagnostics.engine.measure.stacked import Waits
from diagnostics.engine.measure.sums import Told, sizes, strange, tallies
from diagnostics.engine.measure.suspects import NO_CALL, Suspects
from diagnostics.engine.measure.updates import Updates
from diagnostics.subject.activations import Span

F = TypeVar("F", bound=Callable[..., Any])


def _timed(method: F) -> F:
    """Count what a probe's reading takes, once where one method calls another.

    Not what it waits for a device: that is at work for training as well.
    """

    @wraps(method)
    def timed(self: "Probe", *given: Any, **named: Any) -> Any:
        step = self.step
        before, waited, started = step.seconds, Waits.seconds, time.perf_counter()
        try:
            return method(self, *given, **named)
        finally:
            step.seconds = before + time.perf_counter() - started - (Waits.seconds - waited)

    return cast(F, timed)


class Probe:
    """Measures layers at every training step.

    Args:
        layers: what to watch.
        activations: modules whose outputs are activations; by default those of the layers.
        others: further parameters of the model, which count in the global norm only.
        most: entries of a weight whose update is looked at, evenly spread where it has more.
        channels: which layers are convolutions, [layers]; given, dead units are counted in passing
            and not by ``count_dead``.
        on_backward: told, while a backward pass goes on, that it began.
        together: puts what this process has seen of a step together with what others have.

    Attributes:
        step: what was seen so far of the step that is going on.
        parameters: the model's.
        ways: which layer follows which, as far as it was looked for.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        activations: Sequence[nn.Module] | None = None,
        others: Sequence[nn.Parameter] = (),
        most: int = reductions.ALL_ENTRIES,
        channels: Flags | None = None,
        on_backward: Callable[[], object] = nothing,
        together: Callable[[Parts], object] = nothing,
    ) -> None:
        if activations is None:
            activations = [layer.activation for layer in layers if layer.activation is not None]
        count = len(layers)
        self._layers, self._told, self._together = list(layers), on_backward, together
        self.parameters = Parameters([layer.linear for layer in layers], others)
        self._every = np.arange(len(self.parameters))
        self._pieces = bool(self.parameters.uncounted.any())
        self._updates = Updates(self.parameters.weights, most)
        self._calls, self._passes = Calls(count), Passes(len(self.parameters))
        self._suspects = Suspects(layers, others)
        self._tally = reductions.Tally(count)
        self._outputs = Pending(self._read_outputs, self._tally.lose)
        self._signals = Signals(self._calls, self._passes, self._suspect)
        self._hooks = Hooks(
            layers,
            activations,
            self._calls,
            self._on_call,
            self._on_output,
            self._on_signal,
            self._on_activation,
        )
        for i, layer in enumerate(layers):
            if layer.activation is not None:
                self._tally.activate(i, [], linear_range(layer.activation))
        self.ways = Ways()
        self._times = Times([layer.linear for layer in layers])
        self._loose: list[int] = []
        self._one_at_a_time = threading.Lock()
        """A model that lies on several devices has gradients from a thread of each."""
        self._memo: tuple[Ints, Flags, Ints] | None = None
        self._share = 1.0
        self._counted = np.full((2, count), np.nan)
        self._in_passing = None if channels is None else InPassing(channels)
        self._values, self._rows = reductions.named(count, ROW)
        self._begin()

    @property
    def counted(self) -> Floats:
        """Shares of units that are dead, and that are dormant, as last counted, [2, layers]."""
        return self._counted

    @property
    def untimed(self) -> set[int]:
        """Recurrent layers whose moments could not be looked at."""
        return self._times.failed

    @property
    def kinds(self) -> Mapping[int, str]:
        """The activation seen after a layer of which it was not known before."""
        return self._hooks.kinds

    def kept(self) -> dict[str, Any]:
        """What numbers of the next steps depend on: shares of units as last counted, updates."""
        return {"counted": self._counted, "updates": self._updates.last.tensors}

    def take_up(self, kept: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._counted[:] = kept["counted"]
        for k, one in enumerate(kept["updates"]):
            self._updates.last.put(k, None if one is None else one.clone())

    def attach(self, listens: bool = True) -> None:
        """From now on everything is heard.

        Args:
            listens: to modules; else somebody tells what came of them.
        """
        if listens:
            self._hooks.attach()
        self.parameters.lying[:] = self.parameters.read(self._every, looks=False)

    def detach(self) -> None:
        """From now on nothing is; steps may be taken that nobody looks at."""
        self._hooks.detach()
        self._updates.pause()
        self.forget()

    def activated(self, kind: str, h: Tensor, span: Span | None) -> None:
        """An activation of a kind was computed by no module, maybe with a linear range."""
        self._hooks.activated(kind, h, span)

    def follows(self, layer: int, kind: str, span: Span | None) -> None:
        """An activation of a kind is known to follow a layer."""
        self._hooks.follows(layer, kind, span)

    @_timed
    def take(self, told: Told, again: bool) -> None:
        """A backward pass that is going on brought these sums, in place of what is heard.

        Args:
            again: whether its graph may be gone through again.
        """
        calls = self._called(told.layers)
        self._signals.take(calls, sizes(told.signals), again)
        self._tally.take(calls, tallies(told.outputs, told.shifts))
        for name, found in (("activation", told.outputs), ("signal_grad", told.signals)):
            entries = strange(found)
            for k in np.flatnonzero(entries).tolist():
                self._suspects.add(told.layers[k], name, int(entries[k]), calls[k])

    @_timed
    def hear(
        self, layers: Sequence[int], outputs: Sequence[Tensor], signals: Sequence[Tensor]
    ) -> None:
        """A backward pass that is going on came by calls of layers that nobody else tells of.

        Args:
            layers: the layer of each call.
            outputs: what activations gave out after it, or it itself where it has none.
            signals: gradients by what it itself gave out.
        """
        calls = self._called(layers)
        self._read_outputs(calls, list(outputs))
        self._signals.hear(calls, list(signals))

    def _called(self, layers: Sequence[int]) -> list[int]:
        """Places of new calls of layers among those of the step."""
        self._calls.order.update(dict.fromkeys(layers))
        return [self._calls.row(self._calls.add(layer)) for layer in layers]

    @_timed
    def backward(self, share: float = 1.0) -> None:
        """A backward pass is over: read the gradients that it filled.

        Args:
            share: of the step's loss that this pass was for, where several are summed up.
        """
        going = self._passes.going or self._passes.begin()
        self._read_waiting()
        self._share = share
        self.step.passes += self._fill(self._every) > 0
        self._times.look(bool(going.fresh.any()))
        self._passes.end()
        self._noted = False

    @_timed
    def before_step(self, scale: float = 1.0, rows: Ints | None = None) -> None:
        """Right before an optimizer's step: what are its gradients, and what its weights?

        Args:
            scale: what the loss was multiplied with so that small gradients don't underflow.
            rows: of its parameters; by default all.
        """
        rows = self._every if rows is None else rows
        self.settle(scale, rows)
        self._updates.remember(self._chosen(rows)[1])

    @_timed
    def settle(self, scale: float, rows: Ints) -> None:
        """These gradients are those that the step applies: undo their scale, look at clipping.

        After a step it is too late: some optimizers write to gradients. Within a backward pass
        they are those that it filled so far.
        """
        if self._passes.going is not None:
            if torch._C._current_graph_task_id() == NO_BACKWARD:
                self._passes.going = None  # it failed
            else:
                self._fill(rows)
        chosen = self._chosen(rows)[0]
        changed = self._changed(rows)
        if len(changed):
            self._passes.reset(self.parameters.taken_away(changed))
        fresh = self._passes.fresh & chosen
        self._look_for_strangers(changed[~fresh[changed]])
        clipped = self._clipped(changed, fresh)
        if scale == 1.0 and len(clipped):
            scale = self.parameters.hidden_scale(np.flatnonzero(fresh), clipped)
        under, finite = self.parameters.settle(rows, clipped, scale, fresh)
        self._passes.apply(fresh, scale)
        self.step.left = math.hypot(self.step.left, under)
        if not finite:
            self._suspect_gradients(chosen)

    def _clipped(self, changed: Ints, fresh: Flags) -> Ints:
        """What was filled, and written to since; or may have been, where that isn't counted."""
        if not self._pieces:
            return changed[fresh[changed]]
        return np.flatnonzero((self._flags(changed) | self.parameters.uncounted) & fresh)

    @_timed
    def stepped(self, optimizers: Sequence[Optimizer], rows: Ints | None = None) -> None:
        """An optimizer has made its step.

        Args:
            optimizers: it, and those that it steps within.
            rows: of its parameters; by default all.
        """
        which = self._chosen(self._every if rows is None else rows)[1]
        weights = self.parameters.weights
        self._updates.weigh(which, memories(optimizers, [weights[k] for k in which.tolist()]))
        self._updates.read(which)

    @property
    def calls(self) -> int:
        """Calls of layers that were heard so far in this step."""
        return len(self._calls.layers)

    @property
    def unsettled(self) -> Flags:
        """Parameters with gradients that no optimizer has applied yet, [parameters]."""
        return self._passes.fresh

    def waits(self, rows: Ints) -> bool:
        """Whether any of these is such."""
        return bool(kernels.meet(self._passes.fresh, self._chosen(rows)[0]))

    @property
    def sound(self) -> bool:
        """Whether all numbers that were seen so far are finite."""
        fresh = self.unsettled
        return not self._suspects and bool(np.isfinite(self.parameters.norms[fresh]).all())

    def weights_are_finite(self) -> bool:
        """Whether all are, now."""
        return not self._suspects.spoilt_weights()

    @_timed
    def after_step(self, *optimizers: Optimizer) -> Measured:
        """After the optimizer's step, which ends the step for the probe as well."""
        if self.unsettled.any():
            self.settle(1.0, np.flatnonzero(self.unsettled))
        self.stepped(optimizers)
        return self.finish()

    @_timed
    def finish(self) -> Measured:
        """The step is over."""
        self._read_waiting()
        self._outputs.first = self._signals.pending.first = False
        signals, outputs = self._count_calls()
        changes, strange = self._updates.finish().copy(), self._suspects.counts(self._used)
        own, part = strange.copy(), self.parameters.norms_of_all()
        self._together(Parts(signals, outputs, changes, strange, self.parameters, self.step))
        kernels.signals(signals, self._rows)
        self._tally.write(self._rows)
        step = self.step
        step.norm, step.clipped, sound = self.parameters.write(self._share, self._rows)
        finite = kernels.updates(changes, self.parameters.weight_owner, self._rows)
        self.parameters.restore(part)  # of what goes on, too, this process has its part
        passing = self._in_passing
        counted = self._counted if passing is None else (passing.dead, passing.dormant)
        self._rows["dead"], self._rows["dormant"] = counted
        self._judge(sound and bool(finite))
        self._rows["nonfinite"] = strange + self._suspects.counts(self._used) - own
        self.parameters.finish()
        step.values, step.heard = self._values.copy(), self._hooks.heard
        step.early = self._passes.old or not self._earlier.isdisjoint(self._calls.layers)
        step.skipped, step.order = self._suspects.unused(self._used), tuple(self._calls.order)
        step.calls, step.used = tuple(self._calls.layers), frozenset(self._used.tolist())
        self.forget()
        return step

    def forget(self) -> None:
        """Drop what was seen of a step."""
        self._outputs.clear()
        self._signals.clear()
        for part in (
            self._tally,
            self._passes,
            self._suspects,
            self._calls,
            self._times,
            self._in_passing,
        ):
            if part is not None:
                part.clear()
        self.parameters.clear()
        self._hooks.forget()
        self.ways.clear()
        self._loose = []
        self._begin()

    def count_dead(
        self, forward: Callable[[Tensor], object], parts: Sequence[Tensor]
    ) -> NDArray[np.bool_]:
        """Count units that stay exactly 0 for all samples of a fixed probe set, and dormant ones.

        The count stands in every step's numbers until the next.

        Returns:
            Which units are dead, [active layers, units].
        """
        found = looked_at(self._layers, forward, parts)
        for i, sums in found.items():
            self._counted[:, i] = shares(sums)
        return np.array([sums == 0 for sums in found.values()])

    def _begin(self) -> None:
        self._values.fill(np.nan)
        self.step = Measured(self._values)
        self._used = np.empty(0, np.int64)
        self._earlier: set[int] = set()
        self._noted = False

    # ---- gradients ----

    def _fill(self, rows: Ints) -> int:
        """Read what the pass that is going on filled of some parameters; how many."""
        assert self._passes.going is not None
        changed = self._changed(rows)
        return self.parameters.fill(changed, self._passes.fresh, self._passes.going.fresh)

    def _changed(self, rows: Ints) -> Ints:
        """Of which among some the gradient is another than was read."""
        changed = self.parameters.changed()
        return changed if rows is self._every else changed[self._chosen(rows)[0][changed]]

    def _look_for_resets(self) -> None:
        """Before a pass: which gradients were thrown away since the last, and which were left?"""
        parameters = self.parameters
        rows = parameters.changed()
        if not len(rows) and not parameters.present.any():
            return
        now = parameters.read(rows, looks=False)
        empty = np.isnan(now) | (now == 0)
        self._passes.reset(rows[empty])
        parameters.under[rows[empty]] = 0.0
        lay = parameters.present & parameters.stepped
        there = np.where(lay, parameters.norms, parameters.left)
        # Some may have been filled before anything was heard: behind the last layer, or on the way
        # back through a gradient. What lay there at the first call was so by another pass, maybe
        # one through no layer, as of a penalty on weights.
        left = (now == parameters.lying[rows]) & ~empty & parameters.owned[rows]
        parameters.look(rows[empty | left | (parameters.owned & parameters.as_noted())[rows]])
        there[rows] = np.where(left, now, 0.0)
        parameters.left[:] = np.where(self._passes.fresh, 0.0, there)

    def _look_for_strangers(self, unheard: Ints) -> None:
        """Gradients that no pass has filled: of layers that were called a loop put them there.

        Of others they may be of a pass before this step began; those of the step before still lie
        there where a closure is to come.
        """
        if not len(unheard):
            return
        parameters, nothing = self.parameters, self._flags(NONE)
        parameters.fill(unheard, nothing, nothing.copy())
        there = self._flags(unheard) & parameters.present & (parameters.norms != parameters.lying)
        owners = set(np.flatnonzero(parameters.layers_with(there)).tolist())
        called = owners.intersection(self._calls.layers)
        self.step.by_hand |= bool(called)
        self._earlier |= owners - called

    # ---- what was heard ----

    def _on_call(self, call: int, args: tuple[Any, ...], outputs: list[Tensor]) -> None:
        going = torch._C._current_graph_task_id() != NO_BACKWARD
        if going and self._passes.going is None:
            self._pass_begins()  # a forward pass within: checkpointing computes anew
        elif not going and self._passes.going is not None:
            self._passes.going = None  # it failed
        if not (going or self._noted):
            self.parameters.note()
            self._noted = True
        row = self._calls.row(call)
        layer = self._calls.layers[row]
        self._times.call(layer, row, args)
        if not outputs:
            self._loose.append(row)
        elif going:
            self.ways.hidden = True
        elif self.ways.wants(layer):
            self.ways.add(layer, outputs)

    def _on_output(self, call: int, h: Tensor) -> None:
        row = self._calls.row(call)
        self._outputs.add(self._calls.key(row), row, h)

    def _on_activation(self, i: int, span: Span | None) -> None:
        """Until now a layer's output stood for its activation."""
        calls = [row for row, layer in enumerate(self._calls.layers) if layer == i]
        self._outputs.drop(set(calls))
        self._tally.activate(i, calls, span)

    def _on_signal(
        self, call: int, output: int, place: int, gradients: tuple[Tensor | None, ...]
    ) -> None:
        """A module called twice has a signal for each call: together one gradient."""
        gradient = gradients[place]
        if gradient is None or not self._hooks.on:
            return
        with self._one_at_a_time:
            if self._passes.going is None:
                self._pass_begins()
            row = self._calls.row(call)
            if row < 0:  # it was made in an earlier step
                self._passes.outlived()
                return
            self._signals.add(row, output, gradient)
            self._times.signal(row, output, gradient)

    @_timed
    def pass_begins(self) -> None:
        """A backward pass begins that nothing else will tell of."""
        self._look_for_resets()
        self._passes.begin()

    @property
    def going(self) -> bool:
        """Whether a backward pass is going on, as far as it is known."""
        return self._passes.going is not None

    @_timed
    def _pass_begins(self) -> None:
        self._outputs.read()  # what came of the forward pass is told first
        if self.ways.pending:
            self.ways.trace()
        self.pass_begins()
        self._told()

    def _read_waiting(self) -> None:
        self._outputs.read()
        self._signals.pending.read()

    @_timed
    def _read_outputs(self, rows: list[int], tensors: list[Tensor]) -> None:
        these, layers = reductions.gather(rows, tensors), self._owners
        if not self._tally.add(these, layers):
            self._suspect(rows, "activation", tensors)
        if self._in_passing is not None:
            self._in_passing.see(these, layers, self._hooks.bare)
        self._unread(these)

    def _count_calls(self) -> tuple[Records, Records]:
        """Of all that was heard, what belongs to passes that were applied."""
        moved = self.parameters.layers_with(self.parameters.stepped)
        layers = self._owners
        rows, calls, scales = self._signals.counted(moved, self.parameters.layers_with)
        signals = self._signals.pooled(rows, layers[calls], scales, len(self._rows))
        for i, ratio in self._times.ratios.items():
            self._rows["time_ratio"][i] = ratio
        for i in self._times.cells(self.ways):
            self._rows["time_ratio"][i] = self._signals.first_over_last(rows, calls, layers, i)
        self._used = np.array(sorted(set(calls.tolist())), np.int64)
        if self._loose:
            heard = set(layers[self._used].tolist())
            loose = [row for row in self._loose if self._calls.layers[row] not in heard]
            self._used = np.concatenate([self._used, np.array(loose, np.int64)])
        if self._in_passing is not None:
            self._in_passing.count(self._used, layers)
        return signals, self._tally.pooled(self._used, layers)

    # ---- what is not finite ----

    def _suspect(self, rows: list[int], name: str, tensors: list[Tensor]) -> None:
        pairs, layers = zip(rows, tensors, strict=True), self._calls.layers
        self._suspects.look([(layers[row], name, tensor, row) for row, tensor in pairs])

    def _suspect_gradients(self, chosen: Flags) -> None:
        these = [
            (i, f"{name}_grad", parameter.grad, NO_CALL)
            for i, name, parameter in self.parameters.named()
            if chosen[self.parameters.place[id(parameter)]] and parameter.grad is not None
        ]
        self._suspects.look(these)

    def _judge(self, finite: bool) -> None:
        """Is the run broken, and where was that seen first?

        Args:
            finite: whether all is that was applied, and what it left.
        """
        spoilt = not finite and self._suspects.spoilt_weights()
        self.step.broken = self.step.broken or spoilt
        if self.step.broken:
            self.step.spoilt = self._suspects.first(self._used)

    def _unread(self, these: reductions.Gathered) -> None:
        if these.unread:
            self.step.unread |= {kind for _, kind in these.unread}

    @property
    def _owners(self) -> Ints:
        return np.array(self._calls.layers, np.int64)

    def _flags(self, rows: Ints) -> Flags:
        found = np.zeros(len(self.parameters), np.bool_)
        found[rows] = True
        return found

    def _chosen(self, rows: Ints) -> tuple[Flags, Ints]:
        """Which parameters rows are, and which weights: the same ones at most steps."""
        if self._memo is None or self._memo[0] is not rows:
            flags = self._flags(rows)
            self._memo = rows, flags, np.flatnonzero(flags[self.parameters.weight_rows])
        return self._memo[1:]


def warm_up() -> None:
    """Measure two steps of next to nothing: a process loads or compiles its kernels then."""
    usual: Any = {"device": "cpu", "dtype": torch.float32}  # whatever the loop has as defaults
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        linear, relu = nn.Linear(1, 1, **usual), nn.ReLU()
        probe = Probe([Layer("", linear, relu)], channels=np.array([False]))
        probe.attach()
        for _ in range(2):
            relu(linear(torch.ones(1, 1, **usual))).sum().backward()
            probe.backward()
            probe.before_step()
            kernels.rounded(probe.after_step().values)
        probe.detach()
