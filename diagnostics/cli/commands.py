"""The command line: serve, profile, train, diagnose, rules, runs, export, site, sweep, upkeep."""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagnostics.cli import exporting, sweeping, upkeep
from diagnostics.cli.options import as_json_flag, settings, store_settings
from diagnostics.cli.terminal import (
    INTERRUPTED,
    interruptible,
    opened,
    print_json,
    progress,
    recording,
    show_run,
    show_site,
)
from diagnostics.store.settings import SETTINGS, Settings
from diagnostics.subject.config import FIELDS, RunConfig, allowed
from diagnostics.subject.printable import Refusal, printable

if TYPE_CHECKING:
    from diagnostics.store.records import Diagnosis

DIAGNOSED_STEPS = 50


def main(args: Sequence[str] | None = None) -> None:
    """Run a command; bad input ends with one sentence and exit code 2."""
    commands(args, prog_name="gradient-diagnostics")


class _Group(click.Group):
    """Turns what can be wrong with input into a usage error."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except OSError as error:
            if error.filename is None:  # a pipe that nobody reads any more
                raise
            raise click.UsageError(_unusable(error)) from None
        except click.UsageError as error:
            said = printable(error.format_message())
            raise click.UsageError(said, error.ctx) from None


def _unusable(error: OSError) -> str:
    return printable(f"{error.filename!s:.200} can't be used: {error.strerror}.")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gradient-diagnostics")
def commands() -> None:
    """A laboratory for unstable gradients."""


def fields_help() -> str:
    """What ``--help`` says of all fields."""
    lines = [f"{key}={info.default}  {allowed(key)}" for key, info in FIELDS.items()]
    return "\b\nFields and their defaults:\n" + "\n".join(lines)


_words = click.argument("words", metavar="[KEY=VALUE]...", nargs=-1)


@commands.command()
@settings(*SETTINGS)
@as_json_flag
def serve(as_json: bool, **given: Any) -> None:
    """Serve the lab on a local address."""
    from diagnostics.dashboard.server import serve

    serve(Settings.read(**given), announce=_announce_json if as_json else _announce)


def _announce(url: str, presenter: str) -> None:
    click.echo(f"Gradient Diagnostics is on {url}  (Ctrl-C ends it)")
    if presenter:
        click.echo(
            "On this machine you are the presenter at http://localhost:" + url.rpartition(":")[2]
        )
        click.echo(f"Who opens {presenter} may stop any run: it is the presenter's.")


def _announce_json(url: str, presenter: str) -> None:
    print_json({"url": url} | ({"presenter": presenter} if presenter else {}))


@commands.command(epilog=fields_help())
@_words
@as_json_flag
def profile(words: Sequence[str], as_json: bool) -> None:
    """Per-layer numbers at initialization, computed in float64."""
    config = RunConfig.from_words(words)
    from diagnostics import profile

    frame = profile(config)
    if as_json:
        for row in frame.to_dict("records"):
            print_json({str(key): value for key, value in row.items()})
    else:
        shown = frame.dropna(axis="columns", how="all")
        click.echo(shown.to_string(index=False, float_format=lambda x: f"{x:.3g}"))


@commands.command(epilog=fields_help())
@_words
@store_settings
@click.option("--no-probe", is_flag=True, help="train without measuring layers")
@as_json_flag
def train(words: Sequence[str], no_probe: bool, as_json: bool, **given: Any) -> None:
    """Train into the store, without the page."""
    config = RunConfig.from_words(words)
    from diagnostics.engine.lab.worker import train_into
    from diagnostics.runs.control import Control

    with opened(given) as store:
        run_id = store.create_run(config, probe=not no_probe)
        control = Control()
        with interruptible(control) as interrupted, progress(store, run_id, as_json):
            train_into(store, run_id, control)
        show_run(store.run(run_id), as_json)
    if interrupted.is_set():
        sys.exit(INTERRUPTED)


@commands.command(epilog=fields_help())
@_words
@store_settings
@click.option("--steps", default=DIAGNOSED_STEPS, show_default=True, help="how long to train")
@as_json_flag
def diagnose(words: Sequence[str], steps: int, as_json: bool, **given: Any) -> None:
    """Train for a while, kept as a run, and say what is wrong at its start and at its end.

    Remedies have been tried, at initialization or for some steps; the best comes first. With
    --json a healthy run prints nothing.
    """
    config = RunConfig.from_words(words).changed(steps=steps)
    from diagnostics import train
    from diagnostics.diagnosis.rules import diagnose
    from diagnostics.engine.lab.trials import consult

    with opened(given) as store:
        run = train(config, store=store)
        batch = store.since(run.id).batch
    late = diagnose(config, batch, run.patient_zero)
    known = {found.rule for found in late}
    early = [found for found in diagnose(config, batch[:1]) if found.rule not in known]
    trouble = [found for found in (*early, *late) if found.severity != "fine"]
    for found in trouble if trouble or as_json else late:
        tried = replace(found, remedies=consult(found.rule, config))
        print_json(asdict(tried)) if as_json else _show_diagnosis(tried)


def _show_diagnosis(found: "Diagnosis") -> None:
    click.echo(f"{found.title}. {found.sentence}")
    for remedy in found.remedies:
        click.echo(f"  {' '.join(remedy.words()):<40}  {remedy.effect}")


@commands.command()
@as_json_flag
def rules(as_json: bool) -> None:
    """List what can be diagnosed, when, and how often each rule was right."""
    from diagnostics.diagnosis.rules import RULES, explained

    for rule in RULES.values():
        if as_json:
            row = {"rule": rule.key, "severity": rule.severity, "help": explained(rule.key)}
            print_json(row)
        else:
            click.echo(f"{rule.key:<16} {explained(rule.key)}")


@commands.command()
@store_settings
@as_json_flag
def runs(as_json: bool, **given: Any) -> None:
    """List the newest runs."""
    with opened(given) as store:
        for run in store.runs():
            show_run(run, as_json)


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--lessons", default="", metavar="A,B", help="keys of lessons; all where left out")
@as_json_flag
def site(folder: Path, lessons: str, as_json: bool) -> None:
    """Write lessons and the default lab as recorded runs, for any browser, without a server.

    DIR is made, or must be empty or a former site. Its index.html opens from the folder as from any
    web host.
    """
    from diagnostics.site.site import chosen, write

    began, taught = time.monotonic(), chosen(lessons)
    with recording(folder, as_json) as told:
        written = write(folder, told, lessons=taught)
    show_site(folder, written, time.monotonic() - began, as_json)


for command in (exporting.export, sweeping.sweep, *upkeep.COMMANDS):
    commands.add_command(command)
