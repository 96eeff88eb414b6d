"""Commands for who runs a server: prune, backup, restore, doctor."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnostics.cli.options import as_json_flag, settings, store_settings
from diagnostics.cli.terminal import existing, opened, print_json
from diagnostics.store.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from diagnostics.store.store import Store
    from diagnostics.store.upkeep import Spent

NO_BOUND = "Nothing says what is to go: give --older, --keep or --megabytes."


@click.command()
@click.option("--older", type=click.FloatRange(0), metavar="DAYS", help="made longer ago")
@click.option("--keep", type=click.IntRange(0), metavar="N", help="beyond the newest so many")
@click.option(
    "--megabytes", type=click.FloatRange(0), metavar="MB", help="beyond so much measured by newer"
)
@click.option("--dry-run", is_flag=True, help="only say what would go")
@click.option("--yes", is_flag=True, help="don't ask")
@store_settings
@as_json_flag
def prune(
    older: float | None,
    keep: int | None,
    megabytes: float | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Let go for good of runs beyond any of some bounds, after asking.

    Runs that train, wait or pause always stay.
    """
    if older is keep is megabytes is None:
        raise click.UsageError(NO_BOUND)
    from diagnostics.store.upkeep import discard, spent

    with existing(given) as store:
        found, gone = spent(store, older=older, keep=keep, megabytes=megabytes), 0
        if not as_json:
            _list(found)
        if found and not dry_run and (yes or _agreed(len(found))):
            gone = discard(store, found)
            _shrunk(store)
    size = sum(run.bytes for run in found)
    if as_json:
        print_json({"runs": [run.id for run in found], "bytes": size, "gone": gone})
    else:
        click.echo(f"{len(found)} runs, {size / 1e6:.1f} MB: {gone} are gone.")


def _shrunk(store: "Store") -> None:
    """Who has just lost runs must hear so, also where the disk has no room for a smaller copy."""
    from diagnostics.store.schema import StoreError
    from diagnostics.store.upkeep import shrink

    try:
        shrink(store)
    except StoreError as trouble:
        click.echo(f"The file stays as large, for runs to come: {trouble}", err=True)


def _list(found: "Sequence[Spent]") -> None:
    for run in found:
        click.echo(f"#{run.number:<6} {run.id}  {run.bytes / 1e6:>8.1f} MB  {run.name}".rstrip())


def _agreed(count: int) -> bool:
    return click.confirm(f"Let go of {count} runs for good?", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@store_settings
@as_json_flag
def backup(file: Path, as_json: bool, **given: Any) -> None:
    """Copy the store into a new file, also while a server uses it."""
    from diagnostics.store.copies import backup

    with existing(given) as store:
        size = backup(store, file)
    if as_json:
        print_json({"file": str(file), "bytes": size})
    else:
        click.echo(f"{file}: {size / 1e6:.1f} MB")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="the runs that the store has now may be lost")
@store_settings
@as_json_flag
def restore(file: Path, replace: bool, as_json: bool, **given: Any) -> None:
    """Put a copy that backup made in the store's place; the copy stays.

    A store that has runs is only replaced with --replace, and never while one of them goes on.
    """
    from diagnostics.store.copies import restore

    with opened(given) as store:
        runs = restore(store, file, replace=replace)
        url = store.url
    if as_json:
        print_json({"file": str(file), "runs": runs})
    else:
        click.echo(f"{runs} runs are back in {url}")


@click.command()
@settings(*SETTINGS)
@as_json_flag
def doctor(as_json: bool, **given: Any) -> None:
    """Say of all that a server needs whether it is there, and what to do where it is not.

    Ends with 1 where something is to be done.
    """
    from diagnostics.cli.checks import CHECKS

    read, well = Settings.read(**given), True
    for check in CHECKS:
        found = check(read)
        well = well and found.well
        if as_json:
            print_json(vars(found))
        else:
            click.echo(f"{'ok' if found.well else 'FIX':<4} {found.what:<10} {found.said}")
    sys.exit(not well)


COMMANDS = (prune, backup, restore, doctor)
