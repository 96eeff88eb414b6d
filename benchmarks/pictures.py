"""The pictures in the README and the docs, taken anew from a served lab.

Run with ``python -m benchmarks.pictures``: it writes into ``docs/pictures``.
"""

import base64
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.lab import URL, browser, serving

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
HALL = {"viewport": {"width": 1024, "height": 768}}
PATIENCE = 300_000
"""Milliseconds that anything may take on a machine with other work."""

SECONDS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.5)
"""After navigation: of the film strip."""


def trained(step: int) -> Callable[[Page], None]:
    """Train up to a step."""

    def train(page: Page) -> None:
        page.locator("#train").click()
        page.wait_for_function(f"lab.frame()?.newest >= {step}")

    return train


def cured(page: Page) -> None:
    """Train, take the first remedy while it goes on, and train on."""
    trained(60)(page)
    page.locator("#remedies button:not([disabled])").first.click()
    page.wait_for_function("lab.verdict()[0]?.rule === 'healthy' && lab.frame().newest > 150")


def ended(page: Page) -> None:
    """Train until it diverges."""
    page.locator("#train").click()
    page.wait_for_function(
        "lab.verdict()[0]?.rule === 'diverged' && lab.frame().state === 'diverged'"
    )


@dataclass(frozen=True)
class Shot:
    """What is opened, what is done there, and in which room."""

    query: str
    deed: Callable[[Page], None] = lambda _: None
    lecture: bool = False
    room: dict[str, Any] = field(default_factory=dict)


SHOTS = {
    "lab": Shot("seed=0", cured),
    "dark": Shot("seed=0", trained(60), room={"color_scheme": "dark"}),
    "lecture": Shot("lesson=vanishing", trained(30), True, HALL),
    "diverged": Shot("activation=relu&init=he_normal&depth=10&lr=1", ended),
    "healthy": Shot("activation=relu&init=he_normal", trained(60)),
    "spirals": Shot("dataset=spirals&activation=tanh&depth=6&lr=0.1", trained(1500)),
    "phone": Shot("seed=0", trained(60), room=PHONE),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(folder, workers=2), browser() as chromium:
        film(chromium)
        for name, shot in SHOTS.items():
            taken(chromium, name, shot)


def taken(chromium: Browser, name: str, shot: Shot) -> None:
    """Take one picture."""
    room = {"viewport": {"width": 1440, "height": 900}} | shot.room
    context = chromium.new_context(**room)  # type: ignore[arg-type]
    if shot.lecture:
        context.add_init_script("localStorage.setItem('lecture', '1')")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{URL}?{shot.query}")
    page.wait_for_selector("#wrap-activation", state="attached")
    page.wait_for_function("lab.frame() !== null && lab.verdict().length > 0")
    shot.deed(page)
    page.wait_for_timeout(700)
    page.screenshot(path=FOLDER / f"{name}.png")
    page.locator("#train").press("Space")  # pauses what goes on
    context.close()


def film(chromium: Browser) -> None:
    """The first seconds after navigation, beside each other."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    frames: list[tuple[float, bytes]] = []
    devtools = context.new_cdp_session(page)

    def keep(event: dict[str, Any]) -> None:
        frames.append((event["metadata"]["timestamp"], base64.b64decode(event["data"])))
        devtools.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    devtools.on("Page.screencastFrame", keep)
    devtools.send("Page.startScreencast", {"format": "png", "maxWidth": 720, "maxHeight": 450})
    page.goto(URL, wait_until="commit")
    began = page.evaluate("performance.timeOrigin / 1000")
    page.wait_for_timeout(1000 * SECONDS[-1])
    context.close()
    strip = [_at(frames, began + seconds) for seconds in SECONDS]
    wide = Image.new("RGB", (3 * 480, 2 * 300))
    for i, one in enumerate(strip):
        wide.paste(one.resize((480, 300)), (480 * (i % 3), 300 * (i // 3)))
    wide.save(FOLDER / "film.png", optimize=True)


def _at(frames: list[tuple[float, bytes]], when: float) -> Image.Image:
    shown = [png for time, png in frames if time <= when] or [frames[0][1]]
    return Image.open(io.BytesIO(shown[-1])).convert("RGB")


if __name__ == "__main__":
    main()
