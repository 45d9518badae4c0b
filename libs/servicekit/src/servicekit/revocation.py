"""Token revocation: tokens that are void before they expire (an account recovered or closed, a role revoked, a session
ended).

usercenter keeps a number for each account, the generation; a token carries the one it was issued under, and every token of
an older generation is void. It also carries its session, and every token of an ended one is void. Each process keeps a copy
of the short list of accounts whose generation changed lately, and of sessions that ended lately. When these are very
many, the list names the newest; for the rest all tokens issued until a moment are void, of any account: clients refresh
them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from servicekit.error_texts import error_text
from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel
from servicekit.sidecar import Sidecar

log = structlog.get_logger()
FRESH_SECONDS = 15.0
TOO_OLD_SECONDS = 45.0
"""Who comes with a list older than this waits for a new one: a revocation is in force everywhere within a minute."""
ASK_PAUSE_SECONDS = 5.0
ASK_TIMEOUT_SECONDS = 2.0
KNOWN_SECONDS = 1.0
"""How long a request waits for a newer list, or newer keys, where some are known: while usercenter hangs, an operator still
sees within five seconds where a payment is."""

MOST_REVOCATIONS, MOST_ENDED_SESSIONS = 2000, 4000
"""Accounts and sessions in one list: below 256 KiB, which each process reads every 15 s."""


@dataclass(frozen=True)
class Voided:
    """`oldest_valid`: user id → the oldest generation that is valid, for accounts that may have live tokens of an older.
    `issued_until`: unix seconds; a token issued then or before is void, of any account. `ended_sessions`: ids."""

    oldest_valid: Mapping[int, int]
    issued_until: int = 0
    ended_sessions: frozenset[int] = frozenset()

    def holds(self, user_id: int, generation: int, session_id: int, issued_at: int) -> bool:
        return (
            issued_at <= self.issued_until
            or generation < self.oldest_valid.get(user_id, 0)
            or session_id in self.ended_sessions
        )


RevocationSource = Callable[[], Awaitable[Voided]]


class Revocation(ApiModel):
    user_id: int
    generation: int


class RevocationList(ApiModel):
    users: list[Revocation]
    sessions: tuple[int, ...] = ()
    issued_until: int = 0


class Revocations:
    """Asked once per 15 s of traffic and process, never once per request: one request asks, the others use the known list.

    While usercenter is down the last list stays in force. Little can be revoked in that time, every token ends within a
    quarter of an hour, and an outage of one service must not close all others. A process that never had a list refuses, as
    without keys.
    """

    def __init__(self, source: RevocationSource, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source, self._monotonic = source, monotonic
        self._voided: Voided | None = None
        self._fetched_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def voids(self, user_id: int, generation: int, session_id: int, issued_at: int) -> bool:
        """Whether a token of this generation and session, issued at these unix seconds, is void. Raises PeerUnavailable
        while there has never been a list."""
        if self._is_due() and (not self._asking.locked() or self._age() > TOO_OLD_SECONDS):
            async with self._asking:
                if self._is_due():
                    await self._refresh()
        if self._voided is None:
            raise PeerUnavailable("usercenter: no list of revoked tokens yet", retry_after=round(ASK_PAUSE_SECONDS))
        return self._voided.holds(user_id, generation, session_id, issued_at)

    def _age(self) -> float:
        return self._monotonic() - self._fetched_at

    def _is_due(self) -> bool:
        return self._age() > FRESH_SECONDS and self._monotonic() - self._asked_at > ASK_PAUSE_SECONDS

    async def _refresh(self) -> None:
        asked_at = self._monotonic()
        try:
            async with asyncio.timeout(None if self._voided is None else KNOWN_SECONDS):
                self._voided = await self._source()
        except (PeerUnavailable, TimeoutError) as error:
            log.warning("the list of revoked tokens cannot be had", reason=error_text(error))
            self._asked_at = self._monotonic()
            return
        self._fetched_at = asked_at  # what is revoked while the answer travels is in the next list


def revocations_by_invocation(sidecar: Sidecar) -> RevocationSource:
    """Ask usercenter, through the sidecars."""

    async def fetch() -> Voided:
        found = await sidecar.ask(
            "usercenter", "/internal/revocations", None, RevocationList, timeout_seconds=ASK_TIMEOUT_SECONDS
        )
        if found is None:
            raise PeerUnavailable("usercenter: 404 for its revocations")
        return Voided(
            {each.user_id: each.generation for each in found.users}, found.issued_until, frozenset(found.sessions)
        )

    return fetch
