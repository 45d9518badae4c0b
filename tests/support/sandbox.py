"""wechatsim in this process, mounted where a service expects api.weixin.qq.com or api.mch.weixin.qq.com."""

import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from servicekit.clock import utc_now
from stack import leftovers
from wechatsim.app import create_app
from wechatsim.clock import Clock
from wechatsim.signing import keyring
from wechatsim.sim import Settings


class _TestClock(Clock):
    """The tests' clock, also as real time: what is signed by it is verified by it."""

    def __init__(self, source: Callable[[], datetime]) -> None:
        super().__init__()
        self.source = source

    def now(self) -> float:
        return self.source().timestamp()

    def real(self) -> float:
        return self.now()


@cache
def _keys(appid: str, secret: str, mchid: str) -> Path:
    """A folder of keys, made once per process: three RSA keys take a second."""
    folder = Path(tempfile.mkdtemp(dir=leftovers.session_folder())) / "keys"
    keyring.create(folder, appid=appid, secret=secret, mchid=mchid)
    return folder


class Sandbox:
    """One sandbox with a database of its own, on the tests' clock `now`. Its background loops do not run."""

    def __init__(
        self, apps: Mapping[str, str], now: Callable[[], datetime] = utc_now, *, mchid: str = "", **settings: Any
    ) -> None:
        """`apps` are the mini programs, secret by appid."""
        self.keys = tuple(_keys(*app, mchid) for app in apps.items())
        self._clock = _TestClock(now)
        self.asgi = create_app(Settings(keys=self.keys, **settings), self._clock)
        self.sim = self.asgi.state.sim
        self._certificates = {mchid: tuple(each.certificates) for mchid, each in self.sim.merchants.items()}
        self._transport = httpx.ASGITransport(self.asgi)

    async def respond(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

    def reset(self, now: Callable[[], datetime]) -> None:
        """As new, on another clock, without parsing keys again."""
        self._clock.source = now
        self.sim.faults.clear()
        for mchid, certificates in self._certificates.items():
            self.sim.merchants[mchid].certificates[:] = certificates
        for table in self.sim.store.all(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ):
            self.sim.store.run(f"DELETE FROM {table['name']}")  # noqa: S608 - the sandbox's own tables

    def close(self) -> None:
        self.sim.store.close()
