"""What payment asks of other services, through the sidecars, in its own types."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime

from payment.errors import OrderNotFound, WechatNotLinked
from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel
from servicekit.sidecar import Sidecar


class Payable(ApiModel):
    """Who owes how much for what; `payable` is the owner's word on whether it may be paid now."""

    order_sn: str
    user_id: int
    total_fen: int
    payable: bool
    close_at: AwareDatetime
    title: str

    @property
    def expires_at(self) -> datetime:
        return self.close_at


class _OpenidAnswer(ApiModel):
    auth_key: str


async def _ask(sidecar: Sidecar, app_id: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """The peer's JSON, or None for its 404. Raises PeerUnavailable for any other refusal: we asked it rightly."""
    response = await sidecar.invoke(app_id, "POST", path, json=body)
    if response.status_code == 404:
        return None
    if not response.is_success:
        raise PeerUnavailable(f"{app_id}{path}: {response.status_code}")
    answer: dict[str, Any] = response.json()
    return answer


class OrderPeer:
    """app-id `order`."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def payable(self, order_sn: str) -> Payable:
        """Raises OrderNotFound."""
        answer = await _ask(self._sidecar, "order", "/internal/payable", {"orderSn": order_sn})
        if answer is None:
            raise OrderNotFound(f"order {order_sn}")
        return Payable.model_validate(answer)


class UsedOrder(ApiModel):
    """A stay that began: its merchant has earned it."""

    id: int
    order_sn: str
    homestay_business_id: int
    payment_sn: str
    used_at: AwareDatetime


class StayPeer:
    """app-id `order`: which stays began on a day."""

    PAGE = 500

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def used(self, day: date) -> AsyncIterator[list[UsedOrder]]:
        """Page by page. Raises PeerUnavailable."""
        last_id = 0
        while True:
            body = {"day": day.isoformat(), "lastId": last_id, "pageSize": self.PAGE}
            answer = await _ask(self._sidecar, "order", "/internal/usedOrders", body)
            if answer is None:
                raise PeerUnavailable("order: 404 for usedOrders")  # no day without stays: one that cannot be known yet
            page = [UsedOrder.model_validate(each) for each in answer["list"]]
            yield page
            if len(page) < self.PAGE:
                return
            last_id = page[-1].id


class UserPeer:
    """app-id `usercenter`. An openid is one of a mini-program: of `appid`, the one that the payment is for."""

    def __init__(self, sidecar: Sidecar, appid: str) -> None:
        self._sidecar, self._appid = sidecar, appid

    async def openid(self, user_id: int) -> str:
        """Raises WechatNotLinked when the user has not linked WeChat."""
        body = {"userId": user_id, "authType": "wxMini", "appid": self._appid}
        answer = await _ask(self._sidecar, "usercenter", "/internal/authByUser", body)
        if answer is None:
            raise WechatNotLinked("the user has no wxMini authorisation")
        return _OpenidAnswer.model_validate(answer).auth_key
