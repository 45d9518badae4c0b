"""Clients of the services that notification calls, by Dapr service invocation. Check-in codes and openids come this way,
never by an event."""

from dataclasses import dataclass
from datetime import date

from pydantic import AwareDatetime, Field

from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel
from servicekit.sidecar import Sidecar


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


class WechatIdentity(ApiModel):
    auth_key: str = Field(min_length=1, repr=False)


@dataclass(kw_only=True, eq=False)
class OrderPeer:
    sidecar: Sidecar

    async def order(self, order_sn: str) -> OrderDetail:
        """Raises PeerUnavailable, also for an order that order does not find: it published an event about it."""
        found = await self.sidecar.ask("order", "/internal/orderDetail", {"orderSn": order_sn}, OrderDetail)
        if found is None:
            raise PeerUnavailable("order: 404 for an order that it published")
        return found


@dataclass(kw_only=True, eq=False)
class UserPeer:
    sidecar: Sidecar
    appid: str

    async def openid(self, user_id: int) -> str | None:
        """None when the user has never signed in to the mini program. Raises PeerUnavailable."""
        wanted = {"userId": user_id, "authType": "wxMini", "appid": self.appid}
        found = await self.sidecar.ask("usercenter", "/internal/authByUser", wanted, WechatIdentity)
        return found.auth_key if found else None
