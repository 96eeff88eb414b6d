"""The probe around a stranger's training loop.

    with watch(model, optimizer) as w:
        for x, y in loader:
            loss = loss_fn(model(x), y); loss.backward()
            optimizer.step(); optimizer.zero_grad()
            w.step(loss=loss)

Which steps are measured is decided before they begin, so that watching keeps to its budget.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from diagnostics.engine.measure.kernels import Floats, rounded
from diagnostics.engine.measure.probe import warm_up
from diagnostics.engine.watch import loop
from diagnostics.engine.watch.alerts import Alerts
from diagnostics.engine.watch.anatomy import examine
from diagnostics.engine.watch.budget import Budget
from diagnostics.engine.watch.notebook import Page
from diagnostics.engine.watch.observer import Observer
from diagnostics.engine.watch.recorder import Chronicle
from diagnostics.store.records import METRICS, SCALAR_INDEX, SCALARS, Diagnosis, PatientZero
from diagnostics.store.store import Store, open_store
from diagnostics.subject.watched import Stopped, Unwatchable, WatchedModel

MEASURED = [
    SCALAR_INDEX[key] for key in ("grad_norm", "clipped_norm", "lr", "step_time", "probe_time")
]
"""Scalars that watching knows by itself."""


class Watch:
    """Watches a model while it is trained; a context manager.

    Args:
        model: any ``torch.nn.Module``.
        optimizer: whose steps count.
        name: what the run is called on the page.
        store: a store, or its URL; by default the one the settings name, which ``serve`` shows.
        budget: the share of training time that watching may take.
        every: measure every so manyeth step instead.
        on_alert: called with each new ``Diagnosis`` of severity ill.
        raise_on: rules at which ``step`` raises ``Stopped``.
        tensorboard: a folder for event files beside the store.

    Raises:
        Unwatchable: in one sentence, what can't be watched and why.
        StoreError: no store can be had.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        name: str = "",
        store: Store | str | None = None,
        budget: float = 0.03,
        every: int | None = None,
        on_alert: Callable[[Diagnosis], object] | None = None,
        raise_on: Iterable[str] = (),
        tensorboard: str | None = None,
    ) -> None:
        self._alerts = Alerts(on_alert, raise_on)
        self._budget = Budget(budget, every)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise Unwatchable(
                f"optimizer={optimizer!r:.60} can't be watched: it must be a torch.optim.Optimizer."
            )
        self._model, self._optimizer = model, optimizer
        self._name, self._tensorboard = name, tensorboard
        self._anatomy = examine(model)
        self._owns_store = not isinstance(store, Store)
        self._store: Store | None = None
        if not loop.is_follower():
            self._store = store if isinstance(store, Store) else open_store(store)
        self._observer: Observer | None = None
        self._chronicle: Chronicle | None = None
        self._scaler: Any = None
        self._known: tuple[float, ...] = ()
        self._patient: PatientZero | None = None
        self.run_id = ""

    # ---- entering and leaving ----

    def __enter__(self) -> Self:
        if self._store is None:
            return self
        warm_up()  # here, where nobody measures a step
        subject = WatchedModel(
            model=type(self._model).__name__,
            optimizer=type(self._optimizer).__name__.lower(),
            scales_steps=loop.scales_steps(self._optimizer),
            norm=self._anatomy.norm,
        )
        self._chronicle = Chronicle(self._store, subject, self._name, self._tensorboard)
        self.run_id = self._chronicle.run_id
        self._observer = Observer(self._model, self._optimizer, self._anatomy)
        self._observer.scaler = self._scaler
        self._budget.begin()
        self._observer.attach()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        observer, self._observer = self._observer, None
        if observer is None or self._chronicle is None or self._store is None:
            return
        observer.detach()
        self._patient = observer.patient
        state = "finished" if error is None else "failed"
        if isinstance(error, (KeyboardInterrupt, Stopped)):
            state = "stopped"
        summary: dict[str, Any] = {"steps": observer.step - 1}
        if state == "failed":
            summary["error"] = f"{type(error).__name__}: {error}"[:500]
        if self._patient is not None:
            state, summary["patient_zero"] = "diverged", asdict(self._patient)
        self._chronicle.close(state, summary)
        if self._owns_store:
            self._store.close()

    def show(self, height: int = 900) -> Page:
        """The live page, which a notebook embeds; a server of it is started where none is."""
        if self._store is None:
            raise Unwatchable("There is no page here: the process of rank 0 watches.")
        return Page(self._store.url, self.run_id, height)

    @property
    def subject(self) -> WatchedModel:
        """What is known of the model."""
        if self._chronicle is None:
            raise Unwatchable("Nothing is known of the model before watching began.")
        return self._chronicle.subject

    # ---- a step ----

    def scaler(self, scaler: Any) -> None:
        """Name the ``GradScaler`` in use; one that calls the optimizer is found by itself."""
        self._scaler = scaler
        if self._observer is not None:
            self._observer.scaler = scaler

    def step(self, loss: Any = None, **scalars: float) -> None:
        """After the optimizer's step: one step is over.

        Args:
            loss: of this step, a number or a tensor of one.
            scalars: any of ``accuracy``, ``heldout_loss`` and ``heldout_accuracy``.

        Raises:
            Stopped: a diagnosis that ``raise_on`` names.
            ValueError: a scalar that is not kept.
        """
        observer = self._observer
        if observer is None:
            return
        if scalars:
            _check(scalars)
        self._budget.over(observer.measuring, observer.seconds)
        known = loop.number(loss, observer.measuring)
        healthy = known is None or math.isfinite(known)
        try:
            if observer.measuring or not healthy:
                kept = scalars if known is None else {**scalars, "loss": known}
                self._account(observer, healthy, kept)
        finally:
            self._go_on(observer)

    def _account(self, observer: Observer, healthy: bool, scalars: dict[str, float]) -> None:
        """Keep a step that was measured or went wrong, and tell of it."""
        if not healthy:
            observer.blame()
        if observer.values is not None:
            self._write(observer, observer.values, scalars)
        elif not healthy and observer.seen and self._patient is None:
            self._write(observer, np.full((observer.seen, len(METRICS)), np.nan), scalars)
        self._tell(observer)

    def _write(self, observer: Observer, values: Floats, scalars: dict[str, float]) -> None:
        assert self._chronicle is not None
        row = np.full(len(SCALARS), np.nan)
        for key, given in scalars.items():
            row[SCALAR_INDEX[key]] = given
        if observer.news() != self._known:
            self._known = observer.news()
            self._chronicle.know(**observer.findings())
        bare = self._budget.bare
        lr = float(self._optimizer.param_groups[0]["lr"])
        row[MEASURED] = (observer.norm, observer.clipped, lr, bare, self._budget.share * bare)
        kept = rounded(values)
        self._chronicle.write(observer.step, kept, row)
        self._alerts.see(observer.step, kept, row)
        self._budget.elsewhere = self._chronicle.seconds

    def _tell(self, observer: Observer) -> None:
        """Tell of divergence at once, of all else every few seconds, if anybody wants to know."""
        assert self._chronicle is not None
        news = observer.patient if self._patient is None else None
        if news is not None:
            self._patient = news
            self._chronicle.diverged(observer.step, news)
        if news is not None or self._alerts.due:
            self._alerts.judge(self.subject, self._patient)

    def _go_on(self, observer: Observer) -> None:
        """Begin the next step, measured or not."""
        observer.step += 1
        if self._budget.due != observer.measuring:
            observer.attach() if self._budget.due else observer.detach()
        elif observer.measuring:
            observer.forget()
        self._budget.go_on()

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What the recent measured steps say, the gravest first."""
        patient = self._patient if self._observer is None else self._observer.patient
        return self._alerts.diagnoses(self.subject, patient)


def _check(scalars: dict[str, float]) -> None:
    for key in scalars:
        if key not in SCALAR_INDEX:
            raise ValueError(f"{key} is not kept: it must be one of {', '.join(SCALARS)}.")
