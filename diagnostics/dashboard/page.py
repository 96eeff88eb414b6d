"""The page: plain HTML with its first picture; Dash mounts the form, scripts own the rest."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from diagnostics.dashboard import charts, classroom, embedded, firstlight, wire
from diagnostics.dashboard.delivery import Delivered
from diagnostics.dashboard.explanations import explanations
from diagnostics.dashboard.theme import THEMES
from diagnostics.dashboard.wire import Frame
from diagnostics.dashboard.wishes import Opened
from diagnostics.store.run import LIVE_STATES
from diagnostics.subject.lessons import LESSONS, Lesson, Scene

TITLE = "Gradient Diagnostics"

PACES = {20: "20 steps/s", 100: "100 steps/s", 0: "full speed"}
"""Steps per second; 0 is as fast as possible."""

DEFAULT_PACE = 100


@dataclass(frozen=True)
class Dashes:
    """What Dash puts into a page: styles, its place, its configuration and its scripts.

    Nothing of all that where there is no Dash.
    """

    css: str = ""
    app_entry: str = ""
    config: str = ""
    scripts: str = ""
    renderer: str = ""


def page(
    delivered: Delivered,
    dash: Dashes,
    tables: str,
    opened: Opened,
    frame: Frame | None,
    *,
    nonce: str = "",
    reload: bool = False,
    lessons: Mapping[str, Lesson] = LESSONS,
    recorded: object = None,
) -> str:
    """The HTML of what is opened, with the frame that can be drawn at once.

    All that the scripts would show of it stands in it already, so that nothing moves when they do.

    Args:
        nonce: by which a browser knows the page's own scripts.
        recorded: which runs are there, in a page of recorded ones that has no server.
    """
    answer, offer, room = opened
    data: dict[str, object] = {"opened": answer, "frame": frame, "room": room}
    data |= {"recorded": recorded} if recorded else {}
    return embedded.TEMPLATES.get_template("page.html").render(
        title=TITLE,
        delivered=delivered,
        dash={key: Markup(text) for key, text in vars(dash).items()},
        charts=charts,
        themes=THEMES,
        first=firstlight.picture(frame),
        plane=frame is not None and frame.inputs == 2,
        watched=frame is not None and frame.watched,
        cost=frame.cost if frame else "",
        verdicts=(frame.verdict or ()) if frame else (),
        said=frame.said if frame else "",
        offer=offer,
        others=_others(opened, frame),
        paces=PACES,
        pace=DEFAULT_PACE,
        lessons=lessons,
        answer=answer,
        room=room,
        code=classroom.code(room.link) if room else None,
        hint=classroom.hint(room.link) if room else "",
        tables=Markup(tables),
        data=Markup("".join(itertools.starmap(embedded.data, data.items()))),
        nonce=nonce,
        reload=reload,
        recorded=recorded,
    )


def _others(opened: Opened, frame: Frame | None) -> bool:
    """Whether somebody else's run that goes on is in sight."""
    follows = opened.room is not None and opened.room.role == "follows"
    theirs = not opened.answer.session.yours and not follows
    return frame is not None and frame.run is not None and theirs and frame.state in LIVE_STATES


def tables(lessons: Mapping[str, Lesson] = LESSONS) -> str:
    """What the scripts draw, the same in every page."""
    return (
        embedded.drawing()
        + embedded.data("lesson-table", _lessons(lessons))
        + embedded.data("explanations", explanations())
    )


def _lessons(lessons: Mapping[str, Lesson]) -> list[wire.Lesson]:
    """The lessons as the script shows them."""
    return [
        wire.Lesson(
            lesson.key,
            lesson.title,
            lesson.sentences,
            lesson.source,
            tuple(map(_scene, lesson.scenes)),
            lesson.sweep,
        )
        for lesson in lessons.values()
    ]


def _scene(scene: Scene) -> wire.Scene:
    query = scene.config.query()
    return wire.Scene(query, scene.view, scene.panel, scene.label, scene.seen)
