"""A class of strangers: people who train, toggle, pause, come back and leave at random.

Run with ``python -m benchmarks.soak [PEOPLE [SECONDS]]``: 30 people for 300 seconds by default, on
two workers, over the machine's own address, where nobody is the host. It ends with an error where
a request failed, a connection broke, a run was lost, or somebody waited without being told why.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psutil
import websockets

from benchmarks.lab import PORT, serving, shown, spread, unpacked
from diagnostics.dashboard.place import Place
from diagnostics.store.store import Store

ADDRESS = Place("0.0.0.0").address(PORT).removeprefix("http://")
"""The machine's, as others see it."""

PATIENT = 10.0
"""Seconds after which nobody waits any more without having heard a word."""

NETWORKS = (
    "activation=relu&init=he_normal&depth=5",
    "depth=20",
    "activation=tanh&depth=10&dataset=moons",
    "activation=relu&init=he_normal&depth=3&lr=1",
    "depth=50&width=100",
    "architecture=rnn&activation=tanh",
)
TOGGLED: tuple[dict[str, Any], ...] = (
    {"activation": "relu", "init": "he_normal"},
    {"norm": "batch"},
    {"clip": "norm"},
    {"lr": 0.1},
    {"lr": "nonsense"},
)


class Class:
    """What befell all of them."""

    def __init__(self, address: str, until: float) -> None:
        self.address, self.until = address, until
        self.done: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.first: list[float] = []
        """Milliseconds from Train to the first word: of a step, or of what one waits for."""
        self.trained: list[float] = []
        """Milliseconds from Train to the first step."""


class Person:
    """Somebody with a browser."""

    def __init__(self, room: Class, number: int) -> None:
        self._room, self._dice = room, random.Random(number)
        self._session: dict[str, Any] = {}

    async def stay(self) -> None:
        """Until the lesson is over."""
        base = f"http://{self._room.address}"
        async with httpx.AsyncClient(base_url=base, timeout=30) as self._web:
            self._judge(await self._web.get("/"))
            while time.time() < self._room.until:
                await asyncio.sleep(self._dice.uniform(0, 3))
                try:
                    await self._train()
                except (httpx.HTTPError, websockets.WebSocketException, TimeoutError) as trouble:
                    self._room.wrong[f"{type(trouble).__name__}: {trouble}"[:120]] += 1

    async def _train(self) -> None:
        """Choose a network, train it, watch it for a while, and do something to it."""
        await self._wish("link", "?" + self._dice.choice(NETWORKS) + "&steps=2000")
        await self._wish("play")
        await self._watch(self._dice.uniform(2, 10))
        deed = self._dice.choice(("changes", "play", "again", "reset", "step", "leave"))
        if deed == "changes":
            await self._wish("changes", self._dice.choice(TOGGLED))
        elif deed != "leave":
            await self._wish(deed)
        if deed in ("changes", "again"):
            await self._watch(self._dice.uniform(2, 10))

    async def _wish(self, kind: str, value: object = None) -> None:
        known = {k: v for k, v in self._session.items() if k not in ("link", "yours")}
        asked = {"session": known, "wish": {"kind": kind, "value": value}, "pace": 100}
        answer = self._judge(await self._web.post("/wish", json=asked))
        self._session = answer.json().get("session") or self._session
        self._room.done[kind] += 1

    def _judge(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code >= 400:
            self._room.wrong[f"{answer.request.url.path}: {answer.status_code}"] += 1
        return answer

    async def _watch(self, seconds: float) -> None:
        """Look at what the page would show, until it is closed."""
        run, began, until = self._session.get("run"), time.time(), time.time() + seconds
        if run is None:
            return
        cookies = "; ".join(f"{k}={v}" for k, v in self._web.cookies.items())
        live = f"ws://{self._room.address}/live?packed=1"
        watched = {"run": run, "query": self._session["query"], "visible": True}
        heard = newest = False
        async with aclosing(shown(watched, live, cookies)) as messages:
            while (left := until - time.time()) > 0:
                try:
                    frame = unpacked(await asyncio.wait_for(anext(messages), left))["frame"]
                except TimeoutError:
                    break
                if frame is None or frame.get("run") != run:
                    continue
                late, trains = 1e3 * (time.time() - began), frame.get("newest", 0) > 0
                if not heard and (frame.get("said") or trains):
                    heard = True
                    self._room.first.append(late)
                if not newest and trains:
                    newest = True
                    self._room.trained.append(late)
        if not heard and seconds > PATIENT:
            self._room.wrong["waited without a word"] += 1


async def lesson(room: Class, people: int) -> None:
    """All of them."""
    await asyncio.gather(*(Person(room, number).stay() for number in range(people)))


def main() -> None:
    given = [int(one) for one in sys.argv[1:]]
    people, seconds = given[0] if given else 30, given[1] if len(given) > 1 else 300
    with tempfile.TemporaryDirectory() as folder:
        with serving(folder, 2, "--host", "0.0.0.0") as server:
            process = psutil.Process(server)
            before = process.memory_info().rss
            room = Class(ADDRESS, time.time() + seconds)
            asyncio.run(lesson(room, people))
            grown = (process.memory_info().rss - before) / 2**20
        store = Store(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        states = Counter(run.state for run in store.runs())
        store.close()
    print(f"{people} people, {seconds} s: {sum(room.done.values())} wishes, {dict(states)}")
    print(f"  Train → first word: {spread(room.first)}; → first step: {spread(room.trained)}")
    print(f"  memory of the server {grown:+.0f} MiB")
    if room.wrong or states["lost"] or states["failed"]:
        raise SystemExit(f"  went wrong: {dict(room.wrong)}")


if __name__ == "__main__":
    main()
