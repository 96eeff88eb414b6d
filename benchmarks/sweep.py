"""How fast sweeps are: ``python -m benchmarks.sweep``.

The phase diagram of 40 × 40 networks at initialization, on two workers; and 36 trainings of 100
steps on one and on two, beside what the page says beforehand. Processes start before the clock.
Then networks trained side by side in this process against the same one after the other, in turns:
the ratio of processor time.
"""

import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from diagnostics.engine.lab.isolation import isolated
from diagnostics.engine.lab.team import Team
from diagnostics.engine.lab.trainer import Training, train
from diagnostics.engine.lab.worker import warm_up
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.runs.crew import Crew
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.sweeps.outcomes import outcome
from diagnostics.sweeps.pace import seconds
from diagnostics.sweeps.presets import PRESETS
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.sweep import swept

TRAINED, START = PRESETS[0], PRESETS[1]
WARM_SECONDS = 5.0

SIDE_BY_SIDE = (
    *("depth=10 width=64", "depth=50 width=100", "depth=10 width=64 optimizer=adam"),
    *("depth=10 width=64 norm=batch", "depth=10 width=256"),
)
MEMBERS, STEPS, ROUNDS = 8, 50, 3


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


def one_by_one(configs: Sequence[RunConfig]) -> None:
    for config in configs:
        train(config, MemorySink(), Control())


def side_by_side(configs: Sequence[RunConfig]) -> None:
    members = {}
    for config in configs:
        with isolated(config.seed):
            members[str(config.seed)] = Training(config, MemorySink(), Control(), probe=True)
    deque(Team(members).run(), maxlen=0)


def paired(words: str) -> None:
    """The one way, the other, the one, the other."""
    base = RunConfig.from_words(words.split()).changed(steps=STEPS, activation="tanh")
    configs = [base.changed(seed=seed) for seed in range(MEMBERS)]
    ratios, alone = [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        one_by_one(configs)
        between = time.process_time()
        side_by_side(configs)
        ratios.append((time.process_time() - between) / (between - began))
        alone.append((between - began) / MEMBERS / STEPS)
    low, middle, high = np.quantile(ratios, (0, 0.5, 1))
    each = f"{1e3 * float(np.median(alone)):.1f} ms a step alone"
    print(f"{words}: {middle:.2f} ({low:.2f} to {high:.2f}) of {each}")


def main() -> None:
    """Print each, as it is measured."""
    print(f"{MEMBERS} side by side, {STEPS} steps")
    warm_up()
    for words in SIDE_BY_SIDE:
        paired(words)
    print(START.words)
    line(START.words, 2)
    print(TRAINED.words)
    for workers in (1, 2):
        line(TRAINED.words, workers)


if __name__ == "__main__":
    main()
