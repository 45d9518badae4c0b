"""What this service asks of others, by invocation. Names, codes and openids come this way and never by an event."""

from datetime import date
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel
from servicekit.sidecar import Sidecar

P = TypeVar("P", bound=BaseModel)


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

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def order(self, order_sn: str) -> OrderDetail:
        """An order that its own service does not know is an outage as well: it told us of it."""
        found = await self._ask("order", "/internal/orderDetail", {"orderSn": order_sn}, OrderDetail)
        if found is None:
            raise PeerUnavailable("order: does not know this order")
        return found

    async def openid(self, user_id: int) -> str | None:
        """None when the user has never signed in to the mini program."""
        wanted = {"userId": user_id, "authType": "wxMini"}
        found = await self._ask("usercenter", "/internal/authByUser", wanted, WechatIdentity)
        return found.auth_key if found else None

    async def _ask(self, app_id: str, path: str, body: dict[str, Any], kind: type[P]) -> P | None:
        response = await self._sidecar.invoke(app_id, "POST", path, json=body)
        if response.status_code == 404:
            return None
        if not response.is_success:
            raise PeerUnavailable(f"{app_id}: {response.status_code} for {path}")
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            fields = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
            raise PeerUnavailable(f"{app_id}: {path} cannot be read: {', '.join(fields)}") from None
