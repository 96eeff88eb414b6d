"""A model of 2,000 layers and 10,000 parameters: what it asks of watching, store and page.

Run with ``python -m benchmarks.scale [SECONDS]``. It is really trained, with tiny widths, and
watched at every step; a lab in another process serves it and a real Chromium looks at it. History
and scrubbing are of 2,000 made-up steps.
"""

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from playwright.sync_api import Page
from torch import Tensor, nn

from benchmarks.lab import LIVE, URL, browser, page, serving, shown, spread, unpacked
from benchmarks.live_latency import NOTE
from benchmarks.page_memory import HEAP, resident
from benchmarks.scrubbing import SCRUB
from diagnostics import watch
from diagnostics.store.records import METRICS, SCALARS, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.watched import WatchedModel

BLOCKS, WIDTH, WORDS, BATCH = 500, 8, 32, 4
STEPS, SCRUBBED = 2_000, 30
DRAWN = "document.querySelector('#plot-lead canvas') && lab.frame()?.now"


class Half(nn.Module):
    """Two layers with a norm before each and one behind, and a way around them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.up = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH)
        self.second, self.down = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH)
        self.last = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.down(self.second(torch.relu(self.up(self.first(x)))))
        return x + 0.1 * self.last(inner)


class Deep(nn.Module):
    """An embedding, blocks of four layers and twenty parameters each, and a layer behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        halves = ({"attn": Half(), "mlp": Half()} for _ in range(BLOCKS))
        self.blocks = nn.ModuleList(nn.ModuleDict(two) for two in halves)
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            for half in block.children():
                x = half(x)
        return self.head(x)


class Loop:
    """A plain training loop."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = Deep()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)

    def step(self) -> Tensor:
        self.optimizer.zero_grad()
        x = torch.randint(WORDS, (BATCH,))
        loss = nn.functional.cross_entropy(self.model(x), (x + 1) % WORDS)
        loss.backward()
        self.optimizer.step()
        return loss


@contextmanager
def training(url: str) -> Iterator[tuple[str, dict[int, float]]]:
    """A watched run that goes on meanwhile, and when each of its steps was over."""
    loop, over, measured = Loop(), threading.Event(), dict[int, float]()
    bare = [_timed(loop.step) for _ in range(5)][1:]
    print(f"  a step unwatched: {spread(bare)}")
    began = time.monotonic()
    with watch(loop.model, loop.optimizer, store=url, every=1) as watched:
        print(f"  entering watch: {1e3 * (time.monotonic() - began):.0f} ms")

        def measure() -> None:
            watched.step(loss=loop.step())
            measured[len(measured) + 1] = time.time()

        took = [_timed(measure) for _ in range(7)]
        print(f"  the first measured step: {took[0]:.0f} ms; those after it: {spread(took[2:])}")

        def go_on() -> None:
            while not over.is_set():
                measure()

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield watched.run_id, measured
        finally:
            over.set()
            thread.join()


def _timed(deed: Any) -> float:
    began = time.monotonic()
    deed()
    return 1e3 * (time.monotonic() - began)


def live(link: str, run: str, measured: dict[int, float], seconds: float) -> None:
    """What a page that looks at the run does meanwhile."""
    with page(link) as opened:
        opened.wait_for_function("lab.frame()?.newest > 3", timeout=120_000)
        opened.evaluate(NOTE)
        time.sleep(seconds)
        painted = opened.evaluate("window.painted")
    late = [1e3 * (at - measured[step]) for step, at, _ in painted if step in measured]
    print(f"  {len(painted) / seconds:.1f} frames a second of a run at ", end="")
    print(f"{len(measured) / (max(measured.values()) - min(measured.values())):.1f} steps")
    print(f"  step measured → painted: {spread(late)}")
    print(f"  drawing the leading chart: {spread([took for *_, took in painted])}")


async def frames(watched: dict[str, Any], count: int) -> None:
    """Bytes of the messages that a page is sent, by what is in them."""
    sizes: dict[str, list[int]] = {}
    async for data in shown(watched, LIVE):
        frame = unpacked(data).get("frame")
        if frame:
            told = [key for key in ("history", "verdict") if frame.get(key)]
            sizes.setdefault(" with ".join(["live", *told]), []).append(len(data))
        if sum(map(len, sizes.values())) >= count:
            break
    for name, found in sizes.items():
        print(f"  {name}: {np.mean(found) / 1e3:.1f} kB packed")


def opening(chromium: Any, link: str) -> Page:
    """Open the page with a cold cache."""
    opened: Page = chromium.new_page(viewport={"width": 1440, "height": 900})
    began = time.monotonic()
    answer = opened.goto(URL + link, wait_until="commit")
    opened.wait_for_function(DRAWN, timeout=120_000)
    drawn = time.monotonic() - began
    opened.wait_for_function("lab.frame()?.history", timeout=120_000)
    whole = time.monotonic() - began
    assert answer
    html = len(answer.body()) / 1e3
    print(f"  opening: drawn {drawn:.2f} s, with history {whole:.2f} s, HTML of {html:.0f} kB")
    return opened


def kept(store: Store) -> str:
    """A run of made-up numbers, over."""
    model, names = Deep(), list[str]()
    names = [name for name, one in model.named_modules() if isinstance(one, nn.Linear)]
    config = WatchedModel(model="Deep", optimizer="sgd", layers=[{"name": n} for n in names])
    run, random = store.create_run(config), np.random.default_rng(0)
    for step in range(1, STEPS + 1):
        values = random.uniform(0.1, 1, (1, len(names), len(METRICS))).astype(np.float32)
        store.append(
            run, StepBatch(np.array([step]), values, random.uniform(0, 1, (1, len(SCALARS))))
        )
    store.set_state(run, "finished")
    return run


def looked_back(run: str, process: int) -> None:
    """Opening and scrubbing a long run."""
    with browser() as chromium:
        opened = opening(chromium, f"?run={run}")
        opened.wait_for_timeout(3000)
        devtools = chromium.new_browser_cdp_session()
        steps = np.random.default_rng(1).integers(1, STEPS, SCRUBBED)
        took = [opened.evaluate(SCRUB, int(step)) for step in steps]
        print(f"  a step scrubbed to → painted: {spread(took)}")
        told = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
        renderer = max(resident(one["id"]) for one in told if one["type"] == "renderer")
        heap = opened.evaluate(HEAP)
    print(f"  memory: heap {heap:.0f} MB, renderer {renderer:.0f} MiB, ", end="")
    print(f"server {resident(process):.0f} MiB")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    torch.set_num_threads(1)  # for tensors as small as these others only stand in the way
    with tempfile.TemporaryDirectory() as folder, serving(folder) as process:
        url = f"sqlite:///{Path(folder) / 'store.sqlite'}"
        store = Store(url)
        print(f"trained: {BLOCKS} blocks")
        before = store.size()
        with training(url) as (run, measured):
            live(f"?run={run}", run, measured, seconds)
            asyncio.run(frames({"run": run}, 20))
        taken = (store.size() - before) / len(measured)
        print(f"  the store: {taken / 1e3:.0f} kB a step")
        print(f"looked back at: {STEPS:,} steps")
        looked_back(kept(store), process)
        store.close()


if __name__ == "__main__":
    main()
