"""An executor of warm processes in which a crash costs only its own job."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import (
    BrokenExecutor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from importlib import import_module
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from diagnostics.runs import lifetime

PRELOADED = "diagnostics.engine.lab.worker"
NURSERY = "diagnostics.runs.nursery"

NICENESS = 5
"""Of trainings: whoever uses the machine goes first, and so do previews, trials and pages."""


def _context() -> BaseContext:
    """Workers are forked from a process that has loaded what they need; only Linux forks safely."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([NURSERY])
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # what is forked must have one thread
    return context


def warm_up() -> None:
    """Do what the first job would have to wait for."""
    import_module(PRELOADED).warm_up()


class Workers(ThreadPoolExecutor):
    """Threads that own a process each.

    One shared ``ProcessPoolExecutor`` would break as a whole, and end every run, when one of its
    processes is killed.

    Args:
        niceness: how much they let others on the machine go first.
    """

    def __init__(self, count: int, niceness: int = 0) -> None:
        self._niceness = niceness
        self._local = threading.local()
        self._pools: list[ProcessPoolExecutor] = []
        self._ending = False
        self._context = _context()
        super().__init__(count, "worker", initializer=self._renew)
        for _ in range(count):  # a job for each thread, so that all start now
            super().submit(threading.Event().wait, 0.2)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a picklable function in a process of its own."""
        return super().submit(self._in_process, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes at once; running jobs end with them."""
        self._ending = True
        for pool in self._pools:
            _kill(pool)
        super().shutdown(wait, cancel_futures=cancel_futures)

    @property
    def alive(self) -> int:
        """Processes that live; one that dies idle is renewed for the next job."""
        return sum(process.is_alive() for pool in self._pools for process in _processes(pool))

    @property
    def broken(self) -> bool:
        """Whether no process could be made, so that no job is taken any more."""
        return bool(self._broken)

    def _in_process(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        try:
            future = self._local.pool.submit(lifetime.done, fn, *args, **kwargs)
        except BrokenExecutor:  # the process died while it had nothing to do
            self._renew()
            future = self._local.pool.submit(lifetime.done, fn, *args, **kwargs)
        try:
            return future.result()
        except BrokenExecutor:
            if not self._ending:
                self._renew()
            raise

    def _renew(self) -> None:
        pool = ProcessPoolExecutor(
            1, mp_context=self._context, initializer=lifetime.settle, initargs=(self._niceness,)
        )
        pool.submit(lifetime.done, warm_up)
        self._local.pool = pool
        self._pools.append(pool)


def _processes(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((pool._processes or {}).values())


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in _processes(pool):
        process.kill()
