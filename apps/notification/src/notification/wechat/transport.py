"""POST requests to WeChat. Errors say what matters for a retry: whether WeChat may have processed the request."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from servicekit.storable import shown

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class NotTaken(Exception):
    """WeChat did not process the request: it says so, or there was no connection."""


class MaybeTaken(Exception):
    """WeChat may have processed the request: no answer, an unreadable one, or a server error."""


class Answer(BaseModel):
    """The common fields of WeChat's answers; on success `errcode` is 0 or, for a token, absent."""

    errcode: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    errmsg: Annotated[str, AfterValidator(shown)] = ""
    access_token: str = ""
    expires_in: Annotated[int, Field(ge=0, le=31 * 86400)] = 0


@dataclass(kw_only=True, eq=False)
class Transport:
    """`post` returns WeChat's answer whatever its errcode, within `timeout_seconds`."""

    http: httpx.AsyncClient
    timeout_seconds: float

    async def post(self, path: str, body: dict[str, Any], *, access_token: str | None = None) -> Answer:
        """Raises NotTaken or MaybeTaken; their text never contains the URL, which holds the access token."""
        params = {"access_token": access_token} if access_token else None
        try:
            async with asyncio.timeout(self.timeout_seconds):
                response = await self.http.post(path, json=body, params=params)
        except _NEVER_LEFT as error:
            raise NotTaken(type(error).__name__) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise MaybeTaken(type(error).__name__) from None
        if response.status_code >= 500:
            raise MaybeTaken(f"HTTP {response.status_code}")
        if not response.is_success:
            raise NotTaken(f"HTTP {response.status_code}")
        try:
            return Answer.model_validate_json(response.content)
        except ValidationError:
            raise MaybeTaken("an answer that cannot be read") from None

    async def close(self) -> None:
        await self.http.aclose()
