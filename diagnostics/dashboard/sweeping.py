"""The page of sweeps: ``GET /sweep``, what its script asks, and the files it offers."""

import asyncio
import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from pydantic import TypeAdapter, ValidationError

from diagnostics.dashboard import delivery, embedded
from diagnostics.dashboard.delivery import Delivered
from diagnostics.dashboard.matrix import Choice, drawn, file, matrix
from diagnostics.dashboard.posted import UNREAD, in_json, refusal
from diagnostics.dashboard.refusals import missing
from diagnostics.dashboard.shades import SHOWN
from diagnostics.dashboard.visitors import HERE, Refused
from diagnostics.dashboard.wire import SweepWish, Swept
from diagnostics.runs.crew import Crew
from diagnostics.runs.limits import Limits
from diagnostics.store.store import Store
from diagnostics.subject.config import FIELDS, InvalidConfig, choices_of
from diagnostics.sweeps import outcomes
from diagnostics.sweeps.pace import seconds
from diagnostics.sweeps.presets import PRESETS
from diagnostics.sweeps.product import Plan, plan
from diagnostics.sweeps.sweep import swept
from diagnostics.sweeps.tours import Busy, Tour, Tours

MOST_CELLS = 2_500
"""On the page; the command line takes more."""

LINES = 3
"""Fields to vary that the form has room for."""

WISH: TypeAdapter[SweepWish] = TypeAdapter(SweepWish)

TOLD = {
    "ready": "Not begun",
    "going": "Goes on",
    "done": "Complete",
    "stopped": "Stopped, and Start goes on where it was",
    "failed": "Ended before its end",
}

FILES: dict[str, tuple[str, Callable[[Any, io.BytesIO], None]]] = {
    "csv": ("text/csv", lambda frame, into: frame.to_csv(into, index=False)),
    "json": ("application/json", lambda frame, into: frame.to_json(into, orient="split")),
    "parquet": (
        "application/vnd.apache.parquet",
        lambda frame, into: frame.to_parquet(into, index=False),
    ),
}


ALONE = Crew()


class Sweeping:
    """What the page asks, answered.

    Args:
        store: where the runs are kept.
        crew: who trains the cells of a sweep.
        limits: what each cell may ask.
    """

    def __init__(self, store: Store, crew: Crew = ALONE, limits: Limits | None = None) -> None:
        self._store, self._slots, self._limits = store, crew.slots, limits or Limits()
        self.tours = Tours(store, partial(swept, store, crew))

    def close(self) -> None:
        """End what goes on."""
        self.tours.close()

    def page(self, query: str, delivered: Delivered, script: str) -> str:
        """The HTML of the page, with what is known of the sweep that a link spells."""
        varied, same = _lines(query)
        now = self.now(query, "")
        return embedded.TEMPLATES.get_template("sweep.html").render(
            delivered=delivered,
            script=script,
            query=query,
            presets=PRESETS,
            shown=SHOWN,
            fields={key: field.title for key, field in FIELDS.items() if key != "steps"},
            lines=varied,
            same=same,
            now=now,
            html=Markup(now.html or ""),
            data=Markup(
                embedded.data("now", replace(now, html=None))
                + embedded.data("choices", {key: list(choices_of(key) or ()) for key in FIELDS})
            ),
        )

    def now(self, query: str, seen: str) -> Swept:
        """How a sweep stands, and its picture where that is another than was seen."""
        try:
            asked, layout = spelled(query)
        except InvalidConfig as trouble:
            return Swept(notice=str(trouble), field=trouble.field)
        tour = self.tours.look(asked)
        version = f"{len(tour.found)} {tour.state} {' '.join(layout)}"
        return Swept(
            count=len(asked.cells),
            done=len(tour.found),
            state=tour.state,
            told=self._told(tour),
            version=version,
            columns=layout.columns,
            rows=layout.rows,
            show=layout.show,
            varied=tuple(key for key in asked.values if key != "seed"),
            html=None if version == seen else drawn(matrix(asked, tour.outcomes, layout)),
            yours=HERE.get().decides(tour.owner),
        )

    def _told(self, tour: Tour) -> str:
        """How far it is, and how long the rest takes."""
        count, done = len(tour.plan.cells), len(tour.found)
        left = tour.left if tour.state == "going" else self._reckoned(tour)
        rest = "" if left is None or done == count else f" · {_lasting(left)}"
        return f"{TOLD[tour.state]}{rest}{f': {tour.error}' if tour.error else ''}"

    def _reckoned(self, tour: Tour) -> float:
        rest = [cell.config for cell in tour.plan.cells if cell.place not in tour.found]
        return seconds(filter(None, rest), self._slots, trained=tour.plan.trained)

    def grant(self, body: bytes) -> Swept:
        """Start or stop a sweep.

        Raises:
            ValidationError: for what no page sends.
        """
        wish, here = WISH.validate_json(body), HERE.get()
        notice = ""
        try:
            asked, _ = spelled(wish.query)
            if wish.kind == "start":
                here.known()
                self._allow(asked)
                self.tours.start(asked, here.mark)
            else:
                tour = self.tours.look(asked)
                here.deciding(tour.owner, "This sweep")
                self.tours.stop(tour)
        except (InvalidConfig, Refused, Busy) as trouble:
            notice = str(trouble)
        now = self.now(wish.query, "")
        return now if now.notice else replace(now, notice=notice)

    def file(self, query: str, kind: str) -> Response:
        """What is known of a sweep, to be kept.

        Raises:
            InvalidConfig: what the query spells can't be.
        """
        asked, choice = spelled(query)
        found = self.tours.look(asked).outcomes
        if kind == "html":
            media, content = "text/html", file(matrix(asked, found, choice), asked.words).encode()
        elif kind in FILES:
            media, write = FILES[kind]
            write(outcomes.frame(found), into := io.BytesIO())
            content = into.getvalue()
        else:
            return missing(f"/sweep.{kind}")
        named = {"Content-Disposition": f"attachment; filename=sweep.{kind}"}
        return Response(content, media_type=media, headers=named)

    def _allow(self, asked: Plan) -> None:
        """Raises ``InvalidConfig`` for more than this server allows."""
        size = self._store.size() if self._limits.megabytes else 0
        for config in filter(None, (cell.config for cell in asked.cells)):
            self._limits.check(config, 0, size)
        trained = len(asked.cells) if asked.trained else 0
        if not HERE.get().host and 0 < self._limits.runs_each < trained:
            raise InvalidConfig(
                f"These are {trained} trainings, and this server allows {self._limits.runs_each}."
            )


