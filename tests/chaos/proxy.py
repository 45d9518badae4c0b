"""A network that lies: a small TCP proxy between the parts which can be cut, stall or be slow on command."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any

CHUNK = 64 * 1024


class Mood(StrEnum):
    OPEN = "open"
    CUT = "cut"
    """Connections break, new ones too."""
    STALL = "stall"
    """Connections stay and nothing passes: the worst kind of absence."""
    SLOW = "slow"
    """Every piece waits a while."""


class Proxy:
    """Listens on `front`, forwards to `back`, both on loopback. Lives on the loop of a `Network`."""

    def __init__(self, name: str, front: int, back: int) -> None:
        self.name, self.front, self.back = name, front, back
        self.mood = Mood.OPEN
        self.delay = 0.0
        self._passable = asyncio.Event()
        self._passable.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.front)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        self._break_all()

    def become(self, mood: Mood, delay: float = 0.0) -> None:
        self.mood, self.delay = mood, delay
        if mood is Mood.STALL:
            self._passable.clear()
        else:
            self._passable.set()
        if mood is Mood.CUT:
            self._break_all()

    def _break_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        beyond: asyncio.StreamWriter | None = None
        try:
            await self._passable.wait()
            if self.mood is Mood.CUT:
                return
            answers, beyond = await asyncio.open_connection("127.0.0.1", self.back)
            self._writers.add(beyond)
            await asyncio.gather(self._pass_on(reader, beyond), self._pass_on(answers, writer))
        except OSError:
            return  # a part is down: the caller sees a broken connection, as without us
        finally:
            for one in (writer, beyond):
                if one is not None:
                    one.transport.abort()
                    self._writers.discard(one)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self._passable.wait()
            if self.mood is Mood.SLOW:
                await asyncio.sleep(self.delay)
            sink.write(data)
            await sink.drain()
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()


class Network:
    """All proxies, on a loop and a thread of their own: a busy test does not slow the network by accident."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self.proxies: dict[str, Proxy] = {}

    def add(self, name: str, front: int, back: int) -> None:
        async def begin() -> None:
            proxy = self.proxies[name] = Proxy(name, front, back)
            await proxy.start()

        self._do(begin())

    def become(self, name: str, mood: Mood, delay: float = 0.0) -> None:
        async def change() -> None:
            self.proxies[name].become(mood, delay)

        self._do(change())

    def close(self) -> None:
        async def end() -> None:
            for proxy in self.proxies.values():
                await proxy.stop()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self._loop).result(10)
