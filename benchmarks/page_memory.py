"""What the page's process holds while a run goes on at full pace, minute after minute.

Run with ``python -m benchmarks.page_memory [MINUTES]``. Linux only: it reads /proc.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import CDPSession, Page

from benchmarks.lab import page, serving
from benchmarks.live_latency import training
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

CONFIG = RunConfig(activation="relu", init="he_normal", steps=1_000_000)
HEAP = "performance.memory.usedJSHeapSize / 1e6"


def main() -> None:
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as folder, serving(folder):
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        with training(store, CONFIG, pace=0) as (run, _), page(f"?run={run}") as opened:
            opened.wait_for_function("lab.frame()?.newest > 50")
            devtools = opened.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
            for minute in range(minutes + 1):
                report(minute, opened, devtools)
                time.sleep(60 * (minute < minutes))
        store.close()


def report(minute: int, opened: Page, devtools: CDPSession) -> None:
    processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [resident(one["id"]) for one in processes if one["type"] == "renderer"]
    step, heap = opened.evaluate("lab.frame().newest"), opened.evaluate(HEAP)
    print(f"{minute:2} min, step {step}: heap {heap:.1f} MB, renderer {max(renderers):.0f} MiB")


def resident(process: int) -> float:
    """Memory of a process that is in use, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    main()
