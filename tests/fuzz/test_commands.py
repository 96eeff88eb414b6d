"""Whatever somebody types: it is done, or one sentence says why not."""

from collections.abc import Iterator
from contextlib import chdir, closing
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import strategies as st

from diagnostics.cli.commands import commands
from diagnostics.store.settings import SETTINGS, InvalidSetting, Settings, url_of
from diagnostics.store.store import Store
from diagnostics.subject.config import FIELDS, InvalidConfig, RunConfig
from tests.conftest import steps
from tests.fuzz.cases import fuzz
from tests.fuzz.odd import texts

SHORT = ("runs", "export", "prune", "backup", "restore", "rules")
"""Commands that train nothing and serve nobody."""

PATHS = ("copy", "store.sqlite", "notes", "folder", "folder/x", "nowhere/x", ".", "", "-")

typed = texts.filter(lambda text: not {*text} & {*"/~\0\ud800"})
"""What can be typed, and is no path out of a test's folder."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a store of one run, a copy, and what is none."""
    place = tmp_path_factory.mktemp("place")
    with closing(Store(url_of(place / "store.sqlite"))) as store:
        run = store.create_run(RunConfig(depth=3))
        store.append(run, steps(1, 5))
        store.set_state(run, "finished")
    (place / "notes").write_text("no store\n" * 99)
    (place / "folder").mkdir()
    with chdir(place):
        yield place


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its options, each with something odd or something right."""
    name = draw(st.sampled_from(SHORT))
    line = [name]
    for param in commands.commands[name].params:
        if isinstance(param, click.Argument) or not draw(st.integers(0, 3)):
            line += _given(draw, param)
    return [*line, *draw(st.lists(typed, max_size=1))]


def _given(draw: st.DrawFn, param: click.Parameter) -> list[str]:
    named = [] if isinstance(param, click.Argument) else [param.opts[0]]
    if isinstance(param, click.Option) and param.is_flag:
        return named
    return [*named, draw(st.one_of(typed, st.sampled_from(PATHS), st.integers().map(str)))]


@fuzz(line=lines(), answer=st.sampled_from(["", "y\n", "maybe\n", "n\n"]))
def test_any_line_is_obeyed_or_refused(place: Path, line: list[str], answer: str) -> None:
    environment = {"GD_DATA_DIR": str(place)}
    found = CliRunner().invoke(commands, line, input=answer, env=environment)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    if found.exit_code:
        told = found.stderr.strip().splitlines()
        assert told[-1].startswith(("Error: ", "Aborted!", "Let go of")), told


keys = st.sampled_from([*FIELDS, "nonsense", ""])
said = st.tuples(keys, st.sampled_from(["=", "", "=="]), texts).map("".join)


@fuzz(words=st.lists(said, max_size=4))
def test_any_words_are_a_configuration_or_a_sentence(words: list[str]) -> None:
    try:
        config = RunConfig.from_words(words)
    except InvalidConfig as refusal:
        assert "\n" not in str(refusal) and str(refusal)[-1] in ".?"
    else:
        assert RunConfig.from_query(config.query()) == config
        assert RunConfig.from_words(config.words()) == config


@fuzz(given=st.dictionaries(st.sampled_from([*SETTINGS]), texts, max_size=3))
def test_any_settings_are_read_or_a_sentence(given: dict[str, Any]) -> None:
    try:
        assert Settings.read(**given).store_url
    except InvalidSetting as refusal:
        assert "\n" not in str(refusal) and str(refusal).endswith(".")
