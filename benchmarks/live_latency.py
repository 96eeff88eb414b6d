"""Frames a second of the leading chart, and from a step being measured to its being painted.

Run with ``python -m benchmarks.live_latency [SECONDS]``. Networks of 20, 50 and 100 layers train at
100 steps a second in this process, one after the other; a lab in another serves them; a real
Chromium notes when it has painted which step.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.lab import page, serving, spread
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import StoreSink
from diagnostics.runs.control import Control
from diagnostics.store.records import Command
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

LAYERS = (20, 50, 100)
NOTE = """() => {
  window.painted = [];
  const put = stage.put;
  stage.put = (key, ...told) => {
    const began = performance.now();
    put(key, ...told);
    if (key !== 'lead' || !told[0].length) return;
    const [step, took] = [lab.frame().newest, performance.now() - began];
    requestAnimationFrame(() => window.painted.push([step, Date.now() / 1000, took]));
  };
}"""


class Painted(NamedTuple):
    """A frame in the browser: its step, when it was painted, and how long that took."""

    step: int
    at: float
    milliseconds: float


class StampingSink(StoreSink):
    """Notes when each step was measured."""

    def __init__(self, store: Store, run_id: str, control: Control) -> None:
        self.measured: dict[int, float] = {}
        super().__init__(store, run_id, control)

    def write(self, step: int, values: NDArray[np.float32], scalars: NDArray[np.float64]) -> None:
        self.measured[step] = time.time()
        super().write(step, values, scalars)


@contextmanager
def training(
    store: Store, config: RunConfig, pace: int = 100
) -> Iterator[tuple[str, dict[int, float]]]:
    """A run that goes on meanwhile, and when each of its steps was measured."""
    run, control = store.create_run(config), Control()
    store.set_state(run, "running")
    sink = StampingSink(store, run, control)
    control.send(Command("pace", {"steps_per_second": pace}))
    trainer = threading.Thread(target=train, args=(config, sink, control))
    trainer.start()
    try:
        yield run, sink.measured
    finally:
        control.send(Command("stop"))
        trainer.join()
        sink.close()
        store.set_state(run, "stopped")


def watch(link: str, seconds: float) -> tuple[list[Painted], float]:
    """What a browser painted, and the share of the time that its page was busy."""
    with page(link) as opened:
        opened.wait_for_function("lab.frame()?.newest > 50")
        opened.evaluate(NOTE)
        devtools = opened.context.new_cdp_session(opened)
        devtools.send("Performance.enable")

        def busy() -> float:
            told = devtools.send("Performance.getMetrics")["metrics"]
            return float(next(m["value"] for m in told if m["name"] == "TaskDuration"))

        before = busy()
        time.sleep(seconds)
        painted = [Painted(*one) for one in opened.evaluate("window.painted")]
        return painted, (busy() - before) / seconds


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as folder, serving(folder):
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        for layers in LAYERS:
            config = RunConfig(
                activation="relu", init="he_normal", depth=layers - 1, steps=1_000_000
            )
            with training(store, config) as (run, measured):
                painted, busy = watch(f"?{config.query()}&run={run}", seconds)
            trained = (painted[-1].step - painted[0].step) / (painted[-1].at - painted[0].at)
            print(f"{layers} layers: {len(painted) / seconds:.1f} frames a second", end="")
            print(f" of {trained:.1f} steps that were trained")
            report(painted, measured)
            print(f"  the page was busy {busy:.0%} of the time")
        store.close()


def report(painted: list[Painted], measured: dict[int, float]) -> None:
    late = [1e3 * (one.at - measured[one.step]) for one in painted]
    gaps = np.diff([one.at for one in painted])
    print(f"  step measured → painted: {spread(late)}")
    print(f"  drawing the leading chart: {spread([one.milliseconds for one in painted])}")
    print(f"  longest pause between frames: {gaps.max() * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
