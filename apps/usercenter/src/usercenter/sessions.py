"""Issues access tokens, at sign-in and at refresh, and lists the voided ones."""

from dataclasses import dataclass
from datetime import timedelta

from servicekit.auth import LEEWAY_SECONDS
from servicekit.clock import Clock, unix
from servicekit.db import Database
from servicekit.errors import NotFound, Unauthenticated
from servicekit.revocation import MOST_REVOCATIONS, Voided
from usercenter import repository
from usercenter.errors import SessionTooOld
from usercenter.identity import Identity
from usercenter.models import User
from usercenter.tokens import IssuedToken, TokenIssuer

CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(kw_only=True, eq=False)
class Sessions:
    db: Database
    issuer: TokenIssuer
    clock: Clock
    longest: timedelta

    async def open(self, identity: Identity) -> IssuedToken:
        """A token for an identity. Raises NotFound for a closed account, Unauthenticated when its tokens were voided
        since."""
        user = await self._find(identity.user_id)
        if user is None:
            raise NotFound("no such user")
        now = self.clock()
        return self._issue(user, identity.generation, signed_in_at=unix(now))

    async def renew(self, identity: Identity, signed_in_at: int) -> IssuedToken:
        """A new token with the current roles. `signed_in_at` in unix seconds. Raises SessionTooOld; Unauthenticated
        for a closed account or a void token."""
        if unix(self.clock()) - signed_in_at > self.longest.total_seconds():
            raise SessionTooOld("signed in too long ago to refresh")
        user = await self._find(identity.user_id)
        if user is None:
            raise Unauthenticated("the account is closed")
        return self._issue(user, identity.generation, signed_in_at)

    async def revocations(self) -> Voided:
        """Accounts whose void tokens may not have expired yet: the newest by id; for the rest, the time until which
        tokens were voided: all users who signed in before that time have to sign in again."""
        since = self.clock() - self.issuer.lifetime - CLOCKS_DIFFER
        async with self.db.read() as session:
            found = await repository.generations_since(session, since, most=MOST_REVOCATIONS + 1)
        named = {user_id: generation for user_id, generation, _ in found[:MOST_REVOCATIONS]}
        rest = [moment for _, _, moment in found[MOST_REVOCATIONS:]]
        return Voided(named, unix(rest[0]) + LEEWAY_SECONDS if rest else 0)

    def _issue(self, user: User, generation: int, signed_in_at: int) -> IssuedToken:
        if generation != user.token_generation:
            raise Unauthenticated("the sign-in has been voided")
        return self.issuer.issue(Identity.of(user), user.roles_in_force, self.clock(), signed_in_at)

    async def _find(self, user_id: int) -> User | None:
        async with self.db.read() as session:
            return await repository.user_by_id(session, user_id)
