"""Options that commands share."""

from collections.abc import Callable
from typing import Any

import click

from diagnostics.store.settings import SETTINGS

Command = Callable[..., Any]


def settings(*keys: str) -> Callable[[Command], Command]:
    """Flags for settings, from their table."""

    def add(command: Command) -> Command:
        for key in reversed(keys):
            setting = SETTINGS[key]
            text = f"{setting.help}  [{setting.variable}; default: {setting.default}]"
            alone: dict[str, Any] = {"is_flag": False, "flag_value": "1"} if setting.switch else {}
            command = click.option(setting.flag, key, help=text, **alone)(command)
        return command

    return add


store_settings = settings("data_dir", "store")
as_json_flag = click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
