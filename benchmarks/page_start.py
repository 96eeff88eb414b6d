"""From navigation to the first picture and to the form, each time with a cold cache.

Run with ``python -m benchmarks.page_start [TRIES]``: as it is, over 10 Mbit/s with 40 ms, and with
the processor slowed down four times.
"""

import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from benchmarks.lab import page, serving

MEGABITS = 1e6 / 8
LINE = {
    "offline": False,
    "latency": 40,
    "downloadThroughput": 10 * MEGABITS,
    "uploadThroughput": 10 * MEGABITS,
}
DRAWN = "document.querySelector('#plot-lead canvas') && lab.frame()"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"


@dataclass(frozen=True)
class Setting:
    """What a browser has to do with."""

    name: str
    line: Mapping[str, Any] | None = None
    slower: float = 1


SETTINGS = (
    Setting("as it is"),
    Setting("10 Mbit/s, 40 ms", LINE),
    Setting("CPU slowed 4×", None, 4),
)


def main() -> None:
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder, serving(folder):
        for setting in SETTINGS:
            for _ in range(tries):
                with page("?lesson=he") as opened:  # another network than the one measured
                    opened.wait_for_selector("#wrap-activation")
                    started(opened, setting)


def started(opened: Page, setting: Setting) -> None:
    """Open the page anew and print what it took."""
    devtools = opened.context.new_cdp_session(opened)
    received = [0.0]
    devtools.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    if setting.line:
        devtools.send("Network.emulateNetworkConditions", dict(setting.line))
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": setting.slower})
    began = time.monotonic()
    opened.goto(opened.url.split("?")[0], wait_until="commit")
    opened.wait_for_function(DRAWN)
    drawn = time.monotonic() - began
    opened.wait_for_selector("#wrap-activation")
    form = time.monotonic() - began
    told = f"painted {opened.evaluate(PAINTED):.2f} s, drawn {drawn:.2f} s, form {form:.2f} s"
    print(f"{setting.name}: {told}, {sum(received) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
