"""The API as a patient client uses it: what is refused for now is asked again, with the same key, in bounded time."""

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tests.chaos.journal import Journal

AGAIN = frozenset({425, 429, 500, 502, 503, 504})
IN_FLIGHT, OK = 100111, 200
LOGIN, REFRESH = "/usercenter/v1/user/login", "/usercenter/v1/user/refreshToken"


class GaveUp(Exception):
    """No answer of substance within the client's patience."""


class Refused(Exception):
    """The system's own no: a rule, not trouble."""

    def __init__(self, status: int, code: int | None, body: str) -> None:
        super().__init__(f"{status} {code} {body[:200]}")
        self.status, self.code = status, code


class Client:
    """One for all guests. `sim` speaks to the sandbox's control API, past every proxy."""

    def __init__(self, environment: Mapping[str, str], sim_url: str, journal: Journal) -> None:
        limits = httpx.Limits(max_connections=64)
        self.gateway = httpx.AsyncClient(
            base_url=environment["GATEWAY_URL"], timeout=20, trust_env=False, limits=limits
        )
        self._sim = httpx.AsyncClient(base_url=sim_url, timeout=10, trust_env=False, limits=limits)
        self._environment, self._journal = environment, journal
        self._merchant: dict[str, Any] = {}
        self._signing_in = asyncio.Lock()
        self._merchant_accepts = False

    async def close(self) -> None:
        await self.gateway.aclose()
        await self._sim.aclose()

    async def ask(
        self, path: str, body: Any, token: str = "", *, key: str = "", patience: float = 90, rng: random.Random
    ) -> dict[str, Any]:
        """`data` of the answer. Raises Refused at once, GaveUp when `patience` seconds of trouble have passed."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key:
            headers["Idempotency-Key"] = key
        deadline = time.monotonic() + patience
        while True:
            pause, trouble = 1.0, ""
            try:
                answer = await self.gateway.post(path, json=body, headers=headers)
                code = _code(answer)
                if answer.status_code == OK:
                    data: dict[str, Any] = answer.json()["data"]
                    return data
                if answer.status_code not in AGAIN and code != IN_FLIGHT:
                    raise Refused(answer.status_code, code, answer.text)
                trouble, pause = str(answer.status_code), float(answer.headers.get("retry-after", 1))
                if answer.status_code == 500:
                    self._journal.write("server-error", path=path, body=answer.text[:300])
            except httpx.HTTPError as error:
                trouble = type(error).__name__
            except ValueError:  # the status of a success, and not the whole body: no answer either
                trouble = "broken answer"
                self._journal.write("broken-answer", path=path, headers=dict(answer.headers), body=answer.text[:200])
            self._journal.write("trouble", path=path, why=trouble)
            if time.monotonic() > deadline:
                raise GaveUp(f"{path}: {trouble}")
            await asyncio.sleep(min(pause, 3.0) * rng.uniform(0.5, 1.2))

    async def sim(self, method: str, path: str, body: Any = None, *, patience: float = 60) -> httpx.Response:
        """The sandbox's answer, whatever its status; asked again while it is down."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return await self._sim.request(method, path, json=body)
            except httpx.HTTPError as error:
                if time.monotonic() > deadline:
                    raise GaveUp(f"sandbox {path}: {error!r}") from error
            await asyncio.sleep(0.3)

    async def merchant(self, rng: random.Random) -> str:
        """The merchant's access token; refreshed when it is time, and when that is refused, signed in anew: as when the
        answer to a refresh was lost for longer than the server repeats it."""
        async with self._signing_in:
            if self._merchant and time.time() >= self._merchant["refreshAfter"]:
                body = {"refreshToken": self._merchant["refreshToken"]}
                try:
                    self._merchant = await self.ask(REFRESH, body, rng=rng)
                except Refused as refusal:
                    self._journal.write("merchant-session-over", why=str(refusal))
                    self._merchant = {}
            if not self._merchant:
                account = {name: self._environment[f"MERCHANT_{name.upper()}"] for name in ("mobile", "password")}
                self._merchant = await self.ask(LOGIN, account, rng=rng)
            return str(self._merchant["accessToken"])

    async def merchant_accepts_messages(self) -> None:
        """As often as there will be requests: what is refused for want of a permission would be a finding."""
        if not self._merchant_accepts:
            await self.sim("POST", "/_sim/grant", {"openid": self._environment["MERCHANT_OPENID"], "count": 100_000})
            self._merchant_accepts = True


def _code(answer: httpx.Response) -> int | None:
    try:
        code = answer.json().get("code")
    except (ValueError, AttributeError):
        return None
    return code if isinstance(code, int) else None
