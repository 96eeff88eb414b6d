"""A probe in a stranger's training loop: when what is read, and what that tells of the model.

Gradients are read when a backward pass has ended (after DistributedDataParallel has averaged them)
and looked at again right before an optimizer's step, so that accumulation, loss scaling and
clipping by whomever are seen; weights before and after that step. While nothing is measured
nothing is heard.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from diagnostics.engine.measure.hooks import nothing
from diagnostics.engine.measure.kernels import Floats
from diagnostics.engine.measure.measured import Measured
from diagnostics.engine.measure.parts import Parts
from diagnostics.engine.measure.probe import Probe
from diagnostics.engine.specials.specials import Specials
from diagnostics.engine.watch import backward, loop
from diagnostics.engine.watch.anatomy import Anatomy
from diagnostics.engine.watch.backward import Follower
from diagnostics.engine.watch.listening import DEAF, EVALUATED, Listening
from diagnostics.engine.watch.optimizers import Moved, learning_rate
from diagnostics.engine.watch.places import Places
from diagnostics.store.records import METRIC_INDEX, METRICS, Event, PatientZero

if TYPE_CHECKING:
    from diagnostics.engine.watch.tapped import Tapped

MOST_ENTRIES = 1 << 14
"""Entries of a weight whose update is looked at: its std is right to 0.6%, 1/√(2n)."""

MOST_WAITING = 64
"""Steps without any of an optimizer's after which nobody waits for one any more."""

CLIPPED = 1 - 1e-5

PARTIAL = [
    i for key, i in METRIC_INDEX.items() if key.startswith(("signal_", "activation_", "computed_"))
]
"""Metrics of all that a step has heard, not of what came of it."""

STRANGE = (
    "The optimizer holds no parameter of the model: it moves nothing here, unless somebody copies "
    "what it moves."
)

BY_HAND = (
    "Gradients were put into .grad by something else than backward(): of those there are no "
    "signals."
)

EARLY = (
    "w.step() comes in the midst of a step, between a forward pass, its backward pass and the "
    "optimizer's step: what it splits has no signals."
)

CUT = "No gradient has reached a parameter of the model."

MUTE = (
    "No layer was called as a module, as where a model is scripted or run by torch.func: "
    "there are weights and their gradients, no signals and no activations."
)

SPECIAL = "Attention or a router was not looked at, because of"

COMPILED = (
    "Compiled: each layer's sums of δ and of its activation come out of its graph. Depth in time, "
    "dead units, attention, routers, activations that are functions and what adds up can't be seen "
    "there; where an activation is not known, z stands for it."
)

REPLAYED = (
    "Compiled with CUDA graphs: there are weights and their gradients, no signals and no "
    "activations. These are there with mode='max-autotune-no-cudagraphs' or the default one."
)


