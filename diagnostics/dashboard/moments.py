"""What happened in a run, and when: changes while it trained, layers that died, its divergence."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.groups import LARGE
from diagnostics.dashboard.wire import Moment
from diagnostics.subject.config import word

SAID = {"stopped early": "stopped early", "replaced": "weights were replaced"}
"""Events without more to tell."""


def moments(feed: Feed) -> tuple[Moment, ...]:
    """All that can be jumped to, in order."""
    found = chain(_changes(feed), _deaths(feed), _divergence(feed))
    return tuple(sorted(found, key=lambda moment: moment.step))


def _changes(feed: Feed) -> Iterator[Moment]:
    for event in feed.events:
        if event.kind == "set":
            told = ", ".join(f"{key} {word(value)}" for key, value in event.data.items())
            yield Moment(max(1, event.step), told.replace("_", " "))
        elif event.kind in SAID:
            yield Moment(max(1, event.step), SAID[event.kind])


def _deaths(feed: Feed) -> Iterator[Moment]:
    """The first step in which every unit of a hidden layer is dead; a large model's are counted."""
    gone, word = feed.kept.metric("dead")[:, :-1] == 1, feed.run.config.layer_word
    died = np.flatnonzero(gone.any(axis=0))
    first = feed.kept.steps[gone[:, died].argmax(axis=0)] if len(died) else died
    for step in np.unique(first):
        which = died[first == step] + 1
        if len(which) > 1 and feed.kept.layers > LARGE:
            yield Moment(int(step), f"{len(which)} {word}s died")
        else:
            yield from (Moment(int(step), f"{word} {layer} died") for layer in which)


def _divergence(feed: Feed) -> Iterator[Moment]:
    if feed.patient() is not None and len(feed.sound):
        yield Moment(int(feed.sound.steps[-1]), "the last step of numbers")
