"""A class of strangers: people who train, toggle, pause, come back and leave at random.

Run with ``python -m benchmarks.soak [PEOPLE [SECONDS]]``: 30 people for 300 seconds by default, on
two workers, over the machine's own address, where nobody is the host. It ends with an error where
a request failed, a connection broke, a run was lost, or somebody waited without being told why.
"""

import asyncio
import gzip
import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psutil
import websockets

from benchmarks.lab import PORT, serving, spread
from diagnostics.store.store import Store

PATIENT = 10.0
"""Seconds after which nobody waits any more without having heard a word."""

NETWORKS = (
    "activation=relu&init=he_normal&depth=5",
    "depth=20",
    "activation=tanh&depth=10&dataset=moons",
    "activation=relu&init=he_normal&depth=3&lr=1",
    "depth=50&width=100",
    "model=rnn&depth=20",
)
TOGGLED: tuple[dict[str, Any], ...] = (
    {"activation": "relu", "init": "he_normal"},
    {"normalization": "batch"},
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
        async with websockets.connect(live, additional_headers={"Cookie": cookies}) as page:
            watched = {"run": run, "query": self._session["query"], "visible": True}
            await page.send(json.dumps(watched))
            heard = count = newest = 0
            while (left := until - time.time()) > 0:
                try:
                    data = await asyncio.wait_for(page.recv(), left)
                except TimeoutError:
                    break
                count += 1
                frame = json.loads(gzip.decompress(data))["frame"]
                await page.send(json.dumps({"ack": count}))
                if frame is None or frame.get("run") != run:
                    continue
                told = bool(frame.get("said")) or frame.get("newest", 0) > 0
                if told and not heard:
                    heard = 1
                    self._room.first.append(1e3 * (time.time() - began))
                if frame.get("newest", 0) > 0 and not newest:
                    newest = 1
                    self._room.trained.append(1e3 * (time.time() - began))
            if not heard and seconds > PATIENT:
                self._room.wrong["waited without a word"] += 1


async def lesson(room: Class, people: int) -> None:
    """All of them."""
    await asyncio.gather(*(Person(room, number).stay() for number in range(people)))


def _own_address() -> str:
    """The machine's address as others see it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 1))  # nothing is sent
        return f"{asked.getsockname()[0]}:{PORT}"


def main() -> None:
    given = [int(one) for one in sys.argv[1:]]
    people, seconds = given[0] if given else 30, given[1] if len(given) > 1 else 300
    with tempfile.TemporaryDirectory() as folder:
        with serving(folder, 2, "--host", "0.0.0.0") as server:
            process = psutil.Process(server)
            before = process.memory_info().rss
            room = Class(_own_address(), time.time() + seconds)
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
