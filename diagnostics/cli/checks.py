"""What a server needs, and whether it is there."""

import os
import platform
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from diagnostics.store.opening import file_of
from diagnostics.store.settings import Settings
from diagnostics.store.store import StoreError, open_store
from diagnostics.subject.config import RunConfig

ROOM = 1e9
"""Bytes of a disk: a run of 10,000 steps by 50 layers takes 40 MB."""

MISSING = "not installed"

ANSWER_SECONDS = 60.0
"""For a worker to start and to measure."""


@dataclass(frozen=True)
class Found:
    """What a check came to: ``said`` is what there is, or what to do."""

    what: str
    well: bool
    said: str


def _versions(settings: Settings) -> Found:
    told = f"{_version('gradient-diagnostics')} on Python {platform.python_version()}"
    return Found("version", True, f"{told}, {platform.platform(terse=True)}")


def _torch(settings: Settings) -> Found:
    """Only whether it is there: that it can be loaded is the workers' to show."""
    found = _version("torch")
    missing = found == MISSING
    return Found("torch", not missing, f"{found}: pip install torch." if missing else found)


def _store(settings: Settings) -> Found:
    file = file_of(settings.store_url)
    if file and not file.exists():
        return _to_be_made(file)
    began = time.monotonic()
    try:
        store = open_store(settings.store_url)
    except StoreError as error:
        return Found("store", False, str(error))
    size, seconds = store.size(), time.monotonic() - began
    kind = store.engine.dialect.name
    store.close()
    return Found("store", True, f"{kind}, {size / 1e6:.1f} MB, opened in {1000 * seconds:.0f} ms")


def _to_be_made(file: Path) -> Found:
    if os.access(_folder(file), os.W_OK):
        return Found("store", True, f"{file} will be made at the first start")
    return Found("store", False, f"{file} can't be made: choose another place with --data-dir.")


def _disk(settings: Settings) -> Found:
    there = _folder(file_of(settings.store_url) or Path(settings.data_dir).expanduser())
    free = shutil.disk_usage(there).free
    told = f"{free / 1e9:.1f} GB are free in {there}"
    return Found("disk", free > ROOM, told if free > ROOM else f"{told}: make room, or prune runs.")


def _port(settings: Settings) -> Found:
    address = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((settings.host, settings.port))
        except OSError as error:
            return _taken(address, settings.port, error)
    return Found("port", True, f"{address} is free")


def _taken(address: str, port: int, error: OSError) -> Found:
    """Somebody else has it: this very lab, as we hope."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=3) as answer:
            if b'"began"' in answer.read(10_000):
                return Found("port", True, f"a lab answers on {address}, and is well")
    except urllib.error.HTTPError as ill:
        return Found("port", False, f"who answers on {address} says: {ill.read(300).decode()}")
    except OSError:
        pass
    told = f"{address} can't be served on: {error.strerror}. Choose another with --port."
    return Found("port", False, told)


def _workers(settings: Settings) -> Found:
    from diagnostics.runs.runner import work
    from diagnostics.runs.workers import Workers

    began, workers = time.monotonic(), Workers(1)
    try:
        measured = workers.submit(work, "profile_batch", RunConfig(depth=2, width=4))
        measured.result(ANSWER_SECONDS)
    except Exception as error:  # whatever a process dies of
        told = f"a worker could not measure a network: {type(error).__name__} {error}".rstrip()
        return Found("workers", False, f"{told}. See what the log says above.")
    finally:
        workers.shutdown(wait=False, cancel_futures=True)
    seconds = time.monotonic() - began
    return Found("workers", True, f"started and measured a network in {seconds:.1f} s")


CHECKS: tuple[Callable[[Settings], Found], ...] = (
    _versions,
    _torch,
    _store,
    _disk,
    _port,
    _workers,
)
"""In the order in which they are told."""


def _folder(file: Path) -> Path:
    """The innermost folder that is there already."""
    return next(folder for folder in file.absolute().parents if folder.exists())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return MISSING
