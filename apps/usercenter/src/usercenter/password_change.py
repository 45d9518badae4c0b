"""Change of a password by its user. All other sessions of the account end."""

from dataclasses import dataclass

from servicekit import security_log
from servicekit.auth import Principal
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Unauthenticated
from usercenter import password_policy, repository
from usercenter import second_factor_repository as factors
from usercenter.errors import OldPasswordWrong, SecondFactorNeeded, SecondFactorWrong, WrongCredentials
from usercenter.own_password import OwnPassword
from usercenter.passwords import Passwords
from usercenter.second_factor import SecondFactors
from usercenter.sessions import Sessions
from usercenter.tokens import IssuedToken


@dataclass(kw_only=True, eq=False)
class PasswordChange:
    db: Database
    own_password: OwnPassword
    second_factors: SecondFactors
    passwords: Passwords
    sessions: Sessions
    clock: Clock

    async def change(self, principal: Principal, old: str, new: str, code: str | None, address: str) -> IssuedToken:
        """New tokens of the caller's session, the only one that goes on. Raises OldPasswordWrong, also for an account
        without a password; TooManyFailures, which a sign-in shares; RateLimited; PasswordTooShort, PasswordTooCommon;
        SecondFactorNeeded where a `code` of the account's second factor is missing or wrong, SecondFactorSlowed; a wrong
        password uses none. Unauthenticated when the session is over. Its `auth_time` stays: acts on money need
        a fresh proof."""
        account = await self.own_password.account(principal)
        password_policy.check(new, account.mobile, field="newPassword")
        try:
            identity = await self.own_password.verify(principal, account, old, address)
        except WrongCredentials:
            raise OldPasswordWrong("not the password of this account", field="oldPassword") from None
        await self._take_code(account.id, code, address)
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

    async def _take_code(self, user_id: int, code: str | None, address: str) -> None:
        async with self.db.read() as session:
            if not await factors.is_enrolled(session, user_id):
                return
        if code is None:
            raise SecondFactorNeeded("a new password takes a code of the second factor", field="totpCode")
        try:
            await self.second_factors.spend(user_id, code)
        except SecondFactorWrong:
            security_log.event("second_factor_failed", user_id=user_id, address=address)
            raise SecondFactorNeeded("not a code of this moment, or used before", field="totpCode") from None
