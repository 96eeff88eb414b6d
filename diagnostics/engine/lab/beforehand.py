"""Measure the default network beforehand: python -m diagnostics.engine.lab.beforehand."""

import pandas as pd

from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.store.beforehand import FILE
from diagnostics.store.records import METRICS
from diagnostics.subject.config import RunConfig


def main() -> None:
    frame = pd.DataFrame(profile_batch(RunConfig()).values[0], columns=list(METRICS))
    frame.to_csv(FILE, index=False, na_rep="nan", lineterminator="\n")


if __name__ == "__main__":
    main()
