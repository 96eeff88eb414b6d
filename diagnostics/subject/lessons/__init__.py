"""Guided configurations, in the order of the lecture notes: what to do, to see, and to conclude."""

from collections.abc import Mapping
from types import MappingProxyType

from diagnostics.subject.lessons.lesson import Lesson, Scene, Sentence
from diagnostics.subject.lessons.remedies import REMEDIES
from diagnostics.subject.lessons.units import UNITS
from diagnostics.subject.lessons.weights import WEIGHTS

__all__ = ["LESSONS", "Lesson", "Scene", "Sentence"]

LESSONS: Mapping[str, Lesson] = MappingProxyType(
    {lesson.key: lesson for lesson in (*WEIGHTS, *UNITS, *REMEDIES)}
)
