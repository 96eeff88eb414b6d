"""The command that trains many networks, and how it tells of them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnostics.cli.options import as_json_flag, settings
from diagnostics.cli.terminal import INTERRUPTED, opened, print_json, writing
from diagnostics.store.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from diagnostics.sweeps.outcomes import Outcome
    from diagnostics.sweeps.product import Plan
    from diagnostics.sweeps.sweep import Result

WRITERS = {".csv": "to_csv", ".parquet": "to_parquet", ".html": ""}
"""By a file's ending: what writes a frame; a picture is drawn by ourselves."""


@click.command()
@click.argument("words", metavar="[KEY=A,B]... [KEY=LOW:HIGH:STEP]...", nargs=-1)
@settings("data_dir", "store", "workers", "cluster")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="file to write")
@as_json_flag
def sweep(words: Sequence[str], output: Path | None, as_json: bool, **given: Any) -> None:
    """Train every combination of values: 'init=glorot_normal,he_normal depth=5:30:5'.

    Ranges have both their ends; LOW:HIGH:xFACTOR multiplies. What the store has already is not
    trained again: a sweep that was interrupted goes on where it was. With steps=0 networks are
    measured at initialization. FILE ends with .csv, .parquet or .html: a matrix of curves.
    """
    from diagnostics.runs.crew import Crew
    from diagnostics.sweeps import outcomes
    from diagnostics.sweeps.product import plan
    from diagnostics.sweeps.sweep import swept

    chosen = plan(words)
    _check(output)
    told: list[Result] = []
    with opened(given) as store:
        try:
            with swept(store, Crew.of(Settings.read(**given)), chosen) as results:
                told.extend(_followed(results, len(chosen.cells), as_json))
        except KeyboardInterrupt:
            count = len(chosen.cells)
            left = f"the same command trains the other {count - len(told)}"
            click.echo(f"{len(told)} of {count} are kept; {left}.", err=True)
            sys.exit(INTERRUPTED)
        found = outcomes.outcomes(store, told)
    table = outcomes.frame(found)
    if output is not None:
        _write(output, table, lambda: _picture(chosen, found))
    _show(table, as_json)


def _followed(results: "Iterator[Result]", count: int, quiet: bool) -> "Iterator[Result]":
    """With a bar that says how long the rest will take, by the mean: teams come all at once."""
    from tqdm import tqdm

    hidden = True if quiet else None
    return iter(tqdm(results, total=count, unit=" networks", disable=hidden, smoothing=0))


def _check(output: Path | None) -> None:
    if output is not None and output.suffix not in WRITERS:
        raise click.UsageError(f"{output} can't be written: it must end with {', '.join(WRITERS)}.")


def _write(output: Path, found: "pd.DataFrame", picture: Callable[[], str]) -> None:
    with writing(output):
        if writer := WRITERS[output.suffix]:
            getattr(found, writer)(output, index=False)
        else:
            output.write_text(picture(), encoding="utf-8")


def _picture(chosen: "Plan", found: "Sequence[Outcome]") -> str:
    from diagnostics.dashboard.matrix import file, matrix

    return file(matrix(chosen, found), chosen.words)


def _show(found: "pd.DataFrame", as_json: bool) -> None:
    if as_json:
        for row in found.to_dict("records"):
            print_json({str(key): value for key, value in row.items()})
        return
    shown = found.loc[:, (found != "").any()].dropna(axis="columns", how="all")
    click.echo(shown.to_string(index=False, float_format=lambda x: f"{x:.3g}"))
