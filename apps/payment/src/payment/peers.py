"""What payment asks of other services, through the sidecars, in its own types."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from payment.errors import OrderNotFound, WechatNotLinked
from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel, RowId, Text
from servicekit.sidecar import Sidecar


class Payable(ApiModel):
    """Who owes how much for what; `payable` is the owner's word on whether it may be paid now."""

    order_sn: Text
    user_id: RowId
    total_fen: Annotated[int, Field(ge=0, le=2**53)]
    payable: bool
    close_at: AwareDatetime
    title: Text

    @property
    def expires_at(self) -> datetime:
        return self.close_at


class _OpenidAnswer(ApiModel):
    auth_key: Annotated[Text, Field(min_length=1)]


class UsedOrder(ApiModel):
    """A stay that began: its merchant has earned it."""

    id: RowId
    order_sn: Text
    homestay_business_id: RowId
    payment_sn: Text
    used_at: AwareDatetime


class _UsedOrders(ApiModel):
    list: list[UsedOrder]


class OrderPeer:
    """app-id `order`."""

    PAGE = 500

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def payable(self, order_sn: str) -> Payable:
        """Raises OrderNotFound."""
        answer = await self._sidecar.ask("order", "/internal/payable", {"orderSn": order_sn}, Payable)
        if answer is None:
            raise OrderNotFound(f"order {order_sn}")
        return answer

    async def used(self, day: date) -> AsyncIterator[list[UsedOrder]]:
        """The stays that began on a day, page by page. Raises PeerUnavailable."""
        last_id = 0
        while True:
            body = {"day": day.isoformat(), "lastId": last_id, "pageSize": self.PAGE}
            answer = await self._sidecar.ask("order", "/internal/usedOrders", body, _UsedOrders)
            if answer is None:
                raise PeerUnavailable("order: 404 for usedOrders")  # no day without stays: one that cannot be known yet
            yield answer.list
            if len(answer.list) < self.PAGE:
                return
            last_id = answer.list[-1].id


class UserPeer:
    """app-id `usercenter`. An openid is one of a mini-program: of `appid`, the one that the payment is for."""

    def __init__(self, sidecar: Sidecar, appid: str) -> None:
        self._sidecar, self._appid = sidecar, appid

    async def openid(self, user_id: int) -> str:
        """Raises WechatNotLinked when the user has not linked WeChat."""
        body = {"userId": user_id, "authType": "wxMini", "appid": self._appid}
        answer = await self._sidecar.ask("usercenter", "/internal/authByUser", body, _OpenidAnswer)
        if answer is None:
            raise WechatNotLinked("the user has no wxMini authorisation")
        return answer.auth_key
