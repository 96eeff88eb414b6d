"""How the server is, for machines: ``/healthz`` for supervisors, ``/metrics`` for Prometheus."""

import asyncio
import time
from collections.abc import Iterator

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from diagnostics.dashboard.delivery import FRESH
from diagnostics.dashboard.hub import Hub
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store, StoreError

PREFIX = "gradient_diagnostics_"

ANSWERS_WITHIN = 3.0
"""Seconds a store may take: who asks for health gives up soon, too."""


class Vitals(Collector):
    """What can be said of a server from outside."""

    def __init__(self, store: Store, runner: Runner, hub: Hub) -> None:
        self._store, self._runner, self._hub = store, runner, hub

    async def ill(self) -> str:
        """What is wrong, in a sentence; empty where nothing is."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                await asyncio.to_thread(self._store.tally)
        except TimeoutError:
            return f"The store has not answered for {ANSWERS_WITHIN:g} s."
        except StoreError as trouble:
            return str(trouble)
        return self._runner.ill() or self._hub.feeds.ill()

    def collect(self) -> Iterator[Metric]:
        """Every figure; those of the store are left out while it can't be read."""
        standing = self._runner.standing()
        yield _gauge("viewers", "Browsers that are connected.", len(self._hub.listeners))
        yield _gauge("queue", "Runs that wait for a worker.", standing.waiting)
        yield _gauge("training", "Runs that a worker trains.", standing.training)
        yield _gauge("aside", "Paused runs that need no worker.", standing.aside)
        yield _gauge("slots", "Runs that can train at once.", standing.slots)
        yield _gauge("workers", "Worker processes that live.", self._runner.alive())
        yield _count("frames_sent", "Frames sent to browsers.", self._hub.sent)
        try:
            yield from self._stored()
        except StoreError:
            yield _gauge("store_up", "Whether the store answers.", 0)

    def _stored(self) -> Iterator[Metric]:
        tally, size = self._store.tally(), self._store.size()
        states = GaugeMetricFamily(PREFIX + "runs", "Runs in the store.", labels=["state"])
        for state, (count, _) in sorted(tally.items()):
            states.add_metric([state], count)
        yield _gauge("store_up", "Whether the store answers.", 1)
        yield states
        yield _gauge("store_bytes", "Size of the store.", size)
        steps = sum(steps for _, steps in tally.values())
        yield _gauge("stored_steps", "Steps of all runs in the store.", steps)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help, value)


def _count(name: str, help: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, help, value)


def add_vitals(server: FastAPI, vitals: Vitals) -> None:
    """Mount both."""
    began, registry = time.time_ns(), CollectorRegistry(auto_describe=False)
    registry.register(vitals)
    ProcessCollector(registry=registry)

    async def health() -> Response:
        said = await vitals.ill()
        told = {"status": "ill" if said else "ok", "began": str(began)}
        return JSONResponse(told | ({"said": said} if said else {}), 503 if said else 200, FRESH)

    async def metrics() -> Response:
        text = await asyncio.to_thread(generate_latest, registry)
        return Response(text, headers=FRESH | {"Content-Type": CONTENT_TYPE_LATEST})

    server.add_api_route("/healthz", health)
    server.add_api_route("/metrics", metrics)
