"""Where the laboratory runs and keeps its data: each setting declared once.

Every setting is a flag of ``serve``, an environment variable ``GD_…`` and a line of the docs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import platformdirs

from diagnostics.subject.printable import Refusal

PLAIN = r"/\: +"
"""Letters of paths that mean nothing else in a URL."""


class InvalidSetting(Refusal, ValueError):
    """A setting that can't be: one sentence naming it, its value and what is allowed."""


@dataclass(frozen=True)
class Setting:
    """One setting; ``low`` and ``high`` bound the whole numbers.

    ``taught`` is its default in a class room, where that is another.
    """

    key: str
    default: str | int
    help: str
    low: int = 0
    high: int = 0
    taught: str | int | None = None

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return "--" + self.key.strip("_").replace("_", "-")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "GD_" + self.key.strip("_").upper()

    @property
    def switch(self) -> bool:
        """Whether its flag alone turns it on."""
        return (self.low, self.high) == (0, 1)

    def usual(self, *, taught: bool) -> str | int:
        """Its default, in a class room or elsewhere."""
        return self.taught if taught and self.taught is not None else self.default

    def read(self, value: Any) -> str | int:
        """The value in its type. Raises ``InvalidSetting``."""
        if isinstance(self.default, str):
            return str(value)
        try:
            number = int(value)
        except ValueError:
            number = self.low - 1
        if not self.low <= number <= self.high:
            allowed = f"a whole number from {self.low} to {self.high}"
            raise InvalidSetting(f"{self.variable}={value} can't be used: it must be {allowed}.")
        return number


SETTINGS: Mapping[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting(
            "host",
            "127.0.0.1",
            "address to serve on; 0.0.0.0 for other machines to reach it",
            taught="0.0.0.0",
        ),
        Setting("port", 8050, "port to serve on", 1, 65535),
        Setting(
            "data_dir", platformdirs.user_data_dir("gradient-diagnostics"), "folder of the store"
        ),
        Setting("store", "", "the store's URL; empty for a SQLite file in the data directory"),
        Setting("workers", 2, "runs that train at the same time", 1, 64),
        Setting("cluster", "", "a Dask scheduler's address, tcp://HOST:PORT; empty for none"),
        Setting("turn", 60, "seconds a run keeps its worker while others wait", 1, 86_400, 20),
        Setting("most_runs", 0, "runs one person may have unfinished; 0 for any", 0, 10_000, 3),
        Setting("most_steps", 0, "steps of a run; 0 for any", 0, 1_000_000, 5000),
        Setting("most_seconds", 0, "seconds a run may train; 0 for any", 0, 31_536_000, 300),
        Setting("most_units", 0, "depth × width of a network; 0 for any", 0, 10_000_000, 10_000),
        Setting("most_megabytes", 0, "size of the store; 0 for any", 0, 100_000_000),
        Setting("class_", 0, "1 for a class room: a QR code, students who follow, a wall", 0, 1),
        Setting("names", "", "names by which others reach the server, with commas between"),
        Setting("embed", "", "pages that may show the lab in theirs, as CSP's frame-ancestors"),
        Setting("keep_days", 0, "days after which an ended run is let go; 0 for never", 0, 36_500),
        Setting("log_json", 0, "1 to log a JSON object a line", 0, 1),
        Setting(
            "reload", 0, "1 to load pages anew after a restart, while the code is edited", 0, 1
        ),
    )
}


@dataclass(frozen=True)
class Settings:
    """All settings, read and checked."""

    host: str
    port: int
    data_dir: str
    store: str
    workers: int
    cluster: str
    turn: int
    most_runs: int
    most_steps: int
    most_seconds: int
    most_units: int
    most_megabytes: int
    class_: int
    names: str
    embed: str
    keep_days: int
    log_json: int
    reload: int

    @classmethod
    def read(cls, **given: Any) -> "Settings":
        """Given values first, then the environment, then defaults. Raises ``InvalidSetting``."""
        room = SETTINGS["class_"]
        taught = bool(room.read(_raw(room, given, taught=False)))
        values: dict[str, Any] = {
            key: setting.read(_raw(setting, given, taught=taught))
            for key, setting in SETTINGS.items()
        }
        return cls(**values)

    @property
    def store_url(self) -> str:
        """Where the store is, as an SQLAlchemy URL."""
        return self.store or url_of(Path(self.data_dir).expanduser() / "store.sqlite")


def url_of(file: Path) -> str:
    """The URL of a store in a file, whatever letters its path has."""
    return f"sqlite:///{quote(str(file), safe=PLAIN)}"


def _raw(setting: Setting, given: Mapping[str, Any], *, taught: bool) -> Any:
    value = given.get(setting.key)
    if value is None:
        value = os.environ.get(setting.variable) or setting.usual(taught=taught)
    return value
