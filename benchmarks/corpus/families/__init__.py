"""Real model families in small, each in its own training loop under the public ``watch``."""

from collections.abc import Iterator
from functools import partial
from zlib import crc32

from benchmarks.corpus.families.broken import BROKEN
from benchmarks.corpus.families.healthy import HEALTHY
from benchmarks.corpus.families.loops import watched
from benchmarks.corpus.record import WELL, Entry, dice

GOOD = 0.6
"""Score of a family that has learned."""


def entries() -> Iterator[Entry]:
    """All families, each with a seed of its own; half of them are held out."""
    every = {name: ((WELL,), make) for name, make in HEALTHY.items()} | dict(BROKEN)
    for name, (truth, make) in every.items():
        held_out = dice(name) % 2 == 1
        seed = crc32(f"{name}, held out".encode() if held_out else name.encode())
        yield Entry(f"family {name}", truth, partial(watched, make, seed), GOOD, held_out)
