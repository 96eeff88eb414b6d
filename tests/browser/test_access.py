"""What axe finds amiss for people with other eyes and hands."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.test_rooms import STATES, State, settled

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
GRAVE = ("serious", "critical")
PHONE = {"is_mobile": True, "has_touch": True, "screen": {"width": 390, "height": 844}}

LOOKS = {
    **{key: (state, {}) for key, state in STATES.items()},
    "dark": (State(), {"color_scheme": "dark"}),
    "dark-training": (STATES["training"], {"color_scheme": "dark"}),
    "forced": (State(), {"forced_colors": "active"}),
    "phone": (STATES["settings"], PHONE),
    "menu": (State(deed=lambda page: page.click("#field-dataset")), {}),
}


USUAL = {"dark", "phone"}
"""What is looked at in every run of the tests; all else is slow."""


@pytest.mark.parametrize(
    "look", [pytest.param(k, marks=() if k in USUAL else (pytest.mark.slow,)) for k in LOOKS]
)
def test_axe_finds_nothing_grave(opened: Open, look: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # only make test brings it

    state, options = LOOKS[look]
    page = settled(opened, state, **options)
    if look == "phone":
        page.set_viewport_size({"width": 390, "height": 844})
    rules = Axe().run(page).response["violations"]
    assert "\n".join(_told(rule) for rule in rules if rule["impact"] in GRAVE) == ""


def _told(rule: dict[str, Any]) -> str:
    where = [node["html"][:160] for node in rule["nodes"]]
    return f"{rule['id']} ({rule['impact']}): {rule['help']}: {where}"
