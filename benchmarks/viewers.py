"""A hall: one training, and many who watch it, some of them slow, silent or talking nonsense.

Run with ``python -m benchmarks.viewers [VIEWERS [SECONDS]]``: for 1, 10, 30 and 100 viewers by
default. A network of 49 hidden layers trains at 100 steps a second in this process; a lab in
another serves it; all viewers but one live in a third, and acknowledge every frame as soon as it
is there, as pages do; the last one is a real Chromium.
"""

import asyncio
import gzip
import json
import multiprocessing
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import websockets

from benchmarks.lab import LIVE, page, serving, shown, spread
from benchmarks.live_latency import training
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

VIEWERS = (1, 10, 30, 100)
CONFIG = RunConfig(activation="relu", init="he_normal", depth=49, lr=0.001, steps=1_000_000)
"""With the usual rate it diverges after some minutes, and nobody is sent anything any more."""
NONSENSE = ('{"ack": "x"}', "null", "[" * 2000, '{"run": 3}', "\x00", '{"at": -1}')
LONGEST = 30.0
"""Seconds without a frame after which a viewer counts as forgotten."""

ODD = 3
"""Of each kind of odd client, beside those that are counted: slow, silent, talking nonsense."""


@dataclass
class Heard:
    """What one viewer was sent: newest step and when; bytes; whether it was forgotten."""

    frames: list[tuple[int, float]] = field(default_factory=list)
    size: int = 0
    forgotten: bool = False


async def look(run: str, heard: Heard, until: float, pause: float = 0.0) -> None:
    """Watch as a page does, with a pause before each answer."""
    try:
        async with aclosing(shown(_watch(run))) as messages:
            while time.time() < until:
                data = await asyncio.wait_for(anext(messages), LONGEST)
                heard.size += len(data)
                heard.frames.append((_newest(data), time.time()))
                await asyncio.sleep(pause)
    except (TimeoutError, StopAsyncIteration):
        heard.forgotten = True


def _watch(run: str) -> dict[str, Any]:
    return {"run": run, "query": CONFIG.query(), "visible": True}


def _newest(data: str | bytes) -> int:
    """The step of a frame, without reading all of it."""
    text = gzip.decompress(data) if isinstance(data, bytes) else data.encode()
    at = text.find(b'"newest":')
    return int(text[at + 9 : text.index(b",", at)]) if at >= 0 else -1


async def silent(run: str, until: float) -> None:
    """Watch, and never answer."""
    async with websockets.connect(LIVE, max_size=None) as socket:
        await socket.send(json.dumps(_watch(run)))
        await asyncio.sleep(until - time.time())


async def nonsense(until: float) -> None:
    """Say what no page says, and come back when shown the door."""
    while time.time() < until:
        try:
            async with websockets.connect(LIVE) as socket:
                for words in NONSENSE:
                    await socket.send(words)
                    await asyncio.sleep(0.1)
        except websockets.WebSocketException:
            await asyncio.sleep(0.1)


async def hall(run: str, viewers: int, until: float) -> list[Heard]:
    """All of them at once."""
    seen = [Heard() for _ in range(viewers)]
    odd = [look(run, Heard(), until, pause=2.0) for _ in range(ODD)]
    odd += [silent(run, until) for _ in range(ODD)]
    odd += [nonsense(until) for _ in range(ODD)]
    await asyncio.gather(*(look(run, heard, until) for heard in seen), *odd)
    return seen


def gathered(run: str, viewers: int, until: float) -> list[Heard]:
    """The same, in a process of its own."""
    return asyncio.run(hall(run, viewers, until))


def measure(store: Store, server: int, viewers: int, seconds: float) -> None:
    """One hall, and what it cost."""
    process = psutil.Process(server)
    with (
        training(store, CONFIG) as (run, measured),
        multiprocessing.get_context("spawn").Pool(1) as room,
    ):
        room.apply(_newest, ("",))  # it imports what it needs
        with page(f"?{CONFIG.query()}&run={run}") as opened:
            opened.wait_for_function("lab.frame()?.newest > 5", timeout=120_000)
            busy, memory = sum(process.cpu_times()[:2]), process.memory_info().rss
            until = time.time() + seconds
            heard: list[Heard] = room.apply(gathered, (run, viewers, until))
            took = sum(process.cpu_times()[:2]) - busy
            grown = process.memory_info().rss - memory
            alive = opened.evaluate("lab.frame().newest")
    report(heard, measured, seconds)
    trained = max(measured) / (max(measured.values()) - min(measured.values()))
    print(
        f"  {trained:.0f} steps a second; the server was busy {took / seconds:.0%} of a core, ",
        end="",
    )
    print(f"memory {grown / 2**20:+.0f} MiB; the page showed step {alive} of {max(measured)}")


def report(heard: list[Heard], measured: dict[int, float], seconds: float) -> None:
    late = [
        1e3 * (at - measured[step])
        for one in heard
        for step, at in one.frames[1:]
        if step in measured
    ]
    frames = sum(len(one.frames) for one in heard)
    size = sum(one.size for one in heard) / frames / 1e3
    rate = frames / seconds / len(heard)
    print(f"{len(heard)} viewers: {rate:.1f} frames a second each, of {size:.1f} kB")
    print(f"  step measured → received: {spread(late)}")
    if forgotten := [one.frames[-1:] for one in heard if one.forgotten]:
        print(f"  {len(forgotten)} were forgotten, after {forgotten}")


def main() -> None:
    given = [int(one) for one in sys.argv[1:]]
    seconds = float(given[1]) if len(given) > 1 else 20.0
    with tempfile.TemporaryDirectory() as folder, serving(folder) as server:
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        for viewers in given[:1] or VIEWERS:
            measure(store, server, viewers, seconds)
        store.close()


if __name__ == "__main__":
    main()
