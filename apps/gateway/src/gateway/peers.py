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
        is_photo = response.status_code == httpx.codes.OK and response.headers.get("content-type") == "image/webp"
        if not is_photo and response.status_code != httpx.codes.NOT_FOUND:
            raise PeerUnavailable(f"travel: {response.status_code} for a photo")
        return Answer.of(response)
