"""A signed-in user gives the own password again. What costs little is looked at before the slow hash, and a user gets few
of those: a stolen token must not be enough to keep others from signing in."""

from dataclasses import dataclass

from servicekit.auth import Principal
from servicekit.db import Database
from servicekit.errors import Unauthenticated
from servicekit.rate_limits import RateLimit
from usercenter import known_devices, repository
from usercenter.identity import Identity
from usercenter.login import Login
from usercenter.models import User
from usercenter.sessions import Sessions


@dataclass(kw_only=True, eq=False)
class OwnPassword:
    """`limit`: of one user, right passwords too."""

    db: Database
    login: Login
    sessions: Sessions
    limit: RateLimit

    async def account(self, principal: Principal) -> User:
        """The caller's account. Raises Unauthenticated when it is closed, or the session is over."""
        async with self.db.read() as session:
            user = await repository.user_by_id(session, principal.user_id)
            if user is None:
                raise Unauthenticated("the account is closed")
            await self.sessions.require_own(session, principal, user)
        return user

    async def verify(self, principal: Principal, user: User, password: str, address: str) -> Identity:
        """`user` is the caller's account; `address` is for the security log. Raises WrongCredentials, TooManyFailures,
        which a sign-in shares; RateLimited."""
        self.limit.take(str(user.id))
        return await self.login.by_password(user.mobile, password, address, device=known_devices.of_session(principal))
