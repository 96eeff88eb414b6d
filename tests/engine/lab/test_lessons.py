"""Every lesson shows what it says, whatever the seed."""

import pytest

from diagnostics.diagnosis.rules import diagnose
from diagnostics.subject.lessons import LESSONS, Scene
from tests.engine.helpers import trained

pytestmark = pytest.mark.thorough

SCENES = [
    pytest.param(scene, id=f"{key}-{scene.label}")
    for key, lesson in LESSONS.items()
    for scene in lesson.scenes
]


@pytest.mark.parametrize("scene", SCENES)
def test_the_diagnosis_appears(scene: Scene) -> None:
    _check(scene, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("scene", SCENES)
def test_it_appears_with_other_seeds_too(scene: Scene, seed: int) -> None:
    _check(scene, seed)


def _check(scene: Scene, seed: int) -> None:
    config = scene.config.changed(seed=seed)
    run = trained(" ".join(config.words()))
    late = diagnose(config, run.batch, run.summary.patient_zero)
    early = diagnose(config, run.batch[:1])
    assert not scene.shows or scene.shows in {found.rule for found in (*early, *late)}
    assert not scene.spares or scene.spares not in {found.rule for found in late}


def test_lessons_are_short_and_have_sources() -> None:
    assert len(LESSONS) == 14
    for lesson in LESSONS.values():
        assert 3 <= len(lesson.sentences) <= 4 and lesson.source and lesson.scenes
        assert any(scene.shows for scene in lesson.scenes)
