"""The command that writes a run to a file: a table, or a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnostics.cli.options import as_json_flag, store_settings
from diagnostics.cli.terminal import opened, print_json, writing

if TYPE_CHECKING:
    from diagnostics.store.store import Store

EXPORTED = ("csv", "parquet", "html")
"""What a run is exported as; the first unless a file's ending or an option says otherwise."""


@click.command()
@click.argument("run")
@click.option(
    "--format",
    "kind",
    type=click.Choice(EXPORTED),
    help="by the file's ending where left out, else csv",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="file to write")
@click.option(
    "--compare", metavar="RUN", multiple=True, help="draw another run beside it in a report"
)
@store_settings
@as_json_flag
def export(
    run: str,
    kind: str | None,
    output: Path | None,
    compare: Sequence[str],
    as_json: bool,
    **given: Any,
) -> None:
    """Write a run's measurements to a file: a row for each step and layer, or a report (html).

    A report has the page's charts and verdicts; --compare, up to four times, the lines of other
    runs, and the table of what was toggled and what it did.
    """
    kind = kind or _by_ending(output)
    if compare and kind != "html":
        raise click.UsageError(f"--compare needs a report: {kind} can't hold it, html can.")
    with opened(given) as store:
        frame = store.frame(run)
        page = _report(store, run, compare) if kind == "html" else ""
    target = output or Path(f"{run}.{kind}")
    with writing(target):
        if page:
            target.write_text(page, encoding="utf-8")
        else:
            frame.to_csv(target, index=False) if kind == "csv" else frame.to_parquet(target)
    if as_json:
        print_json({"run": run, "file": str(target), "rows": len(frame)})
    else:
        click.echo(f"{target}: {len(frame)} rows")


def _by_ending(output: Path | None) -> str:
    ending = output.suffix.removeprefix(".") if output else ""
    return ending if ending in EXPORTED else EXPORTED[0]


def _report(store: "Store", run: str, compare: Sequence[str]) -> str:
    from diagnostics.dashboard.report import report

    return report(store, run, compare)
