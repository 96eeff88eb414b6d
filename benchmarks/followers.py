"""A class: a presenter who scrubs ten steps a second, and pages that follow.

Run with ``python -m benchmarks.followers [FOLLOWERS]``, 10 and 60 by default: from the presenter's
word to each follower's frame of that step. All pages live in this process and acknowledge a frame
as soon as it is there; the lab is in another.
"""

import asyncio
import json
import sys
import tempfile
import time

import websockets

from benchmarks.lab import LIVE, serving, shown, spread, unpacked
from diagnostics import train
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

FOLLOWERS = (10, 60)
CONFIG = RunConfig(activation="relu", init="he_normal", depth=30, steps=300)
STEPS = 100
EVERY = 0.1
"""Seconds from one step to the next."""


async def follow(sent: dict[int, float], late: list[float]) -> None:
    """Milliseconds from the presenter's word for a step to its frame."""
    async for data in shown({"role": "follows"}):
        frame = unpacked(data)["frame"]
        step = frame and frame["now"] and frame["now"]["step"]
        if step in sent:
            late.append(1e3 * (time.time() - sent[step]))


async def present(run: str, sent: dict[int, float]) -> None:
    """Look at one step after the other."""
    watch = {"role": "presents", "run": run, "query": CONFIG.query()}
    async with websockets.connect(LIVE, max_size=None) as socket:
        await socket.send(json.dumps(watch))
        await asyncio.sleep(5)
        for step in range(1, STEPS + 1):
            sent[step] = time.time()
            await socket.send(json.dumps({**watch, "at": step}))
            await asyncio.sleep(EVERY)
        await asyncio.sleep(2)


async def lesson(run: str, followers: int) -> list[float]:
    """Delays of all steps, of all who follow."""
    sent: dict[int, float] = {}
    late: list[float] = []
    pages = [asyncio.create_task(follow(sent, late)) for _ in range(followers)]
    await present(run, sent)
    for page in pages:
        page.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return late


def main() -> None:
    """Print a line for each number of followers."""
    asked = [int(word) for word in sys.argv[1:]] or FOLLOWERS
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/store.sqlite")
        run = train(CONFIG, store=store).id
        with serving(folder, 1, "--class"):
            for followers in asked:
                late = asyncio.run(lesson(run, followers))
                share = len(late) / (STEPS * followers)
                print(f"{followers:>4} followers  {spread(late)}, {share:.0%} of the steps shown")
        store.close()


if __name__ == "__main__":
    main()
