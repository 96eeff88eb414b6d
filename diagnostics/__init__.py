"""A laboratory for unstable gradients.

``RunConfig`` says what to train, ``profile`` measures it at initialization, ``train`` trains it
into the store, ``sweep`` trains all combinations of what words say, ``open_store`` reads what was
measured, ``watch`` measures a model of your own, ``Unwatchable`` says why one can't be watched, and
``Stopped`` ends its training when you asked so.
"""

from typing import TYPE_CHECKING, Any

from diagnostics.store.records import Summary
from diagnostics.store.store import Run, Store, StoreError, open_store
from diagnostics.subject.config import InvalidConfig, RunConfig
from diagnostics.subject.watched import Stopped, Unwatchable

if TYPE_CHECKING:
    import pandas as pd

    from diagnostics.engine.watch.watch import Watch as watch

__all__ = [
    "InvalidConfig",
    "Run",
    "RunConfig",
    "Stopped",
    "Store",
    "StoreError",
    "Summary",
    "Unwatchable",
    "open_store",
    "profile",
    "sweep",
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


def sweep(
    *words: str, store: Store | None = None, workers: int | None = None, **fields: Any
) -> "pd.DataFrame":
    """Train every combination of values, and tell what came of each, one row a cell.

    What the store has already is not trained again. In a script it must be called below
    ``if __name__ == "__main__":``, since workers are processes.

    Args:
        words: such as ``"init=glorot_normal,he_normal depth=5:30:5"``: values, or ranges with both
            ends. With ``steps=0`` networks are measured at initialization.
        store: by default the one the settings name.
        workers: processes; by default as many as the settings name.
        fields: of all cells.

    Raises:
        InvalidConfig: a field, a value or a range that can't be.
        StoreError: no store can be had.
    """
    from diagnostics.runs.crew import Crew
    from diagnostics.store.settings import Settings
    from diagnostics.sweeps import outcomes
    from diagnostics.sweeps.product import plan
    from diagnostics.sweeps.sweep import swept

    chosen = plan([*words, *(f"{key}={value}" for key, value in fields.items())])
    kept, crew = store or open_store(), Crew.of(Settings.read())
    crew = crew._replace(slots=workers or crew.slots)
    with swept(kept, crew, chosen) as results:
        return outcomes.frame(outcomes.outcomes(kept, results))


def __getattr__(name: str) -> Any:
    """``watch`` is the class itself, found at the first asking: what it needs is loaded then."""
    if name == "watch":
        from diagnostics.engine.watch.watch import Watch

        return Watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
