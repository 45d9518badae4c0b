"""What this service asks of others, by invocation. Names, codes and openids come this way and never by an event."""

from datetime import date

from pydantic import AwareDatetime, Field

from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel
from servicekit.sidecar import Sidecar


class OrderDetail(ApiModel):
    """What the messages need of an order."""

    sn: str
    user_id: int
    homestay_user_id: int
    title: str
    trade_state: int
    trade_code: str | None = Field(repr=False)
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


class Peers:
    """Every method raises PeerUnavailable when the other service gives no answer that can be used."""

    def __init__(self, sidecar: Sidecar, appid: str) -> None:
        self._sidecar, self._appid = sidecar, appid

    async def order(self, order_sn: str) -> OrderDetail:
        """An order that its own service does not know is an outage as well: it told us of it."""
        found = await self._sidecar.ask("order", "/internal/orderDetail", {"orderSn": order_sn}, OrderDetail)
        if found is None:
            raise PeerUnavailable("order: does not know this order")
        return found

    async def openid(self, user_id: int) -> str | None:
        """None when the user has never signed in to the mini program."""
        wanted = {"userId": user_id, "authType": "wxMini", "appid": self._appid}
        found = await self._sidecar.ask("usercenter", "/internal/authByUser", wanted, WechatIdentity)
        return found.auth_key if found else None
