"""A service's response as the gateway passes it on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx
from starlette.responses import Response

PASSED_BACK = (
    "content-type",
    "retry-after",
    "idempotent-replayed",
    "content-language",
    "www-authenticate",
    "cache-control",
    "etag",
    "vary",
    "allow",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body, and those of its headers that pass."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        found = response.headers
        return cls(response.status_code, response.content, {name: found[name] for name in PASSED_BACK if name in found})

    def response(self) -> Response:
        response = Response(self.body, self.status)
        response.headers.update(self.headers)
        return response

    def conditional(self, if_none_match: str, age: int) -> Response:
        """The response to a read: 304 without a body where the caller has this version (RFC 9110 §13.1.2). `age`: seconds
        that it was kept here."""
        response = self.response()
        if age:
            response.headers["Age"] = str(age)
        if self.status == httpx.codes.OK and _matches(if_none_match, self.headers.get("etag", "")):
            kept = [
                (name, value)
                for name, value in response.raw_headers
                if name not in {b"content-length", b"content-type"}
            ]
            response = Response(status_code=304)
            response.raw_headers = kept
        return response


def _matches(if_none_match: str, etag: str) -> bool:
    if not etag or not if_none_match:
        return False
    return if_none_match.strip() == "*" or etag in {
        each.strip().removeprefix("W/") for each in if_none_match.split(",")
    }
