"""How long a scrubbed step takes to its picture: 10,000 steps of 50 layers, in a real Chromium."""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.lab import page, serving, spread
from diagnostics.store.records import METRICS, SCALARS, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

STEPS, LAYERS, SCRUBBED = 10_000, 50, 100
SCRUB = """async (step) => {
  const began = performance.now();
  lab.look({ at: step });
  await new Promise((done) => {
    const near = () => Math.abs(lab.frame().now.step - step) < 4;
    const look = () => (near() ? done() : requestAnimationFrame(look));
    look();
  });
  return performance.now() - began;
}"""


def kept(store: Store) -> str:
    """A run of made-up numbers, over."""
    config = RunConfig(depth=LAYERS - 1, steps=STEPS)
    run, random = store.create_run(config), np.random.default_rng(0)
    values = random.uniform(0.1, 1, (STEPS, LAYERS, len(METRICS))).astype(np.float32)
    batch = StepBatch(np.arange(1, STEPS + 1), values, random.uniform(0, 1, (STEPS, len(SCALARS))))
    for first in range(0, STEPS, 500):
        store.append(run, batch[first : first + 500])
    store.set_state(run, "finished")
    return f"?{config.query()}&run={run}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serving(folder):
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        link = kept(store)
        store.close()
        with page(link) as opened:
            opened.wait_for_function(f"lab.frame()?.newest === {STEPS}")
            opened.wait_for_timeout(2000)
            steps = np.random.default_rng(1).integers(1, STEPS, SCRUBBED)
            took = [opened.evaluate(SCRUB, int(step)) for step in steps]
    print(f"{STEPS:,} steps of {LAYERS} layers: a step scrubbed to → painted: {spread(took)}")


if __name__ == "__main__":
    main()
