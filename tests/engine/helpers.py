"""Runs kept in memory."""

from dataclasses import dataclass

from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.store.records import Command, Event, StepBatch, Summary
from diagnostics.subject.config import RunConfig


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
    return Trained(summary, sink.batch(), sink.events)
