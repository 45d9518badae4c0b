"""Sessions: opened by a sign-in, kept by refreshing, ended by their user, a copied refresh token, or time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import acts, security_log
from servicekit.auth import Principal
from servicekit.clock import Clock
from servicekit.db import Database, Transaction, after_commit
from servicekit.errors import NotFound, Unauthenticated
from usercenter import proof, repository, session_repository
from usercenter.errors import SessionOver
from usercenter.identity import Identity
from usercenter.models import BY_REUSE, BY_SIGN_OUT, BY_USER, ONE_TIME_CODE, OPERATOR, User, UserSession
from usercenter.refresh_tokens import RefreshTokens, Reused, digest
from usercenter.tokens import IssuedToken, TokenIssuer

MOST_LISTED = 50


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """How long a session may last: `idle` without a refresh, and `longest` in any case."""

    idle: timedelta
    longest: timedelta

    def is_over(self, session: UserSession, now: datetime) -> bool:
        return now - session.last_used_at >= self.idle or now - session.started_at >= self.longest


@dataclass(kw_only=True, eq=False)
class Sessions:
    db: Database
    issuer: TokenIssuer
    refresh_tokens: RefreshTokens
    clock: Clock
    lifetime: Lifetime
    operators: Lifetime
    """Of accounts with the role operator."""

    async def open(self, identity: Identity, device: str) -> IssuedToken:
        """A session of this identity, on `device` as the user will know it. Raises NotFound for a closed account,
        Unauthenticated when its tokens were voided since. An operator's is in the audit."""
        now = self.clock()
        async with self.db.transaction() as tx:
            user = await repository.user_by_id(tx, identity.user_id)
            if user is None:
                raise NotFound("no such user")
            if identity.generation != user.token_generation:
                raise Unauthenticated("the sign-in has been voided")
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
            issued = await self.issue_anew(tx, session, user, now)
            if OPERATOR in user.roles_in_force:
                how = f"{'+'.join(session.amr)} on {device}"
                await acts.record(tx, now, user.id, "sign-in", proof.subject(user), note=how)
        security_log.event("signed_in", user_id=user.id, session_id=session.id, amr="+".join(session.amr))
        return issued

    async def refresh(self, token: str, device: str) -> IssuedToken:
        """New tokens for a refresh token, with the current roles; `device` presents it. One that was used before ends the
        session. Raises SessionOver for it, for an unknown one, and for one of a session that is over."""
        now = self.clock()
        async with self.db.transaction() as tx:
            session = await session_repository.locked_by_token(tx, digest(token))
            user = await repository.user_by_id(tx, session.user_id) if session else None
            if session is None or user is None or not self._is_live(session, user, now):
                raise SessionOver("no session that can be refreshed has this token")
            try:
                following = await self.refresh_tokens.rotate(tx, session, token, device, now)
            except Reused:
                session.end(now, BY_REUSE)
            else:
                session.last_used_at = now
                return self._issue(session, user, now, following)
        security_log.event("refresh_reused", user_id=user.id, session_id=session.id)
        raise SessionOver("the token was used before: the session is ended")

    async def strengthen(self, principal: Principal, amr: Sequence[str]) -> IssuedToken:
        """New tokens of the caller's own session, after a new proof by `amr`: its `auth_time` is now, and refresh tokens
        of before are void. Raises Unauthenticated for a session that is over."""
        now = self.clock()
        async with self.db.transaction() as tx:
            user = await repository.user_by_id(tx, principal.user_id)
            if user is None:
                raise Unauthenticated("the account is closed")
            return await self.prove(tx, await self.own(tx, principal, user), user, amr, now)

    async def of_user(self, principal: Principal) -> Sequence[UserSession]:
        """The caller's sessions that are not over, the one used last first, at most 50. Raises Unauthenticated for a
        closed account."""
        now = self.clock()
        async with self.db.read() as session:
            user = await repository.user_by_id(session, principal.user_id)
            if user is None:
                raise Unauthenticated("the account is closed")
            lifetime = self._lifetime(user)
            return await session_repository.newest_of(
                session,
                user.id,
                user.token_generation,
                used_after=now - lifetime.idle,
                started_after=now - lifetime.longest,
                most=MOST_LISTED,
            )

    async def sign_out(self, principal: Principal) -> None:
        """End the caller's own session; ending it again changes nothing."""
        async with self.db.transaction() as tx:
            session = await session_repository.locked(tx, principal.session_id)
            if session and session.ended_at is None:
                self._end(tx, session, BY_SIGN_OUT)

    async def end(self, principal: Principal, session_id: int) -> None:
        """End a session of the caller. Raises NotFound for one that has ended, or is another user's."""
        async with self.db.transaction() as tx:
            session = await session_repository.locked(tx, session_id)
            if session is None or session.user_id != principal.user_id or session.ended_at:
                raise NotFound("no such session")
            self._end(tx, session, BY_USER)

    async def own(self, tx: Transaction, principal: Principal, user: User) -> UserSession:
        """The caller's session, locked; `user` is its account. Raises Unauthenticated when it is over."""
        return self._checked(await session_repository.locked(tx, principal.session_id), user)

    async def require_own(self, session: AsyncSession, principal: Principal, user: User) -> None:
        """As `own`, without a lock: before work that costs much."""
        self._checked(await session_repository.by_id(session, principal.session_id), user)

    async def prove(
        self, tx: Transaction, session: UserSession, user: User, amr: Sequence[str], now: datetime
    ) -> IssuedToken:
        """As `strengthen`, of a session that the caller has locked."""
        session.amr, session.authenticated_at = [*amr], now
        return await self.issue_anew(tx, session, user, now)

    def keep_only(self, session: UserSession, user: User, now: datetime) -> None:
        """End all other sessions of the account; both are locked. Tokens of this one are to be issued anew."""
        proof.void_tokens(user, now)
        session.generation = user.token_generation

    async def issue_anew(self, tx: Transaction, session: UserSession, user: User, now: datetime) -> IssuedToken:
        """Tokens of a session that is new, or whose refresh tokens of before are to be void."""
        return self._issue(session, user, now, await self.refresh_tokens.begin(tx, session))

    def _end(self, tx: Transaction, session: UserSession, by: str) -> None:
        session.end(self.clock(), by)
        facts: dict[str, str | int | None] = {
            "user_id": session.user_id,
            "session_id": session.id,
            "by": session.ended_by,
        }
        after_commit(tx, partial(security_log.event, "session_ended", **facts))

    def _checked(self, session: UserSession | None, user: User) -> UserSession:
        if session is None or session.user_id != user.id or not self._is_live(session, user, self.clock()):
            raise Unauthenticated("the session is over")
        return session

    def _is_live(self, session: UserSession, user: User, now: datetime) -> bool:
        return (
            session.ended_at is None
            and session.generation == user.token_generation
            and not self._lifetime(user).is_over(session, now)
        )

    def _issue(self, session: UserSession, user: User, now: datetime, refresh_token: str) -> IssuedToken:
        has_code = ONE_TIME_CODE in session.amr
        roles = [role for role in user.roles_in_force if role != OPERATOR or has_code]
        ends_at = session.started_at + self._lifetime(user).longest
        return self.issuer.issue(session, roles, now, ends_at=ends_at, refresh_token=refresh_token)

    def _lifetime(self, user: User) -> Lifetime:
        return self.operators if OPERATOR in user.roles_in_force else self.lifetime
