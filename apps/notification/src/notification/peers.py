"""Clients of the services that notification calls, by Dapr service invocation. Check-in codes and openids come this way,
never by an event."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError

from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel
from servicekit.sidecar import Sidecar

NOT_FOUND = "order: 404 for an order that it published"


class OrderDetail(ApiModel):
    """The fields of an order that the messages use."""

    sn: str
    user_id: int
    homestay_user_id: int
    title: str
    trade_state: int
    checkin_code: str | None = Field(alias="tradeCode", repr=False)
    total_fen: int
    live_start_date: date
    live_end_date: date
    refunded_at: AwareDatetime | None = None
    refunded_fen: int | None = None
    refund_state: str | None = None
    refund_asked_at: AwareDatetime | None = None
    refund_answer_by: AwareDatetime | None = None
    refund_least_fen: int | None = None


class WechatIdentity(ApiModel):
    auth_key: str = Field(min_length=1, repr=False)


class OrdersFound(ApiModel):
    """Each order is read by itself: one that cannot be read harms no other."""

    orders: list[Any]


class Openid(ApiModel):
    user_id: int
    openid: str = Field(min_length=1, repr=False)


class OpenidsFound(ApiModel):
    openids: list[Openid]


@dataclass(kw_only=True, eq=False)
class OrderPeer:
    sidecar: Sidecar

    async def order(self, order_sn: str) -> OrderDetail:
        """Raises PeerUnavailable, also for an order that order does not find: it published an event about it."""
        found = await self.sidecar.ask("order", "/internal/orderDetail", {"orderSn": order_sn}, OrderDetail)
        if found is None:
            raise PeerUnavailable(NOT_FOUND)
        return found

    async def orders(self, order_sns: Collection[str]) -> Mapping[str, OrderDetail | PeerUnavailable]:
        """Each by its number, or why there is none: it is not found, or cannot be read. Raises PeerUnavailable when all
        of them fail together."""
        if len(order_sns) == 1:
            [order_sn] = order_sns
            return {order_sn: await self.order(order_sn)}
        answer = await self.sidecar.ask("order", "/internal/orders", {"orderSns": list(order_sns)}, OrdersFound)
        if answer is None:
            raise PeerUnavailable("order: 404 for /internal/orders")
        told = {
            each["sn"]: each for each in answer.orders if isinstance(each, dict) and isinstance(each.get("sn"), str)
        }
        return {order_sn: _readable(told.get(order_sn)) for order_sn in order_sns}


@dataclass(kw_only=True, eq=False)
class UserPeer:
    sidecar: Sidecar
    appid: str

    async def openid(self, user_id: int) -> str | None:
        """None when the user has never signed in to the mini program. Raises PeerUnavailable."""
        wanted = {"userId": user_id, "authType": "wxMini", "appid": self.appid}
        found = await self.sidecar.ask("usercenter", "/internal/authByUser", wanted, WechatIdentity)
        return found.auth_key if found else None

    async def openids(self, user_ids: Collection[int]) -> Mapping[int, str | None]:
        """By user id; None, or no entry, for those who have never signed in to the mini program. Raises PeerUnavailable."""
        if len(user_ids) == 1:
            [user_id] = user_ids
            return {user_id: await self.openid(user_id)}
        wanted = {"userIds": list(user_ids), "appid": self.appid}
        found = await self.sidecar.ask("usercenter", "/internal/openids", wanted, OpenidsFound)
        if found is None:
            raise PeerUnavailable("usercenter: 404 for /internal/openids")
        return {each.user_id: each.openid for each in found.openids}


def _readable(order: dict[str, Any] | None) -> OrderDetail | PeerUnavailable:
    if order is None:
        return PeerUnavailable(NOT_FOUND)
    try:
        return OrderDetail.model_validate(order)
    except ValidationError as error:
        fields = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
        return PeerUnavailable(f"order: /internal/orders cannot be read: {', '.join(fields)}")
