"""wechatsim in this process, mounted where a service expects api.weixin.qq.com."""

import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from stack import leftovers
from wechatsim.app import create_app
from wechatsim.clock import Clock
from wechatsim.signing import keyring
from wechatsim.sim import Settings


class _TestClock(Clock):
    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now

    def now(self) -> float:
        return self._now().timestamp()

    real = now  # type: ignore[assignment]  # what tests call real time is this clock


@cache
def _keys(appid: str, secret: str, mchid: str) -> Path:
    """A folder of keys, made once per process: three RSA keys take a second."""
    folder = Path(tempfile.mkdtemp(dir=leftovers.session_folder())) / "keys"
    keyring.create(folder, appid=appid, secret=secret, mchid=mchid)
    return folder


class Sandbox:
    """One sandbox with a database of its own, on the tests' clock if `now` is given. Its background loops do not run."""

    def __init__(
        self, apps: Mapping[str, str], now: Callable[[], datetime] | None = None, *, mchid: str = "", **settings: Any
    ) -> None:
        """`apps` are the mini programs, secret by appid."""
        self.asgi = create_app(Settings(keys=tuple(_keys(*app, mchid) for app in apps.items()), **settings))
        self.sim = self.asgi.state.sim
        if now is not None:
            self.sim.clock = _TestClock(now)
        self._transport = httpx.ASGITransport(self.asgi)

    async def respond(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

    def reset(self, now: Callable[[], datetime]) -> None:
        """As new, on another clock, without parsing keys again."""
        self.sim.clock = _TestClock(now)
        self.sim.faults.clear()
        for table in self.sim.store.all(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ):
            self.sim.store.run(f"DELETE FROM {table['name']}")  # noqa: S608 - the sandbox's own tables

    def close(self) -> None:
        self.sim.store.close()
