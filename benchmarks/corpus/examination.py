"""The whole corpus, examined on all cores."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.corpus import families, lab
from benchmarks.corpus.judging import Verdict, judged
from benchmarks.corpus.record import Entry


def entries() -> dict[str, Entry]:
    """All of it by name."""
    return {entry.name: entry for entry in (*families.entries(), *lab.entries())}


def examine(name: str, kept: Path | None) -> Verdict:
    """Train an entry and judge it."""
    entry = entries()[name]
    return judged(entry, entry.recorded(kept))


def examined(names: Sequence[str], kept: Path | None) -> list[Verdict]:
    """Examine entries."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(examine, kept=kept), names, chunksize=4))
