"""The folder that is written, and the command that does."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from diagnostics.cli.commands import commands
from diagnostics.site.folder import UNFINISHED, Folder, InvalidSite
from diagnostics.site.site import write
from diagnostics.site.volumes import Volume
from diagnostics.subject.config import RunConfig
from diagnostics.subject.lessons import LESSONS, Lesson, Scene

DEFAULT = RunConfig(depth=4, width=8, steps=20)
SCENES = (
    Scene("Sigmoid", "activation=sigmoid depth=9 width=16 lr=0.5 steps=60", "It is over."),
    Scene("ReLU", "activation=relu init=he_normal depth=9 width=16 steps=60", "Over as well."),
    Scene("Weights", "activation=relu init=he_normal depth=9 width=16 steps=60", "", view="weight"),
)


def short() -> Mapping[str, Lesson]:
    """Two lessons whose scenes are soon trained."""
    return {key: replace(LESSONS[key], scenes=SCENES) for key in ("speeds", "glorot")}


def silent(name: str, done: int, total: int) -> None:
    """Nobody waits."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "site"
    write(path, silent, lessons=short(), default=DEFAULT)
    return path


def test_every_run_that_is_named_is_there_and_none_twice(site: Path) -> None:
    html = (site / "index.html").read_text()
    found = re.search(r'id="recorded">(.*?)</script>', html)
    assert found
    titles = json.loads(found[1])
    names = [title["id"] for title in titles]
    files = {f"{name}{part}.js" for name in names for part in ("", "-inside")}
    assert files == {file.name for file in (site / "data").iterdir()}
    assert [name for name in names if name.startswith("speeds")] == ["speeds-1", "speeds-2"]
    assert titles[0] == {"id": "lab-1", "lesson": None, "query": DEFAULT.query()}


def test_nothing_is_asked_of_a_server(site: Path) -> None:
    html = (site / "index.html").read_text()
    assert not re.search(r'(?:src|href)="(?:/|https?:)', html) and "{{" not in html
    assert not [file for file in site.rglob("*") if file.name.endswith(".part")]


def test_a_former_site_is_written_over_and_nothing_of_it_stays(site: Path) -> None:
    folder = Folder(site)
    assert UNFINISHED in (site / "index.html").read_text()
    assert not list((site / "data").iterdir())
    folder.write("index.html", "whole")
    assert (site / "index.html").read_text() == "whole"


@pytest.mark.parametrize("mark", [None, "no JSON", "[]", '{"files": ["../kept.txt"]}'])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, mark: str | None) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "kept.txt").write_text("mine")
    (theirs / "thesis.tex").write_text("mine")
    if mark is not None:
        (theirs / "site.json").write_text(mark)
    with pytest.raises(InvalidSite, match=r"can't take a site"):
        Folder(theirs)
    assert (theirs / "thesis.tex").exists() and (tmp_path / "kept.txt").exists()


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("site {0}/new --lessons nope", "lessons=nope can't be used"),
        ("site {0}", "choose an empty folder"),
        ("site {0}/file", "it is a file"),
        ("site /proc/nowhere/x", "can't be written"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path: Path, line: str, part: str) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(commands, line.format(tmp_path).split())
    assert result.exit_code == 2 and part in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_only_recorded_remedies_are_offered_and_lead_to_their_run() -> None:
    sick, well = RunConfig(depth=12, width=16), RunConfig(depth=12, width=16, norm="batch")
    volume = Volume(None, (sick, well))
    (remedy,) = volume._remedies("vanishing", sick)
    assert remedy.changes == {"query": well.query()} and remedy.effect and remedy.place == 0
    assert Volume(None, (sick,))._remedies("vanishing", sick) == ()
