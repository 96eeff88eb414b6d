"""From a step being measured to its being painted, in a real Chromium, with 50 layers.

Run with ``python -m benchmarks.live_latency [SECONDS]``. A real run trains at 100 steps a second
in this process; a lab in another serves it; the browser notes when it has painted which step.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright

from diagnostics.config import RunConfig
from diagnostics.control import Control
from diagnostics.engine.trainer import train
from diagnostics.engine.worker import StoreSink
from diagnostics.records import Command
from diagnostics.store import Store

PORT = 8077
CONFIG = RunConfig(activation="relu", init="he_normal", depth=49, steps=1_000_000)
NOTE = """() => { window.painted = [];
  document.querySelector('#plot-lead').on('plotly_animated', () => {
    const step = window.lab.frame().newest;
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
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"http://127.0.0.1:{PORT}/?depth=49&run={run}")
        page.wait_for_function("window.lab && window.lab.frame()?.newest > 50")
        page.evaluate(NOTE)
        time.sleep(seconds)
        painted: list[tuple[int, float]] = page.evaluate("window.painted")
        browser.close()
        return painted


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as folder:
        lab = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(PORT), "--data-dir", folder, "--workers", "1"],
            stdout=subprocess.DEVNULL,
        )
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        run, control = store.create_run(CONFIG), Control()
        store.set_state(run, "running")
        sink = StampingSink(store, run, control)
        control.send(Command("pace", {"steps_per_second": 100}))
        trainer = threading.Thread(target=train, args=(CONFIG, sink, control))
        trainer.start()
        try:
            _wait()
            painted = watch(run, seconds)
        finally:
            control.send(Command("stop"))
            trainer.join()
            sink.close()
            store.close()
            lab.terminate()
            lab.wait()
    report(painted, sink.measured, seconds)


def report(painted: list[tuple[int, float]], measured: dict[int, float], seconds: float) -> None:
    first = {int(step): at for step, at in reversed(painted)}
    late = sorted(at - measured[step] for step, at in first.items())
    gaps = np.diff(sorted(first.values()))
    print(f"frames painted: {len(first) / seconds:.1f} a second")
    print(
        f"step measured → painted: p50 {statistics.median(late) * 1e3:.0f} ms, "
        f"p95 {late[int(0.95 * len(late))] * 1e3:.0f} ms, longest {late[-1] * 1e3:.0f} ms"
    )
    print(f"longest pause between frames: {gaps.max() * 1e3:.0f} ms")


def _wait() -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the lab did not start")


if __name__ == "__main__":
    main()
