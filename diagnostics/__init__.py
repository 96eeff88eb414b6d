"""A laboratory for unstable gradients.

``RunConfig`` says what to train, ``profile`` measures it at initialization, ``train`` trains it
into the store, ``open_store`` reads what was measured, ``watch`` measures a model of your own.
"""

from typing import TYPE_CHECKING, Any

from diagnostics.store.records import Summary
from diagnostics.store.store import Run, Store, StoreError, open_store
from diagnostics.subject.config import InvalidConfig, RunConfig

if TYPE_CHECKING:
    import pandas as pd

    from diagnostics.engine.watch.watch import Watch

__all__ = [
    "InvalidConfig",
    "Run",
    "RunConfig",
    "Store",
    "StoreError",
    "Summary",
    "open_store",
    "profile",
    "train",
    "watch",
]


def profile(config: RunConfig | None = None, **fields: Any) -> "pd.DataFrame":
    """Per-layer numbers at initialization, one row a layer. Raises ``InvalidConfig``."""
    from diagnostics.engine.lab import profiler  # torch is imported only by those who need it

    return profiler.profile((config or RunConfig()).changed(**fields))


def train(
    config: RunConfig | None = None,
    *,
    store: Store | None = None,
    probe: bool = True,
    **fields: Any,
) -> Run:
    """Train to the end, into a store (by default the one the settings name); the ended run.

    Raises:
        InvalidConfig: a field that can't be.
        StoreError: no store can be had.
    """
    from diagnostics.engine.lab.worker import train_into
    from diagnostics.runs.control import Control

    chosen = (config or RunConfig()).changed(**fields)
    kept = store or open_store()
    run_id = kept.create_run(chosen, probe=probe)
    train_into(kept, run_id, Control())
    return kept.run(run_id)


def watch(model: Any, optimizer: Any, **options: Any) -> "Watch":
    """Watch a model of your own while it is trained; see ``Watch`` for how.

    Raises:
        Unwatchable: in one sentence, what can't be watched and why.
        StoreError: no store can be had.
    """
    from diagnostics.engine.watch.watch import Watch

    return Watch(model, optimizer, **options)
