"""What an idle server holds in memory, and how long the first Train takes to its first step.

Run with ``python -m benchmarks.idle_memory [WORKERS]`` on Linux: proportional set sizes, in which
pages that processes share are counted once.
"""

import json
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path

import psutil

from benchmarks.lab import URL, serving
from diagnostics.dashboard.session import Session
from diagnostics.store.store import Store

SETTLED_SECONDS = 2.0
"""Without another process, and with memory as it was."""


def main() -> None:
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with tempfile.TemporaryDirectory() as folder, serving(folder, workers) as server:
        urllib.request.urlopen(URL).read()
        before = told(server, "idle")
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        print(f"first Train to its first step: {first_step(store):.2f} s")
        after = told(server, "training")
        store.close()
    print(f"together: idle {before:.0f} MB, with one run training {after:.0f} MB")


def told(server: int, when: str) -> float:
    """Print what each process holds once that is steady, in MB; the sum."""
    sizes = held(server)
    while True:
        time.sleep(SETTLED_SECONDS)
        now = held(server)
        if len(now) == len(sizes) and abs(sum(now.values()) - sum(sizes.values())) < 2:
            break
        sizes = now
    for process, size in now.items():
        print(f"{when:>9} {size:7.1f} MB  {process}")
    return sum(now.values())


def held(server: int) -> dict[str, float]:
    """MB of each process of a server, by its number and command."""
    root = psutil.Process(server)
    return {
        f"{one.pid} {' '.join(one.cmdline())[:60]}": one.memory_full_info().pss / 1e6
        for one in [root, *root.children(recursive=True)]
    }


def first_step(store: Store) -> float:
    """Seconds from a wish to the first measured step in the store."""
    asked = {"session": asdict(Session().linked()), "wish": {"kind": "again"}, "pace": 100}
    began = time.monotonic()
    with urllib.request.urlopen(URL + "wish", json.dumps(asked).encode()) as answer:
        run = json.load(answer)["session"]["run"]
    while not store.run(run).steps:
        time.sleep(0.002)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
