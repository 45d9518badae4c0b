"""Refresh tokens: opaque, used once. The next one is derived from the one before, so that two tabs which present the same
one at the same time are given the same next one, and only a hash needs to be stored."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from servicekit import security_log
from servicekit.db import Transaction, after_commit
from usercenter import session_repository
from usercenter.errors import SessionOver
from usercenter.models import RefreshToken, UserSession

BYTES = 32
MOST_REPEATS = 3
"""Of one used token: tabs that refresh at once and lost answers make few."""
PAUSE = timedelta(seconds=5)
"""Between two rotations of one session, so that a flood of refreshes does not grow its tokens."""
MOST_STEPS = 8
"""How far a used token is followed; within a grace that is as short as ours, pauses leave no more."""


class Reused(Exception):
    """The token was used before, and this is no late tab: there is a copy of it."""


@dataclass(kw_only=True, eq=False)
class RefreshTokens:
    """`key` is set at start. `grace`: how long after its use a token still gets the same next one: for a tab beside it,
    and for a client whose answer was lost. `pause`: how long after it was made a token is its own next one."""

    grace: timedelta
    pause: timedelta = PAUSE
    key: bytes = field(default=b"", repr=False)

    async def begin(self, tx: Transaction, session: UserSession) -> str:
        """The first token of a session, which the caller has locked or made. Tokens of before are forgotten."""
        await session_repository.delete_tokens(tx, session.id)
        return self._store(tx, session, secrets.token_urlsafe(BYTES), None)

    async def rotate(self, tx: Transaction, session: UserSession, token: str, device: str, now: datetime) -> str:
        """The token that follows `token`, which is one of this session, which the caller has locked; `token` itself
        within `pause` of its making. Raises Reused for a used one after the grace, after three repeats, or by another
        `device` than the session's; SessionOver for one whose successor was made with another key, or that was followed by
        many."""
        kept = await session_repository.refresh_token(tx, digest(token))
        if kept and kept.used_at is None:
            if kept.made_at and now - kept.made_at < self.pause:
                return token
            kept.used_at = now
            return self._store(tx, session, self._after(token), now)
        if kept:
            kept.repeats += 1
            if kept.repeats > MOST_REPEATS or device != session.device:
                raise Reused
        for _ in range(MOST_STEPS):
            if kept is None:
                raise SessionOver("the signing key has changed since this token was used")
            if kept.used_at is None:
                said = partial(security_log.event, "refresh_repeated", user_id=session.user_id, session_id=session.id)
                after_commit(tx, said)
                return token
            if kept.used_at <= now - self.grace:
                raise Reused
            token = self._after(token)
            kept = await session_repository.refresh_token(tx, digest(token))
        raise SessionOver(f"more than {MOST_STEPS} tokens have followed this one")

    def _store(self, tx: Transaction, session: UserSession, token: str, made_at: datetime | None) -> str:
        tx.add(RefreshToken(digest=digest(token), session_id=session.id, made_at=made_at))
        return token

    def _after(self, token: str) -> str:
        if not self.key:
            raise RuntimeError("RefreshTokens.key is not set")
        return base64.urlsafe_b64encode(hmac.digest(self.key, token.encode(), "sha256")).rstrip(b"=").decode()


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
