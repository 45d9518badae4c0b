"""Clients of other services, called through the sidecar; responses are parsed into types of this module."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from payment.errors import OrderNotFound, WechatNotLinked
from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel, RowId, Text
from servicekit.sidecar import Sidecar


class Payable(ApiModel):
    """What a buyer owes for an order, in fen; `payable`: whether its owner accepts a payment now."""

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
    """An order that was checked in: its homestay business is due the payout."""

    id: RowId
    order_sn: Text
    homestay_business_id: RowId
    payment_sn: Text
    used_at: AwareDatetime


class _UsedOrders(ApiModel):
    list: list[UsedOrder]


@dataclass(kw_only=True, eq=False)
class OrderPeer:
    """app-id `order`."""

    PAGE: ClassVar[int] = 500

    sidecar: Sidecar

    async def payable(self, order_sn: str) -> Payable:
        """Raises OrderNotFound."""
        answer = await self.sidecar.ask("order", "/internal/payable", {"orderSn": order_sn}, Payable)
        if answer is None:
            raise OrderNotFound(f"order {order_sn}")
        return answer

    async def used(self, day: date) -> AsyncIterator[list[UsedOrder]]:
        """Yields the orders checked in on `day` in Shanghai (order's `lookup.used_on`), by id, in pages of at most `PAGE`.
        Raises PeerUnavailable."""
        last_id = 0
        while True:
            body = {"day": day.isoformat(), "lastId": last_id, "pageSize": self.PAGE}
            answer = await self.sidecar.ask("order", "/internal/usedOrders", body, _UsedOrders)
            if answer is None:
                raise PeerUnavailable("order: 404 for usedOrders")  # not "no stays": a peer without this endpoint
            yield answer.list
            if len(answer.list) < self.PAGE:
                return
            last_id = answer.list[-1].id


@dataclass(kw_only=True, eq=False)
class UserPeer:
    """app-id `usercenter`. An openid belongs to one mini-program: `appid`, the one that the payment is made in."""

    sidecar: Sidecar
    appid: str

    async def openid(self, user_id: int) -> str:
        """The user's openid in the mini-program. Raises WechatNotLinked."""
        body = {"userId": user_id, "authType": "wxMini", "appid": self.appid}
        answer = await self.sidecar.ask("usercenter", "/internal/authByUser", body, _OpenidAnswer)
        if answer is None:
            raise WechatNotLinked("the user has no wxMini authorisation")
        return answer.auth_key
