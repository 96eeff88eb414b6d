"""How fast sweeps are: ``python -m benchmarks.sweep``.

The phase diagram of 40 × 40 networks at initialization, on two workers; and 36 trainings of 100
steps on one and on two, beside what the page says beforehand. Processes start before the clock.
"""

import tempfile
import time
from pathlib import Path

from diagnostics.runs.crew import Crew
from diagnostics.store.store import Store
from diagnostics.sweeps.outcomes import outcome
from diagnostics.sweeps.pace import seconds
from diagnostics.sweeps.presets import PRESETS
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.sweep import swept

TRAINED, START = PRESETS[0], PRESETS[1]
WARM_SECONDS = 5.0


def swept_in(words: str, workers: int) -> tuple[int, float]:
    """Cells of a sweep, and the seconds from its first job to its last outcome."""
    asked = plan([words])
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        with swept(store, Crew(workers), asked) as results:
            time.sleep(WARM_SECONDS)
            began = time.perf_counter()
            count = sum(1 for result in results if outcome(store, result).error == "")
            lasted = time.perf_counter() - began
        store.close()
    return count, lasted


def line(words: str, workers: int) -> None:
    asked = plan([words])
    configs = [cell.config for cell in asked.cells if cell.config]
    said = seconds(configs, workers, trained=asked.trained)
    count, lasted = swept_in(words, workers)
    each = f"{60 * count / lasted:,.0f} a minute"
    print(f"{count} of {len(asked.cells)} on {workers}: {lasted:.1f} s, {each}; said {said:.0f} s")


def main() -> None:
    """Print each, as it is measured."""
    print(START.words)
    line(START.words, 2)
    print(TRAINED.words)
    for workers in (1, 2):
        line(TRAINED.words, workers)


if __name__ == "__main__":
    main()
