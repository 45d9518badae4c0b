"""The list of tokens that are void before they expire, which every service asks for."""

from dataclasses import dataclass
from datetime import timedelta

from servicekit.auth import LEEWAY_SECONDS
from servicekit.clock import Clock, unix
from servicekit.db import Database
from servicekit.revocation import MOST_ENDED_SESSIONS, MOST_REVOCATIONS, Voided
from usercenter import repository, session_repository

CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(kw_only=True, eq=False)
class TokenRevocations:
    db: Database
    clock: Clock
    lifetime: timedelta
    """Of access tokens."""

    async def list(self) -> Voided:
        """Accounts and sessions whose void tokens may not have expired yet: the newest by id; for the rest, the time until
        which there were any: tokens issued before are void, of all users, whose clients refresh them."""
        since = self.clock() - self.lifetime - CLOCKS_DIFFER
        async with self.db.read() as session:
            accounts = await repository.generations_since(session, since, most=MOST_REVOCATIONS + 1)
            sessions = await session_repository.ended_since(session, since, most=MOST_ENDED_SESSIONS + 1)
        rest = [
            *(moment for _, _, moment in accounts[MOST_REVOCATIONS:]),
            *(moment for _, moment in sessions[MOST_ENDED_SESSIONS:]),
        ]
        return Voided(
            {user_id: generation for user_id, generation, _ in accounts[:MOST_REVOCATIONS]},
            unix(max(rest)) + LEEWAY_SECONDS if rest else 0,
            frozenset(session_id for session_id, _ in sessions[:MOST_ENDED_SESSIONS]),
        )
