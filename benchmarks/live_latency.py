"""From a step being measured to its being painted, in a real Chromium, with 50 layers.

Run with ``python -m benchmarks.live_latency [SECONDS]``. A real run trains at 100 steps a second
in this process; a lab in another serves it; the browser notes when it has painted which step.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.lab import page, serving, spread
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import StoreSink
from diagnostics.runs.control import Control
from diagnostics.store.records import Command
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

CONFIG = RunConfig(activation="relu", init="he_normal", depth=49, steps=1_000_000)
NOTE = """() => { window.painted = [];
  document.querySelector('#plot-lead').on('plotly_animated', () => {
    const step = lab.frame().newest;
    requestAnimationFrame(() => window.painted.push([step, Date.now() / 1000]));
  }); }"""


class StampingSink(StoreSink):
    """Notes when each step was measured."""

    def __init__(self, store: Store, run_id: str, control: Control) -> None:
        self.measured: dict[int, float] = {}
        super().__init__(store, run_id, control)

    def write(self, step: int, values: NDArray[np.float32], scalars: NDArray[np.float64]) -> None:
        self.measured[step] = time.time()
        super().write(step, values, scalars)


def watch(run: str, seconds: float) -> list[tuple[int, float]]:
    """(step, time painted) for each frame that a browser painted."""
    with page(f"?depth=49&run={run}") as opened:
        opened.wait_for_function("lab.frame()?.newest > 50")
        opened.evaluate(NOTE)
        time.sleep(seconds)
        painted: list[tuple[int, float]] = opened.evaluate("window.painted")
        return painted


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as folder, serving(folder):
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        run, control = store.create_run(CONFIG), Control()
        store.set_state(run, "running")
        sink = StampingSink(store, run, control)
        control.send(Command("pace", {"steps_per_second": 100}))
        trainer = threading.Thread(target=train, args=(CONFIG, sink, control))
        trainer.start()
        try:
            painted = watch(run, seconds)
        finally:
            control.send(Command("stop"))
            trainer.join()
            sink.close()
            store.close()
    report(painted, sink.measured, seconds)


def report(painted: list[tuple[int, float]], measured: dict[int, float], seconds: float) -> None:
    first = {int(step): at for step, at in reversed(painted)}
    late = [1e3 * (at - measured[step]) for step, at in first.items()]
    gaps = np.diff(sorted(first.values()))
    print(f"frames painted: {len(first) / seconds:.1f} a second")
    print(f"step measured → painted: {spread(late)}")
    print(f"longest pause between frames: {gaps.max() * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
