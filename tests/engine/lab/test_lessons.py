"""Every lesson shows what it says, whatever the seed."""

from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from diagnostics.dashboard import charts
from diagnostics.subject.lessons import LESSONS, Lesson, Sentence
from tests.engine.lab.facts import FACTS, UNMEASURED
from tests.engine.lab.facts.shown import Scenes, Shown, show

LONGEST = 125
"""Letters of a sentence: two lines and a half of a lecture hall's smallest projector."""

LONG = (
    "glorot",
    "he",
    "dying",
    "leaky",
    "selu",
    "batch_norm",
    "residual",
    "clipping",
    "overfitting",
)
"""Lessons whose networks train for long: theirs are slow tests."""

every = pytest.mark.parametrize("lesson", LESSONS.values(), ids=lambda lesson: lesson.key)


def _usual(lesson: Lesson) -> ParameterSet:
    marks = (pytest.mark.slow,) if lesson.key in LONG else ()
    return pytest.param(lesson, id=lesson.key, marks=marks)


def _words(lesson: Lesson) -> list[str]:
    """All that a lesson says."""
    sentences = [sentence.words for sentence in lesson.sentences]
    return sentences + [scene.seen for scene in lesson.scenes]


@pytest.mark.thorough
@pytest.mark.parametrize("lesson", list(map(_usual, LESSONS.values())))
def test_what_it_says_is_so(lesson: Lesson, tmp_path: Path) -> None:
    _check(lesson, 0, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@every
def test_it_is_so_with_other_seeds_too(lesson: Lesson, seed: int, tmp_path: Path) -> None:
    _check(lesson, seed, tmp_path)


def _check(lesson: Lesson, seed: int, folder: Path) -> None:
    scenes = _trained(lesson, seed, folder)
    for scene in lesson.scenes:
        shown = scenes[scene.label]
        assert not scene.shows or scene.shows in shown.said, (scene.label, shown.said)
        assert scene.spares not in {found.rule for found in shown.after}, scene.label
    wrong = [words for words in _words(lesson) if words in FACTS and not FACTS[words](scenes)]
    assert not wrong, {label: (s.first, s.last, s.accuracy) for label, s in scenes.items()}


def _trained(lesson: Lesson, seed: int, folder: Path) -> Scenes:
    """Each scene at its end; what only looks elsewhere is not trained again."""
    known: dict[str, Shown] = {}
    for scene in lesson.scenes:
        config = scene.config.changed(seed=seed)
        if config.query() not in known:
            known[config.query()] = show(config, folder)
    return {s.label: known[s.config.changed(seed=seed).query()] for s in lesson.scenes}


def test_every_sentence_is_checked_or_nothing_that_a_run_could_tell() -> None:
    said = [words for lesson in LESSONS.values() for words in _words(lesson)]
    assert sorted(said) == sorted([*FACTS, *UNMEASURED])


@every
def test_lessons_are_short_and_have_sources(lesson: Lesson) -> None:
    assert 3 <= len(lesson.sentences) <= 5 and lesson.source
    assert all(len(words) <= LONGEST for words in _words(lesson))
    assert any(scene.shows for scene in lesson.scenes)


@every
def test_the_charts_it_speaks_of_are_in_sight(lesson: Lesson) -> None:
    def seen(sentence: Sentence) -> bool:
        return any(
            {chart.key for chart in charts.in_sight(scene.panel)} >= set(sentence.charts)
            for scene in lesson.scenes
        )

    assert all(seen(sentence) for sentence in lesson.sentences)


def test_there_are_fourteen_lessons_and_one_run_is_seen_twice() -> None:
    assert len(LESSONS) == 14
    looks = [
        (lesson.key, scene.label)
        for lesson in LESSONS.values()
        for scene in lesson.scenes
        if lesson.only_looks(scene)
    ]
    assert looks == [("lie", "Signal gradient")]
