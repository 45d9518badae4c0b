"""What order asks of other services, through the sidecars. Their words are read here and nowhere else.

Whatever is not a peer's clear answer is PeerUnavailable: the caller tries again, nothing is decided on a guess.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from servicekit.errors import PeerUnavailable
from servicekit.schemas import RowId, Text
from servicekit.sidecar import Sidecar

CLOSE_SECONDS = 11.0
"""payment asks WeChat meanwhile, and gives that nine seconds in all."""


class PeerAnswer(BaseModel):
    """Parent of peers' answers: camelCase, more members than we know are fine."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Homestay(PeerAnswer):
    """A homestay as it is sold today."""

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


class CloseAnswer(PeerAnswer):
    """What payment, and WeChat behind it, says of an order that must not be paid any more."""

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

    async def homestay(self, homestay_id: int) -> Homestay | None:
        asked = {"homestayId": homestay_id}
        return await self.sidecar.ask("travel", "/internal/homestaySnapshot", asked, Homestay)


@dataclass(kw_only=True, eq=False)
class PaymentPeer:
    sidecar: Sidecar

    async def close(self, order_sn: str, attempt: int) -> CloseAnswer:
        """Close the order's payments at WeChat. Each attempt has a key of its own: an earlier answer may be outdated."""
        body, key = {"orderSn": order_sn}, f"close-{order_sn}-{attempt}"
        answer = await self.sidecar.ask(
            "payment", "/internal/close", body, CloseAnswer, key=key, timeout_seconds=CLOSE_SECONDS
        )
        if answer is None:
            raise PeerUnavailable("payment: 404 for close")
        return answer

    async def of_order(self, order_sn: str) -> PaymentOfOrder | None:
        return await self.sidecar.ask("payment", "/internal/paymentByOrder", {"orderSn": order_sn}, PaymentOfOrder)
