"""The access token, shared by all deliveries: fetched once for concurrent callers, renewed before it expires.

Without `force_refresh` WeChat returns the same token to every replica. Forcing a new one invalidates the old; it is
allowed 20 times a day, 30 seconds apart, and is the last resort.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notification.wechat.connection import MaybeTaken, NotTaken
from notification.wechat.errcodes import OK, meaning_of
from notification.wechat.transport import Transport
from servicekit.clock import Clock

RENEW_BEFORE = timedelta(minutes=4)
"""WeChat issues a new token in the last five minutes of the old one; both are valid then."""

FORCE_PAUSE = timedelta(seconds=30)


class NoToken(Exception):
    """No access token is available; the text says why and holds no secret."""


@dataclass(kw_only=True, eq=False)
class AccessTokens:
    """`current()` for every request; `instead_of(token)` when WeChat refused `token`. `secret` is set at
    start."""

    transport: Transport
    clock: Clock
    appid: str
    secret: str = field(default="", repr=False)
    _token: str = field(init=False, repr=False, default="")
    _renew_at: datetime | None = field(init=False, default=None)
    _forced_at: datetime | None = field(init=False, default=None)
    _flights: dict[bool, asyncio.Task[str]] = field(init=False, default_factory=dict)

    async def current(self) -> str:
        """Raises NoToken."""
        if self._renew_at is not None and self.clock() < self._renew_at:
            return self._token
        return await self._ask(force=False)

    async def instead_of(self, stale: str) -> str:
        """A token other than `stale`: one that another task has fetched, WeChat's latest, or a forced one. Raises
        NoToken."""
        if self._token == stale:
            if True in self._flights:  # another message forces one at this moment
                return await self._ask(force=True)
            self._renew_at = None
        token = await self.current()
        if token != stale:
            return token
        now = self.clock()
        if self._forced_at and now - self._forced_at < FORCE_PAUSE:
            raise NoToken("a new token was forced less than 30 seconds ago")
        return await self._ask(force=True)

    async def _ask(self, *, force: bool) -> str:
        """Share one request among all callers; the cancellation of one does not cancel it."""
        flight = self._flights.get(force)
        if flight is None:
            flight = asyncio.create_task(self._fetch(force=force))
            self._flights[force] = flight
            flight.add_done_callback(lambda done: self._landed(done, force=force))
        return await asyncio.shield(flight)

    def _landed(self, flight: asyncio.Task[str], *, force: bool) -> None:
        del self._flights[force]
        if not flight.cancelled():
            flight.exception()  # retrieve it, even when all callers were cancelled

    async def _fetch(self, *, force: bool) -> str:
        asked_at = self.clock()
        if force:
            self._forced_at = asked_at
        body = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
            "force_refresh": force,
        }
        try:
            answer = await self.transport.post("/cgi-bin/stable_token", body)
        except (NotTaken, MaybeTaken) as error:
            raise NoToken(f"token: {error}") from error
        if answer.errcode is not None and answer.errcode != OK:
            meaning_of(answer.errcode)
            raise NoToken(f"token: {answer.errcode} {answer.errmsg}"[:300])
        if not answer.access_token:
            raise NoToken("token: none in the answer")
        life = timedelta(seconds=answer.expires_in)
        self._token, self._renew_at = answer.access_token, asked_at + max(life - RENEW_BEFORE, life / 2)
        return self._token
