"""Clients of the services that order calls, by Dapr service invocation. Every call raises PeerUnavailable when the
peer gives no usable answer; the caller retries.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from order.pricing import Stay
from servicekit.errors import PeerUnavailable
from servicekit.schemas import RowId, Text
from servicekit.sidecar import Sidecar

CLOSE_SECONDS = 11.0
"""Longer than payment's own limit of nine seconds for WeChat."""


class PeerAnswer(BaseModel):
    """Base of the responses of peers: camelCase, unknown members are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class NightOffer(PeerAnswer):
    """`price_fen`: of one unit, a room or a bed."""

    night: date
    price_fen: int = Field(ge=0, le=2**53)
    closed: bool


class Homestay(PeerAnswer):
    """A homestay as it is offered now, and each night of the stay that was asked for; prices in fen."""

    id: RowId
    title: Text
    sub_title: Text
    cover: Text
    info: Text
    people_num: int = Field(ge=0, le=2**31 - 1)
    sold_by: Literal[0, 1] = Field(alias="rowType")
    food_info: Text
    food_price_fen: int = Field(ge=0, le=2**53)
    homestay_price_fen: int = Field(ge=0, le=2**53)
    market_homestay_price_fen: int = Field(ge=0, le=2**53)
    homestay_business_id: RowId
    homestay_user_id: RowId
    on_sale: bool
    stock: int = Field(ge=0, le=2**31 - 1)
    """Rooms, or beds of a homestay that is sold by person."""
    min_nights: int = Field(ge=1, le=2**31 - 1)
    max_nights: int = Field(ge=1, le=2**31 - 1)
    days_ahead: int = Field(ge=0, le=365)
    cancel_policy: Text
    nights: tuple[NightOffer, ...]


class CloseAnswer(PeerAnswer):
    """The outcome of closing an order's payments at WeChat. `total_fen` in fen."""

    outcome: Literal["closed", "neverPaid", "paid"]
    payment_sn: Text | None = None
    pay_time: AwareDatetime | None = None
    total_fen: int | None = Field(None, ge=0, le=2**53)
    version: int | None = Field(None, ge=0, le=2**31 - 1)


class PaymentOfOrder(PeerAnswer):
    sn: str
    pay_type: str


@dataclass(kw_only=True, eq=False)
class TravelPeer:
    sidecar: Sidecar

    async def homestay(self, homestay_id: int, stay: Stay) -> Homestay | None:
        asked = {"homestayId": homestay_id, "start": stay.start.isoformat(), "end": stay.end.isoformat()}
        homestay = await self.sidecar.ask("travel", "/internal/homestaySnapshot", asked, Homestay)
        if homestay is not None and [each.night for each in homestay.nights] != stay.dates:
            raise PeerUnavailable("travel: its nights are not those of the stay")
        return homestay


@dataclass(kw_only=True, eq=False)
class PaymentPeer:
    sidecar: Sidecar

    async def close(self, order_sn: str, attempt: int) -> CloseAnswer:
        """Close the order's payments at WeChat. Each attempt has its own Idempotency-Key: a kept answer may be
        outdated."""
        body, key = {"orderSn": order_sn}, f"close-{order_sn}-{attempt}"
        answer = await self.sidecar.ask(
            "payment", "/internal/close", body, CloseAnswer, key=key, timeout_seconds=CLOSE_SECONDS
        )
        if answer is None:
            raise PeerUnavailable("payment: 404 for /internal/close")
        return answer

    async def of_order(self, order_sn: str) -> PaymentOfOrder | None:
        return await self.sidecar.ask("payment", "/internal/paymentByOrder", {"orderSn": order_sn}, PaymentOfOrder)
