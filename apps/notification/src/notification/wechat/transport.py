"""POST requests to WeChat. Errors say what matters for a retry: whether WeChat may have processed the request."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from notification.wechat.connection import Connection, MaybeTaken, NotTaken
from servicekit.storable import shown

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Answer(BaseModel):
    """The common fields of WeChat's answers; on success `errcode` is 0 or, for a token, absent."""

    errcode: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    errmsg: Annotated[str, AfterValidator(shown)] = ""
    access_token: str = ""
    expires_in: Annotated[int, Field(ge=0, le=31 * 86400)] = 0


@dataclass(kw_only=True, eq=False)
class Transport:
    connection: Connection

    async def post(self, path: str, body: dict[str, Any], *, access_token: str | None = None) -> Answer:
        """WeChat's answer, whatever its errcode. Raises NotTaken or MaybeTaken."""
        status, answer = await self.connection.post(path, _as_json(body).encode(), access_token)
        if status >= 500:
            raise MaybeTaken(f"HTTP {status}")
        if not 200 <= status < 300:
            raise NotTaken(f"HTTP {status}")
        try:
            return Answer.model_validate_json(answer)
        except ValidationError:
            raise MaybeTaken("an answer that cannot be read") from None

    async def close(self) -> None:
        await self.connection.close()
