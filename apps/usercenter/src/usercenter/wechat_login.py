"""Signing in through the mini-program: the openid's account, or the phone number's, or a new one. Needs no login."""

from servicekit.db import Database, Transaction
from servicekit.errors import Unavailable
from usercenter import repository
from usercenter.errors import WechatAlreadyBound
from usercenter.models import WX_MINI
from usercenter.registration import Newcomer
from usercenter.schemas import Account
from usercenter.wechat.client import MiniProgram
from usercenter.wechat.phone import phone_number

ATTEMPTS = 3


class _LostRace(Exception):
    """Another request bound this openid in the meantime: what we began must not stay."""


class WechatLogin:
    def __init__(self, db: Database, wechat: MiniProgram, newcomer: Newcomer) -> None:
        self._db, self._wechat, self._newcomer = db, wechat, newcomer

    async def sign_in(self, code: str, iv: str, encrypted_data: str) -> Account:
        """Raises WeChat's refusals (`errors`), WechatAlreadyBound. The same openid always ends in one account."""
        session = await self._wechat.session_of(code)
        mobile = phone_number(session.session_key, iv, encrypted_data, self._wechat.appid)
        for _ in range(ATTEMPTS):
            try:
                async with self._db.transaction() as tx:
                    return Account(user_id=await self._bind(tx, session.openid, mobile))
            except _LostRace:
                continue
        raise Unavailable("this openid is being bound by others", retry_after=1)

    async def _bind(self, tx: Transaction, openid: str, mobile: str) -> int:
        if bound := await repository.auth_by_key(tx, WX_MINI, openid):
            return bound.user_id
        added = await repository.add_user(
            tx, mobile=mobile, nickname=self._newcomer.nickname(mobile[-4:]), avatar=self._newcomer.avatar()
        )
        user_id = added or await self._owner_of(tx, mobile)
        if await repository.add_auth(tx, user_id, WX_MINI, openid):
            return user_id
        if await repository.auth_by_key(tx, WX_MINI, openid):
            raise _LostRace
        raise WechatAlreadyBound("the account of this phone number has another WeChat user")

    async def _owner_of(self, tx: Transaction, mobile: str) -> int:
        owner = await repository.user_by_mobile(tx, mobile)
        if owner is None:  # its account was closed: the number stays taken
            raise WechatAlreadyBound("the account of this phone number is closed")
        return owner.id
