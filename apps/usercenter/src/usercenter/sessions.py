"""Tokens for somebody whose identity has been shown: at sign-in, at refresh, or for a peer that knows."""

from servicekit.clock import Clock, unix
from servicekit.db import Database
from servicekit.errors import NotFound, Unauthenticated
from usercenter import repository
from usercenter.errors import SessionTooOld
from usercenter.schemas import AccessToken
from usercenter.tokens import TokenIssuer


class Sessions:
    def __init__(self, db: Database, issuer: TokenIssuer, clock: Clock, *, longest_seconds: int) -> None:
        self._db, self._issuer, self._clock, self._longest = db, issuer, clock, longest_seconds

    async def open(self, user_id: int) -> AccessToken:
        """Raises NotFound when there is no such user."""
        now = self._clock()
        return self._issuer.issue(user_id, await self._roles(user_id), now, unix(now))

    async def renew(self, user_id: int, signed_in_at: int) -> AccessToken:
        """A new token with today's roles. Raises SessionTooOld, or Unauthenticated for a closed account."""
        now = self._clock()
        if unix(now) - signed_in_at > self._longest:
            raise SessionTooOld("signed in too long ago to refresh")
        try:
            return self._issuer.issue(user_id, await self._roles(user_id), now, signed_in_at)
        except NotFound:
            raise Unauthenticated("the account is closed") from None

    async def _roles(self, user_id: int) -> list[str]:
        async with self._db.read() as session:
            user = await repository.user_by_id(session, user_id)
        if user is None:
            raise NotFound("no such user")
        return user.roles
