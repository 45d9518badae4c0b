"""Headers of every response at the public door: browsers guess no type, keep nothing unless told to, frame and load nothing
unless a page says what, and come by https once they did."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_GUESSING = (b"x-content-type-options", b"nosniff")
NOT_STORED = (b"cache-control", b"no-store")
NOT_FRAMED = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
BY_HTTPS = (b"strict-transport-security", b"max-age=31536000")


class ResponseHeaders:
    """Pure ASGI. Adds what the response does not say itself. `https_only`: browsers reach us by https, whatever the hop
    before us used."""

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app, self._https_only = app, https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = is_https(scope["scheme"], https_only=self._https_only)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                more = [each for each in (NO_GUESSING, NOT_STORED, NOT_FRAMED) if each[0] not in names]
                message["headers"] = [*message["headers"], *more, *([BY_HTTPS] if secure else [])]
            await send(message)

        await self._app(scope, receive, sending)


def is_https(scheme: str, *, https_only: bool) -> bool:
    """Whether the reader's browser speaks https with us."""
    return https_only or scheme == "https"
