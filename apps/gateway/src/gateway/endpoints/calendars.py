"""Calendars of homestays, `GET /calendars/<secret>.ics`, for other platforms to import. Every address that no calendar has
is the same 404, whatever it looks like."""

import asyncio
import re

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.peers import TravelPeer
from servicekit.errors import Unavailable

AT_ONCE = 8
"""Of these requests: platforms poll, and none of their polls takes the place of a guest."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}")


def router(travel: TravelPeer) -> APIRouter:
    calendars = APIRouter(include_in_schema=False, redirect_slashes=False)
    places = asyncio.Semaphore(AT_ONCE)

    @calendars.api_route("/calendars/{secret}.ics", methods=["GET", "HEAD"])
    async def calendar(request: Request, secret: str) -> Response:
        if not _SECRET.fullmatch(secret):
            raise HTTPException(404)
        if places.locked():
            raise Unavailable("calendars are being sent to others", retry_after=2)
        async with places:
            answer = await travel.calendar(secret)
        if answer.status == 404:
            raise HTTPException(404)
        return answer.conditional(request.headers.get("if-none-match", ""), age=0)

    return calendars
