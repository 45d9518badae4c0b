"""Clients of other services, called through the sidecar; responses are parsed into types of this module.

What prepays ask for at the same time is asked for in one call: while one is under way, the next one gathers.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from payment.errors import OrderNotFound, WechatNotLinked
from servicekit.collector import Collector
from servicekit.errors import PeerUnavailable
from servicekit.schemas import ApiModel, RowId, Text
from servicekit.sidecar import Sidecar
from servicekit.telemetry import traces

MOST_AT_ONCE, LONGEST_WAIT_SECONDS = 100, 3.0
"""Orders or users in one call, and how long the first of those that wait for the next call may wait, in seconds."""


class Payable(ApiModel):
    """What a buyer owes for an order, in fen; `payable`: whether its owner accepts a payment now. `traceparent`,
    `tracestate`: of the booking, empty for an order from before they were kept."""

    order_sn: Text
    user_id: RowId
    total_fen: Annotated[int, Field(ge=0, le=2**53)]
    payable: bool
    close_at: AwareDatetime
    title: Text
    traceparent: Text = ""
    tracestate: Text = ""

    @property
    def expires_at(self) -> datetime:
        return self.close_at

    @property
    def booking(self) -> traces.SpanContext:
        """NO_CONTEXT for a traceparent that is none."""
        return traces.parsed(self.traceparent, self.tracestate)


class _Payables(ApiModel):
    payables: list[Payable]


class _OpenidAnswer(ApiModel):
    auth_key: Annotated[Text, Field(min_length=1)]


class _Openid(ApiModel):
    user_id: RowId
    openid: Annotated[Text, Field(min_length=1)]


class _Openids(ApiModel):
    openids: list[_Openid]


class DueOrder(ApiModel):
    """An order that was checked in, or cancelled while a part is kept: its homestay business is due the payout. `id` is
    order's, of its listing."""

    id: RowId
    order_sn: Text
    homestay_business_id: RowId
    homestay_id: RowId
    homestay_user_id: RowId
    title: Text
    payment_sn: Text


class _DueOrders(ApiModel):
    list: list[DueOrder]


@dataclass(kw_only=True, eq=False)
class OrderPeer:
    """app-id `order`."""

    PAGE: ClassVar[int] = 500

    sidecar: Sidecar

    _payables: Collector[str, Payable] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._payables = Collector(
            self._ask_payables, name="ask order for payables", batch=MOST_AT_ONCE, longest_seconds=LONGEST_WAIT_SECONDS
        )

    async def payable(self, order_sn: str) -> Payable:
        """Raises OrderNotFound, PeerUnavailable, Unavailable when too many wait."""
        return await self._payables.submit(order_sn)

    async def _ask_payables(self, order_sns: Sequence[str]) -> list[Payable | Exception]:
        different = list(dict.fromkeys(order_sns))
        if len(different) == 1:
            answer = await self.sidecar.ask("order", "/internal/payable", {"orderSn": different[0]}, Payable)
            found = {answer.order_sn: answer} if answer else {}
        else:
            answers = await self.sidecar.ask("order", "/internal/payables", {"orderSns": different}, _Payables)
            if answers is None:
                raise PeerUnavailable("order: 404 for /internal/payables")
            found = {each.order_sn: each for each in answers.payables}
        return [found.get(order_sn) or OrderNotFound(f"order {order_sn}") for order_sn in order_sns]

    async def used(self, day: date, above: int) -> list[DueOrder]:
        """The orders checked in on `day` in Shanghai (order's `lookup.used_on`), by id, at most `PAGE` with an id above
        `above`. Raises PeerUnavailable."""
        return _known(await self.sidecar.ask("order", "/internal/usedOrders", self._page(day, above), _DueOrders))

    async def kept(self, day: date, above: int) -> list[DueOrder]:
        """The orders cancelled on `day` of which a part is kept (order's `lookup.kept_on`); as `used`."""
        return _known(await self.sidecar.ask("order", "/internal/keptOrders", self._page(day, above), _DueOrders))

    def _page(self, day: date, above: int) -> dict[str, object]:
        return {"day": day.isoformat(), "lastId": above, "pageSize": self.PAGE}

    async def due(self, day: date) -> AsyncIterator[list[DueOrder]]:
        """Yields all pages of `used`, then of `kept`. Raises PeerUnavailable."""
        for listing in (self.used, self.kept):
            page = await listing(day, 0)
            yield page
            while len(page) == self.PAGE:
                page = await listing(day, page[-1].id)
                yield page


def _known(answer: _DueOrders | None) -> list[DueOrder]:
    if answer is None:
        raise PeerUnavailable("order: 404 for its listing")  # not "no orders": a build without this method
    return answer.list


@dataclass(kw_only=True, eq=False)
class UserPeer:
    """app-id `usercenter`. An openid belongs to one mini-program: `appid`, the one that the payment is made in."""

    sidecar: Sidecar
    appid: str

    _openids: Collector[int, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._openids = Collector(
            self._ask_openids,
            name="ask usercenter for openids",
            batch=MOST_AT_ONCE,
            longest_seconds=LONGEST_WAIT_SECONDS,
        )

    async def openid(self, user_id: int) -> str:
        """In the mini-program. Raises WechatNotLinked, PeerUnavailable, Unavailable when too many wait."""
        return await self._openids.submit(user_id)

    async def _ask_openids(self, user_ids: Sequence[int]) -> list[str | Exception]:
        different = list(dict.fromkeys(user_ids))
        if len(different) == 1:
            body = {"userId": different[0], "authType": "wxMini", "appid": self.appid}
            answer = await self.sidecar.ask("usercenter", "/internal/authByUser", body, _OpenidAnswer)
            found = {different[0]: answer.auth_key} if answer else {}
        else:
            asked = {"userIds": different, "appid": self.appid}
            answers = await self.sidecar.ask("usercenter", "/internal/openids", asked, _Openids)
            if answers is None:
                raise PeerUnavailable("usercenter: 404 for /internal/openids")
            found = {each.user_id: each.openid for each in answers.openids}
        return [found.get(user_id) or WechatNotLinked("the user has no wxMini authorisation") for user_id in user_ids]
