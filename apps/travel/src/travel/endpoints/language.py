"""Which language the caller reads, for the few words of ours inside an answer."""

from typing import Annotated

from fastapi import Depends, Request

from servicekit.messages import preferred_language


async def _language(request: Request) -> str:
    return preferred_language(request.headers.get("accept-language", ""))


Language = Annotated[str, Depends(_language)]
