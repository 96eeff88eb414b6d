"""The probe around a stranger's training loop.

    with watch(model, optimizer) as w:
        for x, y in loader:
            loss = loss_fn(model(x), y); loss.backward()
            optimizer.step(); optimizer.zero_grad()
            w.step(loss=loss)

Which steps are measured is decided before they begin, so that watching keeps to its budget.
"""

import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Self

from torch import nn
from torch.optim import Optimizer

from diagnostics.engine.measure.probe import warm_up
from diagnostics.engine.watch import loop
from diagnostics.engine.watch.alerts import RECENT, Alerts
from diagnostics.engine.watch.anatomy import examine
from diagnostics.engine.watch.budget import Budget
from diagnostics.engine.watch.earlier import take_up
from diagnostics.engine.watch.meeting import meet
from diagnostics.engine.watch.notebook import Page
from diagnostics.engine.watch.optimizers import optimizers_of, scales_steps
from diagnostics.engine.watch.recorder import Chronicle, Unwritten
from diagnostics.engine.watch.session import Session
from diagnostics.store.records import Diagnosis
from diagnostics.store.store import Store, open_store
from diagnostics.subject.watched import Unwatchable, WatchedModel

_going: "weakref.WeakSet[Watch]" = weakref.WeakSet()
"""Those that were entered and not left."""


class Watch:
    """Watches a model while it is trained; a context manager.

    Args:
        model: any ``torch.nn.Module``.
        optimizer: whose steps count: one, several, or a wrapper around one.
        name: what the run is called on the page.
        store: a store, or its URL; by default the one the settings name, which ``serve`` shows.
        budget: the share of training time that watching may take.
        every: measure every so manyeth step instead.
        on_alert: called with each new ``Diagnosis`` of severity ill.
        raise_on: rules at which ``step`` raises ``Stopped``.
        tensorboard: a folder for event files beside the store.
        resume: the id of an earlier run of the same model that goes on, as from a checkpoint.

    Raises:
        Unwatchable: in one sentence, what can't be watched and why.
        StoreError: no store can be had.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer | Iterable[Optimizer],
        *,
        name: str = "",
        store: Store | str | None = None,
        budget: float = 0.03,
        every: int | None = None,
        on_alert: Callable[[Diagnosis], object] | None = None,
        raise_on: Iterable[str] = (),
        tensorboard: str | None = None,
        resume: str | None = None,
    ) -> None:
        Alerts(on_alert, raise_on)
        self._on_alert, self._raise_on = on_alert, raise_on
        Budget(budget, every)
        self._measuring = budget, every
        self._model, self._optimizers = model, optimizers_of(optimizer)
        self._name, self._tensorboard, self._resume = name, tensorboard, resume
        self._anatomy = examine(model)
        self._given = store
        self._watches = not loop.is_follower()
        self._store: Store | None = self._open() if self._watches else None
        self._session: Session | None = None
        self._last: Session | None = None
        self._left: weakref.finalize[Any, Watch] | None = None
        self._scaler: Any = None
        self.run_id = ""

    # ---- entering and leaving ----

    def __enter__(self) -> Self:
        several = meet(self._model, self._anatomy)
        if not (self._watches or several):
            return self
        for other in list(_going):
            other._make_room(self._model, self._optimizers)
        warm_up()  # here, where nobody measures a step
        chronicle = self._chronicle()
        self.run_id = chronicle.run_id
        self._session = self._last = self._begin(chronicle, several)
        self._left = weakref.finalize(self, self._session.end, None, "The watch was given up.")
        _going.add(self)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._leave(error)

    def _chronicle(self) -> Chronicle | Unwritten:
        """One process alone writes."""
        if not self._watches:
            return Unwritten(self._unmeasured)
        if self._store is None:
            self._store = self._open()
        earlier = None
        if self._resume is not None:
            earlier = take_up(self._store, self._resume, self._anatomy, RECENT)
        return Chronicle(self._store, self._unmeasured, self._name, self._tensorboard, earlier)

    def _begin(self, chronicle: Chronicle | Unwritten, several: bool) -> Session:
        wishes = (self._on_alert, self._raise_on) if self._watches else (None, ())
        alerts = Alerts(*wishes)
        anatomy = examine(self._model)
        session = Session(
            *(self._model, self._optimizers, anatomy, chronicle),
            *(Budget(*self._measuring, partial(loop.settle, self._model)), alerts, several),
        )
        session.observer.scaler = self._scaler
        session.begin()
        return session

    def _leave(self, error: BaseException | None, stopped: str = "") -> None:
        session, self._session = self._session, None
        if session is None:
            return
        _going.discard(self)
        if self._left is not None:
            self._left.detach()
        session.end(error, stopped)
        if self._store is not None and not isinstance(self._given, Store):
            self._store.close()
            self._store = None

    def _make_room(self, model: nn.Module, optimizers: list[Optimizer]) -> None:
        """End where the same is watched anew, as by a notebook's cell that is run again."""
        if self._session is not None and self._session.concerns(model, optimizers):
            self._leave(None, f"Run {self.run_id} ends: its model is watched anew.")

    def _open(self) -> Store:
        return self._given if isinstance(self._given, Store) else open_store(self._given)

    @property
    def _unmeasured(self) -> WatchedModel:
        """What is known of the model before its first step."""
        names = dict.fromkeys(type(one).__name__.lower() for one in self._optimizers)
        return WatchedModel(
            model=type(getattr(self._model, "_orig_mod", self._model)).__name__,
            optimizer=" + ".join(names),
            scales_steps=any(map(scales_steps, self._optimizers)),
            norm=self._anatomy.norm,
        )

    def show(self, height: int = 900) -> Page:
        """The live page, which a notebook embeds; a server of it is started where none is."""
        if self._store is None:
            raise Unwatchable("There is no page here: the process of rank 0 watches.")
        return Page(self._store.url, self.run_id, height)

    @property
    def subject(self) -> WatchedModel:
        """What is known of the model."""
        return self._any.subject

    @property
    def _any(self) -> Session:
        if self._last is None:
            raise Unwatchable("Nothing is known of the model before watching began.")
        return self._last

    # ---- a step ----

    def scaler(self, scaler: Any) -> None:
        """Name the ``GradScaler`` in use; one that calls the optimizer is found by itself."""
        self._scaler = scaler
        if self._session is not None:
            self._session.observer.scaler = scaler

    def step(self, /, loss: Any = None, **scalars: Any) -> None:
        """After the optimizer's step: one step is over.

        Args:
            loss: of this step: a number, a tensor whose mean is meant, or a dict of such, whose
                sum is.
            scalars: ``accuracy``, ``heldout_loss``, ``heldout_accuracy``, and up to eight of one's
                own; numbers, or tensors whose mean is meant. They are kept with the next measured
                step, of several that were told until then the last.

        Raises:
            Stopped: a diagnosis that ``raise_on`` names.
            ValueError: a scalar that can't be kept, and why.
        """
        if self._session is not None:
            self._session.step(loss, scalars)

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What the recent measured steps say, the gravest first."""
        return self._any.diagnoses()
