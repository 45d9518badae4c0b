"""Issues access tokens, at sign-in and at refresh, and lists the voided ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from servicekit import acts
from servicekit.auth import LEEWAY_SECONDS, Principal
from servicekit.clock import Clock, unix
from servicekit.db import Database
from servicekit.errors import NotFound, Unauthenticated
from servicekit.revocation import MOST_REVOCATIONS, Voided
from usercenter import proof, repository
from usercenter.errors import SessionTooOld
from usercenter.identity import Identity
from usercenter.models import ONE_TIME_CODE, OPERATOR, User, UserSession
from usercenter.tokens import IssuedToken, TokenIssuer

CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(kw_only=True, eq=False)
class Sessions:
    db: Database
    issuer: TokenIssuer
    clock: Clock
    longest: timedelta

    async def open(self, identity: Identity, device: str) -> IssuedToken:
        """A session of this identity, on `device` as the user will know it. Raises NotFound for a closed account,
        Unauthenticated when its tokens were voided since. An operator's is in the audit."""
        now = self.clock()
        async with self.db.transaction() as tx:
            user = await repository.user_by_id(tx, identity.user_id)
            if user is None:
                raise NotFound("no such user")
            session = UserSession(
                user_id=user.id,
                generation=identity.generation,
                amr=[*identity.amr],
                device=device,
                started_at=now,
                authenticated_at=now,
                last_used_at=now,
            )
            tx.add(session)
            await tx.flush()
            if OPERATOR in user.roles_in_force and identity.generation == user.token_generation:
                how = f"{'+'.join(session.amr)} on {device}"
                await acts.record(tx, now, user.id, "sign-in", proof.subject(user), note=how)
        return self._issue(session, user, now)

    async def renew(self, session_id: int) -> IssuedToken:
        """A new token with the current roles. Raises SessionTooOld; Unauthenticated for a closed account or a void
        session."""
        now = self.clock()
        async with self.db.transaction() as tx:
            session = await repository.locked_session(tx, session_id)
            user = await repository.user_by_id(tx, session.user_id) if session else None
            if session is None or user is None:
                raise Unauthenticated("the account is closed")
            if now - session.started_at > self.longest:
                raise SessionTooOld("signed in too long ago to refresh")
            return self._issue(session, user, now)

    async def strengthen(self, user: Principal, amr: Sequence[str]) -> IssuedToken:
        """A new token of the user's own session, after a new proof by `amr`: its `auth_time` is now. Raises Unauthenticated
        for a session that is over."""
        now = self.clock()
        async with self.db.transaction() as tx:
            session = await repository.locked_session(tx, user.session_id)
            account = await repository.user_by_id(tx, user.user_id)
            if session is None or account is None or session.user_id != account.id:
                raise Unauthenticated("the session is over")
            session.amr, session.authenticated_at = [*amr], now
            return self._issue(session, account, now)

    async def revocations(self) -> Voided:
        """Accounts whose void tokens may not have expired yet: the newest by id; for the rest, the time until which
        tokens were voided: all users who signed in before that time have to sign in again."""
        since = self.clock() - self.issuer.lifetime - CLOCKS_DIFFER
        async with self.db.read() as session:
            found = await repository.generations_since(session, since, most=MOST_REVOCATIONS + 1)
        named = {user_id: generation for user_id, generation, _ in found[:MOST_REVOCATIONS]}
        rest = [moment for _, _, moment in found[MOST_REVOCATIONS:]]
        return Voided(named, unix(rest[0]) + LEEWAY_SECONDS if rest else 0)

    def _issue(self, session: UserSession, user: User, now: datetime) -> IssuedToken:
        if session.generation != user.token_generation:
            raise Unauthenticated("the sign-in has been voided")
        has_code = ONE_TIME_CODE in session.amr
        roles = [role for role in user.roles_in_force if role != OPERATOR or has_code]
        return self.issuer.issue(session, roles, now)
