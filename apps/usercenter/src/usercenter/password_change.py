"""Change of a password by its user. All other sessions of the account end."""

from dataclasses import dataclass

from servicekit import security_log
from servicekit.auth import Principal
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Unauthenticated
from usercenter import password_policy, repository
from usercenter import second_factor_repository as factors
from usercenter.errors import OldPasswordWrong, WrongCredentials
from usercenter.own_password import OwnPassword
from usercenter.passwords import Passwords
from usercenter.sessions import Sessions
from usercenter.tokens import IssuedToken


@dataclass(kw_only=True, eq=False)
class PasswordChange:
    db: Database
    own_password: OwnPassword
    passwords: Passwords
    sessions: Sessions
    clock: Clock

    async def change(self, principal: Principal, old: str, new: str, address: str) -> IssuedToken:
        """New tokens of the caller's session, the only one that goes on. Raises OldPasswordWrong, also for an account
        without a password; TooManyFailures, which a sign-in shares; RateLimited; PasswordTooShort, PasswordTooCommon;
        Unauthenticated when the session is over. Its `auth_time` stays: acts on money need a code as well."""
        user = await self.own_password.account(principal)
        password_policy.check(new, user.mobile, field="newPassword")
        try:
            identity = await self.own_password.verify(principal, user, old, address)
        except WrongCredentials:
            raise OldPasswordWrong("not the password of this account", field="oldPassword") from None
        new_hash = await self.passwords.hash(new)
        async with self.db.transaction() as tx:
            user = await repository.locked_user(tx, identity.user_id)
            if user is None or user.token_generation != identity.generation:
                raise Unauthenticated("the account has changed meanwhile")
            own, now = await self.sessions.own(tx, principal, user), self.clock()
            user.password_hash = new_hash
            self.sessions.keep_only(own, user, now)
            await factors.forget_pending(tx, user.id)
            issued = await self.sessions.issue_anew(tx, own, user, now)
        security_log.event("password_changed", user_id=principal.user_id, address=address)
        return issued
