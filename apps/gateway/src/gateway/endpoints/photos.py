"""Photos of homestays, `GET /photos/<key>/<size>.webp`: from travel, and for a while from memory. A key never has another
picture, so browsers keep them for a year."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import Counter
from starlette.exceptions import HTTPException

from gateway.catalogue_cache import CatalogueCache, Key
from gateway.peers import TravelPeer

LOOKUPS = Counter(
    "gateway_photo_lookups_total",
    "Requests for photos: hit (kept), shared (waited for another's fetch), miss (fetched)",
    ["result"],
)
SIZES = ("thumb", "large")
_KEY = re.compile(r"[0-9a-f]{32}")
# A picture opened by itself must not run anything.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}


def router(travel: TravelPeer, cache: CatalogueCache) -> APIRouter:
    photos = APIRouter(include_in_schema=False, redirect_slashes=False)

    @photos.get("/photos/{key}/{size}.webp")
    async def photo(request: Request, key: str, size: str) -> Response:
        if not _KEY.fullmatch(key) or size not in SIZES:
            raise HTTPException(404)

        answer, age = await cache.get(Key(request.url.path, b"", "", ""), lambda: travel.photo(key, size))
        if answer.status == 404:
            raise HTTPException(404)
        response = answer.conditional(request.headers.get("if-none-match", ""), age)
        response.headers.update(_HEADERS)
        return response

    return photos
