"""What commands share: the store they open, how they can be interrupted, and what they print."""

import json
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnostics.store.settings import Settings

if TYPE_CHECKING:
    from diagnostics.runs.control import Control
    from diagnostics.site.site import Written
    from diagnostics.store.store import Run, Store


INTERRUPTED = 130


@contextmanager
def opened(given: dict[str, Any]) -> "Iterator[Store]":
    """The store that settings name. Raises ``StoreError``."""
    from diagnostics.store.store import open_store

    store = open_store(Settings.read(**given).store_url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def existing(given: dict[str, Any]) -> "Iterator[Store]":
    """The same of one that is there: whoever asks of it wants none made.

    Raises ``StoreError``.
    """
    from diagnostics.store.opening import file_of
    from diagnostics.store.schema import StoreError

    file = file_of(Settings.read(**given).store_url)
    if file and not file.exists():
        raise StoreError(f"There is no store {file} yet.")
    with opened(given) as store:
        yield store


@contextmanager
def interruptible(control: "Control") -> Iterator[threading.Event]:
    """Ctrl-C ends the run after its current step, with all that it measured kept."""
    from diagnostics.store.records import Command

    interrupted = threading.Event()

    def stop(*signal_args: object) -> None:
        interrupted.set()
        control.send(Command("stop"))

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress(store: "Store", run_id: str, quiet: bool) -> Iterator[None]:
    """A progress bar on standard error, moved by what is in the store."""
    from tqdm import tqdm

    total = store.run(run_id).config.steps
    done = threading.Event()
    with tqdm(total=total, unit=" steps", disable=True if quiet else None) as bar:

        def follow() -> None:
            while not done.wait(0.1):
                bar.update(store.run(run_id).steps - bar.n)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            bar.update(store.run(run_id).steps - bar.n)


def show_run(run: "Run", as_json: bool) -> None:
    """A run in one line, or as one object."""
    if as_json:
        print_json(run_object(run))
        return
    parts = [run.id, f"{run.state:<9}", f"{run.steps:>6} steps"]
    if run.loss is not None:
        parts.append(f"loss {run.loss:.4g}")
    if run.accuracy is not None:
        parts.append(f"held-out accuracy {run.accuracy:.1%}")
    if run.patient_zero is not None:
        zero = run.patient_zero
        of = f" of layer {zero.layer}" if zero.within else ""
        parts.append(f"first non-finite: {zero.tensor}{of} at step {zero.step}")
    if run.name:
        parts.append(f"“{run.name}”")
    click.echo("  ".join([*parts, " ".join(run.config.words())]))


def run_object(run: "Run") -> dict[str, Any]:
    """A run as JSON has it."""
    found: dict[str, Any] = {"run": run.id, "state": run.state, "steps": run.steps}
    found |= {"loss": run.loss, "accuracy": run.accuracy}
    found |= {"created": run.created.isoformat(), "config": run.config.model_dump()}
    if run.patient_zero is not None:
        found["patient_zero"] = asdict(run.patient_zero)
    if run.name:
        found["name"] = run.name
    if run.error is not None:
        found["error"] = run.error
    return found


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """A file that can't be written ends the command with a sentence."""
    try:
        yield
    except OSError as error:
        raise click.UsageError(f"{file} can't be written: {error.strerror or error}.") from None


def print_json(row: dict[str, Any]) -> None:
    """One object a line; a number that is NaN or infinite has no spelling in JSON and is null."""
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
    click.echo(json.dumps(plain, allow_nan=False))


@contextmanager
def recording(folder: Path, quiet: bool) -> "Iterator[Callable[[str, int, int], None]]":
    """What a site is told by: a progress bar of its runs; Ctrl-C says that it is not whole."""
    from tqdm import tqdm

    with tqdm(unit=" runs", disable=True if quiet else None) as bar:

        def told(name: str, done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.set_description(name)

        try:
            yield told
        except KeyboardInterrupt:
            click.echo(f"{folder} is not finished: run the command again.", err=True)
            sys.exit(INTERRUPTED)
        bar.update(bar.total - bar.n)


def show_site(folder: Path, written: "Written", seconds: float, as_json: bool) -> None:
    """Where a site lies, how large it is, and how long that took."""
    page = folder / "index.html"
    if as_json:
        print_json({"page": str(page), **written._asdict(), "seconds": round(seconds, 1)})
        return
    sizes = (f"{size / 1e6:.1f} MB" for size in written)
    whole, first = sizes
    click.echo(f"{page}: {whole}, of which {first} for the first lesson, in {seconds:.0f} s")
