"""A network that forgets: connections made before `forget()` stay open and nothing passes any more, new ones work."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit


class Nat:
    def __init__(self, host: str, port: int) -> None:
        self._back = host, port
        self._known: set[asyncio.StreamWriter] = set()
        self._all: set[asyncio.StreamWriter] = set()
        self.made = 0

    def forget(self) -> None:
        self._known.clear()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, beyond = await asyncio.open_connection(*self._back)
        self.made += 1
        self._known.add(writer)
        self._all |= {writer, beyond}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pass_on(writer, reader, beyond), self._pass_on(writer, answers, writer))

    async def _pass_on(
        self, who: asyncio.StreamWriter, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(65536):
            if who in self._known:
                sink.write(data)
                await sink.drain()
        if who in self._known:
            sink.close()

    def close(self) -> None:
        for one in self._all:
            one.transport.abort()


@contextlib.asynccontextmanager
async def forgetful(url: str) -> AsyncIterator[tuple[Nat, str]]:
    """A Nat before the server of `url`, on the running loop, and the URL that leads through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    nat = Nat(parts.hostname, parts.port)
    server = await asyncio.start_server(nat.accept, "127.0.0.1", 0)
    front = server.sockets[0].getsockname()[1]
    try:
        yield nat, urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{front}"))
    finally:
        server.close()
        nat.close()
