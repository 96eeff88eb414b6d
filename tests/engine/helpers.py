"""Runs kept in memory."""

from dataclasses import dataclass

import numpy as np

from diagnostics.config import RunConfig
from diagnostics.control import Control
from diagnostics.engine.trainer import MemorySink, train
from diagnostics.records import Command, Event, StepBatch, Summary


@dataclass
class Trained:
    """A run's summary, measurements and events."""

    summary: Summary
    batch: StepBatch
    events: list[Event]


def config(words: str) -> RunConfig:
    """A configuration from words in one string."""
    return RunConfig.from_words(words.split())


def trained(words: str, *commands: Command, probe: bool = True) -> Trained:
    """Train in memory, with commands waiting from the start."""
    sink, control = MemorySink(), Control()
    for command in commands:
        control.send(command)
    summary = train(config(words), sink, control, probe=probe)
    batch = StepBatch.empty()
    if sink.steps:
        batch = StepBatch(np.array(sink.steps), np.array(sink.values), np.array(sink.scalars))
    return Trained(summary, batch, sink.events)
