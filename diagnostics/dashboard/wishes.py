"""The route that the page's scripts ask for what somebody wishes."""

import asyncio
import logging
from dataclasses import replace
from typing import NamedTuple

from fastapi import FastAPI, Request, Response
from pydantic import TypeAdapter, ValidationError

from diagnostics.dashboard import controls, listing
from diagnostics.dashboard.classroom import Classroom
from diagnostics.dashboard.deeds import Deeds
from diagnostics.dashboard.posted import UNREAD, in_json, refusal
from diagnostics.dashboard.session import Session
from diagnostics.dashboard.visitors import Refused
from diagnostics.dashboard.wire import Answer, Asked, Room
from diagnostics.store.store import StoreError
from diagnostics.subject.config import InvalidConfig, RunConfig

LONGEST = 65_536
"""Bytes of a wish: the page's have some hundred."""

ASKED: TypeAdapter[Asked] = TypeAdapter(Asked)

log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """What a link shows, what there is to watch beside it, and what part it takes in a class."""

    answer: Answer
    offer: listing.Offer | None = None
    room: Room | None = None


def answer(session: Session, notes: list[str], *, yours: bool = True) -> Answer:
    """What the page shows now, and what its controls say."""
    linked = session.linked(yours=yours)
    return Answer(linked, controls.shown(session.config), " ".join(notes))


def opened(deeds: Deeds, search: str, classroom: Classroom | None = None) -> Opened:
    """What somebody finds who comes by a link."""
    found = _found(deeds, search)
    if classroom is None:
        return found
    room = classroom.enter(found.answer.session, search)
    if room.role == "follows" and classroom.shown is not None:
        session = Session.of(vars(classroom.shown))
        found = Opened(answer(session, [], yours=deeds.yours(session)))
    return found._replace(room=room)


def _found(deeds: Deeds, search: str) -> Opened:
    try:
        session, notes = deeds.open(search)
        offer = None if search or session.run else listing.offer(deeds.catalogue)
    except StoreError as trouble:
        return Opened(answer(Session(), [str(trouble)]))
    return Opened(answer(session, notes, yours=deeds.yours(session)), offer)


def granted(deeds: Deeds, body: bytes) -> Answer:
    """The answer to a wish; the session as it was, with a sentence, where it can't be had.

    Raises ``ValidationError`` for what no page sends.
    """
    asked = ASKED.validate_json(body[:LONGEST])
    session = _usable(Session.of(vars(asked.session)))
    try:
        session, notes = deeds.do(session, asked.wish, asked.pace)
    except (InvalidConfig, Refused, StoreError) as trouble:
        notes = [str(trouble)]
    except ValidationError:
        notes = [f"{asked.wish.kind} can't be done with {asked.wish.value!r:.60}."]
    return answer(session, notes, yours=deeds.yours(session))


def _usable(session: Session) -> Session:
    """With the usual controls where a browser kept some that there are no longer."""
    try:
        RunConfig.from_query(session.query)
    except InvalidConfig:
        return replace(session, query="")
    return session


def add_wish_route(server: FastAPI, deeds: Deeds) -> None:
    """Mount ``POST /wish``."""

    async def wish(request: Request) -> Response:
        try:
            told = await asyncio.to_thread(granted, deeds, await request.body())
        except ValidationError as trouble:
            log.warning("a browser wished what can't be read: %s", trouble)
            return refusal(UNREAD, 422)
        return in_json(told)

    server.add_api_route("/wish", wish, methods=["POST"])