class Observer:
    """Measures steps of optimizers.

    Attributes:
        scaler: the ``GradScaler`` in use; one that calls the optimizer is found.
        measuring: whether the step that is going on is measured.
        values: of the step that just ended, float64 [layers, metrics], layers in the order of
            their first call; None where it was not measured.
        clip_threshold: the largest norm that clipping left.
        patient: where a number that is not finite was seen first; None again once weights that are
            finite were put in their place.
        compiled: whether it was found that parts can't be heard because they are compiled.
        step: the number of the step that is going on.
        lr: the learning rate of the step taken.
        events: what happened and nobody was told of yet.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: list[Optimizer],
        anatomy: Anatomy,
        together: Callable[[Parts], object] = nothing,
    ) -> None:
        self._model, self._anatomy, self._together = model, anatomy, together
        self._probe = self._probe_of(anatomy)
        self._moved = Moved(optimizers, self._probe.parameters.place)
        self._specials = self._specials_of(anatomy)
        self._listening = Listening(model, self._activated, self._specials)
        self._follower = Follower(self._pass_begins, self._pass_ended)
        self._tapped: Tapped | None = None
        self._compiling = loop.compiling()
        self._handles: list[Any] = []
        self._late: list[Any] = []
        self._steppers: list[Optimizer] = []
        self._stepping: list[int] = []
        self._within: list[Optimizer] = []
        self._waited = self._held_back = 0
        self._moved_lately = self._counted = True
        self._written = self._moved.written()
        self._left_before = self._left_twice = False
        self._mute = self._heard_backward = self._by_hand = self._early = False
        self._measured: Measured | None = None
        self._stale: list[Any] = []
        self.places = Places(anatomy.layers)
        self.scaler: Any = None
        self.measuring = self.compiled = False
        self.values: Floats | None = None
        self.clip_threshold = 0.0
        self.patient: PatientZero | None = None
        self.step = 1
        self.lr = float("nan")
        self.events: list[Event] = []
        self.unread: set[str] = set()

    def _probe_of(self, a: Anatomy) -> Probe:
        return Probe(
            *(a.layers, a.activations, a.others, MOST_ENTRIES, a.channels),
            *(self._backward_began, self._together),
        )

    def _specials_of(self, anatomy: Anatomy) -> Specials:
        return Specials(self._model, anatomy.layers, lambda: self._probe.calls)

    def take_up(self, names: Sequence[str], step: int) -> None:
        """A run goes on that had these layers and has taken so many steps."""
        self.places.take_up(names)
        self.step = step + 1

    def tap(self) -> None:
        """What is compiled can't be listened to: from the next measured step on it has taps."""
        from diagnostics.engine.watch.tapped import Tapped  # with it comes torch's compiler

        self.detach()
        self._tapped = Tapped(self._model, self._anatomy, self._probe.follows)
        self._tapped.install()

    def attach(self) -> None:
        """From now on steps are measured."""
        if self._anatomy.compiled and self._tapped is None:
            self.tap()
        self.measuring = True
        self._probe.attach(listens=self._tapped is None)
        self._handles = [
            register_optimizer_step_pre_hook(self._step_begins),
            register_optimizer_step_post_hook(self._step_ended),
        ]
        if self._tapped is None:
            self._listening.attach()
        else:
            self._tapped.attach()
            backward.follow(self._follower)

    def close(self) -> None:
        """Leave everything as it was."""
        self.detach()
        if self._tapped is not None:
            self._tapped.remove()

    def detach(self) -> None:
        """From now on no step is measured, and nothing is heard."""
        self.measuring = False
        self._probe.detach()
        self._listening.detach()
        if self._tapped is not None:
            self._tapped.detach()
            backward.leave(self._follower)
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.forget()

    def forget(self) -> None:
        """Drop what was seen of a step."""
        if self._measured is None:  # else the probe has done so
            self._probe.forget()
        self._specials.clear()
        self._measured = self.values = None
        self._stepping, self._within, self._steppers, self._waited = [], [], [], 0
        for handle in self._late:
            handle.remove()
        self._late = []

    @property
    def seconds(self) -> float:
        """What reading has taken in this step."""
        return self._known.seconds + self._specials.seconds

    @property
    def norm(self) -> float:
        """This step's global gradient norm."""
        return self._known.norm

    @property
    def clipped(self) -> float:
        """The same as the step applied it."""
        return self._known.clipped

    @property
    def left(self) -> float:
        """Of gradients that were there before the step's first backward pass."""
        return self._known.left

    @property
    def _known(self) -> Measured:
        return self._measured or self._probe.step

    # ---- a step ----

    def finish(self, sound: bool) -> None:
        """The step is over: what was seen of it comes together, if an optimizer stepped.

        Args:
            sound: whether the loop's loss is finite, as far as it is known.
        """
        if not self._steppers:
            self._wait(sound)
            return
        self._measured = measured = self._probe.finish()
        if self._is_compiled(measured):
            self.compiled = True
            return
        self._specials.write(measured)
        self.places.extend(measured.order or self._unheard())
        self.values = self.places.sorted(measured.values)
        if self._tapped is None:
            self._listening.suffice(measured.heard)
        self.unread |= measured.unread
        self._by_hand |= measured.by_hand
        self._early |= measured.early
        if measured.left and not self._moved_lately:
            self._forget_parts(self.values, measured)
        self._left_twice |= self._left_before and measured.left > 0
        self._left_before = measured.left > 0
        if self._stale:  # parts that nobody knows were stepped as well
            measured.norm = measured.clipped = float("nan")
        if measured.broken:
            self._blame(measured.spoilt)
        elif self.patient is not None:
            self.look_again()
        elif measured.skipped:
            self.events.append(Event(self.step, "skipped", {"batches": 1}))
        if measured.clipped < CLIPPED * measured.norm:
            self.clip_threshold = max(self.clip_threshold, measured.clipped)

    def _is_compiled(self, measured: Measured) -> bool:
        """Whether torch has compiled what was not heard, since watching began or was last asked."""
        before, self._compiling = self._compiling, loop.compiling()
        if self._tapped is not None or before == self._compiling:
            return False
        stepped = self._probe.parameters.layers_with(self._probe.parameters.reached)
        stepped[list(measured.order)] = False
        return bool(stepped.any())

    def _unheard(self) -> range:
        """Where no layer was called as a module, weights speak for all of them."""
        self._mute = not len(self.places)
        return range(len(self._anatomy.layers) if self._mute else 0)

    def _forget_parts(self, values: Floats, measured: Measured) -> None:
        """Measuring began while gradients were being accumulated: of the rest nothing was heard."""
        values[:, PARTIAL] = np.nan
        measured.left = 0.0

    def go_on(self) -> None:
        """The next step begins."""
        self.step += 1
        before, self._written = self._written, self._moved.written()
        self._moved_lately = before != self._written
        if self._steppers and not self._moved_lately:
            self._counted = False

    def at_a_start(self) -> bool:
        """Whether no gradients are being accumulated; not waited for where that can't be told.

        Of fused optimizers' writes torch keeps no count.
        """
        self._held_back = 0 if self._moved_lately else self._held_back + 1
        return self._moved_lately or not self._counted or self._held_back > MOST_WAITING

    def _wait(self, sound: bool) -> None:
        """No optimizer stepped: the batch was skipped, or gradients are being accumulated."""
        self._waited += 1
        if not (sound and self._probe.sound):
            self.events.append(Event(self.step, "skipped", {"batches": 1}))
            self.forget()
        elif self._waited > MOST_WAITING:
            self.forget()

    @property
    def ended(self) -> bool:
        """Whether the step that was measured is over: an optimizer has stepped."""
        return self._measured is not None

    @property
    def waiting(self) -> bool:
        """Whether gradients were heard of that a step to come will apply."""
        return not self._steppers and bool(self._probe.unsettled.any())

    def nothing(self) -> Floats:
        """Numbers of a step of which nothing is known, [layers, metrics]."""
        return np.full((len(self.places), len(METRICS)), np.nan)

    def _blame(self, spoilt: tuple[int, str] | None) -> None:
        if self.patient is not None:
            return
        if spoilt is None:
            self.blame_loss()
            return
        i, tensor = spoilt
        left_by = self.step - 1 if tensor == "weight" else self.step
        self.patient = PatientZero(left_by, self.places.of(i), tensor)

    def blame_loss(self) -> None:
        """A loss is not finite, nor are weights: nothing was measured before."""
        if self.patient is None:
            self.patient = PatientZero(self.step, max(1, len(self.places)), "loss")

    def look_again(self) -> None:
        """NaN never heals: where weights are finite again, somebody loaded a checkpoint."""
        if self.patient is not None and self.sound:
            self.events.append(Event(self.step, "replaced", {"diverged": self.patient.step}))
            self.patient = None

    @property
    def sound(self) -> bool:
        """Whether all weights are finite."""
        return self._probe.weights_are_finite()

    # ---- optimizers ----

    def _step_begins(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        """Wait for hooks that a loop has put on the optimizer, which may clip."""
        if self._concerns(optimizer):
            self._late.append(optimizer.register_step_pre_hook(self._before_step))

    def _concerns(self, optimizer: Optimizer) -> bool:
        moved = self._moved
        if not moved.is_watched(optimizer):
            if not len(moved.rows(optimizer)) and not self._grown(optimizer):
                return False
            if self.step == 1:
                moved.ignore(optimizer)
            elif moved.joins(optimizer):
                name = type(optimizer).__name__
                self.events.append(Event(self.step, "followed", {"optimizer": name}))
                self._grown(optimizer)
        elif moved.unknown(optimizer):
            self._grown(optimizer)
        return moved.is_watched(optimizer)

    def _grown(self, optimizer: Optimizer) -> bool:
        """Whether the model has got parts that an optimizer moves; they are watched from now on."""
        unknown = {id(p) for p in self._moved.unknown(optimizer)}
        found = bool(unknown & set(map(id, self._model.parameters())))
        if found:
            self._stale.append(optimizer)
        return found

    def _before_step(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        if loop.will_skip(optimizer):
            return
        rows = self._moved.rows(optimizer)
        if self._stepping:
            self._probe.settle(self._scale(), rows)
        else:
            self._probe.before_step(self._scale(), rows)
        self._stepping.append(id(optimizer))

    def _step_ended(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        for handle in self._late:
            handle.remove()
        self._late = []
        if id(optimizer) not in self._stepping:
            return
        self._stepping = self._stepping[: self._stepping.index(id(optimizer))]
        rows = self._moved.rows(optimizer)
        if self._probe.waits(rows):  # a closure computed gradients within the step
            self._probe.settle(self._scale(), rows)
        self._within.append(optimizer)
        if not self._stepping:
            self._probe.stepped(self._within, rows)
            self._within = []
            if optimizer not in self._steppers:
                self._steppers.append(optimizer)
            self.lr = learning_rate(self._steppers)

    def _scale(self) -> float:
        """What the loss was multiplied with."""
        if self.scaler is None and not len(self.places):
            self.scaler = loop.find_scaler(sys._getframe())
        return 1.0 if self.scaler is None else float(self.scaler.get_scale())

    # ---- backward passes ----

    def _backward_began(self) -> None:
        """Be called behind all others that wait for the end of this backward pass.

        DistributedDataParallel queues the averaging of gradients as we do, maybe later than we do:
        so what is queued first only queues again.
        """
        loop.when_backward_ends(lambda: loop.when_backward_ends(self._backward_ended))

    def _backward_ended(self) -> None:
        """All gradients of a backward pass are there; others of the same step may follow."""
        if self.measuring:
            self._probe.backward()
            self._heard_backward = True

    def _pass_begins(self) -> None:
        self._probe.pass_begins()

    def _pass_ended(self, again: bool) -> None:
        """Of a model with taps, whose sums came as gradients."""
        assert self._tapped is not None
        if self._probe.going:
            self._probe.take(self._tapped.read(), again)
            self._backward_ended()

    def _activated(self, *heard: Any) -> None:
        self._probe.activated(*heard)

    # ---- what is known of the model ----

    def findings(self) -> dict[str, Any]:
        """What is known of the model, as fields of ``WatchedModel``."""
        left_out = self._anatomy.left_out
        quiet, timed = self.places.missing, self._timed
        layers = self.places.layers(self._probe, self._moved.held())
        still = [one.name for one in layers if one.kind and not (one.moved or one.frozen)]
        lonely = [name for name in self.places.unreached(self._probe) if name not in still]
        unseen = {
            f"{self._silent}: {', '.join(quiet[:5])}.": bool(quiet),
            STRANGE: not len(self._moved.held()),
            f"No watched optimizer moves: {', '.join(still[:5])}.": 0 < len(still) < len(layers),
            f"No gradient was seen at: {', '.join(lonely[:5])}.": bool(lonely),
            BY_HAND: self._by_hand,
            EARLY: self._early,
            CUT: not (self._heard_backward or self._mute or self._by_hand),
            MUTE: self._mute and not self._replayed,
            COMPILED: self._tapped is not None and not self._mute,
            REPLAYED: self._replayed,
            DEAF: self._listening.deaf and not self._listening.evaluated,
            EVALUATED: self._listening.deaf and self._listening.evaluated,
            f"Depth in time was not looked at: {', '.join(timed)}.": bool(timed),
            f"Without a point: {', '.join(left_out)}.": bool(left_out),
            f"{SPECIAL}: {', '.join(sorted(self._specials.unread))}.": bool(self._specials.unread),
            f"Can't be read: tensors of {', '.join(sorted(self.unread))}.": bool(self.unread),
        }
        return {
            "layers": layers,
            "residual": self._listening.adds,
            "unseen": tuple(sentence for sentence, holds in unseen.items() if holds),
            "clip": "norm" if self.clip_threshold else "none",
            "clip_threshold": self.clip_threshold,
            "unzeroed": self._left_twice,
        }

    @property
    def _silent(self) -> str:
        return "Never called as a module" if self._tapped is None else "Nothing was heard of"

    @property
    def _replayed(self) -> bool:
        return self._tapped is not None and self._tapped.replayed

    @property
    def _timed(self) -> list[str]:
        """Layers of which no moments are known."""
        return [self._anatomy.layers[i].name for i in sorted(self._probe.untimed)]

    def news(self) -> tuple[Any, ...]:
        """Changes when there is more to be known."""
        return (
            len(self.places),
            len(self._probe.kinds),
            self.clip_threshold,
            len(self.unread),
            len(self._specials.unread),
            self._by_hand,
            self._early,
            self._heard_backward,
            self._left_twice,
            len(self._probe.untimed),
            self._probe.parameters.alive.tobytes(),
            self._probe.parameters.reached.tobytes(),
            self._probe.ways.links,
            self._moved.held().tobytes(),
        )

    def follow(self, anatomy: Anatomy) -> list[str]:
        """The model has other parts now, which are watched from now on: their names."""
        known = {id(layer.linear) for layer in self._anatomy.layers}
        tapped = self._tapped is not None
        self.close()
        self._anatomy, self._tapped = anatomy, None
        self._probe = self._probe_of(anatomy)
        self._moved.again(self._probe.parameters.place)
        self.places.again(anatomy.layers)
        self._specials = self._specials_of(anatomy)
        self._listening = Listening(self._model, self._activated, self._specials)
        if tapped:
            self.tap()
        return [layer.name for layer in anatomy.layers if id(layer.linear) not in known]

    def why_nothing(self) -> str:
        """Why no step was measured, in words."""
        if not len(self._moved.held()):
            return STRANGE
        return "No step of a watched optimizer was seen." if self._heard_backward else CUT

    @property
    def stale(self) -> bool:
        """Whether the model has parts that are not known; once asked, until the next are met."""
        stale, self._stale = self._stale, []
        return bool(stale)