@lru_cache(maxsize=32)
def spelled(query: str) -> tuple[Plan, Choice]:
    """What a link's query asks for, and how it shall be shown. Raises ``InvalidConfig``.

    Pages ask once a second, and to read thousands of cells takes a tenth of one.
    """
    found = parse_qsl(query.lstrip("?"), keep_blank_values=True)
    pairs = [(key, re.sub(r"\s+", "", value)) for key, value in found if value.strip()]
    looks = {key: value for key, value in pairs if key in Choice._fields}
    asked = plan(f"{key}={value}" for key, value in pairs if key not in looks)
    if len(asked.cells) > MOST_CELLS:
        raise InvalidConfig(
            f"These are {len(asked.cells):,} networks: the page takes at most {MOST_CELLS:,}, "
            "the command line more."
        )
    return asked, Choice(**looks).checked(asked)


def _lines(query: str) -> tuple[list[tuple[str, str]], str]:
    """The form's lines: fields that are varied, with their values; and what all have."""
    pairs = [(key, value) for key, value in parse_qsl(query) if key not in Choice._fields]
    many = [pair for pair in pairs if "," in pair[1] or ":" in pair[1]][:LINES]
    same = " ".join(f"{key}={value}" for key, value in pairs if (key, value) not in many)
    return [*many, *[("", "")] * (LINES - len(many))], same


def _lasting(left: float) -> str:
    """A time as people say it."""
    if left < 90:
        return f"about {max(1, round(left))} s"
    return f"about {round(left / 60)} min" if left < 5400 else f"about {left / 3600:.1f} h"


def add_sweep_routes(server: FastAPI, sweeping: Sweeping, delivered: Delivered) -> None:
    """Mount the page, what it asks, and its files."""
    script = delivery.add_bundle(server, "js", "text/javascript", embedded.SWEEP)

    async def page(request: Request) -> Response:
        query = request.url.query or PRESETS[0].query
        html = await asyncio.to_thread(sweeping.page, query, delivered, script)
        return HTMLResponse(html, headers=delivery.FRESH)

    async def now(request: Request, seen: str = "") -> Response:
        return in_json(await asyncio.to_thread(sweeping.now, _without_seen(request), seen))

    async def wish(request: Request) -> Response:
        try:
            found = await asyncio.to_thread(sweeping.grant, await request.body())
        except ValidationError:
            return refusal(UNREAD, 422)
        return in_json(found)

    async def save(request: Request, kind: str) -> Response:
        try:
            return await asyncio.to_thread(sweeping.file, request.url.query, kind)
        except InvalidConfig as trouble:
            return refusal(str(trouble), 422)

    server.add_api_route("/sweep", page)
    server.add_api_route("/sweep/now", now)
    server.add_api_route("/sweep", wish, methods=["POST"])
    server.add_api_route("/sweep.{kind}", save)


def _without_seen(request: Request) -> str:
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "seen"]
    return urlencode(pairs)
