"""A signed-in user proves again who they are: for acts that move money, and before a second factor is set up."""

from dataclasses import dataclass

from servicekit.auth import Principal
from usercenter.errors import SecondFactorWrong
from usercenter.models import ONE_TIME_CODE
from usercenter.own_password import OwnPassword
from usercenter.second_factor import Enrolment, Needs, SecondFactors, require_operator
from usercenter.sessions import Sessions
from usercenter.tokens import IssuedToken


@dataclass(kw_only=True, eq=False)
class Reauthentication:
    own_password: OwnPassword
    factors: SecondFactors
    sessions: Sessions
    """`address` of its methods: the caller's, for the security log."""

    async def again(
        self, user: Principal, password: str, code: str | None, address: str
    ) -> tuple[IssuedToken, Needs | None]:
        """A new token of the same session whose `auth_time` is now; and what an operator lacks. Raises Unauthenticated,
        WrongCredentials, TooManyFailures, RateLimited, SecondFactorWrong, SecondFactorSlowed: then the session is as
        before."""
        account = await self.own_password.account(user)
        proven = await self.own_password.verify(user, account, password, address)
        identity, needs = await self.factors.of_sign_in(proven, password, code)
        if needs is Needs.CODE:
            raise SecondFactorWrong("an operator proves it with a code as well", field="totpCode")
        return await self.sessions.strengthen(user, identity.amr), needs

    async def enrol(self, user: Principal, password: str, code: str | None, address: str) -> Enrolment:
        """Raises what `again` and SecondFactors.enrol raise."""
        account = await self.own_password.account(user)
        require_operator(account)
        await self.own_password.verify(user, account, password, address)
        return await self.factors.enrol(user.user_id, password, code)

    async def confirm(self, user: Principal, code: str) -> tuple[list[str], IssuedToken]:
        """The recovery codes, and a token of the same session that has the operator role. Raises what
        SecondFactors.confirm raises."""
        recovery_codes = await self.factors.confirm(user.user_id, code)
        return recovery_codes, await self.sessions.strengthen(user, sorted({*user.amr, ONE_TIME_CODE}))
