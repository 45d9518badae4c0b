"""A signed-in user proves again who they are: for acts that move money, and before a second factor is set up."""

from dataclasses import dataclass

from servicekit.auth import Principal
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Unauthenticated
from usercenter import repository
from usercenter.errors import SecondFactorWrong
from usercenter.models import ONE_TIME_CODE
from usercenter.own_password import OwnPassword
from usercenter.second_factor import Confirmed, Enrolment, Needs, SecondFactors, require_operator
from usercenter.sessions import Sessions
from usercenter.tokens import IssuedToken


@dataclass(kw_only=True, eq=False)
class Reauthentication:
    db: Database
    clock: Clock
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
        """The recovery codes, and a token of the same session that has the operator role. Replacing a factor ends all other
        sessions. Raises Unauthenticated when the session is over, and what SecondFactors.confirm returns and raises."""
        async with self.db.transaction() as tx:
            account = await repository.locked_user(tx, user.user_id)
            if account is None:
                raise Unauthenticated("the account is closed")
            own, now = await self.sessions.own(tx, user, account), self.clock()
            outcome = await self.factors.confirm(tx, account, code)
            if isinstance(outcome, Confirmed):
                if outcome.replaces:
                    self.sessions.keep_only(own, account, now)
                issued = await self.sessions.prove(tx, own, account, sorted({*own.amr, ONE_TIME_CODE}), now)
        if not isinstance(outcome, Confirmed):
            raise outcome
        return outcome.recovery_codes, issued
