"""How far the diagnoses can be trusted: networks and models that are well or broken.

Each is trained and judged at every moment of its run, as the page, a loop's own alerts and a run
that is seldom measured see it; everything that is ever said of it is set against what was done to
it and what came of it. Thresholds were chosen on one half; the figures that count are those of the
other.

    python -m benchmarks.corpus [--chosen] [--write] [--kept FOLDER] [lab] [grid] [family]

``--chosen`` leaves the held-out half alone, for work on thresholds. ``--write`` keeps its figures
where the page takes them from. ``--kept`` keeps trainings in a folder and reads them from there, so
that rules can be judged again without training. The kinds name a part of the corpus.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpus.examination import entries, examined
from benchmarks.corpus.figures import KINDS, counted, report
from diagnostics.diagnosis import rules

FIGURES = Path(rules.__file__).with_name("reliability.json")


def main(words: Sequence[str]) -> None:
    """Print what rules are worth."""
    kept = Path(words[words.index("--kept") + 1]) if "--kept" in words else None
    kinds = [kind for kind in KINDS if kind in words] or list(KINDS)
    for half in ("chosen on",) if "--chosen" in words else ("chosen on", "held out"):
        names = [
            name
            for name, entry in entries().items()
            if entry.held_out == (half == "held out") and name.split()[0] in kinds
        ]
        verdicts = examined(names, kept)
        print(report(half, verdicts))
        if half == "held out" and "--write" in words:
            FIGURES.write_text(json.dumps(counted(verdicts), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
