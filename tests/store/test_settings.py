"""Settings: flag over environment over default, each named where it is wrong."""

from pathlib import Path

import pytest

from diagnostics.store.settings import SETTINGS, InvalidSetting, Settings


def test_given_beats_environment_beats_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().port == 8050
    monkeypatch.setenv("GD_PORT", "9000")
    assert Settings.read().port == 9000
    assert Settings.read(port="9001").port == 9001


@pytest.mark.parametrize("port", ["0", "65536", "web", "80.5"])
def test_a_bad_port_is_named(port: str) -> None:
    with pytest.raises(InvalidSetting, match=f"GD_PORT={port}.*1 to 65535"):
        Settings.read(port=port)


def test_the_store_is_in_the_data_directory_or_where_its_url_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings.read(data_dir="/d").store_url == "sqlite:////d/store.sqlite"
    monkeypatch.setenv("GD_STORE", "postgresql+psycopg://h/n")
    assert Settings.read().store_url == "postgresql+psycopg://h/n"


def test_a_class_room_has_defaults_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings.read().host, Settings.read().most_runs) == ("127.0.0.1", 0)
    taught = Settings.read(class_="1")
    assert (taught.host, taught.most_runs, taught.port) == ("0.0.0.0", 3, 8050)
    monkeypatch.setenv("GD_CLASS", "1")
    monkeypatch.setenv("GD_MOST_RUNS", "7")
    assert (Settings.read().most_runs, Settings.read(host="::1").host) == (7, "::1")


def test_every_setting_is_documented() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for setting in SETTINGS.values():
        assert setting.help and f"`{setting.variable}`" in readme
