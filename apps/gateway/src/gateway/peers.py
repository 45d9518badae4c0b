"""What the gateway asks of a service for itself; the public API it only forwards."""

from dataclasses import dataclass

import httpx

from gateway.answers import Answer
from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar


@dataclass(kw_only=True, eq=False)
class TravelPeer:
    sidecar: Sidecar

    async def photo(self, key: str, size: str) -> Answer:
        """A WebP, or a 404. Raises PeerUnavailable for every other response."""
        asked = {"key": key, "size": size}
        response = await self.sidecar.invoke("travel", "POST", "/internal/photoFile", json=asked)
        return _told(response, "image/webp", "a photo")

    async def calendar(self, secret: str) -> Answer:
        """An iCalendar, or a 404. Raises PeerUnavailable for every other response."""
        asked = {"secret": secret}  # in a body, which no log of a sidecar has
        response = await self.sidecar.invoke("travel", "POST", "/internal/exportedCalendar", json=asked)
        return _told(response, "text/calendar", "a calendar")


def _told(response: httpx.Response, kind: str, what: str) -> Answer:
    is_it = response.status_code == httpx.codes.OK and response.headers.get("content-type", "").startswith(kind)
    if not is_it and response.status_code != httpx.codes.NOT_FOUND:
        raise PeerUnavailable(f"travel: {response.status_code} for {what}")
    return Answer.of(response)
