"""Clients of the services that order calls, by Dapr service invocation. Every call raises PeerUnavailable when the
peer gives no usable answer; the caller retries.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from order.cancelling import CancelPolicy
from order.pricing import MOST_DAYS_AHEAD, Stay
from servicekit.collector import Collector
from servicekit.errors import PeerUnavailable
from servicekit.schemas import RowId, Text
from servicekit.sidecar import Sidecar

MOST_AT_ONCE, LONGEST_WAIT_SECONDS = 100, 3.0
"""Stays in one call, and how long the first of those that wait for the next call may wait, in seconds."""
CLOSE_SECONDS = 11.0
"""Longer than payment's own limit of nine seconds for WeChat."""
FREE_STAYS_SECONDS = 1.0
"""A quote is given without them rather than late."""


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
    days_ahead: int = Field(ge=0, le=MOST_DAYS_AHEAD)
    cancel_policy: CancelPolicy
    nights: tuple[NightOffer, ...]


class CloseAnswer(PeerAnswer):
    """The outcome of closing an order's payments at WeChat. `total_fen` in fen."""

    outcome: Literal["closed", "neverPaid", "paid"]
    payment_sn: Text | None = None
    pay_time: AwareDatetime | None = None
    total_fen: int | None = Field(None, ge=0, le=2**53)
    version: int | None = Field(None, ge=0, le=2**31 - 1)


class FreeStay(PeerAnswer):
    start: date
    end: date


class FreeStays(PeerAnswer):
    stays: Annotated[list[FreeStay], Field(max_length=3)]


class PaymentOfOrder(PeerAnswer):
    sn: str
    pay_type: str


class _Homestays(PeerAnswer):
    homestays: tuple[Homestay | None, ...]


@dataclass(kw_only=True, eq=False)
class TravelPeer:
    """Stays that are asked about at the same time are asked about in one call: while one is under way, the next gathers."""

    sidecar: Sidecar
    _stays: Collector[tuple[int, Stay], Homestay | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._stays = Collector(
            self._ask_stays, name="ask travel for homestays", batch=MOST_AT_ONCE, longest_seconds=LONGEST_WAIT_SECONDS
        )

    async def homestay(self, homestay_id: int, stay: Stay) -> Homestay | None:
        """As it is offered now, with each night of the stay; None when there is no such homestay. Raises PeerUnavailable,
        and Unavailable when too many wait."""
        return await self._stays.submit((homestay_id, stay))

    async def free_stays(self, homestay_id: int, stay: Stay, units: int) -> list[Stay]:
        """At most three stays as long as `stay`, the nearest first, that had `units` free when travel last heard."""
        asked = {"homestayId": homestay_id, "start": stay.start.isoformat(), "nights": stay.nights, "units": units}
        answer = await self.sidecar.ask(
            "travel", "/internal/freeStays", asked, FreeStays, timeout_seconds=FREE_STAYS_SECONDS
        )
        return [Stay(each.start, each.end) for each in answer.stays] if answer else []

    async def _ask_stays(self, stays: Sequence[tuple[int, Stay]]) -> list[Homestay | Exception | None]:
        different = list(dict.fromkeys(stays))
        asked = [_asked(homestay_id, stay) for homestay_id, stay in different]
        if len(different) == 1:
            told = [await self.sidecar.ask("travel", "/internal/homestaySnapshot", asked[0], Homestay)]
        else:
            answer = await self.sidecar.ask("travel", "/internal/homestaySnapshots", {"stays": asked}, _Homestays)
            if answer is None or len(answer.homestays) != len(different):
                raise PeerUnavailable("travel: not every stay of /internal/homestaySnapshots")
            told = list(answer.homestays)
        of_stay = dict(zip(different, told, strict=True))
        return [_of_its_nights(of_stay[each], each[1]) for each in stays]


def _asked(homestay_id: int, stay: Stay) -> dict[str, object]:
    return {"homestayId": homestay_id, "start": stay.start.isoformat(), "end": stay.end.isoformat()}


def _of_its_nights(homestay: Homestay | None, stay: Stay) -> Homestay | Exception | None:
    if homestay is not None and [each.night for each in homestay.nights] != stay.dates:
        return PeerUnavailable("travel: its nights are not those of the stay")
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
