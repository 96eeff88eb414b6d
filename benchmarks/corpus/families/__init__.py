"""Real model families in small, each in its own training loop under the public ``watch``."""

from collections.abc import Iterator
from functools import partial
from zlib import crc32

from benchmarks.corpus.families.broken import BROKEN
from benchmarks.corpus.families.healthy import HEALTHY
from benchmarks.corpus.families.loops import watched
from benchmarks.corpus.record import WELL, Entry

GOOD = 0.6
"""Score of a family that has learned."""


def entries() -> Iterator[Entry]:
    """All families, each with a seed of its own."""
    for name, make in HEALTHY.items():
        yield Entry(f"family {name}", (WELL,), partial(watched, make, crc32(name.encode())), GOOD)
    for name, (truth, make) in BROKEN.items():
        yield Entry(f"family {name}", truth, partial(watched, make, crc32(name.encode())), GOOD)
