"""From a click on a control to the painted profile of the new network, at 50 layers × 128 units.

Run with ``python -m benchmarks.preview_latency [CLICKS]``. Each click makes a network that was not
measured before: the seed changes every other time.
"""

import sys
import tempfile

from benchmarks.lab import page, serving, spread

CLICK = """async ([label, name]) => {
  const before = lab.frame();
  const started = performance.now();
  Array.from(document.querySelectorAll('.chips label')).find((l) => l.textContent === name).click();
  while (lab.frame() === before || lab.frame().label !== label)
    await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""

CHOICES = (("relu", "ReLU"), ("tanh", "Tanh"), ("elu", "ELU"), ("selu", "SELU"), ("gelu", "GELU"))


def main() -> None:
    clicks = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    late = []
    with tempfile.TemporaryDirectory() as folder, serving(folder):
        for seed in range(clicks // len(CHOICES)):
            link = f"?depth=50&width=128&init=glorot_normal&activation=sigmoid&seed={seed}"
            with page(link) as opened:
                opened.wait_for_function("lab.frame()?.state === 'preview'")
                opened.wait_for_timeout(2500)
                for key, name in CHOICES:
                    late.append(opened.evaluate(CLICK, [f"{key} · glorot normal", name]))
                    opened.wait_for_timeout(2500)
    print(f"click → painted, {len(late)} clicks: {spread(late)}")


if __name__ == "__main__":
    main()
