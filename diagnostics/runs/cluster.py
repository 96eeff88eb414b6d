"""A Dask cluster's workers as an executor: jobs go there as they go to this machine's."""

import re
import socket
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from diagnostics.runs import lifetime
from diagnostics.store.settings import InvalidSetting

ADDRESS = re.compile(r"(?:tcp|tls)://([\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})", re.ASCII)

CONNECT_SECONDS = 10

ALIKE = ("gradient-diagnostics", "torch", "numpy")
"""Packages that are to be the same everywhere: jobs are sent by name, numbers should not differ."""

FIRST = 10
"""Dask's priority of what somebody waits for."""


def packages() -> dict[str, str]:
    """Versions of what a job needs, where it is asked; empty for what there is not."""
    return {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"} | dict(
        zip(ALIKE, map(_version, ALIKE), strict=True)
    )


def _version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return ""


class Cluster(Executor):
    """Workers behind a scheduler.

    Args:
        address: of the scheduler, as ``tcp://host:8786``.
        priority: by Dask; what has more goes first.

    Raises:
        InvalidSetting: there is none that answers, or its workers have other packages.
    """

    def __init__(self, address: str, priority: int = 0) -> None:
        self._address, self._priority = address, priority
        self._client = _connected(address)
        self._executor = self._client.get_executor(pure=False, retries=0)
        _same_packages(address, self._client)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a job done by any worker; one that is killed over it breaks its future."""
        told: Future[Any] = Future()
        asked = self._executor.submit(lifetime.done, fn, *args, priority=self._priority, **kwargs)
        told.add_done_callback(lambda future: asked.cancel() if future.cancelled() else None)
        asked.add_done_callback(partial(_pass_on, told))
        return told

    @property
    def alive(self) -> int:
        """Workers that the scheduler knows."""
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    @property
    def broken(self) -> bool:
        """Whether the scheduler does not answer any more."""
        return bool(self._client.status not in ("running", "connecting"))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave it; the workers are others' to end, and jobs that go on are dropped."""
        self._client.close(timeout=1)


def _pass_on(told: Future[Any], asked: Future[Any]) -> None:
    if not told.set_running_or_notify_cancel():
        return
    if asked.cancelled():
        told.set_exception(BrokenExecutor("the scheduler has dropped it"))
    elif trouble := asked.exception():
        killed = type(trouble).__name__ == "KilledWorker"
        told.set_exception(BrokenExecutor("its worker was killed") if killed else trouble)
    else:
        told.set_result(asked.result())


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise InvalidSetting(
            f"cluster={address} can't be used: distributed is not installed "
            "(pip install 'gradient-diagnostics[cluster]')."
        ) from None
    found = ADDRESS.fullmatch(address)
    if not found:
        raise InvalidSetting(f"cluster={address} can't be used: it must be tcp://HOST:PORT.")
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), CONNECT_SECONDS).close()
        return Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, ValueError, OverflowError) as trouble:
        said = (str(trouble).splitlines() or [type(trouble).__name__])[0].rstrip(".")
        raise InvalidSetting(f"cluster={address} does not answer: {said}.") from None


def _same_packages(address: str, client: Any) -> None:
    """Raises ``InvalidSetting`` where a job could not be read, or would count otherwise."""
    here = packages()
    for worker, found in _asked(client).items():
        if isinstance(found, str):
            raise InvalidSetting(f"cluster={address} can't be used: {worker} says: {found}.")
        for name, known in here.items():
            if found[name] != known:
                raise InvalidSetting(
                    f"cluster={address} can't be used: {worker} has {name} "
                    f"{found[name] or 'not at all'}, this program {known}."
                )


def _asked(client: Any) -> dict[str, dict[str, str] | str]:
    """Versions of each worker; the reason where one can't tell."""
    found = client.run(packages, on_error="return")
    return {
        worker: told if isinstance(told, dict) else f"{type(told).__name__}: {told}"
        for worker, told in found.items()
    }
