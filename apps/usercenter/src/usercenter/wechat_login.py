"""Sign-in through the mini-program: to the account of the openid, else of the phone number, else a new one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from servicekit.clock import Clock, from_unix
from servicekit.db import Database, Transaction
from servicekit.errors import Unavailable
from usercenter import proof, repository
from usercenter.errors import WechatAlreadyBound, WechatCodeInvalid
from usercenter.identity import Identity
from usercenter.models import BY_WECHAT, WECHAT, WX_MINI, User, UserAuth
from usercenter.registration import NewUserDefaults
from usercenter.wechat.client import MiniProgram
from usercenter.wechat.phone import phone_number

ATTEMPTS = 3


REPEATED_FOR = timedelta(minutes=1)
"""How long a repeat under the same Idempotency-Key signs in: WeChat itself takes a code only once, for five minutes."""


class WechatIdentity(Identity):
    """Stored under an Idempotency-Key. Rows of before have no time, and do not sign in again."""

    signed_in_at: datetime = from_unix(0)


class _LostRace(Exception):
    """A concurrent request bound or released this openid: roll back and retry."""


@dataclass(kw_only=True, eq=False)
class WechatLogin:
    db: Database
    wechat: MiniProgram
    defaults: NewUserDefaults
    clock: Clock

    def admit(self, kept: WechatIdentity) -> Identity:
        """Raises WechatCodeInvalid for a sign-in that is repeated too late."""
        if self.clock() - kept.signed_in_at > REPEATED_FOR:
            raise WechatCodeInvalid("the code was used more than a minute ago", field="code")
        return kept

    async def sign_in(self, code: str, iv: str, encrypted_data: str) -> WechatIdentity:
        """The same openid always gets the same account. Raises WechatCodeInvalid, WechatDataInvalid,
        WechatUserBlocked, WechatBusy, WechatUnavailable, WechatAlreadyBound."""
        session = await self.wechat.session_of(code)
        mobile = phone_number(session.session_key, iv, encrypted_data, self.wechat.appid, self.clock())
        for _ in range(ATTEMPTS):
            try:
                async with self.db.transaction() as tx:
                    identity = Identity.of(await self._account(tx, session.openid, mobile), WECHAT)
                return WechatIdentity(**identity.model_dump(), signed_in_at=self.clock())
            except _LostRace:
                continue
        raise Unavailable("this openid is being bound by concurrent requests", retry_after=1)

    async def _account(self, tx: Transaction, openid: str, mobile: str) -> User:
        """WeChat has proven the number: unproven passwords and roles of its account are voided."""
        bound = await self._bound(tx, openid)
        return await (self._known(tx, openid, bound.user_id, mobile) if bound else self._new(tx, openid, mobile))

    async def _bound(self, tx: Transaction, openid: str) -> UserAuth | None:
        return await repository.auth_by_key(tx, WX_MINI, openid, self.wechat.appid)

    async def _known(self, tx: Transaction, openid: str, user_id: int, mobile: str) -> User:
        now = self.clock()
        holder = await repository.user_by_mobile(tx, mobile, lock=True)
        user = holder if holder and holder.id == user_id else await repository.locked_user(tx, user_id)
        bound = await self._bound(tx, openid)
        if user is None or bound is None or bound.user_id != user_id:  # released or bound by another request meanwhile
            raise _LostRace
        await self._refuse_another(tx, user, openid)
        bound.appid = self.wechat.appid
        if holder is user:
            await proof.prove(tx, user, BY_WECHAT, now)
        elif holder:  # another account has the number: it is not its registrant's either
            await proof.void_unproven(tx, holder, now, f"the number is proven to be that of user:{user_id}")
        return user

    async def _new(self, tx: Transaction, openid: str, mobile: str) -> User:
        now = self.clock()
        await repository.add_user(
            tx,
            mobile=mobile,
            nickname=self.defaults.nickname(),
            avatar=self.defaults.avatar(),
            proven_at=now,
            proven_by=BY_WECHAT,
        )
        user = await repository.user_by_mobile(tx, mobile, lock=True)
        if user is None:  # its account is closed: the number stays taken
            raise WechatAlreadyBound("the account of this phone number is closed")
        await self._refuse_another(tx, user, openid)
        await proof.prove(tx, user, BY_WECHAT, now)
        if await repository.add_auth(tx, user.id, WX_MINI, openid, self.wechat.appid):
            return user
        if await self._bound(tx, openid):
            raise _LostRace
        raise _another()

    async def _refuse_another(self, tx: Transaction, user: User, openid: str) -> None:
        """`user` is locked. An openid stored without an appid may be of this mini-program, which no unique key can
        tell."""
        for auth in await repository.auths_of(tx, user.id, WX_MINI):
            if auth.appid in {"", self.wechat.appid} and auth.auth_key != openid:
                raise _another()


def _another() -> WechatAlreadyBound:
    return WechatAlreadyBound("the account of this phone number has another WeChat user")
